import { blake2s } from '@noble/hashes/blake2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyedBlake2s } from './keyed-blake2s.ts';

/** The slow twin. */
const twin = (key: Uint8Array, parts: readonly Uint8Array[], length: number): Uint8Array =>
  blake2s(Uint8Array.from(parts.flatMap((part) => [...part])), { key, dkLen: length });

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });

describe('keyedBlake2s', () => {
  test('equals noble for any key, parts and output length', () => {
    fc.assert(
      fc.property(
        bytes(1, 32),
        fc.array(bytes(0, 200), { maxLength: 5 }),
        fc.integer({ min: 1, max: 32 }),
        (key, parts, length) => {
          expect(keyedBlake2s(key, parts, length)).toEqual(twin(key, parts, length));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('equals noble around every block edge', () => {
    const key = new Uint8Array(32).fill(0xff);
    for (const blocks of [0, 1, 2, 20]) {
      for (const off of [-1, 0, 1]) {
        const length = Math.max(0, blocks * 64 + off);
        const message = Uint8Array.from({ length }, (_, i) => 255 - (i % 251));
        expect(keyedBlake2s(key, [message], 16), `${length} B`).toEqual(twin(key, [message], 16));
      }
    }
  });

  test('how the message is cut into parts does not matter', () => {
    const key = Uint8Array.of(1, 2, 3);
    const message = Uint8Array.from({ length: 130 }, (_, i) => i);
    const whole = keyedBlake2s(key, [message], 32);
    for (let cut = 0; cut <= message.length; cut++) {
      expect(keyedBlake2s(key, [message.subarray(0, cut), message.subarray(cut)], 32)).toEqual(whole);
    }
  });

  test('one call leaves nothing behind for the next', () => {
    const short = keyedBlake2s(Uint8Array.of(7), [], 16);
    keyedBlake2s(new Uint8Array(32).fill(1), [new Uint8Array(500).fill(2)], 32);
    expect(keyedBlake2s(Uint8Array.of(7), [], 16)).toEqual(short);
  });

  test('output lengths are different functions, not cuts of one', () => {
    const key = new Uint8Array(16).fill(4);
    expect(keyedBlake2s(key, [], 32).subarray(0, 16)).not.toEqual(keyedBlake2s(key, [], 16));
  });
});
