/**
 * A small world on virtual time: hosts with real engines and portable planes, joined by a network that loses, delays,
 * reorders, doubles and damages as told. One seed, one history. `run` jumps from event to event; nothing sleeps.
 */
import {
  type Endpoint,
  type EngineEvent,
  endpoint,
  endpointKey,
  Identity,
  type Instant,
  instant,
  type LocalAddress,
  type PeerId,
  type PeerOptions,
  PortableTunnel,
  type PortableTunnelOptions,
  Secret,
  type Suite,
  type SuiteId,
  unixMillis,
} from '@pqtun/core';
import { ip } from './packets.ts';
import { Random } from './random.ts';

/** What the network does to datagrams. Times in milliseconds. */
export interface Conditions {
  readonly delay: number;
  /** Added to `delay`, uniform: more than the gap between datagrams reorders them. */
  readonly jitter: number;
  readonly loss: number;
  readonly duplicate: number;
  /** Probability that one byte is changed. */
  readonly corrupt: number;
  /** Larger datagrams vanish. */
  readonly mtu: number;
}

export const goodNetwork: Conditions = {
  delay: 10,
  jitter: 0,
  loss: 0,
  duplicate: 0,
  corrupt: 0,
  mtu: 65_535,
};

export interface Datagram {
  readonly at: Instant;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** The local address the sender asked its socket for. */
  readonly localAddress?: LocalAddress | undefined;
  readonly bytes: Uint8Array;
}

export interface HostOptions {
  readonly name: string;
  readonly address: string;
  readonly port?: number;
  readonly crypto: Suite;
  /** Wall clock at virtual time 0, milliseconds since 1970. Default: 2026-01-01. */
  readonly wall?: number;
  readonly engine?: Partial<Omit<PortableTunnelOptions, 'crypto' | 'identity' | 'wallClock'>>;
}

/** First wall-clock time of every host unless told otherwise: 2026-01-01T00:00:00Z. */
export const newYear2026 = 1_767_225_600_000;

export class Host {
  readonly name: string;
  /** Its inner address: 10.0.0.1 for the first host of a world, 10.0.0.2 for the second, … */
  readonly inner: string;
  readonly crypto: Suite;
  readonly identity: Identity;
  /** What its socket says a datagram came to; `undefined`: a socket that cannot tell. */
  local: LocalAddress | undefined;
  /** Off or suspended: what is sent to it is lost, and nothing falls due until it wakes. Change it with `sleep`, `wake`. */
  awake = true;
  /** When `handleTimeout` is wanted, as of the last call into the host. For the world only. */
  deadline: Instant | undefined;
  /** Added to the wall clock; change it to make the clock jump. */
  wallOffset = 0;
  tunnel: PortableTunnel;
  /** Inner packets delivered, in order. */
  readonly received: { readonly at: Instant; readonly peer: PeerId; readonly bytes: Uint8Array }[] = [];
  readonly events: (EngineEvent & { readonly at: Instant })[] = [];
  /** Ceiling on "disk" (C6); survives a restart. */
  ceiling: Uint8Array | undefined;
  readonly #world: World;
  readonly #options: HostOptions;
  #address: Endpoint;
  #addressKey = '';

  constructor(world: World, options: HostOptions) {
    this.#world = world;
    this.#options = options;
    this.name = options.name;
    const number = world.hosts.length + 1;
    this.inner = `10.0.${number >> 8}.${number & 0xff}`;
    this.crypto = options.crypto;
    this.#address = endpoint(ip(options.address), options.port ?? 51820);
    this.#addressKey = endpointKey(this.#address);
    this.identity = new Identity(
      options.crypto,
      new Secret(options.crypto.random(32)),
      new Secret(options.crypto.random(64)),
    );
    this.tunnel = this.#boot();
  }

  /** Outer address; set it to roam. */
  get address(): Endpoint {
    return this.#address;
  }

  set address(address: Endpoint) {
    this.#address = address;
    this.#addressKey = endpointKey(address);
  }

  get addressKey(): string {
    return this.#addressKey;
  }

  /** Suspends it, or takes it off the network with its power: its clocks run on. */
  sleep(): void {
    this.awake = false;
  }

  wake(): void {
    this.awake = true;
  }

  /** Ends the program without a word and starts it again, peers to be added anew. `keepState`: the ceiling is found again. */
  restart(keepState: boolean): void {
    if (!keepState) this.ceiling = undefined;
    this.tunnel = this.#boot();
    this.#world.drain(this);
  }

