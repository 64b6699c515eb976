/**
 * The data plane between known keys: records sealed by us with any payload, counter and age, changed or not, on sessions that come
 * and go; inner packets out. Input: a sequence of acts.
 */
import {
  instant,
  limits,
  type PeerId,
  PortablePlane,
  peerId,
  type RecordKey,
  Secret,
  type SessionIndex,
  type SessionKind,
  sessionIndex,
} from '@pqtun/core';
import { sessionLimits } from '@pqtun/core/src/limits.ts';
import { innerPacket, ip } from '../../kit/packets.ts';
import { Cursor } from '../cursor.ts';
import { type FuzzTarget, must } from '../target.ts';
import { fuzzSuite, places, spans } from './parties.ts';
import { RouteList } from './route-list.ts';

export const target: FuzzTarget = {
  name: 'transport',
  about: 'the data plane with known keys: records, replay window, rotation, roaming, staging',
  maxLength: 1024,
  executions: 14_000,
  seeds: [
    // install as initiator; a record with an inner packet of peer 1; the same again
    Uint8Array.of(0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 3, 2, 0, 0, 1, 0, 1, 0, 0, 0, 3, 2, 0, 0),
    // install as responder, confirm it, send
    Uint8Array.of(0, 1, 0, 5, 1, 0, 5, 0, 0, 0, 3, 0, 0, 0, 2, 0, 28, 0, 3, 0),
    Uint8Array.of(0, 1, 1, 6, 0, 0, 1, 9, 1, 0, 7, 0, 0, 0, 1, 16, 0, 0, 3, 24),
    // the window: far ahead, then 8128 and 8129 behind
    Uint8Array.of(0, 0, 0, 0, 1, 0, 1, 0x10, 0x27, 0, 0, 0, 1, 0, 6, 5, 0, 0, 0, 0, 1, 0, 6, 6, 0, 0, 0, 0),
    Uint8Array.of(2, 0, 200, 2, 0, 100, 0, 0, 0, 1, 3, 19, 4, 0, 5),
  ],
  dictionary: [Uint8Array.of(1, 0, 0, 0, 0, 0, 3), Uint8Array.of(0, 1, 0, 9)],
  run: (input) => new Battle().run(new Cursor(input)),
};

const mtu = 1420;
const own = '10.0.0.254';
/** A packet of each peer, and one of nobody. */
const sources = ['10.0.1.1', '10.0.2.1', '10.0.1.130', '192.0.2.9', 'fd00:1::1', 'fd00:2::1'] as const;
const rules: readonly [peer: number, prefix: string, bits: number][] = [
  [1, '10.0.1.0', 24],
  [2, '10.0.2.0', 24],
  [2, '10.0.1.128', 25], // inside that of peer 1
  [1, 'fd00:1::', 32],
  [2, 'fd00:2::', 32],
];

/** Distances from the highest counter at which the window of protocol.md §5.4 changes its mind. */
const edges = [
  1, 2, 0, -1, -8127, -8128, -8129, -8160, -8191, -8192, -8193, 31, 32, 33, 8128, 8191, 8192, 8193, 100_000,
];

interface Session {
  readonly index: SessionIndex;
  readonly peer: PeerId;
  readonly kind: SessionKind;
  readonly key: RecordKey;
  readonly bornAt: number;
  /** Counters that were accepted: nothing is accepted twice. */
  readonly accepted: Set<number>;
}

class Battle {
  readonly #suite = fuzzSuite(2);
  readonly #plane = new PortablePlane({ suite: this.#suite, mtu });
  readonly #routes = new RouteList();
  readonly #sessions = new Map<number, Session>();
  readonly #records: { readonly session: Session; readonly counter: number; readonly bytes: Uint8Array }[] =
    [];
  #now = 0;
  #stamp = 0;
  #installed = 0;

  run(cursor: Cursor): void {
    for (const [peer, prefix, bits] of rules) {
      const change = { kind: 'add', peer: peerId(peer), prefix: ip(prefix), bits } as const;
      this.#plane.setPeer(peerId(peer), { kind: 'hybrid' });
      this.#plane.setRoutes([change]);
      this.#routes.apply(change);
    }
    for (let steps = 0; !cursor.atEnd && steps < 64; steps++) {
      this.#act(cursor);
      this.#checkBounds();
    }
  }

