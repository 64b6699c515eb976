/** One plane, one clock, and the far ends of its sessions: written from protocol.md §3.4 alone, with none of the plane's code. */
import {
  type Drop,
  type Endpoint,
  endpoint,
  type Instant,
  instant,
  type LocalAddress,
  later,
  millis,
  type PeerActivity,
  type PeerId,
  type PlaneMessage,
  type PlaneOutput,
  peerId,
  limits as protocol,
  type Role,
  Secret,
  type SessionIndex,
  type SessionInstall,
  sessionIndex,
} from '@pqtun/core';
import type { Suite } from '@pqtun/core/noble';
import { expect } from 'vitest';
import type { PlaneMaker, PlaneUnderTest } from './plane-under-test.ts';

export const { sessionLimits } = protocol;
export type Activity = Omit<PeerActivity, 'peer'>;
export type OutgoingPacket = Extract<PlaneOutput, { kind: 'packet' }>;
export type OutgoingRecord = Extract<PlaneOutput, { kind: 'datagram' }>;

export const idle: Activity = {
  wantsKey: false,
  confirmed: [],
  retired: [],
  dataSent: false,
  dataReceived: false,
  recordSent: false,
  anySent: false,
  anyReceived: false,
  roamed: undefined,
  limitNear: undefined,
  tooBig: undefined,
};

export interface Report {
  /** What was reported of one peer; `idle` when nothing was. */
  of(peer: PeerId): Activity;
  readonly drops: Partial<Record<Drop, number>>;
  readonly messages: readonly PlaneMessage[];
}

/** What a test says about a session; the rest is standard. */
export interface SessionWish
  extends Partial<Pick<SessionInstall, 'bornAt' | 'limits' | 'kind' | 'winsCrossing'>> {
  /** Orders by TS; default: higher than every one before. */
  readonly timestamp?: number;
}

export class Bench {
  readonly put: PlaneUnderTest;
  readonly far: Suite;
  now: Instant = instant(10_000_000);
  #sessions = 0;

  constructor(maker: PlaneMaker) {
    this.put = maker.make();
    this.far = maker.farSuite;
  }

  get plane() {
    return this.put.plane;
  }

  wait(milliseconds: number): void {
    this.now = later(this.now, millis(milliseconds));
  }

  /** Peer n at 192.0.2.n:51820, owning 10.n.0.0/16 and fd00:n::/32, unless told otherwise. */
  peer(n: number, at: Endpoint | null = place(n)): PeerId {
    const peer = peerId(n);
    this.plane.setPeer(peer, { endpoint: at });
    this.plane.setRoutes([
      { kind: 'add', peer, prefix: Uint8Array.of(10, n, 0, 0), bits: 16 },
      { kind: 'add', peer, prefix: v6(n), bits: 32 },
    ]);
    return peer;
  }

  /** Installs a session and gives its far end. */
  session(peer: PeerId, role: Role, wish: SessionWish = {}): FarEnd {
    const far = this.prepare(peer, role, wish);
    this.plane.install(this.now, far.install());
    return far;
  }

  /** A far end whose session is not installed yet. */
  prepare(peer: PeerId, role: Role, wish: SessionWish = {}): FarEnd {
    const number = ++this.#sessions;
    return new FarEnd(this.far, {
      peer,
      role,
      localIndex: sessionIndex(0x80000000 + number),
      remoteIndex: sessionIndex(0xf0000000 + number),
      timestamp: timestamp(wish.timestamp ?? 1000 + number),
      bornAt: wish.bornAt ?? this.now,
      limits: wish.limits ?? sessionLimits('standard'),
      kind: wish.kind ?? 'hybrid',
      winsCrossing: wish.winsCrossing ?? false,
    });
  }

  /** A session installed and, as responder, confirmed by a keepalive from where the peer is; its reports are taken. */
  established(peer: PeerId, role: Role, wish: SessionWish = {}, from = place(peer)): FarEnd {
    const far = this.session(peer, role, wish);
    if (role === 'responder') this.udp(far.seal(none), from);
    this.put.drain();
    this.report();
    return far;
  }

  tun(packet: Uint8Array): void {
    this.put.onTun(this.now, packet);
  }

  udp(datagram: Uint8Array, from: Endpoint = place(1), localAddress?: LocalAddress): void {
    this.put.onUdp(this.now, from, localAddress, datagram);
  }

  /** Outputs since the last call. */
  drain(): readonly PlaneOutput[] {
    return this.put.drain();
  }

  /** Inner packets put out since the last call; nothing else may have been. */
  packets(): Uint8Array[] {
    return this.drain().map((output) => {
      expect(output.kind).toBe('packet');
      return output.bytes;
    });
  }

  /** Datagrams put out since the last call; nothing else may have been. */
  records(): OutgoingRecord[] {
    return this.drain().map((output) => {
      if (output.kind !== 'datagram') throw new Error('an inner packet where datagrams were expected');
      return output;
    });
  }

  report(): Report {
    const { activity, messages, drops } = this.plane.takeReports();
    expect(new Set(activity.map(({ peer }) => peer)).size).toBe(activity.length);
    return {
      of(wanted) {
        const found = activity.find(({ peer }) => peer === wanted);
        if (found === undefined) return idle;
        const { peer: _, ...rest } = found;
        return rest;
      },
      drops: Object.fromEntries(drops),
      messages,
    };
  }

