import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { VectorReport } from '../kit/vector-report.ts';
import { fromHex, readVectors, readVectorText, toHex } from '../kit/vectors.ts';
import { encapsulateWith, noMessage, parameterSets, seedsOnly } from './mlkem.ts';
import { ways } from './ways.ts';

interface Accumulated {
  readonly fips203_final: {
    readonly sha_shake128: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

const report = new VectorReport('ML-KEM, CCTV and accumulated');
const accumulated = readVectors<Accumulated>('mlkem/accumulated.json').fips203_final.sha_shake128;
const modulusCases = { 1: 780, 2: 1040 } as const;

/** Round trips hashed into one value: 100, or 10000 (and 1000000 for 768) before a release: minutes and hours over noble. */
const rounds = process.env['PQTUN_ACCUMULATED_ROUNDS'] ?? '100';
const accumulatedTimeout = Math.max(60_000, Number(rounds) * 50);

describe.each(ways.flatMap((entry) => parameterSets.map((set) => ({ ...entry, ...set }))))(
  'ML-KEM-$bits through $way',
  ({ way, suite, id, bits, ciphertextSize }) => {
    test('no key with a coefficient of q or more is accepted', () => {
      const keys = readVectorText(`mlkem/cctv/modulus-ML-KEM-${bits}.txt.gz`).trim().split('\n');
      report.run(
        { way, set: `modulus ${bits}`, expected: modulusCases[id] },
        keys,
        (key) => suite.kemPublic(id, fromHex(key)) === undefined,
      );
    });

    // ek and m only: d and z are those of the draft, see README.md
    const { ek = '', m = '', K, c } = readFields(`mlkem/cctv/unluckysample-ML-KEM-${bits}.txt`);
    test('a key that needs unusually many samples', () => {
      report.run(
        { way, set: `unluckysample ${bits}, key`, expected: 1 },
        [ek],
        () => suite.kemPublic(id, fromHex(ek)) !== undefined,
      );
      if (way === 'node') return;
      report.run({ way, set: `unluckysample ${bits}, encapsulation`, expected: 1 }, [m], () => {
        const sent = encapsulateWith(fromHex(m), id, fromHex(ek));
        return toHex(sent?.ciphertext) === c && toHex(sent?.sharedSecret) === K;
      });
    });
    if (way === 'node') report.leaveOut({ way, set: `unluckysample ${bits}, encapsulation` }, [m], noMessage);
    report.leaveOut({ way, set: `unluckysample ${bits}, decapsulation` }, [c], seedsOnly);
    // The same fault through a seed is Wycheproof's case flagged Strcmp.
    report.leaveOut({ way, set: `strcmp ${bits}` }, [`strcmp-ML-KEM-${bits}.txt`], seedsOnly);

    test(
      `accumulated over ${rounds} round trips and arbitrary ciphertexts`,
      () => {
        const expected = accumulated[`ML-KEM-${bits}`]?.[rounds];
        report.run(
          { way, set: `accumulated ${bits}`, expected: 1 },
          [expected],
          (hash) => accumulate(Number(rounds)) === hash,
        );
      },
      accumulatedTimeout,
    );

    /** Key, both ciphertexts' decapsulation by this way; encapsulation by noble, for m is given. */
    function accumulate(count: number): string {
      const draw = shakeStream(count * (96 + ciphertextSize));
      const sum = createHash('shake128', { outputLength: 32 });
      for (let round = 0; round < count; round++) {
        const key = suite.kemPrivate(id, draw(64));
        const sent = encapsulateWith(draw(32), id, key.publicKey);
        const arbitrary = key.decapsulate(draw(ciphertextSize));
        if (sent === undefined || arbitrary === undefined) return 'refused';
        expect(suite.equal(key.decapsulate(sent.ciphertext) ?? new Uint8Array(0), sent.sharedSecret)).toBe(
          true,
        );
        for (const part of [key.publicKey, sent.ciphertext, sent.sharedSecret, arbitrary]) sum.update(part);
      }
      return sum.digest('hex');
    }
  },
);

test('the accumulated stream begins as its file says', () => {
  expect(toHex(shakeStream(16)(16))).toBe('7f9c2ba4e88f827d616045507605853e');
});

/** Successive pieces of SHAKE-128 of nothing, `total` B in all. */
function shakeStream(total: number): (length: number) => Uint8Array {
  const stream = createHash('shake128', { outputLength: total }).digest();
  let position = 0;
  return (length) => {
    position += length;
    return new Uint8Array(stream.subarray(position - length, position));
  };
}

/** Lines of the form `name = hex`. */
function readFields(name: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    readVectorText(name)
      .trim()
      .split('\n')
      .map((line) => line.split(' = ')),
  );
}