  /** Adds `other` as a hybrid peer (or classical), with its endpoint when `knowsEndpoint`. */
  addPeer(
    other: Host,
    options: Partial<PeerOptions> & {
      readonly suite?: SuiteId;
      readonly classical?: boolean;
      readonly knowsEndpoint?: boolean;
      readonly allowed?: readonly string[];
    } = {},
  ): PeerId {
    const { suite = 1, classical = false, knowsEndpoint = true, allowed = ['0.0.0.0/0'], ...rest } = options;
    const kem = other.identity.kem(suite)?.publicKey;
    const peer = this.tunnel.engine.addPeer(this.#world.now, {
      publicKey: other.identity.dh.publicKey,
      ...(classical || kem === undefined ? {} : { kemPublicKey: kem }),
      ...(knowsEndpoint ? { endpoint: other.address } : {}),
      ...rest,
    });
    this.tunnel.plane.setRoutes(
      allowed.map((text) => {
        const [address = '', bits = ''] = text.split('/');
        return { kind: 'add', peer, prefix: ip(address), bits: Number(bits) } as const;
      }),
    );
    this.#world.drain(this);
    return peer;
  }

  peer(other: Host): PeerId {
    const peer = this.tunnel.engine.peerByPublicKey(other.identity.dh.publicKey);
    if (peer === undefined) throw new Error(`${this.name} has no peer ${other.name}`);
    return peer;
  }

  /** One inner packet into the tunnel. */
  send(packet: Uint8Array): void {
    this.tunnel.handlePacket(this.#world.now, packet);
    this.#world.drain(this);
  }

  /** Calls into engine or plane and sends what follows from it. */
  act<T>(call: (tunnel: PortableTunnel, now: Instant) => T): T {
    const result = call(this.tunnel, this.#world.now);
    this.#world.drain(this);
    return result;
  }

  eventsOf<K extends EngineEvent['kind']>(kind: K): (EngineEvent & { kind: K; at: Instant })[] {
    return this.events.filter(
      (event): event is EngineEvent & { kind: K; at: Instant } => event.kind === kind,
    );
  }

  #boot(): PortableTunnel {
    const world = this.#world;
    return new PortableTunnel(world.now, {
      crypto: this.crypto,
      identity: this.identity,
      wallClock: () => unixMillis((this.#options.wall ?? newYear2026) + world.now + this.wallOffset),
      ...(this.ceiling === undefined ? {} : { timestampFloor: this.ceiling }),
      saveTimestampCeiling: (ceiling) => {
        this.ceiling = ceiling.slice();
        return true;
      },
      ...this.#options.engine,
    });
  }
}

export interface Observer {
  onSent?(sender: Host, datagram: Datagram): void;
  onDelivered?(receiver: Host, peer: PeerId, bytes: Uint8Array): void;
}

interface Delivery {
  readonly at: Instant;
  readonly order: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
}

export class World {
  now: Instant = instant(0);
  conditions: Conditions = goodNetwork;
  readonly random: Random;
  readonly hosts: Host[] = [];
  /** Sees every datagram as it leaves; may replace it: `[]` swallows it. */
  interceptor: ((datagram: Datagram) => readonly Datagram[] | undefined) | undefined;
  /** Milliseconds a datagram takes in place of `conditions.delay`. */
  delayOf: ((datagram: Datagram) => number) | undefined;
  /** Each sees every datagram as it leaves its sender, and every inner packet as it is delivered. */
  readonly observers: Observer[] = [];
  /** Every datagram sent, when `recording`. */
  readonly wire: Datagram[] = [];
  /** Off in long runs: then neither `wire` nor any host's `received` grows, and observers see all there is. */
  recording = true;
  #inFlight: Delivery[] = [];
  #order = 0;

  constructor(seed = 1) {
    this.random = new Random(seed);
  }

  addHost(options: HostOptions): Host {
    const host = new Host(this, options);
    this.hosts.push(host);
    return host;
  }

  /** Runs until virtual time `until` (milliseconds); ends there even when nothing happens. */
  run(until: number): void {
    for (const host of this.hosts) host.deadline = host.tunnel.nextDeadline()?.at; // whoever was called without `act`
    for (;;) {
      const delivery = this.#inFlight[0];
      const { host, at } = this.#nextDeadline();
      const next = Math.min(delivery?.at ?? Number.POSITIVE_INFINITY, at ?? Number.POSITIVE_INFINITY);
      if (next > until) break;
      this.now = instant(Math.max(this.now, next));
      if (delivery !== undefined && delivery.at <= next) {
        this.#inFlight.shift();
        this.#deliver(delivery);
      } else if (host !== undefined) {
        host.tunnel.handleTimeout(this.now);
        this.drain(host);
      }
    }
    this.now = instant(Math.max(this.now, until));
  }

  runFor(milliseconds: number): void {
    this.run(this.now + milliseconds);
  }

  /** Runs until `condition` holds or `limit` ms are over; whether it held. Looks once a `step`. */
  runUntil(condition: () => boolean, limit: number, step = 10): boolean {
    const end = this.now + limit;
    while (!condition() && this.now < end) this.run(Math.min(end, this.now + step));
    return condition();
  }

  /** Puts a datagram on the wire as if it came from `from`; conditions apply unless `perfect`. */
  inject(from: Endpoint, to: Endpoint, bytes: Uint8Array, perfect = false): void {
    this.#carry({ at: this.now, from, to, bytes: bytes.slice() }, perfect ? goodNetwork : this.conditions);
  }

  /** Forgets what is under way. */
  clearInFlight(): void {
    this.#inFlight = [];
  }

  /** Takes everything a host has to send, deliver and tell. */
  drain(host: Host): void {
    for (let output = host.tunnel.poll(); output !== undefined; output = host.tunnel.poll()) {
      if (output.kind === 'packet') {
        const bytes = output.bytes.slice();
        if (this.recording) host.received.push({ at: this.now, peer: output.peer, bytes });
        for (const observer of this.observers) observer.onDelivered?.(host, output.peer, bytes);
        continue;
      }
      const datagram: Datagram = {
        at: this.now,
        from: host.address,
        to: output.to,
        localAddress: output.localAddress,
        bytes: output.bytes.slice(),
      };
      if (this.recording) this.wire.push(datagram);
      for (const observer of this.observers) observer.onSent?.(host, datagram);
      for (const replacement of this.interceptor?.(datagram) ?? [datagram])
        this.#carry(replacement, this.conditions);
    }
    for (let event = host.tunnel.pollEvent(); event !== undefined; event = host.tunnel.pollEvent()) {
      host.events.push({ ...event, at: this.now });
    }
    host.deadline = host.tunnel.nextDeadline()?.at;
  }

  #carry(datagram: Datagram, { delay, jitter, loss, duplicate, corrupt, mtu }: Conditions): void {
    const { from, to, bytes } = datagram;
    const flight = this.delayOf?.(datagram) ?? delay;
    const copies = this.random.chance(duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (bytes.length > mtu || this.random.chance(loss)) continue;
      const carried = bytes.slice();
      if (this.random.chance(corrupt)) {
        const at = this.random.between(0, carried.length - 1);
        carried[at] = (carried[at] ?? 0) ^ this.random.between(1, 255);
      }
      this.#schedule({
        at: instant(this.now + flight + this.random.fraction() * jitter),
        order: this.#order++,
        from,
        to,
        bytes: carried,
      });
    }
  }

  #schedule(delivery: Delivery): void {
    let low = 0;
    let high = this.#inFlight.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#inFlight[middle];
      if (
        other !== undefined &&
        (other.at < delivery.at || (other.at === delivery.at && other.order < delivery.order))
      )
        low = middle + 1;
      else high = middle;
    }
    this.#inFlight.splice(low, 0, delivery);
  }

  #deliver({ from, to, bytes }: Delivery): void {
    const key = endpointKey(to);
    const host = this.hosts.find(({ addressKey }) => addressKey === key);
    if (host === undefined || !host.awake) return;
    host.tunnel.handleDatagram(this.now, from, host.local, bytes);
    this.drain(host);
  }

  #nextDeadline(): { host: Host | undefined; at: Instant | undefined } {
    let first: { host: Host | undefined; at: Instant | undefined } = { host: undefined, at: undefined };
    for (const host of this.hosts) {
      const at = host.awake ? host.deadline : undefined;
      if (at !== undefined && (first.at === undefined || at < first.at)) first = { host, at };
    }
    return first;
  }
}

/** Two hosts that know each other: `gateway` knows where `hub` is, not the other way round. */
export function gatewayAndHub(
  crypto: Suite,
  options: {
    readonly seed?: number;
    readonly gateway?: Parameters<Host['addPeer']>[1];
    readonly hub?: Parameters<Host['addPeer']>[1];
    readonly engine?: HostOptions['engine'];
  } = {},
): { world: World; gateway: Host; hub: Host } {
  const world = new World(options.seed ?? 1);
  const engine = options.engine === undefined ? {} : { engine: options.engine };
  const gateway = world.addHost({ name: 'gateway', address: '192.0.2.1', crypto, ...engine });
  const hub = world.addHost({ name: 'hub', address: '198.51.100.1', crypto, ...engine });
  gateway.addPeer(hub, { ...options.gateway });
  hub.addPeer(gateway, { knowsEndpoint: false, ...options.hub });
  return { world, gateway, hub };
}
