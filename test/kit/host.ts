/** One host of a world: its keys, its address, its clocks, its engine and portable plane, and what came out of them. */
import {
  type Endpoint,
  type EngineEvent,
  endpoint,
  endpointKey,
  Identity,
  type Instant,
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
import type { World } from './world.ts';

export interface HostOptions {
  readonly name: string;
  readonly address: string;
  readonly port?: number;
  readonly crypto: Suite;
  /** Default: drawn from `crypto`. */
  readonly identity?: Identity;
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
  /** Set by `restart` alone. */
  identity: Identity;
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
    this.identity =
      options.identity ??
      new Identity(
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

  /**
   * Ends the program without a word and starts it again, with other keys if wanted, peers to be added anew. `keepState`: the
   * ceiling is found again.
   */
  restart(keepState: boolean, identity = this.identity): void {
    this.identity = identity;
    if (!keepState) this.ceiling = undefined;
    this.#world.enter(this, { kind: 'boot' }, () => {
      this.tunnel = this.#boot();
    });
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
    return this.act(({ engine, plane }, now) => {
      const peer = engine.addPeer(now, {
        publicKey: other.identity.dh.publicKey,
        ...(classical || kem === undefined ? {} : { kemPublicKey: kem }),
        ...(knowsEndpoint ? { endpoint: other.address } : {}),
        ...rest,
      });
      plane.setRoutes(
        allowed.map((text) => {
          const [address = '', bits = ''] = text.split('/');
          return { kind: 'add', peer, prefix: ip(address), bits: Number(bits) } as const;
        }),
      );
      return peer;
    });
  }

  peer(other: Host): PeerId {
    const peer = this.tunnel.engine.peerByPublicKey(other.identity.dh.publicKey);
    if (peer === undefined) throw new Error(`${this.name} has no peer ${other.name}`);
    return peer;
  }

  /** One inner packet into the tunnel. */
  send(packet: Uint8Array): void {
    this.#world.enter(this, { kind: 'packet', bytes: packet }, () =>
      this.tunnel.handlePacket(this.#world.now, packet),
    );
  }

  /** Calls into engine or plane and sends what follows from it. */
  act<T>(call: (tunnel: PortableTunnel, now: Instant) => T): T {
    return this.#world.enter(this, { kind: 'act' }, () => call(this.tunnel, this.#world.now));
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
