import { describe, expect, it } from 'vitest';
import { suggestions, tokensOf } from './suggest.ts';

const all = (input: number[], left: number | string, right: number | string): number[][] =>
  [...suggestions(Uint8Array.from(input), [{ left, right }], 100)].map((made) => [...made]);
const bytes = (text: string): number[] => [...Buffer.from(text)];

describe('a comparison that failed', () => {
  it('of a byte suggests the other in its place, and its neighbours', () => {
    expect(all([9, 7, 9], 7, 65)).toEqual(
      expect.arrayContaining([
        [9, 65, 9],
        [9, 66, 9],
        [9, 64, 9],
      ]),
    );
  });

  it('of a wide number suggests it in either byte order', () => {
    expect(all([1, 2, 3, 4, 5], 0x0504, 0xbeef)).toContainEqual([1, 2, 3, 0xef, 0xbe]);
    expect(all([1, 2, 3, 4, 5], 0x0405, 0xbeef)).toContainEqual([1, 2, 3, 0xbe, 0xef]);
  });

  it('of texts suggests the other text, whatever its length', () => {
    expect(all(bytes('a=tru;'), 'tru', 'false')).toContainEqual(bytes('a=false;'));
  });

  it('of numbers that stand there in digits suggests digits', () => {
    expect(all(bytes('port 51820'), 51820, 65535)).toContainEqual(bytes('port 65535'));
  });

  it('whose sides are not in the input suggests nothing', () => {
    expect(all([1, 2, 3], 0x1234567, 0x7654321)).toEqual([]);
  });
});

describe('words for the dictionary', () => {
  it('are texts, and numbers of two and four bytes in either order', () => {
    const tokens = tokensOf([
      { left: 'remove', right: 'x' },
      { left: 5, right: 0x1234 },
      { left: 0x12345678, right: 0x1_0000_0000 },
    ]).map((token) => [...token]);
    expect(tokens).toEqual([
      bytes('remove'),
      [0x34, 0x12],
      [0x12, 0x34],
      [0x78, 0x56, 0x34, 0x12],
      [0x12, 0x34, 0x56, 0x78],
    ]);
  });
});
