/**
 * One world of one seed: hosts with real engines, portable planes and real cryptography on virtual time, configured as the
 * scenario says, and watched by the model. What befalls them is in `acts` and `attacker.ts`.
 */
import { millis, type PeerId, Secret, type SessionIndex, type Suite } from '@pqtun/core';
import { type Host, innerPacket, ip, Random, seededSuite, World } from '../kit/index.ts';
import { Attacker } from './attacker.ts';
import { identity, identityCount } from './identities.ts';
import { Model } from './model/model.ts';
import type { PeerFacts } from './model/observation.ts';
import { Network } from './network.ts';
import { type Link, pickScenario, type Scenario } from './scenario.ts';
import { spiedSuite } from './spied-suite.ts';
import { noTotals, type Totals } from './totals.ts';
import type { Tracer } from './trace.ts';
import { Watch } from './watch.ts';

/** A pre-shared key in force at one end of a link; the name is what the model knows of it. */
interface SharedKey {
  readonly name: string;
  readonly bytes: Uint8Array | undefined;
}

const noKey: SharedKey = { name: 'none', bytes: undefined };

export class Simulation {
  readonly seed: number;
  readonly random: Random;
  readonly scenario: Scenario;
  readonly world: World;
  readonly model = new Model();
  readonly totals: Totals = noTotals();
  readonly watch: Watch;
  readonly network: Network;
  readonly attacker: Attacker;
  readonly hosts: Host[] = [];
  /** What was done to the world, in words. */
  readonly history: string[] = [];
  /** Hosts whose ceiling of C6 was lost in a restart. */
  readonly forgetful = new Set<Host>();
  readonly tracer: Tracer | undefined;
  readonly #numbers = { next: 1 };
  /** By host and link: the PSK each end has. */
  readonly #psk = new Map<string, SharedKey>();
  readonly #keepalive = new Map<string, number | undefined>();
  readonly #deploymentKeys = new Map<Host, Uint8Array>();
  #identityNumber = 0;
  #serial = 0;
  #secrets = 0;

