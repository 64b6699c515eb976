import { describe, expect, it } from 'vitest';
import { planeEdge } from './testing/plane-edge.ts';
import { Random } from './testing/random.ts';
import {
  dataValid,
  gsoType,
  type Headers,
  headersLength,
  joined,
  needsChecksum,
  packetOf,
  plainHeaders,
  plainHeaders6,
  randomHeaders,
  superFrame,
  transportOffset,
  virtioHeader,
} from './testing/segments.ts';

const edge = planeEdge<{ parse(frame: Uint8Array): number[] }>('gsoSplit');

/** FrameRefusal, in its order. */
const refusals = [
  'none',
  'truncated',
  'badInnerPacket',
  'badInnerLength',
  'unknownGso',
  'badChecksum',
  'badHeaders',
  'badSegmentSize',
] as const;
type Refusal = (typeof refusals)[number];

const refusalOf = (frame: Uint8Array): Refusal | undefined => refusals[edge.parse(frame)[0] ?? 0];

const payload = new Uint8Array(60).fill(5);
const tso4 = superFrame(plainHeaders, payload, 20);
const uso6 = superFrame({ ...plainHeaders6, protocol: 'udp' }, payload, 20);

/** `frame` with other bytes at the offset. */
function changed(frame: Uint8Array, at: number, ...bytes: number[]): Uint8Array {
  const copy = frame.slice();
  copy.set(bytes, at);
  return copy;
}

/** `frame` with one number of its virtio header changed. */
function withWord(frame: Uint8Array, at: number, word: number): Uint8Array {
  const copy = frame.slice();
  new Uint16Array(copy.buffer)[at / 2] = word;
  return copy;
}
const at = { headerLength: 2, segmentSize: 4, checksumStart: 6, checksumOffset: 8 } as const;

describe('a frame from the TUN', () => {
  it('is taken with all that it says', () => {
    expect(edge.parse(tso4)).toEqual([0, 1, 1, 4, 100, 20, 36, 20, 40, 20]);
    expect(edge.parse(uso6)).toEqual([0, 2, 1, 6, 108, 40, 46, 40, 48, 20]);
    const plain = joined(virtioHeader({}), packetOf(plainHeaders, payload));
    expect(edge.parse(plain)).toEqual([0, 0, 0, 4, 100, 0, 0, 0, 0, 0]);
  });

  it('of every shorter length is refused', () => {
    for (const frame of [tso4, uso6]) {
      for (let length = 0; length < frame.length; length++) {
        const expected = length < 10 ? 'truncated' : length === 10 ? 'badInnerPacket' : 'badInnerLength';
        expect(refusalOf(frame.subarray(0, length))).toBe(expected);
      }
    }
  });

  it('is believed nothing about its header length', () => {
    for (const length of [0, 1, 40, 100, 65_535])
      expect(edge.parse(withWord(tso4, at.headerLength, length))).toEqual(edge.parse(tso4));
  });

  it('of every other GSO type is refused', () => {
    const taken: number[] = [];
    for (let type = 0; type < 256; type++) {
      const refusal = refusalOf(changed(tso4, 1, type));
      if (refusal === 'none') taken.push(type);
      else if ([gsoType.tcp6, gsoType.tcp6 | gsoType.ecn, gsoType.udp].includes(type))
        expect(refusal).toBe('badHeaders');
      else expect(refusal).toBe('unknownGso');
    }
    expect(taken).toEqual([gsoType.none, gsoType.tcp4, gsoType.tcp4 | gsoType.ecn]);
  });

  it('is taken only with the protocol of its type', () => {
    expect(refusalOf(changed(tso4, 10 + 9, 17))).toBe('badHeaders');
    expect(refusalOf(changed(uso6, 10 + 6, 6))).toBe('badHeaders');
  });

  it('may not be a fragment', () => {
    expect(refusalOf(changed(tso4, 10 + 6, 0x20, 0))).toBe('badHeaders');
    expect(refusalOf(changed(tso4, 10 + 6, 0, 1))).toBe('badHeaders');
    expect(refusalOf(changed(tso4, 10 + 6, 0x40, 0))).toBe('none');
  });

  it('has its transport header whole', () => {
    for (let words = 0; words < 16; words++) {
      const expected = words * 4 >= 20 && 20 + words * 4 <= 100 ? 'none' : 'badHeaders';
      expect(refusalOf(changed(tso4, 10 + 32, words << 4))).toBe(expected);
    }
    const udp: Headers = { ...plainHeaders, protocol: 'udp' };
    const short = superFrame(udp, new Uint8Array(0), 20).slice(0, -1);
    new DataView(short.buffer).setUint16(12, 27);
    expect(refusalOf(changed(short, 0, dataValid))).toBe('badHeaders');
  });

  it('has a checksum where its transport header has it', () => {
    for (const start of [0, 19, 21, 40, 65_535])
      expect(refusalOf(withWord(tso4, at.checksumStart, start))).toBe('badChecksum');
    for (const offset of [0, 6, 15, 17, 65_535])
      expect(refusalOf(withWord(tso4, at.checksumOffset, offset))).toBe('badChecksum');
    expect(refusalOf(changed(tso4, 0, 0))).toBe('badChecksum');
    expect(refusalOf(changed(tso4, 0, dataValid))).toBe('none');
  });

  it('cuts into segments of some size', () => {
    expect(refusalOf(withWord(tso4, at.segmentSize, 0))).toBe('badSegmentSize');
    expect(refusalOf(withWord(tso4, at.segmentSize, 1))).toBe('none');
    expect(refusalOf(withWord(tso4, at.segmentSize, 65_535))).toBe('none');
  });

  it('may have extension headers as long as all headers are within 256 B, but no routing header', () => {
    const destinationOptions = (length: number) =>
      Uint8Array.from({ length }, (_, i) => (i === 0 ? 6 : i === 1 ? length / 8 - 1 : 0));
    const carrying = (first: number, bytes: Uint8Array) =>
      superFrame({ ...plainHeaders6, extensions: { first, bytes } }, payload, 20);
    expect(refusalOf(carrying(60, destinationOptions(192)))).toBe('none');
    expect(refusalOf(carrying(60, destinationOptions(200)))).toBe('badHeaders');
    expect(refusalOf(carrying(43, destinationOptions(8)))).toBe('badHeaders');
  });

  it('may have a checksum anywhere behind its IP header, at the limits, one below and one above', () => {
    const packet = packetOf(plainHeaders, payload);
    const refusalAt = (checksumStart: number, checksumOffset: number) =>
      refusalOf(joined(virtioHeader({ flags: needsChecksum, checksumStart, checksumOffset }), packet));
    expect(refusalAt(19, 16)).toBe('badChecksum');
    expect(refusalAt(20, 16)).toBe('none');
    expect(refusalAt(21, 16)).toBe('none');
    expect(refusalAt(20, 78)).toBe('none');
    expect(refusalAt(20, 79)).toBe('badChecksum');
    expect(refusalAt(98, 0)).toBe('none');
    expect(refusalAt(99, 0)).toBe('badChecksum');
    expect(refusalAt(65_535, 65_535)).toBe('badChecksum');
  });

  it('changed at random, 100,000 times, is refused or lies within itself as the slow twin says', () => {
    const random = new Random(21);
    let taken = 0;
    for (let i = 0; i < 100_000; i++) {
      const headers = randomHeaders(random);
      const frame = superFrame(headers, payload.subarray(0, random.below(20)), 1 + random.below(9));
      const changes = random.below(3);
      for (let k = 0; k < changes; k++)
        frame[random.below(Math.min(frame.length, 70))] = random.word() & 0xff;
      const bytes = random.chance(0.1) ? frame.subarray(0, random.below(frame.length)) : frame;
      const parsed = edge.parse(bytes);
      const expected = slowParse(bytes);
      if (`${parsed}` !== `${expected}`) expect.fail(`case ${i} of seed 21: ${parsed}, not ${expected}`);
      if (parsed.length > 1) taken++;
      if (changes === 0 && bytes === frame) {
        expect(parsed[0]).toBe(0);
        expect(parsed[8]).toBe(headersLength(headers));
        expect(parsed[7]).toBe(transportOffset(headers));
      }
    }
    expect(taken).toBeGreaterThan(30_000);
  });
});

