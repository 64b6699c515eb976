/**
 * Ours and theirs, joined by a cable:
 *
 *   ┌ theirs ────────────┐          ┌ ours ──────────────┐
 *   │ pqi…   10.88.0.2   │   veth   │ pqi…   10.88.0.1   │   our end: the daemon on a TUN, or (for load) the engine's
 *   │ eth0   192.0.2.2   ├──────────┤ eth0   192.0.2.1   │   endpoint program without one
 *   │        192.0.2.22  │          │        192.0.2.11  │   where each end moves to
 *   └────────────────────┘          └────────────────────┘
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Namespace } from '../test/kit/lab/namespace.ts';
import { pqtun, Site } from '../test/kit/lab/site.ts';
import { removeNow, temporaryFolder } from '../test/kit/temporary.ts';
import type { PeerSettings } from './peers/uapi.ts';
import { settingOf } from './peers/uapi.ts';
import { WireguardPeer, type WireguardProgram } from './peers/wireguard.ts';

export const ours = { outer: '192.0.2.1', moved: '192.0.2.11', inner: '10.88.0.1', port: 51820 } as const;
export const theirs = { outer: '192.0.2.2', moved: '192.0.2.22', inner: '10.88.0.2', port: 51821 } as const;
/** A second peer of ours, by a second process in their namespace. */
export const beside = { ours: '10.89.0.1', theirs: '10.89.0.2', port: 51822 } as const;
export const echoPort = 7;
const tunnelMtu = 1420;
/** IPv4 and UDP headers of an echo. */
const echoHeaders = 28;
/** Inner packets of an echo, in bytes: the least one with a number in it, a small one, a full one. */
export const innerSizes = [echoHeaders + 4, 100, tunnelMtu] as const;
const patience = 30_000;

export interface KeyPair {
  readonly privateKey: Buffer;
  readonly publicKey: Buffer;
}

/** An X25519 key pair. */
export function keyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const d = privateKey.export({ format: 'jwk' }).d;
  const x = publicKey.export({ format: 'jwk' }).x;
  if (d === undefined || x === undefined) throw new Error('an X25519 key without d or x');
  return { privateKey: Buffer.from(d, 'base64url'), publicKey: Buffer.from(x, 'base64url') };
}

/** What the daemon says of itself; `pqtun show --json`. */
export interface Shown {
  readonly peers: readonly {
    readonly publicKey: string;
    readonly endpoint: string | null;
    readonly role: 'initiator' | 'responder' | null;
    readonly pqState: 'none' | 'hybrid' | 'classical';
    readonly handshakesCompleted: number;
    readonly bytesReceived: number;
    readonly packetsReceived: number;
  }[];
  readonly drops: Readonly<Record<string, number>>;
  readonly downgradesRefused: number;
}

export interface Sides {
  /** Whether our configuration names their endpoint, and theirs ours: who can begin. */
  readonly weKnowThem: boolean;
  readonly theyKnowUs: boolean;
  readonly psk?: boolean;
  /** Seconds, both ends. */
  readonly keepalive?: number;
}

let interfaces = 0;

/** At most 15 characters, and no other run's. */
function freshName(): string {
  return `pqi${(process.pid % 1e6).toString(36)}x${interfaces++}`;
}

export class WireguardLab implements AsyncDisposable {
  readonly oursSpace: Namespace;
  readonly theirsSpace: Namespace;
  readonly site: Site;
  readonly peer: WireguardPeer;
  readonly #program: WireguardProgram;
  readonly #more: WireguardPeer[] = [];
  readonly ourKeys = keyPair();
  readonly theirKeys = keyPair();
  readonly besideKeys = keyPair();
  readonly psk = randomBytes(32);
  readonly folder: string;

  private constructor(
    folder: string,
    program: WireguardProgram,
    oursSpace: Namespace,
    theirsSpace: Namespace,
    peer: WireguardPeer,
    plane: string,
  ) {
    this.folder = folder;
    this.#program = program;
    this.oursSpace = oursSpace;
    this.theirsSpace = theirsSpace;
    this.peer = peer;
    this.site = new Site(oursSpace, freshName(), join(folder, 'ours'), pqtun, ['--plane', plane]); // control sockets of all share a folder
  }

  /** Namespaces, cable and the other program, not configured yet. `plane`: what moves our packets. */
  static async create(program: WireguardProgram, plane: string): Promise<WireguardLab> {
    const folder = temporaryFolder('interop');
    const made: Namespace[] = [];
    try {
      const theirsSpace = await Namespace.create('theirs');
      made.push(theirsSpace);
      const oursSpace = await Namespace.create('ours');
      made.push(oursSpace);
      await oursSpace.help('veth', 'eth0', 'eth0', theirsSpace.pid);
      await oursSpace.help('configure', 'eth0', [`${ours.outer}/24`], 1500);
      await theirsSpace.help('configure', 'eth0', [`${theirs.outer}/24`], 1500);
      const peer = await WireguardPeer.start(
        theirsSpace,
        program,
        freshName(),
        `${theirs.inner}/24`,
        tunnelMtu,
      );
      return new WireguardLab(folder, program, oursSpace, theirsSpace, peer, plane);
    } catch (error) {
      for (const namespace of made) await namespace.close();
      removeNow(folder);
      throw error;
    }
  }

  /** Configures both ends as classical peers of each other and starts our daemon. */
  async up(sides: Sides): Promise<void> {
    await this.configureTheirs(sides);
    this.site.configure(this.daemonText(sides));
    await this.site.start();
    await this.oursSpace.startHelper('echo', ours.inner, echoPort);
    await this.theirsSpace.startHelper('echo', theirs.inner, echoPort);
  }

