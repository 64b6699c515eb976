import { describe, expect, it } from 'vitest';
import { planeEdge } from './testing/plane-edge.ts';
import { Random } from './testing/random.ts';

const edge = planeEdge<{
  create(): object;
  setKey(mac: object, key: Uint8Array): boolean;
  compute(mac: object, message: Uint8Array, out: Uint8Array): boolean;
  verify(mac: object, message: Uint8Array, tag: Uint8Array): boolean;
}>('blake2sMac');

function compute(mac: object, message: Uint8Array): string {
  const out = new Uint8Array(16);
  expect(edge.compute(mac, message, out)).toBe(true);
  return Buffer.from(out).toString('hex');
}

function keyed(length: number, first = 3): object {
  const mac = edge.create();
  const key = Uint8Array.from({ length }, (_, i) => first + i);
  expect(edge.setKey(mac, key)).toBe(true);
  return mac;
}

/** Byte i = (i × 5 + length of the key) mod 256, as in test/vectors/blake2s/blake2s-mac16.json. */
function message(length: number, keyLength: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 5 + keyLength) % 256);
}

const answers = [
  [16, 0, 'd8b784c63e0a8691b09a668d57cee9d5'],
  [16, 1, '1746c406879647051e81f4715eb865ec'],
  [16, 64, '66dd7747152abeb2e6e66d9ccef451a7'],
  [32, 0, '781929c8c7fca47a5182ecb08e833fb0'],
  [32, 63, '52420ff615537232d67ee520e8a4ea91'],
  [32, 64, '1fb678b3cfa6d6c6b41ed5b712966dc5'],
  [32, 65, '88e8ffdbc0b0e57af143553cefe997af'],
  [32, 1200, '1ea628b1a733cd29e1f161cd6eafc6ac'],
] as const;

describe('§1 MAC: native keyed BLAKE2s', () => {
  it.each(answers)('with a key of %i B gives the known answer for %i B', (keyLength, length, answer) => {
    expect(compute(keyed(keyLength), message(length, keyLength))).toBe(answer);
  });

  it('gives the same when a context was used before, and the key set anew', () => {
    const mac = edge.create();
    for (const [keyLength, length, answer] of [...answers, ...answers]) {
      expect(
        edge.setKey(
          mac,
          Uint8Array.from({ length: keyLength }, (_, i) => 3 + i),
        ),
      ).toBe(true);
      for (let i = 0; i < 3; i++) expect(compute(mac, message(length, keyLength))).toBe(answer);
    }
  });

  it('refuses to work without a key, and takes none that is too long', () => {
    const mac = edge.create();
    expect(edge.compute(mac, message(10, 16), new Uint8Array(16))).toBe(false);
    expect(edge.verify(mac, message(10, 16), new Uint8Array(16))).toBe(false);
    expect(edge.setKey(mac, new Uint8Array(33))).toBe(false);
    expect(edge.setKey(mac, new Uint8Array(0))).toBe(false);
  });

  it('verifies the tag of a message, and no other', () => {
    const random = new Random(9);
    const mac = keyed(32);
    for (let round = 0; round < 200; round++) {
      const text = random.bytes(1 + random.below(300));
      const tag = new Uint8Array(16);
      edge.compute(mac, text, tag);
      expect(edge.verify(mac, text, tag)).toBe(true);
      const bit = random.below(128);
      tag[bit >>> 3] = (tag[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(edge.verify(mac, text, tag)).toBe(false);
      tag[bit >>> 3] = (tag[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      text[0] = (text[0] ?? 0) ^ 1;
      expect(edge.verify(mac, text, tag)).toBe(false);
    }
  });
});
