/** For tests: parties with keys, tunnels over loopback with memory devices, and waits that end by events, never by sleeping. */
import { Identity, PqtunError, Secret } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { available } from 'tun-tap-native';
import type { OpenOptions, PacketDevice, StateStore, Tunnel, TunnelEvent } from './api.ts';
import type { PeerConfig, Prefix, TunnelConfig } from './config.ts';
import type { OpenedPath } from './data-path.ts';
import { memoryDevice } from './memory-device.ts';
import { nativePath } from './native-path.ts';
import { openFakedPlane } from './native-plane.test.kit.ts';
import { openPath, openTunnelOver, type PathChoice } from './open-tunnel.ts';

const suite = nodeSuite();

/**
 * How a tunnel's packets move in a test: through JavaScript over either kind of socket, or by what stands for the addon's plane. The
 * real one has no device but a TUN: `tun.test.ts`.
 */
export type Way = 'portable' | 'native' | 'faked plane';
export type KitOptions = Omit<Partial<OpenOptions>, 'udp'> & {
  readonly udp?: Way;
  readonly anyAddress?: boolean;
};

/** Ways to run a test on: native ones only where the addon is built, which is said where it is not. */
export const ways: readonly Way[] = available()
  ? ['portable', 'native', 'faked plane']
  : ['portable', 'faked plane'];
if (!available())
  console.warn('SKIPPED: tests over native UDP, because the addon tun-tap-native is not built');

export interface Party {
  readonly privateKey: Secret;
  readonly kemSeed: Secret;
  readonly publicKey: Uint8Array;
  kemPublicKey(suite: 1 | 2): Uint8Array;
  /** Last byte of its inner address, 10.0.0.x. */
  readonly number: number;
}

let parties = 0;

export function party(): Party {
  const privateKey = new Secret(suite.random(32));
  const kemSeed = new Secret(suite.random(64));
  const identity = new Identity(suite, privateKey, kemSeed);
  parties += 1;
  return {
    privateKey,
    kemSeed,
    publicKey: identity.dh.publicKey,
    kemPublicKey: (id) => identity.kem(id)?.publicKey ?? new Uint8Array(0),
    number: parties,
  };
}

export const randomSecret = (length = 32): Secret => new Secret(suite.random(length));
export const host = (number: number): Prefix => ({ ip: Uint8Array.of(10, 0, 0, number), bits: 32 });

/** `of` as a hybrid peer of suite 1, at 127.0.0.1:`port` if that is given. */
export function peerOf(of: Party, port?: number, more: Partial<PeerConfig> = {}): PeerConfig {
  return {
    publicKey: of.publicKey,
    kemPublicKey: of.kemPublicKey(1),
    mode: 'require',
    allowedIps: [host(of.number)],
    ...(port === undefined ? {} : { endpoint: { host: '127.0.0.1', port } }),
    ...more,
  };
}

/** The same without ML-KEM. */
export function classicalPeerOf(of: Party, port?: number): PeerConfig {
  const { kemPublicKey: _kem, ...peer } = peerOf(of, port, { mode: 'classical' });
  return peer;
}

export function configOf(
  of: Party,
  peers: readonly PeerConfig[],
  more: Partial<TunnelConfig> = {},
): TunnelConfig {
  return { privateKey: of.privateKey, kemSeed: of.kemSeed, peers, ...more };
}

/** A tunnel, what comes out of it, and what it tells. */
export class Open implements AsyncDisposable {
  readonly tunnel: Tunnel;
  readonly outside: PacketDevice;
  readonly events: TunnelEvent[] = [];
  readonly packets: Uint8Array[] = [];
  #waiting: (() => void)[] = [];

  constructor(tunnel: Tunnel, outside: PacketDevice) {
    this.tunnel = tunnel;
    this.outside = outside;
    tunnel.onEvent((event) => {
      this.events.push(event);
      this.#wake();
    });
    outside.start(
      (packets) => {
        this.packets.push(...packets.map((packet) => packet.slice()));
        this.#wake();
      },
      () => undefined,
    );
  }

