/**
 * One tunnel under attack: datagrams go in one at a time at a moment of the test's choosing; what comes out, what was counted
 * and whether anything changed is looked at after each. No network, no delay.
 */
import {
  type Drop,
  type Endpoint,
  endpoint,
  Identity,
  type Instant,
  instant,
  type PeerId,
  type PeerOptions,
  PortableTunnel,
  type PortableTunnelOptions,
  Secret,
  type Suite,
  type SuiteId,
  unixMillis,
} from '@pqtun/core';
import { newYear2026 } from './host.ts';
import { ip } from './packets.ts';

export interface Outcome {
  /** Datagrams that left. */
  readonly sent: { readonly to: Endpoint; readonly bytes: Uint8Array }[];
  /** Inner packets delivered. */
  readonly delivered: Uint8Array[];
  /** Reasons counted, with how often. */
  readonly drops: Partial<Record<Drop, number>>;
}

export interface TargetOptions
  extends Partial<Omit<PortableTunnelOptions, 'crypto' | 'identity' | 'wallClock'>> {
  /** Secrets of its identity; default: drawn from `crypto`. */
  readonly identity?: Identity;
}

export class Target {
  readonly crypto: Suite;
  readonly identity: Identity;
  readonly tunnel: PortableTunnel;
  now: Instant;

  constructor(crypto: Suite, options: TargetOptions = {}, now = 0) {
    const { identity, ...engine } = options;
    this.crypto = crypto;
    this.now = instant(now);
    this.identity = identity ?? freshIdentity(crypto);
    this.tunnel = new PortableTunnel(this.now, {
      crypto,
      identity: this.identity,
      wallClock: () => unixMillis(newYear2026 + this.now),
      ...engine,
    });
  }

  addPeer(
    other: Identity,
    options: Partial<PeerOptions> & {
      readonly suite?: SuiteId;
      readonly classical?: boolean;
      readonly allowed?: string;
    } = {},
  ): PeerId {
    const { suite = 1, classical = false, allowed = '0.0.0.0/0', ...rest } = options;
    const [prefix = '', bits = ''] = allowed.split('/');
    const kem = other.kem(suite)?.publicKey;
    const peer = this.tunnel.engine.addPeer(this.now, {
      publicKey: other.dh.publicKey,
      ...(classical || kem === undefined ? {} : { kemPublicKey: kem }),
      ...rest,
    });
    this.tunnel.plane.setRoutes([{ kind: 'add', peer, prefix: ip(prefix), bits: Number(bits) }]);
    return peer;
  }

  /** One datagram in; the bytes stay the test's. */
  deliver(from: Endpoint, bytes: Uint8Array): Outcome {
    return this.#after(() => this.tunnel.handleDatagram(this.now, from, undefined, bytes.slice()));
  }

  /** Several, one after the other; outcomes joined. */
  deliverAll(from: Endpoint, datagrams: readonly Uint8Array[]): Outcome {
    return joined(datagrams.map((bytes) => this.deliver(from, bytes)));
  }

  send(packet: Uint8Array): Outcome {
    return this.#after(() => this.tunnel.handlePacket(this.now, packet));
  }

  /** Lets `milliseconds` pass and does what falls due meanwhile, each at its time. */
  pass(milliseconds: number): Outcome {
    const until = instant(this.now + milliseconds);
    const outcomes: Outcome[] = [];
    for (
      let due = this.tunnel.nextDeadline();
      due !== undefined && due.at <= until;
      due = this.tunnel.nextDeadline()
    ) {
      this.now = instant(Math.max(this.now, due.at));
      outcomes.push(this.#after(() => this.tunnel.handleTimeout(this.now)));
    }
    this.now = until;
    return joined(outcomes);
  }

  act(call: (tunnel: PortableTunnel, now: Instant) => void): Outcome {
    return this.#after(() => call(this.tunnel, this.now));
  }

  /** All that a rejected packet must leave as it was: every peer's status, the plane, and when what falls due. */
  state(): string {
    const { engine, plane } = this.tunnel;
    const peers = engine.peerIds().map((id) => engine.status(this.now, id));
    return JSON.stringify([peers, plane.fingerprint(), this.tunnel.nextDeadline(), engine.sizes().indices]);
  }

  dropsOf(reason: Drop): number {
    return this.tunnel.engine.drops.of(reason);
  }

  #after(call: () => void): Outcome {
    const before = this.tunnel.engine.drops.snapshot();
    call();
    const sent: Outcome['sent'] = [];
    const delivered: Uint8Array[] = [];
    for (let output = this.tunnel.poll(); output !== undefined; output = this.tunnel.poll()) {
      if (output.kind === 'packet') delivered.push(output.bytes.slice());
      else sent.push({ to: output.to, bytes: output.bytes.slice() });
    }
    while (this.tunnel.pollEvent() !== undefined); // not of interest here, but not to pile up
    const drops: Outcome['drops'] = {};
    for (const [reason, times] of Object.entries(this.tunnel.engine.drops.snapshot()) as [Drop, number][]) {
      if (times > before[reason]) drops[reason] = times - before[reason];
    }
    return { sent, delivered, drops };
  }
}

export function freshIdentity(crypto: Suite): Identity {
  return new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
}

/** An address of a test: `192.0.2.7` or `2001:db8::7`. */
export const at = (address: string, port = 51820): Endpoint => endpoint(ip(address), port);

/** Types of the datagrams that left. */
export const typesOf = ({ sent }: Outcome): number[] => sent.map(({ bytes }) => bytes[0] ?? -1);

export function joined(outcomes: readonly Outcome[]): Outcome {
  const drops: Outcome['drops'] = {};
  for (const outcome of outcomes) {
    for (const [reason, times] of Object.entries(outcome.drops) as [Drop, number][])
      drops[reason] = (drops[reason] ?? 0) + times;
  }
  return {
    sent: outcomes.flatMap(({ sent }) => sent),
    delivered: outcomes.flatMap(({ delivered }) => delivered),
    drops,
  };
}