  #act(cursor: Cursor): void {
    const plane = this.#plane;
    const now = instant(this.#now);
    switch (cursor.u8() % 9) {
      case 0:
        return this.#install(cursor);
      case 1:
        return this.#receive(cursor);
      case 2:
        return this.#send(cursor);
      case 3:
        this.#now += cursor.pick(spans);
        return;
      case 4: {
        const record = this.#records[cursor.u8() % Math.max(1, this.#records.length)];
        if (record !== undefined)
          this.#deliver(cursor, record.bytes.slice(), record.session, record.counter, false);
        return;
      }
      case 5:
        plane.retire(now, sessionIndex(cursor.u8() % 16));
        return this.#drain();
      case 6: {
        const endpoint = [null, undefined, cursor.pick(places)][cursor.u8() % 3];
        plane.setPeer(this.#peer(cursor), {
          ...(endpoint === undefined ? {} : { endpoint }),
          ...(cursor.u8() % 2 === 0 ? {} : { pathMtu: 33 + (cursor.u16() % 1500) }),
        });
        return;
      }
      case 7:
        plane.flushStaged(now, this.#peer(cursor));
        return this.#drain();
      default:
        if (cursor.u8() % 4 === 0) plane.wipeKeys(now, this.#peer(cursor));
        else plane.transmit(now, this.#peer(cursor), new Uint8Array(0));
        return this.#drain();
    }
  }

  #install(cursor: Cursor): void {
    const bits = cursor.u8();
    const peer = this.#peer(cursor);
    const index = sessionIndex(cursor.u8() % 16);
    const fill = ++this.#installed; // no two sessions have the same keys
    const there = this.#sessions.has(index) && this.#holds(index); // then it is a no-op
    const key = new Uint8Array(32).fill(fill);
    const kind: SessionKind = (bits & 2) === 0 ? 'hybrid' : 'classical';
    const timestamp = new Uint8Array(12);
    timestamp[11] = (bits & 4) === 0 ? ++this.#stamp : cursor.u8();
    const age = (bits & 16) === 0 ? 0 : cursor.pick(spans);
    const limitsOf = sessionLimits((bits & 32) === 0 ? 'standard' : 'metered');
    this.#plane.install(instant(this.#now), {
      peer,
      role: (bits & 1) === 0 ? 'initiator' : 'responder',
      localIndex: index,
      remoteIndex: sessionIndex(index + 100),
      sendKey: new Secret(new Uint8Array(32).fill(255 - fill)),
      receiveKey: new Secret(key.slice()),
      timestamp,
      bornAt: instant(this.#now - age),
      limits: (bits & 64) === 0 ? limitsOf : { ...limitsOf, rekeyAfterMessages: 3, rejectAfterMessages: 6 },
      kind,
      winsCrossing: (bits & 8) !== 0,
    });
    if (!there) {
      const accepted = new Set<number>();
      const record = this.#suite.recordKey(key);
      this.#sessions.set(index, { index, peer, kind, key: record, bornAt: this.#now - age, accepted });
    }
    this.#drain();
  }