  /** Resolves when `holds` does, looked at after each event and packet; rejects after 20 s with what there was. */
  until(what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((each) => each !== look);
        reject(new Error(`waited for: ${what}; events: ${this.events.map(({ id }) => id).join(', ')}`));
      }, 20_000);
      const look = (): void => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((each) => each !== look);
        resolve();
      };
      this.#waiting.push(look);
      look();
    });
  }

  /** Waits for the first event of this id that is not yet taken, and takes it. */
  async event<Id extends TunnelEvent['id']>(id: Id): Promise<Extract<TunnelEvent, { id: Id }>> {
    const find = () => this.events.findIndex((event) => event.id === id);
    await this.until(`event ${id}`, () => find() >= 0);
    const [event] = this.events.splice(find(), 1);
    return event as Extract<TunnelEvent, { id: Id }>; // found by this id
  }

  /** Waits for `count` packets and takes them. */
  async arrived(count = 1): Promise<Uint8Array[]> {
    await this.until(`${count} packets`, () => this.packets.length >= count);
    return this.packets.splice(0, count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tunnel.close();
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look();
  }
}

export async function open(config: TunnelConfig, options: KitOptions = {}): Promise<Open> {
  const { device, outside } = memoryDevice();
  const { udp = 'portable', anyAddress = false, ...others } = options;
  const tunnel = await openTunnelOver(udp === 'faked plane' ? openFaked : openPath, config, {
    device: { kind: 'custom', device },
    ...(anyAddress ? {} : { bind: ['127.0.0.1'] }),
    udp: udp === 'native' ? 'native' : 'portable',
    initiateOnStart: false,
    ...others,
  });
  return new Open(tunnel, outside);
}

/** Device and socket under what stands for the addon's plane. */
async function openFaked({ clock, options, bind, port, mark }: PathChoice): Promise<OpenedPath> {
  if (options.device.kind !== 'custom') throw new Error('it has no TUN');
  if (mark !== 0) throw new PqtunError('PQTUN_UNSUPPORTED', 'it sets no marks');
  return nativePath(clock, await openFakedPlane({ clock, device: options.device.device, bind, port }), bind);
}

/** An IPv4 packet from 10.0.0.`from` to 10.0.0.`to`, `length` B, filled with `mark`. */
export function packet(from: Party, to: Party, length = 100, mark = 0x5a): Uint8Array {
  const bytes = new Uint8Array(length).fill(mark);
  bytes.set([0x45, 0, length >>> 8, length & 0xff, 0, 0, 0x40, 0, 64, 253, 0, 0]);
  bytes.set([10, 0, 0, from.number], 12);
  bytes.set([10, 0, 0, to.number], 16);
  return bytes;
}

/** A state store in memory, with what it was told. */
export class MemoryStore implements StateStore {
  ceiling: Uint8Array | undefined;
  readonly endpoints = new Map<string, { ip: Uint8Array; port: number; scope: number }>();
  works = true;

  loadTimestampCeiling(): Uint8Array | undefined {
    return this.ceiling;
  }

  saveTimestampCeiling(ceiling: Uint8Array): boolean {
    if (this.works) this.ceiling = ceiling.slice();
    return this.works;
  }

  loadEndpoint(publicKey: Uint8Array): { ip: Uint8Array; port: number; scope: number } | undefined {
    return this.endpoints.get(publicKey.join());
  }

  saveEndpoint(publicKey: Uint8Array, at: { ip: Uint8Array; port: number; scope: number }): boolean {
    if (this.works) this.endpoints.set(publicKey.join(), at);
    return this.works;
  }
}

/** Two tunnels that know each other: `b` knows where `a` is and can begin. */
export async function pair(
  options: KitOptions = {},
  of: { a?: Partial<PeerConfig>; b?: Partial<PeerConfig> } = {},
): Promise<{ a: Open; b: Open; partyA: Party; partyB: Party }> {
  const [partyA, partyB] = [party(), party()];
  const a = await open(configOf(partyA, [peerOf(partyB, undefined, of.b)]), options);
  const b = await open(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort, of.a)]), options);
  return { a, b, partyA, partyB };
}
