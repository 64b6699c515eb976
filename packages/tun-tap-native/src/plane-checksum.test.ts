import { describe, expect, it } from 'vitest';
import { planeEdge } from './testing/plane-edge.ts';
import { Random } from './testing/random.ts';
import { checksum, joined } from './testing/segments.ts';

const edge = planeEdge<{
  sum(bytes: Uint8Array, plain: boolean): number;
  copyAndSum(to: Uint8Array, from: Uint8Array, plain: boolean): number;
  pseudoHeader(addresses: Uint8Array, protocol: number, length: number): number;
  updated(checksum: number, before: number, after: number, odd: boolean): number;
}>('checksum');

const slowSum = (bytes: Uint8Array) => ~checksum(bytes) & 0xffff;
const complement = (word: number) => ~word & 0xffff;

describe.each([
  ['with the widest registers there are', false],
  ['with those that every machine has', true],
] as const)('the native checksum, %s,', (_, plain) => {
  const sum = (bytes: Uint8Array) => edge.sum(bytes, plain);

  it('is that of the example in RFC 1071 §3', () => {
    expect(sum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7))).toBe(0xddf2);
    expect(sum(new Uint8Array(0))).toBe(0);
    expect(sum(Uint8Array.of(0x12))).toBe(0x1200);
  });

  it('of every length up to 300 B, and of extremes, is that of its slow twin', () => {
    const random = new Random(1);
    for (let length = 0; length <= 300; length++) {
      for (const bytes of [random.bytes(length), new Uint8Array(length).fill(0xff), new Uint8Array(length)]) {
        expect(sum(bytes)).toBe(slowSum(bytes));
      }
    }
    for (const length of [1419, 1420, 9000, 65_534, 65_535]) {
      const bytes = random.bytes(length);
      expect(sum(bytes)).toBe(slowSum(bytes));
      expect(sum(bytes.fill(0xff))).toBe(length % 2 === 0 ? 0xffff : 0xff00);
    }
  });

  it('of more words than 32 bits hold the sum of loses none', () => {
    // 2^15 steps of 16 B and of 32 B, at the limit, one below and one above.
    for (const steps of [2 ** 15 - 1, 2 ** 15, 2 ** 15 + 1, 2 ** 17]) {
      for (const step of [16, 32]) {
        const bytes = new Uint8Array(steps * step).fill(0xff);
        bytes[bytes.length - 1] = 0xfe;
        expect(sum(bytes)).toBe(0xfffe);
      }
    }
  });

  it('of 100,000 random inputs is that of its slow twin, copying or not', () => {
    const random = new Random(2);
    const memory = random.bytes(4096);
    for (let i = 0; i < 100_000; i++) {
      const start = random.below(3900);
      const bytes = memory.subarray(start, start + random.below(196));
      const expected = slowSum(bytes);
      if (sum(bytes) !== expected) expect.fail(`case ${i}: sum`);
      const copy = new Uint8Array(bytes.length);
      if (edge.copyAndSum(copy, bytes, plain) !== expected) expect.fail(`case ${i}: copyAndSum`);
      if (Buffer.compare(copy, bytes) !== 0) expect.fail(`case ${i}: copy`);
      memory[random.below(memory.length)] = random.word() & 0xff;
    }
  });
});

describe('the native checksum', () => {
  it('of a pseudo header is that of its bytes written out', () => {
    const random = new Random(3);
    for (let i = 0; i < 2000; i++) {
      const protocol = random.below(256);
      const length = random.below(65_536);
      const big = [length >> 8, length & 255];
      const addresses4 = random.bytes(8);
      const header4 = joined(addresses4, Uint8Array.of(0, protocol, ...big));
      expect(edge.pseudoHeader(addresses4, protocol, length)).toBe(slowSum(header4));
      const addresses6 = random.bytes(32);
      const header6 = joined(addresses6, Uint8Array.of(0, 0, ...big, 0, 0, 0, protocol));
      expect(edge.pseudoHeader(addresses6, protocol, length)).toBe(slowSum(header6));
    }
  });

  it('follows a changed word by difference, at even and odd offsets, and keeps a wrong one wrong', () => {
    const random = new Random(4);
    for (let i = 0; i < 20_000; i++) {
      const bytes = random.bytes(21);
      if (random.chance(0.2)) bytes.fill(random.pick([0, 0xff]));
      const wrong = random.chance(0.5) ? 0 : 1 + random.below(65_534);
      const before = (slowSum(bytes) + wrong) % 0xffff;
      const at = random.below(20);
      const view = new DataView(bytes.buffer);
      const old = view.getUint16(at);
      const value = random.pick([0, 0xffff, old, random.below(65_536)]);
      view.setUint16(at, value);
      const updated = edge.updated(complement(before), old, value, at % 2 === 1);
      // The same number modulo 0xffff: ones-complement zero has two forms.
      expect(complement(updated) % 0xffff).toBe((slowSum(bytes) + wrong) % 0xffff);
    }
  });

  it('by difference is the one of RFC 1624 §4, where RFC 1141 went wrong', () => {
    expect(edge.updated(0xdd2f, 0x5555, 0x3285, false)).toBe(0x0000);
  });
});
