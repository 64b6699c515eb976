/** The model's own reading: of datagrams as docs/protocol.md §3 draws them, and of prefixes. */
import { describe, expect, it } from 'vitest';
import { ownerOf } from './prefixes.ts';
import { contentOf, innerLength, innerSource, read } from './wire.ts';

const of = (length: number, ...head: number[]): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes.set(head);
  return bytes;
};

describe('a datagram', () => {
  it.each<[string, Uint8Array, object]>([
    [
      'initiation fragment',
      of(1230, 0x11, 1, 1, 2, 4, 3, 2, 1),
      { type: 'initiation', classical: false, fragment: 1, count: 2, sender: 0x01020304 },
    ],
    [
      'response fragment',
      of(1156, 0x12, 1, 0, 2, 4, 3, 2, 0xff, 8, 7, 6, 5),
      { type: 'response', classical: false, fragment: 0, count: 2, sender: 0xff020304, receiver: 0x05060708 },
    ],
    [
      'WireGuard initiation',
      of(148, 1, 0, 0, 0, 9),
      { type: 'initiation', classical: true, fragment: 0, count: 1, sender: 9 },
    ],
    [
      'WireGuard response',
      of(92, 2, 0, 0, 0, 9, 0, 0, 0, 10),
      { type: 'response', classical: true, fragment: 0, count: 1, sender: 9, receiver: 10 },
    ],
    ['cookie reply', of(64, 3, 0, 0, 0, 7), { type: 'cookie', receiver: 7 }],
    [
      'transport datagram',
      of(32, 4, 0, 0, 0, 7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1),
      { type: 'transport', receiver: 7, counter: 2 ** 33 - 1 },
    ],
  ])('is read as %s', (_name, bytes, expected) => {
    expect(read(bytes)).toEqual(expected);
  });

  it.each([
    of(0),
    of(31, 4),
    of(63, 3),
    of(65, 3),
    of(147, 1),
    of(93, 2),
    of(40, 0x11),
    of(44, 0x12),
    of(100, 5),
  ])('is nothing when its length does not fit its type', (bytes) => {
    expect(read(bytes)).toEqual({ type: 'other' });
  });

  it('of a handshake is the same whatever its mac2, and no other is', () => {
    for (const [bytes, same] of [
      [of(1230, 0x11, 1, 0, 2), true],
      [of(92, 2), true],
      [of(64, 3), false],
      [of(48, 4), false],
    ] as const) {
      const altered = bytes.slice();
      altered[altered.length - 1] = 1;
      expect(contentOf(altered, read(altered)) === contentOf(bytes, read(bytes))).toBe(same);
      altered[altered.length - 17] = 1;
      expect(contentOf(altered, read(altered))).not.toBe(contentOf(bytes, read(bytes)));
    }
  });
});

describe('an inner packet', () => {
  it('has the length and the source its header says', () => {
    expect(innerLength(of(64, 0x45, 0, 0, 60))).toBe(60);
    expect(innerLength(of(64, 0x60, 0, 0, 0, 0, 4))).toBe(44);
    expect(innerLength(of(16, 0x01))).toBe(0);
    expect(innerSource(of(20, 0x45, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1))).toEqual(
      Uint8Array.of(10, 0, 0, 1),
    );
    expect(innerSource(of(40, 0x60))).toHaveLength(16);
  });
});

describe('a source address', () => {
  const table = [
    { peer: 1, allowed: ['0.0.0.0/0', '0::/0'] },
    { peer: 2, allowed: ['10.0.1.0/24', 'fd00:1::/32'] },
    { peer: 3, allowed: ['10.0.1.200/32', '10.0.0.128/25'] },
  ];
  it.each<[number[], number | undefined]>([
    [[10, 0, 1, 1], 2],
    [[10, 0, 1, 200], 3],
    [[10, 0, 0, 128], 3],
    [[10, 0, 0, 127], 1],
    [[0xfd, 0, 0, 1, ...new Array<number>(11).fill(0), 1], 2],
    [[0xfd, 0, 0, 2, ...new Array<number>(11).fill(0), 1], 1],
  ])('%j belongs to peer %i', (address, peer) => {
    expect(ownerOf(Uint8Array.from(address), table)).toBe(peer);
  });

  it('belongs to nobody when no prefix covers it', () => {
    expect(ownerOf(Uint8Array.of(10, 0, 2, 1), table.slice(1))).toBeUndefined();
  });
});
