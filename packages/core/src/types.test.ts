import { describe, expect, test } from 'vitest';
import {
  compareBytes,
  elapsed,
  endpoint,
  endpointKey,
  instant,
  later,
  millis,
  prefixKey,
  sameBytes,
  sameEndpoint,
} from './types.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);
const mapped = bytes(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1);

describe('an endpoint', () => {
  test('of an IPv4-mapped address is that of the IPv4 address', () => {
    expect(endpoint(mapped, 7).ip).toEqual(bytes(192, 0, 2, 1));
    expect(sameEndpoint(endpoint(mapped, 7), endpoint(bytes(192, 0, 2, 1), 7))).toBe(true);
  });

  test('of any address that differs from a mapped one in its first twelve bytes is IPv6', () => {
    for (let at = 0; at < 12; at++) {
      const other = mapped.map((byte, i) => (i === at ? byte ^ 1 : byte));
      expect(endpoint(other, 7).ip, `byte ${at}`).toEqual(other);
    }
    for (const length of [4, 12, 13, 17]) {
      const other = new Uint8Array(length).fill(255, 10, 12);
      expect(endpoint(other, 7).ip).toEqual(other);
    }
  });

  test('is another with another address, port or scope, and so is its key', () => {
    const [here, ...others] = [
      endpoint(bytes(192, 0, 2, 1), 7, 0),
      endpoint(bytes(192, 0, 2, 2), 7, 0),
      endpoint(bytes(192, 0, 2, 1), 8, 0),
      endpoint(bytes(192, 0, 2, 1), 7, 1),
      endpoint(bytes(192, 0, 2, 1), 7, 0x1_0000),
    ];
    if (here === undefined) throw new Error('five were made');
    for (const other of others) {
      expect(sameEndpoint(here, other)).toBe(false);
      expect(endpointKey(other)).not.toBe(endpointKey(here));
    }
    expect(new Set(others.map(endpointKey)).size).toBe(others.length);
    expect(sameEndpoint(here, { ...here, ip: here.ip.slice() })).toBe(true);
  });

  test('is counted by its whole IPv4 address, or by the first 64 bits of an IPv6 one (§6)', () => {
    expect(prefixKey(bytes(192, 0, 2, 1))).not.toBe(prefixKey(bytes(192, 0, 2, 2)));
    const v6 = (at: number) => new Uint8Array(16).fill(1, at, at + 1);
    expect(prefixKey(v6(8))).toBe(prefixKey(v6(15)));
    expect(prefixKey(v6(7))).not.toBe(prefixKey(v6(15)));
    expect(prefixKey(bytes(0, 0, 0, 0))).not.toBe(prefixKey(new Uint8Array(16)));
  });
});

describe('bytes', () => {
  test('are the same if all are, and there are as many', () => {
    expect(sameBytes(bytes(1, 2), bytes(1, 2))).toBe(true);
    expect(sameBytes(bytes(), bytes())).toBe(true);
    for (const other of [bytes(1), bytes(1, 2, 3), bytes(1, 3), bytes(0, 2), bytes()])
      expect([sameBytes(bytes(1, 2), other), sameBytes(other, bytes(1, 2))]).toEqual([false, false]);
  });

  test('are ordered as numbers, the first that differ decide; a beginning stands before the whole', () => {
    const ordered = [
      bytes(),
      bytes(0),
      bytes(0, 255),
      bytes(1),
      bytes(1, 0),
      bytes(1, 2, 9),
      bytes(1, 3),
      bytes(255),
    ];
    for (const [i, a] of ordered.entries())
      for (const [j, b] of ordered.entries()) expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(i - j));
  });
});

test('times add up', () => {
  expect(later(instant(5), millis(7))).toBe(12);
  expect(elapsed(instant(5), instant(12))).toBe(7);
});