  /** Expects that `act` is refused for `reason`, puts nothing out, and leaves the state as it was. */
  expectRefused(reason: Drop, act: () => void): void {
    this.report();
    this.drain();
    const before = this.put.fingerprint();
    act();
    const after = this.put.fingerprint();
    expect({ drops: this.report().drops, outputs: this.drain() }).toEqual({
      drops: { [reason]: 1 },
      outputs: [],
    });
    expect(after).toBe(before);
  }
}

/** The other end of one session. */
export class FarEnd {
  readonly #suite: Suite;
  readonly #session: Omit<SessionInstall, 'sendKey' | 'receiveKey'>;
  readonly #toPlane: Uint8Array;
  readonly #fromPlane: Uint8Array;
  /** The counter of the next record sealed. */
  next = 0;

  constructor(suite: Suite, session: Omit<SessionInstall, 'sendKey' | 'receiveKey'>) {
    this.#suite = suite;
    this.#session = session;
    this.#toPlane = suite.random(32);
    this.#fromPlane = suite.random(32);
  }

  /** The plane's index. */
  get index(): SessionIndex {
    return this.#session.localIndex;
  }

  get remoteIndex(): SessionIndex {
    return this.#session.remoteIndex;
  }

  get timestamp(): Uint8Array {
    return this.#session.timestamp;
  }

  /** What the engine would hand to the plane; fresh secrets each time. */
  install(): SessionInstall {
    return {
      ...this.#session,
      sendKey: Secret.copyOf(this.#fromPlane),
      receiveKey: Secret.copyOf(this.#toPlane),
    };
  }

  /** A transport datagram to the plane, by default under the next counter and to this session's index. §3.4. */
  seal(payload: Uint8Array, counter = this.next, index: SessionIndex = this.index): Uint8Array {
    this.next = Math.max(this.next, counter + 1);
    return Uint8Array.of(
      ...header(index, counter),
      ...this.#suite.seal(this.#toPlane, counter, none, payload),
    );
  }

  /** Opens a datagram of the plane: its counter and payload. Fails the test when it is none of this session's. */
  open(datagram: Uint8Array): { counter: number; payload: Uint8Array } {
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    const counter = view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32;
    expect([...datagram.subarray(0, 16)]).toEqual(header(this.remoteIndex, counter));
    const payload = this.#suite.open(this.#fromPlane, counter, none, datagram.subarray(16));
    if (payload === undefined) throw new Error('a datagram of the plane does not open');
    return { counter, payload };
  }

  /** Whether a datagram of the plane bears this session's index. */
  owns(datagram: Uint8Array): boolean {
    return new DataView(datagram.buffer, datagram.byteOffset).getUint32(4, true) === this.remoteIndex;
  }
}

export const none = new Uint8Array(0);

/** 16 B header of a transport datagram. */
export function header(index: SessionIndex, counter: number): number[] {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 4, true);
  view.setUint32(4, index, true);
  view.setUint32(8, counter % 2 ** 32, true);
  view.setUint32(12, Math.floor(counter / 2 ** 32), true);
  return [...bytes];
}

export function place(n: number, port = 51820): Endpoint {
  return endpoint(Uint8Array.of(192, 0, 2, n), port);
}

export function local(n: number, interfaceIndex = 2): LocalAddress {
  return { ip: Uint8Array.of(198, 51, 100, n), interfaceIndex };
}

export function timestamp(n: number): Uint8Array {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setUint32(4, n);
  return bytes;
}

/** fd00:n:: with the last two bytes given. */
export function v6(n: number, last = 0): Uint8Array {
  const ip = new Uint8Array(16);
  ip.set([0xfd, 0, 0, n]);
  ip.set([last >>> 8, last & 0xff], 14);
  return ip;
}

/** An IPv4 packet of `length` B; after the header each byte is `mark`. */
export function ipv4(
  source: readonly number[],
  destination: readonly number[],
  length = 40,
  mark = 0,
): Uint8Array {
  const packet = new Uint8Array(length).fill(mark);
  packet.set([0x45, 0, length >>> 8, length & 0xff, 0, 0, 0x40, 0, 64, 17, 0, 0, ...source, ...destination]);
  return packet;
}

/** An IPv6 packet of `length` B. */
export function ipv6(source: Uint8Array, destination: Uint8Array, length = 60, mark = 0): Uint8Array {
  const packet = new Uint8Array(length).fill(mark);
  const payload = length - 40;
  packet.set([0x60, 0, 0, 0, payload >>> 8, payload & 0xff, 17, 64, ...source, ...destination]);
  return packet;
}

/** A packet from peer n (10.n.0.1) to us (10.200.0.1). */
export const from = (n: number, length = 40, mark = 0) => ipv4([10, n, 0, 1], [10, 200, 0, 1], length, mark);
/** A packet from us to peer n. */
export const to = (n: number, length = 40, mark = 0) => ipv4([10, 200, 0, 1], [10, n, 0, 1], length, mark);

/** `payload` with zeros up to the next multiple of 16. */
export function padded(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(payload.length / 16) * 16);
  bytes.set(payload);
  return bytes;
}

/** A control payload (§3.5): kind, token, zeros. */
export function control(kind: number, length = 16): Uint8Array {
  const payload = new Uint8Array(length);
  payload.set([kind, 1, 2, 3, 4, 5, 6, 7, 8].slice(0, length));
  return payload;
}
