/**
 * Datagrams told apart, and initiations put together from fragments. Input: 0 and a datagram, 1 and what to cut, else a sequence of
 * fragments for the reassembly pools, with their sources and times.
 */
import { type Drop, instant, sessionIndex } from '@pqtun/core';
import { ReassemblyPools } from '@pqtun/core/src/engine/reassembly.ts';
import type { MacKeys } from '@pqtun/core/src/handshake/cookie.ts';
import { type Classified, classify } from '@pqtun/core/src/wire/classify.ts';
import { cutInitiation, cutResponse, Reassembly } from '@pqtun/core/src/wire/fragment.ts';
import { Cursor } from '../cursor.ts';
import { type FuzzTarget, must } from '../target.ts';
import { places, spans } from './parties.ts';

const bodies = {
  17: { 1: 2380, 2: 3244, head: 8 },
  18: { 1: 2224, 2: 3184, head: 12 },
} as const;
const counts = { 1: [2, 6], 2: [3, 7] } as const;

export const target: FuzzTarget = {
  name: 'fragments',
  about: 'every kind of datagram told apart, fragments cut and put together, the pools of reassembly',
  maxLength: 1500,
  executions: 30_000,
  seeds: [
    Uint8Array.of(0, 4, ...new Uint8Array(31)),
    Uint8Array.of(0, 3, ...new Uint8Array(63)),
    Uint8Array.of(0, 1, ...new Uint8Array(147)),
    Uint8Array.of(0, 2, ...new Uint8Array(91)),
    Uint8Array.of(0, 0x11, 1, 0, 2, ...new Uint8Array(1226)),
    Uint8Array.of(0, 0x12, 2, 0, 3, ...new Uint8Array(1102)),
    Uint8Array.of(0, 0x11, 1, 5, 6, ...new Uint8Array(431)),
    Uint8Array.of(1, 1, 1, 4, 7),
    Uint8Array.of(2, 0, 0, 0, 0, 7, 2, 1, 0, 9, 0, 0, 0, 0, 7, 2, 2, 0, 9),
  ],
  dictionary: [
    Uint8Array.of(0x11, 1),
    Uint8Array.of(0x11, 2),
    Uint8Array.of(0x12, 1),
    Uint8Array.of(0x12, 2),
  ],
  run(input) {
    const cursor = new Cursor(input);
    switch (cursor.u8() % 3) {
      case 0:
        return told(cursor.rest());
      case 1:
        return cutAndJoined(cursor);
      default:
        return pooled(cursor);
    }
  },
};

/* told apart */

function told(datagram: Uint8Array): void {
  const before = datagram.slice();
  const found = classify(datagram);
  must(Buffer.compare(datagram, before) === 0, 'classify changed the datagram');
  const kind = typeof found === 'string' ? found : found.kind;
  must(kind === twin(datagram), 'classify and its twin disagree');
  if (typeof found !== 'string') readsBack(found, datagram);
}

/** protocol.md §3, as a list of what is refused, in order. */
function twin(datagram: Uint8Array): Drop | Classified['kind'] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const [type, second = 0, third = 0, fourth = 0] = datagram;
  const fixed = { 1: 148, 2: 92, 3: 64 };
  const kinds = { 1: 'classical-initiation', 2: 'classical-response', 3: 'cookie-reply' } as const;
  switch (type) {
    case undefined:
      return 'bad-length';
    case 1:
    case 2:
    case 3:
      if (datagram.length !== fixed[type]) return 'bad-length';
      return second + third + fourth > 0 ? 'reserved-bytes' : kinds[type];
    case 4:
      if (datagram.length < 32) return 'bad-length';
      if (second + third + fourth > 0) return 'reserved-bytes';
      return view.getBigUint64(8, true) >= 2n ** 53n ? 'counter-limit' : 'transport';
    case 0x11:
    case 0x12: {
      const { head, ...body } = bodies[type];
      if (datagram.length < head + 32) return 'bad-length';
      if (second !== 1 && second !== 2) return 'suite-disabled';
      const [least, most] = counts[second];
      if (fourth < least || fourth > most || third >= fourth) return 'bad-geometry';
      const whole = Math.ceil(body[second] / fourth);
      const slice = third === fourth - 1 ? body[second] - whole * (fourth - 1) : whole;
      if (datagram.length !== head + slice + 32) return 'bad-geometry';
      return type === 0x11 ? 'initiation-fragment' : 'response-fragment';
    }
    default:
      return 'unknown-type';
  }
}

/** Every field is where the protocol says, and fields of bytes are views of the datagram. */
function readsBack(found: Classified, datagram: Uint8Array): void {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const u32 = (at: number) => view.getUint32(at, true);
  const is = (field: Uint8Array, from: number, to: number) =>
    field.buffer === datagram.buffer && Buffer.compare(field, datagram.subarray(from, to)) === 0;
  const end = datagram.length;
  switch (found.kind) {
    case 'transport':
      must(found.receiverIndex === u32(4), 'the receiver of a transport message');
      must(BigInt(found.counter) === view.getBigUint64(8, true), 'the counter of a transport message');
      return;
    case 'cookie-reply':
      must(found.receiverIndex === u32(4), 'the receiver of a cookie reply');
      must(is(found.nonce, 8, 32) && is(found.sealed, 32, 64), 'the fields of a cookie reply');
      return;
    default:
      must(found.senderIndex === u32(4), 'the sender of a handshake message');
      must(is(found.mac1, end - 32, end - 16) && is(found.mac2, end - 16, end), 'the macs');
      must(is(found.mac1Input, 0, end - 32) && is(found.mac2Input, 0, end - 16), 'what the macs cover');
  }
  if (found.kind === 'response-fragment' || found.kind === 'classical-response')
    must(found.receiverIndex === u32(8), 'the receiver of a response');
  if (found.kind === 'initiation-fragment' || found.kind === 'response-fragment') {
    const head = found.kind === 'initiation-fragment' ? 8 : 12;
    must(is(found.slice, head, end - 32), 'the slice of a fragment');
    must(found.index === datagram[2] && found.count === datagram[3], 'place and count of a fragment');
  }
}

