import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64Length, decodeBase64, encodeBase64, publicBytes, publicText, trimmed } from './secret-text.ts';

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe('base64 of keys', () => {
  it('agrees with the platform for every length up to 200 and both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(publicText(bytes)).toBe(text);
        expect(decodeBase64(ascii(text), bytes.length)).toEqual(bytes);
        expect(base64Length(bytes.length)).toBe(text.length);
      }),
    );
  });

  it('refuses every single foreign byte in every place of a key', () => {
    const good = encodeBase64(new Uint8Array(32).fill(0xa7));
    const alphabet = new Set(ascii('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'));
    for (let place = 0; place < 43; place++) {
      for (let byte = 0; byte < 256; byte++) {
        if (alphabet.has(byte)) continue;
        const bad = Uint8Array.from(good);
        bad[place] = byte;
        expect(decodeBase64(bad, 32)).toBeUndefined();
      }
    }
  });

  it('refuses bits behind the last byte, so that a key has one text', () => {
    expect(publicBytes(`${'A'.repeat(42)}A=`, 32)).toEqual(new Uint8Array(32));
    for (const last of 'BCD') expect(publicBytes(`${'A'.repeat(42)}${last}=`, 32)).toBeUndefined();
    expect(publicBytes(`${'A'.repeat(42)}E=`, 32)).toEqual(new Uint8Array(32).fill(1, 31));
    expect(publicBytes(`${'A'.repeat(85)}A==`, 64)).toEqual(new Uint8Array(64));
    expect(publicBytes(`${'A'.repeat(85)}B==`, 64)).toBeUndefined();
  });

  it('refuses missing, surplus and misplaced padding, and every other length', () => {
    const text = publicText(new Uint8Array(32).fill(9));
    for (const bad of [
      text.slice(0, -1),
      `${text}=`,
      `${text.slice(0, 42)}==`,
      `=${text.slice(1)}`,
      '',
      'AA',
    ])
      expect(publicBytes(bad, 32)).toBeUndefined();
  });

  it('trims spaces, tabs and line ends only', () => {
    expect(trimmed(ascii(' \t ab c \r\n'))).toEqual(ascii('ab c'));
    expect(trimmed(ascii(' \n'))).toEqual(ascii(''));
    expect(trimmed(ascii('\0a'))).toEqual(ascii('\0a'));
  });
});
