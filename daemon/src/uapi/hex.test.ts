import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHex, encodeHex } from './hex.ts';

const ascii = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

describe('hexadecimal of keys', () => {
  it('is what Node makes of it, both ways and in either case', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const text = Buffer.from(bytes).toString('hex');
        expect(Buffer.from(encodeHex(bytes)).toString('latin1')).toBe(text);
        expect(decodeHex(ascii(text), bytes.length)).toEqual(bytes);
        expect(decodeHex(ascii(text.toUpperCase()), bytes.length)).toEqual(bytes);
      }),
    );
  });

  it('takes every digit and no other byte, in either place', () => {
    for (let byte = 0; byte < 256; byte++) {
      const isDigit = /^[0-9a-fA-F]$/.test(String.fromCharCode(byte));
      expect(decodeHex(Uint8Array.of(0x30, byte), 1) !== undefined, `low ${byte}`).toBe(isDigit);
      expect(decodeHex(Uint8Array.of(byte, 0x30), 1) !== undefined, `high ${byte}`).toBe(isDigit);
    }
  });

  it('has one length', () => {
    expect(decodeHex(ascii('00'.repeat(31)), 32)).toBeUndefined();
    expect(decodeHex(ascii('00'.repeat(33)), 32)).toBeUndefined();
    expect(decodeHex(ascii(`${'00'.repeat(31)}0`), 32)).toBeUndefined();
  });

  it('keeps keys outside the heap of V8, where a wipe reaches every copy', () => {
    expect(encodeHex(new Uint8Array(8)).buffer.byteLength).toBe(16);
    expect(decodeHex(ascii('00'.repeat(8)), 8)?.buffer.byteLength).toBe(8);
  });
});
