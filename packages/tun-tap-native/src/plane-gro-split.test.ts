import { describe, expect, it } from 'vitest';
import { planeEdge } from './testing/plane-edge.ts';
import { Random } from './testing/random.ts';

const edge = planeEdge<{
  datagrams(bytes: Uint8Array, segmentSize: number, truncated: boolean): [cut: number, ...number[]];
  groSize(control: Uint8Array): number;
}>('groSplit');

/** [offset, length] of each datagram, and whether something was cut off. */
function walk(length: number, segmentSize: number, truncated = false) {
  const [cut, ...numbers] = edge.datagrams(new Uint8Array(length), segmentSize, truncated);
  const datagrams: [number, number][] = [];
  for (let i = 0; i < numbers.length; i += 2) datagrams.push([numbers[i] ?? -1, numbers[i + 1] ?? -1]);
  return { cut: cut === 1, datagrams };
}

describe('what UDP_GRO has put into one buffer', () => {
  it('is datagrams of one size, the last of which may be shorter', () => {
    expect(walk(300, 100).datagrams).toEqual([
      [0, 100],
      [100, 100],
      [200, 100],
    ]);
    expect(walk(201, 100).datagrams.at(-1)).toEqual([200, 1]);
    expect(walk(99, 100).datagrams).toEqual([[0, 99]]);
    expect(walk(100, 100).datagrams).toEqual([[0, 100]]);
    expect(walk(101, 100).datagrams.at(-1)).toEqual([100, 1]);
  });

  it('is one datagram without a size, be it empty or as long as the buffer', () => {
    for (const length of [0, 1, 1500, 65_535]) {
      expect(walk(length, 0)).toEqual({ cut: false, datagrams: [[0, length]] });
      expect(walk(length, 65_535).datagrams).toEqual([[0, length]]);
    }
  });

  it('that did not fit is what of it is whole (assurance: a datagram longer than the buffer)', () => {
    expect(walk(250, 100, true)).toEqual({
      cut: true,
      datagrams: [
        [0, 100],
        [100, 100],
      ],
    });
    expect(walk(200, 100, true).datagrams).toHaveLength(2);
    expect(walk(99, 100, true)).toEqual({ cut: true, datagrams: [] });
    expect(walk(1500, 0, true)).toEqual({ cut: true, datagrams: [] });
    expect(walk(0, 0, true)).toEqual({ cut: true, datagrams: [] });
  });

  it('is all there, once and in order, in 20,000 random buffers', () => {
    const random = new Random(31);
    for (let i = 0; i < 20_000; i++) {
      const length = random.below(2000);
      const segmentSize = random.chance(0.1) ? 0 : 1 + random.below(1600);
      const truncated = random.chance(0.2);
      const size = segmentSize === 0 ? length : segmentSize;
      const expected: [number, number][] = [];
      for (let at = 0; at < length; at += size) expected.push([at, Math.min(size, length - at)]);
      if (length === 0 && !truncated) expected.push([0, 0]);
      const last = expected.at(-1);
      if (truncated && last && (segmentSize === 0 || last[1] < size)) expected.pop();
      expect(walk(length, segmentSize, truncated)).toEqual({ cut: truncated, datagrams: expected });
    }
  });
});

/** One control message as Linux lays it out on a machine of 64 bits; `length` as in cmsg_len, its own 16 B included. */
function controlMessage(level: number, type: number, length: number, data: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(16 + Math.ceil(data.length / 8) * 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(length), true);
  view.setInt32(8, level, true);
  view.setInt32(12, type, true);
  bytes.set(data, 16);
  return bytes;
}
const udp = 17;
const udpGro = 104;
const sizeMessage = (...data: number[]) => controlMessage(udp, udpGro, 16 + data.length, data);
const packetInfo = controlMessage(0, 8, 28, [1, 0, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);

describe('the segment size from the control messages', () => {
  it('is found alone, before and behind others', () => {
    const size = sizeMessage(0x8c, 0x05, 0, 0);
    expect(edge.groSize(size)).toBe(1420);
    expect(edge.groSize(Uint8Array.of(...packetInfo, ...size))).toBe(1420);
    expect(edge.groSize(Uint8Array.of(...size, ...packetInfo))).toBe(1420);
  });

  it('is found where the last message has no padding (wireguard-go f502ec3)', () => {
    const size = sizeMessage(0x8c, 0x05, 0, 0);
    expect(size).toHaveLength(24);
    expect(edge.groSize(size.subarray(0, 20))).toBe(1420);
  });

  it('is none where there is none', () => {
    expect(edge.groSize(new Uint8Array(0))).toBe(0);
    expect(edge.groSize(packetInfo)).toBe(0);
    expect(edge.groSize(controlMessage(0, udpGro, 20, [1, 0, 0, 0]))).toBe(0);
    expect(edge.groSize(controlMessage(udp, 103, 20, [1, 0, 0, 0]))).toBe(0);
  });

  it('is none where it means nothing', () => {
    expect(edge.groSize(sizeMessage(0, 0, 0, 0))).toBe(0);
    expect(edge.groSize(sizeMessage(0xff, 0xff, 0xff, 0xff))).toBe(0);
    expect(edge.groSize(sizeMessage(0, 0, 1, 0))).toBe(0);
    expect(edge.groSize(sizeMessage(0xff, 0xff, 0, 0))).toBe(65_535);
    expect(edge.groSize(sizeMessage(0x8c, 0x05))).toBe(0);
  });

  it('is read from no more than there is, whatever the messages claim', () => {
    const random = new Random(32);
    for (let i = 0; i < 20_000; i++) {
      const control = Uint8Array.of(...packetInfo, ...sizeMessage(0x8c, 0x05, 0, 0));
      for (let k = 0; k < 3; k++) control[random.below(control.length)] = random.word() & 0xff;
      const size = edge.groSize(control.subarray(0, random.below(control.length + 1)));
      if (size < 0 || size > 65_535) expect.fail(`case ${i} of seed 32`);
    }
  });
});