  async configureTheirs(sides: Pick<Sides, 'theyKnowUs' | 'psk' | 'keepalive'>): Promise<void> {
    await this.peer.uapi.configure(
      this.theirKeys.privateKey.toString('hex'),
      theirs.port,
      this.ourSettings(sides),
    );
  }

  /** How the other program is to know us. */
  ourSettings({ theyKnowUs, psk, keepalive }: Pick<Sides, 'theyKnowUs' | 'psk' | 'keepalive'>): PeerSettings {
    return {
      publicKey: this.ourKeys.publicKey.toString('hex'),
      ...(psk ? { presharedKey: this.psk.toString('hex') } : {}),
      ...(theyKnowUs ? { endpoint: `${ours.outer}:${ours.port}` } : {}),
      ...(keepalive === undefined ? {} : { persistentKeepalive: keepalive }),
      allowedIps: [`${ours.inner}/32`],
    };
  }

  /** Our configuration file: `[Interface]`, and the other program as a classical peer. */
  daemonText({ weKnowThem, psk, keepalive }: Sides): string {
    return [
      ...this.interfaceLines(),
      '[Peer]',
      `PublicKey = ${this.theirKeys.publicKey.toString('base64')}`,
      'Mode = classical',
      `AllowedIPs = ${theirs.inner}/32`,
      ...(psk ? [`PresharedKey = ${this.psk.toString('base64')}`] : []),
      ...(weKnowThem ? [`Endpoint = ${theirs.outer}:${theirs.port}`] : []),
      ...(keepalive === undefined ? [] : [`PersistentKeepalive = ${keepalive}`]),
      '',
    ].join('\n');
  }

  /** Starts a second process in their namespace, with the keys and addresses of `beside`, knowing where we are. */
  async startBeside(): Promise<void> {
    const space = this.theirsSpace;
    const peer = await WireguardPeer.start(
      space,
      this.#program,
      freshName(),
      `${beside.theirs}/24`,
      tunnelMtu,
    );
    this.#more.push(peer);
    await peer.uapi.configure(this.besideKeys.privateKey.toString('hex'), beside.port, {
      ...this.ourSettings({ theyKnowUs: true }),
      allowedIps: [`${beside.ours}/32`],
    });
  }

  interfaceLines(): string[] {
    return [
      '[Interface]',
      `PrivateKey = ${this.ourKeys.privateKey.toString('base64')}`,
      `Address = ${ours.inner}/24`,
      `ListenPort = ${ours.port}`,
      `MTU = ${tunnelMtu}`,
    ];
  }

  /** Ends the other program's key towards us: our daemon is given the peer anew and begins with a handshake. */
  renewAtOurs(sides: Sides): void {
    const key = this.theirKeys.publicKey.toString('base64');
    this.site.command('set', this.site.interfaceName, 'peer', key, 'remove');
    const file = join(this.folder, 'psk');
    writeFileSync(file, this.psk.toString('base64'), { mode: 0o600 });
    const words = ['peer', key, 'mode', 'classical', 'allowed-ips', `${theirs.inner}/32`];
    if (sides.psk) words.push('preshared-key', file);
    if (sides.weKnowThem) words.push('endpoint', `${theirs.outer}:${theirs.port}`);
    this.site.command('set', this.site.interfaceName, ...words);
  }

  show(): Shown {
    const { interfaces } = this.site.show() as { interfaces: Shown[] }; // documented, checked by the daemon's own tests
    const [shown] = interfaces;
    if (shown === undefined) throw new Error('the daemon shows no interface');
    return shown;
  }

  /** What the daemon shows of the other program. */
  shownPeer(): Shown['peers'][number] {
    const key = this.theirKeys.publicKey.toString('base64');
    const peer = this.show().peers.find(({ publicKey }) => publicKey === key);
    if (peer === undefined) throw new Error('the daemon does not show its peer');
    return peer;
  }

  /** A value of the other program's `get`. */
  async theirValue(key: string): Promise<string> {
    return settingOf(await this.peer.uapi.get(), key) ?? '';
  }

  /** Waits until an echo comes back through the tunnel. */
  async untilEcho(from: 'ours' | 'theirs'): Promise<void> {
    const [space, host] = this.#direction(from);
    const time = await space.help('untilEcho', host, echoPort, patience);
    if (typeof time !== 'number')
      throw new Error(`no echo through the tunnel from ${from} within ${patience} ms`);
  }

  /** Echoes of every size, both ways, and none may be lost. */
  async dataBothWays(sizes: readonly number[] = innerSizes): Promise<void> {
    await Promise.all((['ours', 'theirs'] as const).map((from) => this.#echoes(from, sizes)));
  }

  async #echoes(from: 'ours' | 'theirs', sizes: readonly number[]): Promise<void> {
    const [space, host] = this.#direction(from);
    const count = 5;
    for (const size of sizes) {
      const { answered } = (await space.help('pings', host, echoPort, count, size - echoHeaders, 10)) as {
        answered: number;
      };
      if (answered !== count) {
        throw new Error(`${answered} of ${count} inner packets of ${size} B came back, sent by ${from}`);
      }
    }
  }

  #direction(from: 'ours' | 'theirs'): [Namespace, string] {
    return from === 'ours' ? [this.oursSpace, theirs.inner] : [this.theirsSpace, ours.inner];
  }

  /** What both sides have logged, for a failed cell. */
  get logs(): string {
    return `--- our daemon\n${this.site.log.slice(-3000)}\n--- ${this.peer.interfaceName}\n${this.peer.log.slice(-3000)}`;
  }

  async close(): Promise<void> {
    await Promise.all([this.site, this.peer, ...this.#more].map((process) => process.stop()));
    await Promise.all([this.oursSpace.close(), this.theirsSpace.close()]);
    removeNow(this.folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