  constructor(seed: number, tracer?: Tracer) {
    this.seed = seed;
    this.tracer = tracer;
    this.random = new Random(seed);
    this.scenario = pickScenario(this.random);
    this.world = new World(seed);
    this.world.recording = false;
    this.watch = new Watch(this.world, this.model, this.totals, tracer);
    this.world.observers.push(this.watch);
    this.network = new Network(this.world, this.random);
    const first = this.random.between(0, identityCount - 1);
    const base = seededSuite(`simulation ${seed}`, 'node');
    this.attacker = new Attacker(this, base);
    for (let number = 0; number < this.scenario.hosts; number++) {
      this.hosts.push(this.#addHost(number, base, (first + 5 * number) % identityCount));
    }
    for (const link of this.scenario.links) this.#connect(link);
  }

  /* who is who */

  host(number: number): Host {
    const host = this.hosts[number];
    if (host === undefined) throw new RangeError(`no host ${number}`);
    return host;
  }

  anyHost(): Host {
    return this.random.pick(this.hosts);
  }

  anyLink(): Link {
    return this.random.pick(this.scenario.links);
  }

  /** Both ends of a link, in random order. */
  ends(link: Link): [Host, Host] {
    const [a, b] = [this.host(link.first), this.host(link.second)];
    return this.random.chance(0.5) ? [a, b] : [b, a];
  }

  linksOf(host: Host): { link: Link; other: Host }[] {
    return this.scenario.links.flatMap((link) => {
      const [a, b] = [this.host(link.first), this.host(link.second)];
      if (a === host) return [{ link, other: b }];
      return b === host ? [{ link, other: a }] : [];
    });
  }

  peerOf(host: Host, other: Host): PeerId | undefined {
    return host.tunnel.engine.peerByPublicKey(other.identity.dh.publicKey);
  }

  numberOf(host: Host): number {
    return this.hosts.indexOf(host);
  }

  tell(what: string): void {
    this.history.push(`${(this.world.now / 1000).toFixed(3)} s: ${what}`);
    this.tracer?.act(this.world.now, what);
  }

  /* configuration */

  /** Adds `other` to `host` as the link between them says, with the PSK `host` has for it now. */
  addPeer(host: Host, other: Host, link: Link): void {
    const psk = this.#pskOf(host, link);
    const gk = this.deploymentKeyOf(other);
    const knows = this.host(link.first) === host || link.bothKnow;
    const keepalive = this.#keepalive.get(endKey(host, link));
    const peer = host.act(({ engine, plane }, now) => {
      const kem = link.kind === 'hybrid' ? other.identity.kem(link.suite)?.publicKey : undefined;
      const added = engine.addPeer(now, {
        publicKey: other.identity.dh.publicKey,
        profile: link.profile,
        ...(kem === undefined ? {} : { kemPublicKey: kem }),
        ...(knows ? { endpoint: other.address } : {}),
        ...(psk.bytes === undefined ? {} : { presharedKey: Secret.copyOf(psk.bytes) }),
        ...(gk === undefined || kem === undefined ? {} : { deploymentKey: Secret.copyOf(gk) }),
        ...(keepalive === undefined ? {} : { persistentKeepalive: millis(keepalive) }),
      });
      plane.setRoutes(
        this.allowedOf(host, other).map((text) => {
          const [address = '', bits = ''] = text.split('/');
          return { kind: 'add', peer: added, prefix: ip(address), bits: Number(bits) } as const;
        }),
      );
      this.#tellPeer(host, other, link, added);
      return added;
    });
    this.tracer?.peer(host.name, peer, other.name);
  }

  removePeer(host: Host, other: Host): void {
    const peer = this.peerOf(host, other);
    if (peer === undefined) return;
    host.act(({ engine }, now) => {
      engine.removePeer(now, peer);
      this.watch.see({ kind: 'peer-gone', at: now, host: host.name, peer });
    });
  }

  /** Gives one end of a link a PSK; without `key` a fresh one, which is returned. */
  setPsk(host: Host, link: Link, key?: SharedKey): SharedKey {
    const psk = key ?? { name: `psk ${++this.#secrets}`, bytes: this.random.bytes(32) };
    this.#psk.set(endKey(host, link), psk);
    const other = this.otherEnd(host, link);
    const peer = this.peerOf(host, other);
    if (peer !== undefined) {
      host.act(({ engine }, now) => {
        const presharedKey = psk.bytes === undefined ? null : Secret.copyOf(psk.bytes);
        engine.updatePeer(now, peer, { presharedKey });
        this.#tellPeer(host, other, link, peer);
      });
    }
    return psk;
  }

  /** Whether both ends of a link have the same PSK. */
  agrees(link: Link): boolean {
    return this.#pskOf(this.host(link.first), link).name === this.#pskOf(this.host(link.second), link).name;
  }

  otherEnd(host: Host, link: Link): Host {
    return this.host(link.first) === host ? this.host(link.second) : this.host(link.first);
  }

  /** Ends the program and starts it again with the same configuration. */
  restart(host: Host, keepState: boolean): void {
    if (!keepState) this.forgetful.add(host);
    host.restart(keepState);
    this.#configureAnew(host);
  }

  /** Gives a host other static keys: it starts again, and all others take away the old peer and add the new one. */
  changeIdentity(host: Host): void {
    this.#identityNumber = (this.#identityNumber + 1) % identityCount;
    while (this.hosts.some((other) => other.identity === identity(this.#identityNumber)))
      this.#identityNumber = (this.#identityNumber + 1) % identityCount;
    for (const { other } of this.linksOf(host)) this.removePeer(other, host);
    host.restart(true, identity(this.#identityNumber));
    this.#configureAnew(host);
    for (const { link, other } of this.linksOf(host)) this.addPeer(other, host, link);
  }

  /** gk that `host` wants of hybrid initiators. */
  deploymentKeyOf(host: Host): Uint8Array | undefined {
    return this.#deploymentKeys.get(host);
  }

  /** §2: a new gk is taken beside the old one, then all others are told, then it is the only one. */
  rotateDeploymentKey(host: Host): void {
    const old = this.#deploymentKeys.get(host) ?? new Uint8Array(0);
    const fresh = this.random.bytes(32);
    this.#deploymentKeys.set(host, fresh);
    host.act(({ engine }) => engine.setDeploymentKeys([old, fresh]));
    for (const { link, other } of this.linksOf(host)) {
      const peer = this.peerOf(other, host);
      if (link.kind === 'classical' || peer === undefined) continue;
      other.act(({ engine }, now) => engine.updatePeer(now, peer, { deploymentKey: Secret.copyOf(fresh) }));
      this.world.runFor(this.random.between(0, 500));
    }
    host.act(({ engine }) => engine.setDeploymentKeys([fresh]));
  }

  #configureAnew(host: Host): void {
    const gk = this.deploymentKeyOf(host);
    if (gk !== undefined) host.act(({ engine }) => engine.setDeploymentKeys([gk]));
    for (const { link, other } of this.linksOf(host)) this.addPeer(host, other, link);
  }

  allowedOf(_host: Host, other: Host): string[] {
    const number = this.numberOf(other);
    if (number === 0 && this.scenario.hubIsDefaultRoute) return ['0.0.0.0/0', '0::/0'];
    const nested = this.scenario.nested.filter(({ owner }) => owner === number);
    return [
      `10.0.${number}.0/24`,
      `fd00:${number + 1}::/32`,
      ...nested.map(({ inside }) => `10.0.${inside}.200/32`),
    ];
  }

  /* traffic */

  /** One packet that no other equals; `undefined` when `from` has no such peer. Returns its key for `arrived`. */
  send(
    from: Host,
    to: Host,
    options: { length?: number; source?: string; version?: 4 | 6 } = {},
  ): Uint8Array | undefined {
    if (!from.awake || this.peerOf(from, to) === undefined) return undefined;
    const { version = 4, length = 100 } = options;
    const source = options.source ?? addressOf(this.numberOf(from), version);
    const packet = innerPacket(source, addressOf(this.numberOf(to), version), length, this.#serial);
    new DataView(packet.buffer).setUint32(version === 4 ? 20 : 40, ++this.#serial);
    this.totals.packetsSent += 1;
    from.send(packet.slice());
    return packet;
  }

  /** Local index and next counter of the session `host` sends under to `other`. */
  current(host: Host, other: Host): { index: SessionIndex; nextToSend: number } | undefined {
    const peer = this.peerOf(host, other);
    const { peers }: { peers: { id: number; current?: { index: SessionIndex; nextToSend: number } }[] } =
      JSON.parse(host.tunnel.plane.fingerprint());
    return peers.find(({ id }) => id === peer)?.current;
  }

  #addHost(number: number, base: Suite, identityNumber: number): Host {
    const name = this.scenario.topology === 'star' && number === 0 ? 'hub' : `host${number}`;
    const index = this.scenario.crowdedIndices ? () => this.#crowded(base) : undefined;
    const spied = spiedSuite(base, this.watch.listener(name), this.#numbers, index);
    this.watch.add(name, spied);
    const host = this.world.addHost({
      name,
      address:
        number === 0
          ? '198.51.100.1'
          : this.random.chance(0.8)
            ? `192.0.2.${number}`
            : `2001:db8:${number}::1`,
      crypto: spied.suite,
      identity: identity(identityNumber),
      engine: {
        policy: { maxDatagram: this.scenario.maxDatagrams[number] ?? 1232 },
      },
    });
    if (this.scenario.guarded.includes(number)) {
      const gk = this.random.bytes(32);
      this.#deploymentKeys.set(host, gk);
      host.act(({ engine }) => engine.setDeploymentKeys([gk]));
    }
    return host;
  }

  #connect(link: Link): void {
    const [first, second] = [this.host(link.first), this.host(link.second)];
    this.#keepalive.set(endKey(first, link), link.keepalive);
    if (link.hasPsk) {
      const psk = { name: `psk ${++this.#secrets}`, bytes: this.random.bytes(32) };
      for (const host of [first, second]) this.#psk.set(endKey(host, link), psk);
    }
    this.addPeer(first, second, link);
    this.addPeer(second, first, link);
  }

  #pskOf(host: Host, link: Link): SharedKey {
    return this.#psk.get(endKey(host, link)) ?? noKey;
  }

  #tellPeer(host: Host, other: Host, link: Link, peer: PeerId): void {
    const facts: PeerFacts = {
      peer,
      remote: other.name,
      kind: link.kind,
      profile: link.profile,
      psk: this.#pskOf(host, link).name,
      allowed: this.allowedOf(host, other),
      keepalive: this.#keepalive.get(endKey(host, link)),
    };
    this.watch.see({ kind: 'peer', at: this.world.now, host: host.name, peer: facts });
  }

  /** One of 1,024 values, far apart: jitter is drawn in the same way, and is to stay uniform. */
  #crowded(base: Suite): Uint8Array {
    const [high = 0, low = 0] = base.random(4);
    return Uint8Array.of(high, low & 0xc0, 0, 0);
  }
}

function endKey(host: Host, link: Link): string {
  return `${host.name} ${link.first}-${link.second}`;
}

/** The inner address of a host. */
export function addressOf(number: number, version: 4 | 6): string {
  return version === 4 ? `10.0.${number}.1` : `fd00:${number + 1}::1`;
}
