import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PqtunError } from '../errors.ts';
import {
  bytes,
  fixed,
  layout,
  readU32be,
  readU64le,
  u8,
  u16be,
  u16le,
  u32be,
  u32le,
  u64le,
  zeros,
} from './layout.ts';

const sample = layout({
  type: fixed(0xab, 0xcd),
  one: u8,
  two: u16le,
  twoBig: u16be,
  four: u32le,
  fourBig: u32be,
  reserved: zeros(3),
  eight: u64le,
  rest: bytes(5),
});

const values = {
  one: 0x01,
  two: 0x0203,
  twoBig: 0x0405,
  four: 0x06070809,
  fourBig: 0x0a0b0c0d,
  eight: 0x000e_0f10_1112_1314,
  rest: Uint8Array.of(0x21, 0x22, 0x23, 0x24, 0x25),
};

describe('a layout', () => {
  test('knows its size and where each field begins', () => {
    expect(sample.size).toBe(31);
    expect(sample.offset).toEqual({
      type: 0,
      one: 2,
      two: 3,
      twoBig: 5,
      four: 7,
      fourBig: 11,
      reserved: 15,
      eight: 18,
      rest: 26,
    });
    expect(Object.isFrozen(sample.offset)).toBe(true);
  });

  test('writes each byte where it belongs', () => {
    expect([...sample.write(values)]).toEqual([
      0xab, 0xcd, 1, 3, 2, 4, 5, 9, 8, 7, 6, 0x0a, 0x0b, 0x0c, 0x0d, 0, 0, 0, 0x14, 0x13, 0x12, 0x11, 0x10,
      0x0f, 0x0e, 0, 0x21, 0x22, 0x23, 0x24, 0x25,
    ]);
  });

  test('writes over what was there, fixed bytes included, and nothing beside', () => {
    const into = new Uint8Array(35).fill(0xff);
    expect(sample.write(values, into, 2)).toBe(into);
    expect(into.subarray(2, 33)).toEqual(sample.write(values));
    expect([into[0], into[1], into[33], into[34]]).toEqual([0xff, 0xff, 0xff, 0xff]);
  });

  test('reads back any values at any place', () => {
    const unsigned = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
    const any = fc.record({
      one: unsigned(8),
      two: unsigned(16),
      twoBig: unsigned(16),
      four: unsigned(32),
      fourBig: unsigned(32),
      eight: fc.maxSafeNat(),
      rest: fc.uint8Array({ minLength: 5, maxLength: 5 }),
    });
    fc.assert(
      fc.property(any, fc.nat(9), (given, at) => {
        const into = sample.write(given, new Uint8Array(40), at);
        expect(sample.read(into, at)).toEqual(given);
        const view = new DataView(into.buffer, at); // the slow twin
        expect(view.getUint16(3, true)).toBe(given.two);
        expect(view.getUint16(5)).toBe(given.twoBig);
        expect(view.getUint32(7, true)).toBe(given.four);
        expect(view.getUint32(11)).toBe(given.fourBig);
        expect(view.getBigUint64(18, true)).toBe(BigInt(given.eight));
      }),
    );
  });

  test('reads byte fields as views, not copies', () => {
    const wire = sample.write(values);
    const { rest } = sample.read(wire);
    wire[26] = 0x99;
    expect(rest[0]).toBe(0x99);
  });

  test('takes too few bytes for a bug of ours', () => {
    expect(() => sample.read(new Uint8Array(30))).toThrow(PqtunError);
    expect(() => sample.read(new Uint8Array(31), 1)).toThrow(PqtunError);
    expect(() => sample.read(new Uint8Array(31), -1)).toThrow(PqtunError);
    expect(() => sample.write(values, new Uint8Array(30))).toThrow(PqtunError);
    expect(() => sample.write(values, new Uint8Array(31), 1)).toThrow(PqtunError);
    expect(() => sample.write(values, new Uint8Array(40), -1)).toThrow(PqtunError);
  });

  test('takes values that do not fit for a bug of ours', () => {
    for (const one of [256, -1, 0.5, Number.NaN])
      expect(() => sample.write({ ...values, one })).toThrow(PqtunError);
    expect(() => sample.write({ ...values, two: 65_536 })).toThrow(PqtunError);
    expect(() => sample.write({ ...values, four: 2 ** 32 })).toThrow(PqtunError);
    expect(() => sample.write({ ...values, eight: 2 ** 53 })).toThrow(PqtunError);
    expect(() => sample.write({ ...values, rest: new Uint8Array(4) })).toThrow(PqtunError);
  });

  test('has types that refuse unknown, missing and fixed fields', () => {
    const small = layout({ type: fixed(1), one: u8 });
    // @ts-expect-error an unknown field
    small.write({ one: 1, other: 2 });
    // @ts-expect-error a fixed field carries no value
    small.write({ one: 1, type: 1 });
    // @ts-expect-error a missing field
    expect(() => small.write({})).toThrow();
    // @ts-expect-error bytes where a number belongs
    expect(() => small.write({ one: new Uint8Array(1) })).toThrow();
    // @ts-expect-error no such field to read
    expect(small.read(Uint8Array.of(1, 2)).other).toBeUndefined();
    // @ts-expect-error no such offset
    expect(small.offset.other).toBeUndefined();
  });
});

describe('64-bit numbers', () => {
  test('are exact up to 2^53 − 1 and never read below 2^53 above it', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (exact) => {
        const wire = new Uint8Array(8);
        new DataView(wire.buffer).setBigUint64(0, exact, true);
        const read = readU64le(wire, 0);
        if (exact < 2n ** 53n) expect(read).toBe(Number(exact));
        else expect(read).toBeGreaterThanOrEqual(2 ** 53);
      }),
    );
    const edge = new Uint8Array(8);
    for (const exact of [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      new DataView(edge.buffer).setBigUint64(0, exact, true);
      expect(Number.isSafeInteger(readU64le(edge, 0))).toBe(exact < 2n ** 53n);
    }
  });

  test('and 32-bit ones are never negative', () => {
    expect(readU32be(Uint8Array.of(255, 255, 255, 255), 0)).toBe(2 ** 32 - 1);
  });
});
