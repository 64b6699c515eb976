import { describe, expect, it } from 'vitest';
import { planeEdge } from './testing/plane-edge.ts';
import { Random } from './testing/random.ts';
import {
  dataValid,
  type Headers,
  headersLength,
  joined,
  needsChecksum,
  packetOf,
  plainHeaders,
  plainHeaders6,
  randomHeaders,
  segmentsOf,
  superFrame,
  tcpFlag,
  transportOffset,
  virtioHeader,
} from './testing/segments.ts';

const edge = planeEdge<{
  split(frame: Uint8Array, way: 0 | 1 | 2): Uint8Array[];
}>('gsoSplit');

const ways = [0, 1, 2] as const;
const ramp = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + 1) % 251);

function differing(left: readonly Uint8Array[], right: readonly Uint8Array[]): boolean {
  if (left.length !== right.length) return true;
  return left.some((packet, i) => Buffer.compare(packet, right[i] ?? new Uint8Array(0)) !== 0);
}

describe('a super-frame', () => {
  const kinds: readonly [string, Headers][] = [
    ['TSO4', plainHeaders],
    ['TSO6', plainHeaders6],
    ['USO4', { ...plainHeaders, protocol: 'udp' }],
    ['USO6', { ...plainHeaders6, protocol: 'udp' }],
  ];

  it.each(kinds)('%s of 64 KiB becomes 45 packets and a rest, whichever way they are taken', (_, headers) => {
    const payload = ramp(65_535 - headersLength(headers));
    for (const way of ways)
      expect(edge.split(superFrame(headers, payload, 1400), way)).toEqual(segmentsOf(headers, payload, 1400));
  });

  it.each(kinds)('%s with as much payload as a segment, one less and one more', (_, headers) => {
    for (const length of [1, 99, 100, 101, 199, 200, 201]) {
      const frame = superFrame(headers, ramp(length), 100);
      for (const way of ways) expect(edge.split(frame, way)).toEqual(segmentsOf(headers, ramp(length), 100));
    }
  });

  it.each(kinds)('%s without payload is one packet', (_, headers) => {
    const empty = new Uint8Array(0);
    for (const way of ways)
      expect(edge.split(superFrame(headers, empty, 100), way)).toEqual([packetOf(headers, empty)]);
  });

  it('has FIN and PSH on its last packet, CWR on its first, and ECE on all', () => {
    const { ack, cwr, ece, fin, psh } = tcpFlag;
    const flags = ack | cwr | ece | fin | psh;
    const packets = edge.split(superFrame({ ...plainHeaders, flags }, ramp(30), 10), 0);
    expect(packets.map((packet) => packet[33])).toEqual([ack | cwr | ece, ack | ece, ack | ece | fin | psh]);
  });

  it('counts identification and sequence number past their ends', () => {
    const headers = { ...plainHeaders, identification: 0xffff, sequence: 0xffff_fff0 };
    const packets = edge.split(superFrame(headers, ramp(40), 20), 0);
    const views = packets.map((packet) => new DataView(packet.buffer));
    expect(views.map((view) => view.getUint16(4))).toEqual([0xffff, 0]);
    expect(views.map((view) => view.getUint32(24))).toEqual([0xffff_fff0, 4]);
  });

  it('of UDP never says "no checksum"', () => {
    const headers = { ...plainHeaders, protocol: 'udp' } as const;
    const zero = packetOf(headers, new Uint8Array(2));
    const payload = zero.slice(26, 28); // with its checksum as payload, the sum of the packet is zero
    const [packet] = edge.split(superFrame(headers, payload, 2), 0);
    expect(packet?.slice(26, 28)).toEqual(Uint8Array.of(0xff, 0xff));
    expect(packet).toEqual(packetOf(headers, payload));
  });

  it('of any kind: 100,000 packets and more are cut as by the slow twin', () => {
    const random = new Random(11);
    const memory = random.bytes(2048);
    let cut = 0;
    for (let i = 0; i < 40_000; i++) {
      const headers = randomHeaders(random);
      const start = random.below(1500);
      const payload = memory.subarray(start, start + random.below(random.chance(0.05) ? 500 : 60));
      const segmentSize = 1 + random.below(random.chance(0.3) ? 300 : 40);
      const packets = edge.split(superFrame(headers, payload, segmentSize), random.pick(ways));
      if (differing(packets, segmentsOf(headers, payload, segmentSize))) expect.fail(`case ${i} of seed 11`);
      memory[random.below(memory.length)] = random.word() & 0xff;
      cut += packets.length;
    }
    expect(cut).toBeGreaterThan(100_000);
  });

  it('whose checksum the kernel vouches for, without leaving it to us, is cut as well', () => {
    const frame = superFrame(plainHeaders, ramp(300), 100);
    frame[0] = dataValid;
    expect(edge.split(frame, 0)).toEqual(segmentsOf(plainHeaders, ramp(300), 100));
    frame[0] = 0;
    expect(edge.split(frame, 0)).toEqual([]);
  });

  it('is cut to its true length', () => {
    const frame = joined(superFrame(plainHeaders, ramp(300), 100), Uint8Array.of(1, 2, 3));
    expect(edge.split(frame, 0)).toEqual(segmentsOf(plainHeaders, ramp(300), 100));
  });
});

describe('a plain frame', () => {
  it('goes through as it is, right or wrong', () => {
    const packet = packetOf(plainHeaders, ramp(100));
    packet[50] = 0;
    expect(edge.split(joined(virtioHeader({}), packet), 0)).toEqual([packet]);
  });

  it('gets the checksum that was left to the device, 20,000 of them as by the slow twin', () => {
    const random = new Random(12);
    for (let i = 0; i < 20_000; i++) {
      const headers = randomHeaders(random);
      const payload = random.bytes(random.below(60));
      const frame = superFrame(headers, payload, 1);
      const start = transportOffset(headers);
      const virtio = virtioHeader({
        flags: needsChecksum,
        checksumStart: start,
        checksumOffset: headers.protocol === 'tcp' ? 16 : 6,
      });
      frame.set(virtio);
      const expected = packetOf(headers, payload);
      const at = start + (headers.protocol === 'tcp' ? 16 : 6);
      // As Linux, we write 0xffff for the zero of any protocol.
      if (expected[at] === 0 && expected[at + 1] === 0) expected.fill(0xff, at, at + 2);
      if (differing(edge.split(frame, 0), [expected])) expect.fail(`case ${i} of seed 12`);
    }
  });
});
