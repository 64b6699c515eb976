import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type RecordPlace as Place,
  recordPlaces as placesOf,
  recordTagSize as tagSize,
} from './record-cipher.ts';
import { type AeadEdge, testCipher, testedEngines } from './testing/plane-aead.ts';
import { planeEdge } from './testing/plane-edge.ts';
import { Random } from './testing/random.ts';

const edge = planeEdge<AeadEdge>('aead');
const engines = testedEngines.filter((name) => {
  const { name: found, reason } = edge.select(name);
  if (found === '') console.warn(`SKIPPED: the AEAD engine ${name}: ${reason}`);
  return found !== '';
});

/** The slow twin: one record by node:crypto. */
function sealTwin(key: Uint8Array, counter: bigint, text: Uint8Array): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64LE(counter, 4);
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagSize });
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** Records laid one behind the other with `gap` bytes between, as in a train. */
function layOut(
  random: Random,
  lengths: readonly number[],
  gap: number,
): { memory: Uint8Array; places: Place[] } {
  let offset = gap;
  const places = lengths.map((length) => {
    const place = {
      offset,
      length,
      counter: (BigInt(random.word()) << BigInt(random.below(33))) | BigInt(random.word()),
    };
    offset += length + tagSize + gap;
    return place;
  });
  return { memory: random.bytes(offset), places };
}

function textOf(memory: Uint8Array, { offset, length }: Place, extra = 0): Uint8Array {
  return memory.subarray(offset, offset + length + extra);
}

describe('the choice of an engine', () => {
  it('gives evp, which every libcrypto has, by its name', () => {
    expect(edge.select('evp')).toEqual({ name: 'evp', reason: '' });
  });

  it('gives by "auto" the fastest there is, or says why not', () => {
    const { name, reason } = edge.select('auto');
    expect(engines).toContain(name);
    expect(reason === '').toBe(name === 'multibuffer');
    for (const faster of ['multibuffer', 'raw']) {
      if (faster === name) break;
      expect(reason).toContain(`${faster}: ${edge.select(faster).reason}`);
    }
  });

  it('gives none for a name it does not know, and says which it knows', () => {
    expect(edge.select('aes').name).toBe('');
    expect(edge.select('aes').reason).toMatch(/auto, evp, raw and multibuffer/);
  });
});

describe('the test that unpublished primitives must pass', () => {
  it('is passed by those of this Node', () => {
    expect(edge.checkBroken('nothing')).toBe('');
    expect(edge.compareBroken('nothing')).toBe('');
  });

  it.each(['chacha20', 'poly1305'])('finds a %s that is wrong in one bit', (what) => {
    expect(edge.checkBroken(what)).toMatch(/RFC 8439 §2\.8\.2/);
  });

  it.each(['counter', 'length', 'tag'])('finds an engine that is wrong about the %s', (fault) => {
    expect(edge.compareBroken(fault)).toMatch(/^it is not as evp is: /);
  });
});

