import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  isSlowedBuild,
  mostRecords,
  openRecordCipher,
  recordPlaces,
  recordTagSize,
  testAeads,
} from './index.ts';

const key = Uint8Array.from({ length: 32 }, (_, i) => i);
const text = Uint8Array.from({ length: 48 }, (_, i) => 200 - i);
const none = new Uint8Array(0);

function withTag(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes, ...new Uint8Array(recordTagSize)]);
}

/** In no native engine; plane-aead.test.ts holds the engines to it at length. */
function sealedByNode(counter: bigint): Uint8Array {
  const nonce = new DataView(new ArrayBuffer(12));
  nonce.setBigUint64(4, counter, true);
  const cipher = createCipheriv('chacha20-poly1305', key, new Uint8Array(nonce.buffer), {
    authTagLength: recordTagSize,
  });
  return Uint8Array.from(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]));
}

describe('openRecordCipher', () => {
  it('gives ciphers of every engine that testAeads has no reason against, and of the fastest by "auto"', () => {
    const there = testAeads().filter(({ reason }) => reason === undefined);
    expect(there.map(({ name }) => name)).toContain('evp');
    for (const { name } of [...there, { name: 'auto' as const }]) {
      const cipher = openRecordCipher(name, key);
      const memory = withTag(text);
      const verdicts = new Uint8Array(1);
      expect(
        cipher.seal(memory, recordPlaces([{ offset: 0, length: text.length, counter: 5n }]), verdicts),
      ).toBe(1);
      expect([memory, verdicts[0]]).toEqual([sealedByNode(5n), 1]);
    }
  });

  it('says why an engine is not here', () => {
    for (const { name, reason } of testAeads()) {
      if (reason === undefined) continue;
      expect(() => openRecordCipher(name, key)).toThrow(
        expect.objectContaining({
          code: 'ERR_AEAD_UNAVAILABLE',
          message: expect.stringContaining(reason),
        }),
      );
    }
  });

  it('refuses what is no engine and no key, by name', () => {
    // @ts-expect-error: as JavaScript may
    expect(() => openRecordCipher('aes', key)).toThrow(/engine must be one of auto, evp, raw, multibuffer/);
    expect(() => openRecordCipher('evp', new Uint8Array(31))).toThrow(/key must be 32 bytes long/);
  });

  it('copies the key, and forgets it when closed', () => {
    const mine = key.slice();
    const cipher = openRecordCipher('evp', mine);
    mine.fill(0);
    const memory = withTag(text);
    const places = recordPlaces([{ offset: 0, length: text.length, counter: 9n }]);
    cipher.seal(memory, places, new Uint8Array(1));
    expect(memory).toEqual(sealedByNode(9n));
    cipher.close();
    cipher.close();
    expect(() => cipher.open(memory, places, new Uint8Array(1))).toThrow(/cipher must be open/);
  });
});

describe('a batch', () => {
  const cipher = openRecordCipher('evp', key);
  const at = (offset: number, length: number) => ({ offset, length, counter: 1n });

  it.each([
    ['ends one byte behind the memory', 47, [at(0, 32)]],
    ['has its tag behind the memory', 32, [at(0, 32)]],
    ['begins behind the memory', 40, [at(0xffffffff, 0)]],
    ['is too long for any memory', 40, [at(0, 0xffffffff)]],
    ['has two records in each other', 100, [at(0, 32), at(47, 8)]],
    ['goes back', 100, [at(50, 8), at(0, 8)]],
  ])('that %s is refused and changes nothing', (_, length, places) => {
    const memory = new Uint8Array(length).fill(7);
    for (const verb of ['seal', 'open'] as const)
      expect(() =>
        openRecordCipher('evp', key)[verb](memory, recordPlaces(places), new Uint8Array(places.length)),
      ).toThrow(/places must be places inside the memory/);
    expect(memory.every((byte) => byte === 7)).toBe(true);
  });

  it('that just fits is sealed', () => {
    using own = openRecordCipher('evp', key);
    expect(own.seal(new Uint8Array(48 + 24), recordPlaces([at(0, 32), at(48, 8)]), new Uint8Array(2))).toBe(
      2,
    );
  });

  it('has a verdict for each place, and places of whole 16 B', () => {
    using own = openRecordCipher('evp', key);
    const memory = new Uint8Array(100);
    const places = recordPlaces([at(0, 32)]);
    expect(() => own.seal(memory, places, new Uint8Array(2))).toThrow(/verdicts must be a byte a place/);
    expect(() => own.seal(memory, places.subarray(1), new Uint8Array(1))).toThrow(/a byte a place/);
    expect(own.seal(none, none, none)).toBe(0);
  });

  it('has 4096 records at most, one fewer and one more', () => {
    const many = (count: number) =>
      recordPlaces(Array.from({ length: count }, (_, i) => ({ offset: 16 * i, length: 0, counter: 0n })));
    for (const count of [mostRecords - 1, mostRecords]) {
      using own = openRecordCipher('evp', key);
      expect(own.seal(new Uint8Array(16 * count), many(count), new Uint8Array(count))).toBe(count);
    }
    expect(() => many(mostRecords + 1)).toThrow(/places.length must be an integer from 0 to 4096/);
    const tooMany = new Uint8Array(16 * (mostRecords + 1));
    expect(() => cipher.seal(tooMany, tooMany, new Uint8Array(mostRecords + 1))).toThrow();
  });

  it('may have its places anywhere in an array', () => {
    using own = openRecordCipher('evp', key);
    const shifted = new Uint8Array(17);
    shifted.set(recordPlaces([{ offset: 0, length: text.length, counter: 3n }]), 1);
    const memory = withTag(text);
    own.seal(memory, shifted.subarray(1), new Uint8Array(1));
    expect(memory).toEqual(sealedByNode(3n));
  });
});

describe('recordPlaces', () => {
  it.each([
    [{ offset: -1, length: 0, counter: 0n }, /places\[0\].offset must be/],
    [{ offset: 0, length: 2 ** 32, counter: 0n }, /places\[0\].length must be/],
    [{ offset: 0, length: 0, counter: -1n }, /places\[0\].counter must be/],
    [{ offset: 0, length: 0, counter: 2n ** 64n }, /places\[0\].counter must be/],
  ])('refuses %o', (place, expected) => {
    expect(() => recordPlaces([place])).toThrow(expected);
  });
});

it('is no slowed build', () => {
  expect(isSlowedBuild()).toBe(false);
});
