/** Random acts and packets, by seed: all that a plane's engine, peers and strangers may do, and much that they may not. */
import {
  type Endpoint,
  endpoint,
  type LocalAddress,
  later,
  millis,
  type PeerId,
  peerId,
  limits as protocol,
  sessionIndex,
} from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import type { Random } from '../../kit/random.ts';
import { header } from '../data-plane/bench.ts';
import type { Pair, SharedSession } from './pair.ts';

const peers = 6;
const none = new Uint8Array(0);
const suite = nodeSuite();
/** Messages that a report may hold: fewer than any bound of the native queue, which has others than the portable one. */
const messagesBetweenReports = 40;

/** The other end of a session, and what it has sent. */
interface Far {
  readonly shared: SharedSession;
  next: number;
}

export class Story {
  readonly #random: Random;
  readonly #pair: Pair;
  /** The last sessions, live or not. */
  readonly #fars: Far[] = [];
  /** Datagrams that were sent once, to be sent again. */
  readonly #sent: Uint8Array[] = [];
  #sessions = 0;
  #messages = 0;

  constructor(random: Random, pair: Pair) {
    this.#random = random;
    this.#pair = pair;
    for (let n = 1; n <= peers; n++) this.#introduce(peerId(n));
  }

  /** One operation; returns its name. */
  step(): string {
    const random = this.#random;
    const draw = random.fraction();
    const name = acts.find(([share]) => draw < share)?.[1] ?? 'tun';
    this[name]();
    if (random.chance(0.5)) this.#pair.settle(name);
    if (this.#messages >= messagesBetweenReports || random.chance(0.1)) {
      this.#messages = 0;
      this.#pair.report(name);
    }
    return name;
  }

  /* packets */

  tun(): void {
    this.#pair.tun(this.#inner('out'));
  }

  /** More than a peer may have waiting, if it has no session. */
  burst(): void {
    const packet = this.#packet('out', this.#random.between(1, peers), 9000);
    for (let i = 0; i < 32; i++) this.#pair.tun(packet);
  }

  data(): void {
    const far = this.#far();
    if (far === undefined) return;
    const payload = this.#inner('in', far.shared.session.peer);
    const padded = this.#random.chance(0.8) ? Math.ceil(payload.length / 16) * 16 : payload.length;
    this.#udp(far, [this.#seal(far, resized(payload, padded))]);
  }