describe.each(engines)('§3.4 the engine %s', (engine) => {
  it('seals what node:crypto seals, and opens it, at every length up to 700 and around packet sizes', () => {
    const random = new Random(1);
    const key = random.bytes(32);
    const cipher = testCipher(engine, key);
    const lengths = [
      ...Array.from({ length: 701 }, (_, i) => i),
      1023,
      1024,
      1279,
      1280,
      1419,
      1420,
      1424,
      8999,
      9000,
      65_535,
    ];
    const { memory, places } = layOut(random, lengths, 16);
    const before = memory.slice();
    const verdicts = new Uint8Array(places.length);
    expect(cipher.seal(memory, placesOf(places), verdicts)).toBe(places.length);
    for (const place of places) {
      const expected = sealTwin(key, place.counter, textOf(before, place));
      expect(Buffer.compare(textOf(memory, place, tagSize), expected), `${place.length} B`).toBe(0);
      // For the comparison below: the tag's place is part of what sealing may change.
      before.set(expected.subarray(place.length), place.offset + place.length);
    }
    expect(cipher.open(memory, placesOf(places), verdicts)).toBe(places.length);
    expect(verdicts.every((verdict) => verdict === 1)).toBe(true);
    expect(Buffer.compare(memory, before)).toBe(0);
  });

  it.each([0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 2n ** 13n - 2n])(
    'takes the nonce from all 64 bits of counter %i',
    (counter) => {
      const random = new Random(2);
      const key = random.bytes(32);
      const text = random.bytes(48);
      const memory = Uint8Array.from([...text, ...new Uint8Array(tagSize)]);
      const places = placesOf([{ offset: 0, length: text.length, counter }]);
      testCipher(engine, key).seal(memory, places, new Uint8Array(1));
      expect(Buffer.compare(memory, sealTwin(key, counter, text))).toBe(0);
    },
  );

  it('refuses a record when any one bit of it, its counter or its key is another', () => {
    const random = new Random(3);
    const key = random.bytes(32);
    const cipher = testCipher(engine, key);
    const sealed = sealTwin(key, 77n, random.bytes(37));
    const place = { offset: 0, length: 37, counter: 77n };
    const opens = (bytes: Uint8Array, at: Place, by = cipher): boolean =>
      by.open(bytes, placesOf([at]), new Uint8Array(1)) === 1;
    expect(opens(sealed.slice(), place)).toBe(true);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const forged = sealed.slice();
      forged[bit >>> 3] = (forged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(opens(forged, place), `bit ${bit}`).toBe(false);
    }
    for (let bit = 0n; bit < 64n; bit++) {
      expect(opens(sealed.slice(), { ...place, counter: 77n ^ (1n << bit) }), `counter bit ${bit}`).toBe(
        false,
      );
    }
    const other = key.slice();
    other[31] = (other[31] ?? 0) ^ 1;
    expect(opens(sealed.slice(), place, testCipher(engine, other))).toBe(false);
    expect(opens(sealed.slice(), { ...place, length: 36 })).toBe(false);
  });

  it('opens the good records of a batch and lets nothing decrypted stand in the bad ones', () => {
    const random = new Random(4);
    const key = random.bytes(32);
    const cipher = testCipher(engine, key);
    for (let round = 0; round < 300; round++) {
      const lengths = Array.from({ length: 1 + random.below(40) }, () => random.below(400));
      const { memory, places } = layOut(random, lengths, random.below(17));
      const plain = memory.slice();
      cipher.seal(memory, placesOf(places), new Uint8Array(places.length));
      const bad = places.map(() => random.chance(0.3));
      for (const [i, place] of places.entries()) {
        if (bad[i] !== true) continue;
        const at = place.offset + random.below(place.length + tagSize);
        memory[at] = (memory[at] ?? 0) ^ (1 << random.below(8));
      }
      const sealed = memory.slice();
      const verdicts = new Uint8Array(places.length);
      const good = cipher.open(memory, placesOf(places), verdicts);
      expect(good).toBe(bad.filter((is) => !is).length);
      for (const [i, place] of places.entries()) {
        expect(verdicts[i] === 1).toBe(bad[i] !== true);
        const text = Buffer.from(textOf(memory, place));
        if (bad[i] !== true) expect(text.equals(textOf(plain, place))).toBe(true);
        else expect(text.equals(textOf(sealed, place)) || text.every((byte) => byte === 0)).toBe(true);
      }
    }
  });

  it('does nothing for an empty batch', () => {
    const cipher = testCipher(engine, new Uint8Array(32));
    const none = new Uint8Array(0);
    expect(cipher.seal(none, none, none)).toBe(0);
    expect(cipher.open(none, none, none)).toBe(0);
  });
});

describe('engines against each other', () => {
  const [reference = 'evp', ...others] = engines;

  it.each(others)('%s seals and opens as the first does, in 100,000 seeded records', (engine) => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const key = random.bytes(32);
      const [mine, theirs] = [testCipher(engine, key), testCipher(reference, key)];
      for (let batch = 0; batch < 50; batch++) {
        const lengths = Array.from({ length: 100 }, () => random.below(random.chance(0.05) ? 1500 : 150));
        const { memory, places } = layOut(random, lengths, 0);
        const twin = memory.slice();
        const verdicts = new Uint8Array(places.length);
        mine.seal(memory, placesOf(places), verdicts);
        theirs.seal(twin, placesOf(places), verdicts);
        expect(Buffer.compare(memory, twin), `seed ${seed}, batch ${batch}`).toBe(0);
        const at = random.below(memory.length);
        memory[at] = (memory[at] ?? 0) ^ 1;
        twin.set(memory);
        const twinVerdicts = new Uint8Array(places.length);
        mine.open(memory, placesOf(places), verdicts);
        theirs.open(twin, placesOf(places), twinVerdicts);
        expect(verdicts, `seed ${seed}, batch ${batch}`).toEqual(twinVerdicts);
        expect(twinVerdicts.filter((verdict) => verdict === 0).length).toBe(1);
      }
    }
  });
});