/** The slow twin: the rules one after another, each on its own. */
function slowParse(frame: Uint8Array): number[] {
  const refuse = (refusal: Refusal) => [refusals.indexOf(refusal)];
  if (frame.length < 10) return refuse('truncated');
  const [headerLength, segmentSize = 0, start = 0, offset = 0] = new Uint16Array(frame.slice(2, 10).buffer);
  expect(headerLength).toBeDefined();
  const [flags = 0, type = 0] = frame;
  const packet = frame.subarray(10);
  const word = (index: number) => (packet[index] ?? 0) * 256 + (packet[index + 1] ?? 0);

  const version = (packet[0] ?? 0) >> 4;
  if (packet.length === 0 || (version !== 4 && version !== 6)) return refuse('badInnerPacket');
  if (packet.length < (version === 4 ? 20 : 40)) return refuse('badInnerLength');
  const ipHeader = version === 4 ? ((packet[0] ?? 0) & 15) * 4 : 40;
  const length = version === 4 ? word(2) : 40 + word(4);
  if (ipHeader < 20 || length < ipHeader || length > packet.length) return refuse('badInnerLength');

  const kind = ({ 0: 0, 1: 1, 129: 1, 4: 1, 132: 1, 5: 2 } as Record<number, number>)[type];
  if (kind === undefined) return refuse('unknownGso');
  if (kind === 1 && version !== ((type & 0x7f) === gsoType.tcp4 ? 4 : 6)) return refuse('badHeaders');
  const needs = flags & needsChecksum;
  const [sumFrom, sumTo] = needs ? [start, start + offset] : [0, 0];
  if (needs && (start < ipHeader || start + offset + 2 > length)) return refuse('badChecksum');
  if (kind === 0) return [0, 0, needs, version, length, sumFrom, sumTo, 0, 0, 0];

  let transport = ipHeader;
  let protocol = packet[version === 4 ? 9 : 6] ?? 0;
  if (version === 4 && (word(6) & 0x3fff) !== 0) return refuse('badHeaders');
  while (version === 6 && [0, 60, 51].includes(protocol) && transport + 2 <= length) {
    const units = packet[transport + 1] ?? 0;
    const size = protocol === 51 ? (units + 2) * 4 : (units + 1) * 8;
    protocol = packet[transport] ?? 0;
    transport += size;
  }
  if (protocol !== (kind === 1 ? 6 : 17)) return refuse('badHeaders');
  const least = kind === 1 ? 20 : 8;
  if (transport + least > length) return refuse('badHeaders');
  const carried = kind === 1 ? ((packet[transport + 12] ?? 0) >> 4) * 4 : 8;
  const all = transport + carried;
  if (carried < least || all > length || all > 256) return refuse('badHeaders');
  if (needs && (start !== transport || offset !== (kind === 1 ? 16 : 6))) return refuse('badChecksum');
  if (!needs && !(flags & dataValid)) return refuse('badChecksum');
  if (segmentSize === 0) return refuse('badSegmentSize');
  return [0, kind, needs, version, length, sumFrom, sumTo, transport, all, segmentSize];
}