  /** As one read with UDP_GRO brings them, some of them spoilt. */
  train(): void {
    const far = this.#far();
    if (far === undefined) return;
    const payload = resized(this.#packet('in', far.shared.session.peer, this.#random.between(20, 300)), 304);
    const datagrams = Array.from({ length: this.#random.between(2, 20) }, () => this.#seal(far, payload));
    for (const datagram of datagrams) if (this.#random.chance(0.1)) this.#spoil(datagram);
    if (this.#random.chance(0.3)) datagrams.push(...datagrams.slice(0, 2)); // at once again
    if (this.#random.chance(0.3)) datagrams.push(this.#seal(far, none));
    this.#udp(far, datagrams);
  }

  own(): void {
    const far = this.#far();
    if (far === undefined) return;
    const kind = this.#random.pick([-1, -1, 1, 1, 2, 3, 3, 0, 4, 15]);
    const length = this.#random.pick([16, 16, 16, 32, 48, 1, 15, 17, 1504]);
    const payload = kind < 0 ? none : new Uint8Array(length).fill(kind, 0, 1);
    this.#messages++;
    this.#udp(far, [this.#seal(far, payload)]);
  }

  garbage(): void {
    const far = this.#far();
    if (far === undefined) return;
    const datagram = this.#seal(far, this.#random.bytes(this.#random.between(0, 64)));
    this.#spoil(datagram);
    const cut = this.#random.chance(0.3)
      ? datagram.slice(0, this.#random.between(0, datagram.length))
      : datagram;
    if (cut[0] !== 4) this.#messages++;
    this.#udp(far, [cut]);
  }

  replay(): void {
    const far = this.#far();
    if (far === undefined || this.#sent.length === 0) return;
    this.#udp(far, [this.#random.pick(this.#sent)]);
  }

  stranger(): void {
    this.#messages++;
    const datagram = this.#random.bytes(this.#random.between(0, 200));
    datagram[0] = this.#random.pick([0x11, 0x12, 1, 2, 3, 0xff]);
    this.#pair.udp(this.#place(), this.#local(), [datagram]);
  }

  /* what the engine does */

  install(): void {
    const random = this.#random;
    const known = random.chance(0.05) ? this.#far() : undefined;
    if (known !== undefined) {
      this.#pair.install(known.shared);
      return;
    }
    const number = ++this.#sessions;
    const standard = protocol.sessionLimits(random.pick(['standard', 'standard', 'metered'] as const));
    const few = random.chance(0.15);
    const limits = few
      ? {
          ...standard,
          rekeyAfterMessages: random.between(0, 20),
          rejectAfterMessages: random.between(10, 40),
        }
      : standard;
    const timestamp = new Uint8Array(12);
    new DataView(timestamp.buffer).setUint32(4, number + random.between(-4, 4) + 1000);
    const shared: SharedSession = {
      session: {
        peer: peerId(random.between(1, peers)),
        role: random.pick(['initiator', 'responder'] as const),
        localIndex: sessionIndex(random.chance(0.5) ? number : random.next()),
        remoteIndex: sessionIndex(0xf0000000 + number),
        timestamp,
        bornAt: later(this.#pair.now, millis(-random.pick([0, 0, 0, 0, 0, 1000, 110_000, 179_990, 200_000]))),
        limits,
        kind: random.pick(['hybrid', 'hybrid', 'hybrid', 'classical'] as const),
        winsCrossing: random.chance(0.5),
      },
      sendKey: random.bytes(32),
      receiveKey: random.bytes(32),
    };
    this.#pair.install(shared);
    this.#fars.push({ shared, next: 0 });
    if (this.#fars.length > 24) this.#fars.shift();
  }

  retire(): void {
    const index = this.#far()?.shared.session.localIndex ?? sessionIndex(0);
    this.#pair.act('retire', (plane, now) => plane.retire(now, index));
  }

  wipeKeys(): void {
    const peer = this.#peer();
    this.#pair.act('wipeKeys', (plane, now) => plane.wipeKeys(now, peer));
  }

  removePeer(): void {
    const peer = this.#peer();
    this.#pair.act('removePeer', (plane, now) => plane.removePeer(now, peer));
    if (this.#random.chance(0.8)) this.#introduce(peer);
  }

  setPeer(): void {
    const random = this.#random;
    const peer = this.#peer();
    const settings = {
      ...(random.chance(0.4) ? { endpoint: random.chance(0.1) ? null : this.#place() } : {}),
      ...(random.chance(0.2)
        ? { localAddress: random.chance(0.3) ? null : local(random.between(1, 3)) }
        : {}),
      ...(random.chance(0.4) ? { pathMtu: random.pick([0, 33, 600, 1312, 1452, 9100, 9100, 9100]) } : {}),
      ...(random.chance(0.1) ? { kind: random.pick(['hybrid', 'classical'] as const) } : {}),
    };
    // 0 stands for "stays" in the native plane's own bytes, so its verb must refuse it as the portable one does
    this.#pair.act('setPeer', (plane) => plane.setPeer(peer, settings));
  }

  setRoutes(): void {
    const random = this.#random;
    const changes = Array.from({ length: random.between(1, 4) }, () => {
      const peer = this.#peer();
      const kind = random.pick(['add', 'add', 'add', 'remove', 'remove', 'clear'] as const);
      if (kind === 'clear') return { kind, peer };
      const [prefix, bits] = random.pick([
        [Uint8Array.of(10, random.between(1, peers), 0, 0), 16],
        [Uint8Array.of(10, random.between(1, peers), 0, 0), 24],
        [Uint8Array.of(10, random.between(1, peers), 0, 1), random.pick([32, 32, 32, 32, 31, 33])],
        [Uint8Array.of(0, 0, 0, 0), 0],
        [v6(random.between(1, peers), 0), 32],
        [v6(random.between(1, peers), 1), 128],
      ] as const);
      return { kind, peer, prefix, bits };
    });
    this.#pair.act('setRoutes', (plane) => plane.setRoutes(changes));
  }

  transmit(): void {
    const random = this.#random;
    const peer = this.#peer();
    const length = random.pick([0, 0, 16, 48, 1440, 17]);
    const payload = new Uint8Array(length).fill(random.pick([1, 2, 3, 3, 0x10]), 0, 1);
    const to = random.chance(0.3) ? { endpoint: this.#place(), localAddress: this.#local() } : undefined;
    this.#pair.act('transmit', (plane, now) => plane.transmit(now, peer, payload, to));
  }

  staged(): void {
    const peer = this.#peer();
    if (this.#random.chance(0.8)) this.#pair.act('flushStaged', (plane, now) => plane.flushStaged(now, peer));
    else this.#pair.act('purgeStaged', (plane) => plane.purgeStaged(peer));
  }

  others(): void {
    const peer = this.#peer();
    const random = this.#random;
    const draw = random.between(0, 3);
    if (draw === 0) this.#pair.act('resetTimestamp', (plane) => plane.resetTimestamp(peer));
    if (draw === 1) {
      const mtu = random.pick([1280, 1419, 1420, 9000]);
      this.#pair.settle('before setMtu');
      this.#pair.portable.setMtu(mtu);
      this.#pair.native.setMtu(mtu);
    }
    if (draw === 2) {
      const bytes = random.bytes(random.between(0, 100));
      const to = this.#place();
      const localAddress = this.#local();
      this.#pair.act('sendDatagrams', (plane) =>
        plane.sendDatagrams([{ to, localAddress, bytes: bytes.slice() }]),
      );
    }
    if (draw === 3) {
      const far = this.#far();
      const next = random.pick([2 ** 31, 2 ** 32 - 1, 2 ** 52 - 2, 2 ** 53 - 2 ** 13 - 4]);
      // a counter only moves forward; whether it may is asked of the sessions that never had it moved
      if (far !== undefined && far.next < 2 ** 31) {
        far.next = 2 ** 31;
        this.#pair.advanceSendCounter(far.shared.session.localIndex, next);
      }
    }
  }

  wait(): void {
    const random = this.#random;
    const long = random.chance(0.05);
    const span = random.pick(
      long ? [61_000, 179_990, 180_000, 3_600_000] : [0.25, 1, 1, 50, 1000, 4999, 5000, 15_000],
    );
    this.#pair.settle('before wait');
    this.#pair.now = later(this.#pair.now, millis(span));
  }

  /* pieces */

  #introduce(peer: PeerId): void {
    this.#pair.act('setPeer', (plane) => plane.setPeer(peer, { endpoint: place(peer) }));
    this.#pair.act('setRoutes', (plane) =>
      plane.setRoutes([
        { kind: 'add', peer, prefix: Uint8Array.of(10, peer, 0, 0), bits: 16 },
        { kind: 'add', peer, prefix: v6(peer, 0), bits: 32 },
      ]),
    );
  }

  #far(): Far | undefined {
    return this.#fars.length === 0 ? undefined : this.#random.pick(this.#fars.slice(-12));
  }

  #peer(): PeerId {
    return peerId(this.#random.between(1, this.#random.chance(0.05) ? peers + 1 : peers));
  }

  #place(): Endpoint {
    const n = this.#random.between(1, peers);
    return this.#random.chance(0.8) ? place(n) : endpoint(v6(n, 9), 4000 + n, this.#random.between(0, 1));
  }

  #local(): LocalAddress | undefined {
    return this.#random.chance(0.5) ? undefined : local(this.#random.between(1, 3));
  }

  #udp(far: Far, datagrams: readonly Uint8Array[]): void {
    const from = this.#random.chance(0.9) ? place(far.shared.session.peer) : this.#place();
    this.#pair.udp(from, this.#random.chance(0.8) ? undefined : this.#local(), datagrams);
  }

  #seal(far: Far, payload: Uint8Array): Uint8Array {
    const { session, receiveKey } = far.shared;
    const random = this.#random;
    if (random.chance(0.02)) far.next += random.pick([2, 100, 8127, 8128, 8129, 20_000]);
    const behind = random.chance(0.05) ? random.pick([1, 2, 64, 8127, 8128, 8129]) : 0;
    const counter = Math.max(0, far.next - behind);
    if (behind === 0) far.next++;
    const sealed = suite.seal(receiveKey, counter, none, payload);
    const datagram = new Uint8Array(16 + sealed.length);
    datagram.set(header(session.localIndex, counter));
    datagram.set(sealed, 16);
    this.#sent.push(datagram);
    if (this.#sent.length > 64) this.#sent.shift();
    return datagram.slice();
  }

  #spoil(datagram: Uint8Array): void {
    const at = this.#random.chance(0.4)
      ? this.#random.between(0, 15)
      : this.#random.between(0, datagram.length - 1);
    // byte 0 stays: another type is no transport, and `stranger` sends those
    const where = at === 0 ? 1 : at;
    datagram[where] = (datagram[where] ?? 0) ^ (1 << this.#random.between(0, 7));
  }

  #inner(way: 'in' | 'out', peer = this.#random.between(1, peers)): Uint8Array {
    const random = this.#random;
    const packet = this.#packet(way, random.chance(0.1) ? random.between(1, peers + 1) : peer, this.#size());
    if (random.chance(0.05)) {
      const at = random.between(0, Math.min(3, packet.length - 1));
      packet[at] = random.next() & 0xff;
    }
    return packet;
  }

  #size(): number {
    const random = this.#random;
    return random.chance(0.6)
      ? random.between(40, 200)
      : random.chance(0.8)
        ? random.between(40, 1500)
        : random.between(40, 9000);
  }

  /** Between peer n's net and ours; UDP without sense behind the header. */
  #packet(way: 'in' | 'out', n: number, size: number): Uint8Array {
    const random = this.#random;
    const packet = new Uint8Array(size).fill(random.next() & 0xff);
    const isV4 = size < 40 || random.chance(0.7);
    const theirs = isV4
      ? Uint8Array.of(10, n, random.between(0, 1), random.between(1, 2))
      : v6(n, random.between(1, 2));
    const ours = isV4 ? Uint8Array.of(10, 200, 0, 1) : v6(200, 1);
    const addresses = way === 'in' ? [theirs, ours] : [ours, theirs];
    if (isV4) packet.set([0x45, 0, size >>> 8, size & 0xff, 0, 0, 0x40, 0, 64, 17, 0, 0]);
    else packet.set([0x60, 0, 0, 0, (size - 40) >>> 8, (size - 40) & 0xff, 17, 64]);
    packet.set(
      addresses.flatMap((address) => [...address]),
      isV4 ? 12 : 8,
    );
    return packet;
  }
}

/** Up to which share of a draw each act stands; the rest is `tun`. */
const acts = cumulative([
  ['data', 0.28],
  ['train', 0.06],
  ['own', 0.06],
  ['garbage', 0.06],
  ['replay', 0.05],
  ['stranger', 0.02],
  ['burst', 0.004],
  ['install', 0.08],
  ['retire', 0.01],
  ['wipeKeys', 0.004],
  ['removePeer', 0.004],
  ['setPeer', 0.02],
  ['setRoutes', 0.02],
  ['transmit', 0.03],
  ['staged', 0.02],
  ['others', 0.02],
  ['wait', 0.06],
] as const);

function cumulative<Name>(
  shares: readonly (readonly [Name, number])[],
): readonly (readonly [number, Name])[] {
  let sum = 0;
  return shares.map(([name, share]) => {
    sum += share;
    return [sum, name] as const;
  });
}

const place = (n: number): Endpoint => endpoint(Uint8Array.of(192, 0, 2, n), 51_820);
const local = (n: number): LocalAddress => ({ ip: Uint8Array.of(198, 51, 100, n), interfaceIndex: 2 });

function v6(n: number, last: number): Uint8Array {
  const ip = new Uint8Array(16);
  ip.set([0xfd, 0, 0, n]);
  ip[15] = last;
  return ip;
}

function resized(payload: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(payload.subarray(0, length));
  return bytes;
}