/* cut and joined */

function cutAndJoined(cursor: Cursor): void {
  const suite = cursor.pick([1, 2]);
  const isInitiation = cursor.u8() % 2 === 0;
  const [least, most] = counts[suite];
  const count = least + (cursor.u8() % (most - least + 1));
  const body = pattern(cursor.u8(), bodies[isInitiation ? 0x11 : 0x12][suite]);
  const senderIndex = sessionIndex(cursor.u32());
  const datagrams = isInitiation
    ? cutInitiation({ suite, senderIndex, body, count })
    : cutResponse({ suite, senderIndex, receiverIndex: sessionIndex(cursor.u32()), body, count });
  must(datagrams.length === count, 'as many datagrams as asked for');
  const whole = isInitiation ? Reassembly.initiation(suite, count) : Reassembly.response(suite, count);
  const order = [...datagrams.keys()].map((index) => ({ index, rank: cursor.u8() }));
  order.sort((a, b) => a.rank - b.rank || a.index - b.index);
  for (const [nth, { index }] of order.entries()) {
    const found = classify(datagrams[index] ?? new Uint8Array(0));
    must(typeof found !== 'string' && 'slice' in found, 'our own fragment is not one');
    must(found.senderIndex === senderIndex && found.index === index, 'our own fragment is another');
    const result = whole.add(found.index, found.slice);
    must(result === (nth === count - 1 ? 'complete' : 'added'), 'a fragment was taken otherwise');
    if (cursor.u8() % 4 === 1) must(whole.add(found.index, found.slice) === 'duplicate', 'a copy counted');
  }
  must(Buffer.compare(whole.body, body) === 0, 'cut and joined, a body differs');
}

/* the pools */

function pooled(cursor: Cursor): void {
  const pools = new ReassemblyPools();
  const taken = new Map<string, Uint8Array[]>();
  const keys = {} as MacKeys; // only handed through
  let now = 0;
  let given = 0;
  for (let steps = 0; !cursor.atEnd && steps < 200; steps++) {
    const bits = cursor.u8();
    const from = cursor.pick(places);
    now += (bits & 1) === 0 ? 0 : cursor.pick(spans);
    const suite = (bits & 2) === 0 ? 1 : 2;
    const proven = (bits & 4) !== 0;
    const confirmedSource = (bits & 8) !== 0;
    // a run of senders at once: pools are filled within few bytes of input
    const run = (bits & 16) === 0 ? 1 : 1 + (cursor.u8() % 80);
    const sender = cursor.u8();
    const [least, most] = counts[suite];
    const count = least + (cursor.u8() % (most - least + 1));
    const index = cursor.u8() % count;
    const fill = cursor.u8();
    for (let nth = 0; nth < run; nth++) {
      const full = Math.ceil(bodies[0x11][suite] / count);
      const slice = pattern(fill, index === count - 1 ? bodies[0x11][suite] - full * (count - 1) : full);
      const senderIndex = sessionIndex(sender + nth);
      const none = new Uint8Array(0);
      const macs = { mac1: pattern(fill, 16), mac2: none, mac1Input: none, mac2Input: none };
      const fragment = {
        kind: 'initiation-fragment',
        suite,
        index,
        count,
        senderIndex,
        slice,
        ...macs,
      } as const;
      const offered = { fragment, from, length: slice.length + 40, keys, proven, confirmedSource };
      const key = `${from.ip}/${from.port}/${senderIndex}/${suite}/${count}`;
      const before = pools.size;
      const offer = pools.offer(instant(now), offered);
      given += pools.takeExpired();
      if (offer.kind === 'stored' || offer.kind === 'complete') {
        const slices = taken.get(key) ?? [];
        slices[index] = slice;
        taken.set(key, slices);
      }
      if (offer.kind === 'wants-proof') must(!proven, 'proof asked of what is proven');
      if (offer.kind === 'refused' && offer.reason === 'no-slot')
        must(proven, 'no cookie for what is not proven');
      if (offer.kind === 'wants-proof' || offer.kind === 'refused')
        must(pools.size <= before, 'a refused fragment took a slot');
      must(pools.size <= 192 + 64, 'more slots than there are');
      if (offer.kind !== 'complete') continue;
      const { slot } = offer;
      must(Buffer.compare(slot.reassembly.body, Buffer.concat(taken.get(key) ?? [])) === 0, 'another body');
      must(slot.first !== undefined, 'a whole body without its first fragment');
      must(slot.receivedBytes === bodies[0x11][suite] + 40 * count, 'another sum of bytes received');
      must(slot.largestDatagram === full + 40, 'another largest datagram');
      must(now - slot.createdAt < 3000, 'a slot outlived its 3 s');
    }
  }
  must(given >= 0 && given <= 200 * 80, 'more slots expired than were made');
}

/** Bytes that depend on their place. */
function pattern(fill: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = fill + at + (at >> 8);
  return bytes;
}