  #receive(cursor: Cursor): void {
    const session = this.#sessions.get(cursor.u8() % 16);
    if (session === undefined) return;
    const bits = cursor.u8();
    const counter = this.#counter(cursor, bits, session);
    const payload = this.#payload(cursor);
    const bytes = new Uint8Array(16 + payload.length + 16);
    const view = new DataView(bytes.buffer);
    bytes[0] = 4;
    view.setUint32(4, session.index, true);
    view.setBigUint64(8, BigInt(counter), true);
    session.key.seal(counter, payload, bytes.subarray(16));
    this.#records.push({ session, counter, bytes: bytes.slice() });
    const broken = (bits & 8) !== 0;
    if (broken) {
      const at = cursor.u16() % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (cursor.u8() % 8));
    }
    this.#deliver(cursor, bytes, session, counter, broken);
  }

  /** What a record brings about: nothing, or what its session and payload allow. */
  #deliver(cursor: Cursor, bytes: Uint8Array, session: Session, counter: number, broken: boolean): void {
    const from = cursor.pick(places);
    const before = this.#plane.fingerprint();
    const plaintext = bytes.slice();
    this.#plane.handleTransport(instant(this.#now), from, undefined, bytes);
    const { activity, messages, drops } = this.#plane.takeReports();
    const packets = this.#outputs();
    const authentic = activity.some(({ anyReceived }) => anyReceived);
    must(drops.size <= 1, 'one datagram, two reasons to drop it');
    if (!authentic) {
      must(packets.length === 0 && messages.length === 0, 'something came out of what was not authentic');
      const erases = drops.has('profile-mismatch') || drops.has('stale-confirm');
      if (!erases) must(this.#plane.fingerprint() === before, 'I5: a rejected record changed the plane');
      return;
    }
    must(!broken, 'a changed record was taken');
    must(counter < 2 ** 53 - 2 ** 13 - 1, 'a counter beyond the limit was taken');
    must(!session.accepted.has(counter), 'I2: a counter was taken twice');
    const highest = Math.max(-1, ...session.accepted);
    must(highest - counter <= limits.replayWindowReach, 'a counter behind the window was taken');
    must(this.#now - session.bornAt < 5_400_000, 'T6: an expired session received');
    session.accepted.add(counter);
    const payload = this.#opened(session, counter, plaintext);
    for (const packet of packets) {
      must(Buffer.compare(packet, payload.subarray(0, packet.length)) === 0, 'I3: another packet came out');
      const version = (packet[0] ?? 0) >> 4;
      const source = version === 4 ? packet.subarray(12, 16) : packet.subarray(8, 24);
      must(this.#routes.lookup(source) === session.peer, 'I4: a packet with a foreign source came out');
    }
    if (messages.length > 0)
      must(session.kind === 'hybrid' && (payload[0] ?? 16) < 16, 'control from elsewhere');
    const [first = 16] = payload;
    if (first === 2 || first === 3)
      must(
        activity.every(({ roamed, confirmed }) => roamed === undefined && confirmed.length === 0),
        'C1: moved by 0x02 or 0x03',
      );
  }

  #send(cursor: Cursor): void {
    const length = cursor.u16() % 1600;
    const destination = cursor.pick(sources);
    const least = destination.includes(':') ? 40 : 20;
    const size = Math.max(length, least);
    const from = destination.includes(':') ? 'fd00::fe' : own;
    const packet = innerPacket(from, destination, size, cursor.u8());
    const bits = cursor.u8();
    if ((bits & 1) !== 0) packet[cursor.u16() % size] = cursor.u8();
    const run = (bits & 2) === 0 ? 1 : 1 + cursor.u8();
    for (let nth = 0; nth < run; nth++) this.#plane.handlePacket(instant(this.#now), packet.slice());
    this.#drain();
  }

  #drain(): void {
    this.#plane.takeReports();
    const packets = this.#outputs();
    must(packets.length === 0, 'a packet came out though nothing came in');
  }

  /** Empties the outputs; what goes out is well-formed; what came in is returned. */
  #outputs(): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let output = this.#plane.poll(); output !== undefined; output = this.#plane.poll()) {
      if (output.kind === 'packet') {
        // what was sent and does not fit the path is answered by ICMP into our own TUN
        if (!isIcmp(output.bytes)) packets.push(output.bytes.slice());
        continue;
      }
      const { bytes } = output;
      must(bytes[0] === 4 && bytes.length >= 32, 'what goes out is no record');
      must(bytes.length <= 65_535, 'what goes out is longer than a datagram');
      const counter = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(8, true);
      const index = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
      const name = `${index}/${counter}/${Buffer.from(bytes.subarray(-16)).toString('hex')}`;
      must(!this.#sealed.has(name), 'I1: a record was sent twice');
      this.#sealed.add(name);
    }
    return packets;
  }

  readonly #sealed = new Set<string>();

  #checkBounds(): void {
    const state: {
      stagedBytes: number;
      sessions: number;
      peers: { nexts: unknown[]; staged: [number, number] }[];
    } = JSON.parse(this.#plane.fingerprint());
    must(state.sessions <= 3 * 6, 'more sessions than current, previous and four next of each peer');
    must(state.stagedBytes <= limits.stagedBytesInAll, 'more staged than all may');
    for (const { nexts, staged } of state.peers) {
      must(nexts.length <= limits.maxPendingPerPeer, 'more than four next');
      must(staged[1] <= limits.stagedBytesPerPeer, 'more staged than a peer may');
    }
  }

  #counter(cursor: Cursor, bits: number, session: Session): number {
    const low = cursor.u16();
    switch (bits & 7) {
      case 0:
        return low & 0xff;
      case 1:
        return low;
      case 2:
        return 2 ** 32 - 5 + (low & 15);
      case 3:
        return 2 ** 53 - 2 ** 13 - 5 + (low & 15);
      case 4:
        return low * 37;
      case 5:
        return 2 ** 31 + low;
      case 6: // about the edges of the window
        return Math.max(0, Math.max(...session.accepted, 0) + (edges[low % edges.length] ?? 0));
      default:
        return low & 0x1f;
    }
  }

  #payload(cursor: Cursor): Uint8Array {
    const bits = cursor.u8();
    const extra = cursor.u8();
    switch (bits & 3) {
      case 0:
        return new Uint8Array(0);
      case 1: {
        const control = new Uint8Array(16 * (1 + (extra & 7)) + ((extra & 8) === 0 ? 0 : extra & 3));
        control.set(cursor.bytes(Math.min(control.length, 3)));
        return control;
      }
      case 2:
        return cursor.bytes(extra);
      default: {
        const source = sources[extra % sources.length] ?? sources[0];
        const inner = innerPacket(source, source.includes(':') ? 'fd00::fe' : own, 40 + (extra >> 2), extra);
        if ((bits & 4) !== 0) inner[cursor.u8() % inner.length] = cursor.u8();
        const padded = new Uint8Array((bits & 8) === 0 ? Math.ceil(inner.length / 16) * 16 : inner.length);
        padded.set(inner);
        return padded;
      }
    }
  }

  #opened(session: Session, counter: number, record: Uint8Array): Uint8Array {
    const out = new Uint8Array(record.length - 32);
    must(session.key.open(counter, record.subarray(16), out), 'the plane took what does not open');
    return out;
  }

  #holds(index: SessionIndex): boolean {
    return this.#plane.fingerprint().includes(`"index":${index},`);
  }

  #peer(cursor: Cursor): PeerId {
    return peerId(1 + (cursor.u8() % 2));
  }
}

function isIcmp(packet: Uint8Array): boolean {
  return (packet[0] ?? 0) >> 4 === 4 ? packet[9] === 1 : packet[6] === 58;
}
