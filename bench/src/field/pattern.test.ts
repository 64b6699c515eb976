import { describe, expect, it } from 'vitest';
import { DatagramCheck, longestPiece, numberedDatagram, StreamCheck, streamBlock } from './pattern.ts';

const twoBlocks = Buffer.concat([streamBlock(), streamBlock()]);

function* piecesOf(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function checked(
  bytes: Buffer,
  lengths: readonly number[] = [1448, 65_536, 1, longestPiece, 65_521],
): StreamCheck {
  const check = new StreamCheck();
  for (const piece of piecesOf(bytes, lengths)) check.take(piece);
  return check;
}

describe('a stream', () => {
  it('is whole blocks one after the other, however it is cut', () => {
    for (const lengths of [[1448], [longestPiece], [7, 99_991], [1448, 65_536, 1, longestPiece, 65_521]]) {
      const { bytes, wrong } = checked(twoBlocks, lengths);
      expect({ bytes, wrong }).toEqual({ bytes: twoBlocks.length, wrong: 0 });
    }
  });

  it.each([
    ['first', 0],
    ['last', twoBlocks.length - 1],
    ['middle', streamBlock().length + 12_345],
  ])('with its %s byte changed is seen', (_, at) => {
    const damaged = Buffer.from(twoBlocks);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(checked(damaged).wrong).toBe(1);
  });

  it('that lost a byte, or has a piece twice, is seen', () => {
    const lost = Buffer.concat([twoBlocks.subarray(0, 70_000), twoBlocks.subarray(70_001)]);
    expect(checked(lost).wrong).toBeGreaterThan(0);
    const doubled = Buffer.concat([twoBlocks.subarray(0, 70_000), twoBlocks.subarray(68_552)]);
    expect(checked(doubled).wrong).toBeGreaterThan(0);
  });
});

describe('datagrams', () => {
  it('are counted in any order, and the largest number tells how far the source is', () => {
    const check = new DatagramCheck(128);
    for (const number of [3, 0, 1, 70_000, 2]) check.take(numberedDatagram(128, number));
    expect(check).toMatchObject({ packets: 5, wrong: 0, repeated: 0, next: 70_001 });
  });

  it('that come twice are counted as such', () => {
    const check = new DatagramCheck(128);
    for (const number of [7, 8, 7]) check.take(numberedDatagram(128, number));
    expect(check).toMatchObject({ packets: 3, repeated: 1 });
  });

  it('of another length, with another byte, or with a number nobody has sent are wrong', () => {
    const check = new DatagramCheck(128);
    check.take(numberedDatagram(127, 1));
    check.take(new Uint8Array(0));
    check.take(numberedDatagram(128, 2 ** 32 - 1));
    const damaged = numberedDatagram(128, 1);
    damaged[127] = (damaged[127] ?? 0) ^ 0x80;
    check.take(damaged);
    expect(check).toMatchObject({ packets: 0, wrong: 4, next: 0 });
  });
});
