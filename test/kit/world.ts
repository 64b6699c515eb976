/**
 * A small world on virtual time: hosts with real engines and portable planes, joined by a network that loses, delays,
 * reorders, doubles and damages as told. One seed, one history. `run` jumps from event to event; nothing sleeps.
 */
import {
  type Endpoint,
  type EngineEvent,
  endpointKey,
  type Instant,
  instant,
  type LocalAddress,
  type PeerId,
  type Suite,
} from '@pqtun/core';
import { Host, type HostOptions } from './host.ts';
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

/** One call into a host, as the network, its clock, its TUN or its operator makes it. */
export type HostInput =
  /** `bytes` is the host's from here on: it decrypts in place. */
  | { readonly kind: 'datagram'; readonly from: Endpoint; readonly bytes: Uint8Array }
  | { readonly kind: 'packet'; readonly bytes: Uint8Array }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'act' }
  /** It was ended without a word and started again. */
  | { readonly kind: 'boot' };

/** Sees what there is to see, in order: an input, what it makes a host send, deliver and tell, and the input's end. */
export interface Observer {
  onInput?(host: Host, input: HostInput): void;
  onSent?(sender: Host, datagram: Datagram): void;
  onDelivered?(receiver: Host, peer: PeerId, bytes: Uint8Array): void;
  onEvent?(host: Host, event: EngineEvent): void;
  onHandled?(host: Host, input: HostInput): void;
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
  /** What happens to one datagram in place of `conditions`. */
  conditionsOf: ((datagram: Datagram) => Conditions | undefined) | undefined;
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
        this.enter(host, { kind: 'timeout' }, () => host.tunnel.handleTimeout(this.now));
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

  /** The one way into a host: calls, then sends, delivers and tells what follows from it. */
  enter<T>(host: Host, input: HostInput, call: () => T): T {
    for (const observer of this.observers) observer.onInput?.(host, input);
    try {
      return call();
    } finally {
      this.drain(host);
      for (const observer of this.observers) observer.onHandled?.(host, input);
    }
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
        this.#carry(replacement, this.conditionsOf?.(replacement) ?? this.conditions);
    }
    for (let event = host.tunnel.pollEvent(); event !== undefined; event = host.tunnel.pollEvent()) {
      host.events.push({ ...event, at: this.now });
      for (const observer of this.observers) observer.onEvent?.(host, event);
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
    this.enter(host, { kind: 'datagram', from, bytes }, () =>
      host.tunnel.handleDatagram(this.now, from, host.local, bytes),
    );
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
