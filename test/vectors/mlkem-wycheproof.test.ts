import { describe, expect, test } from 'vitest';
import { VectorReport } from '../kit/vector-report.ts';
import { fromHex, readWycheproof, toHex } from '../kit/vectors.ts';
import { encapsulateWith, noMessage, parameterSets, seedsOnly } from './mlkem.ts';
import { ways } from './ways.ts';

interface RoundTrip {
  readonly seed: string;
  readonly ek: string;
  readonly c: string;
  readonly K: string;
}

interface Encapsulation {
  readonly m: string;
  readonly ek: string;
  readonly c: string;
  readonly K: string;
}

interface Keygen {
  readonly seed: string;
  readonly ek: string;
}

const report = new VectorReport('ML-KEM, Wycheproof');
const invalidEncapsulations = { 1: 132, 2: 136 } as const;
const bug = expect.objectContaining({ code: 'PQTUN_INVARIANT' });

describe.each(ways.flatMap((entry) => parameterSets.map((set) => ({ ...entry, ...set }))))(
  'ML-KEM-$bits through $way',
  ({ way, suite, id, bits }) => {
    const read = <Case>(kind: string) =>
      readWycheproof<Case>(`mlkem/wycheproof/mlkem_${bits}_${kind}.json.gz`);

    test('key from seed, then decapsulation; wrong lengths refused', () => {
      report.run({ way, set: `${bits} test`, expected: 193 }, read<RoundTrip>('test'), (vector) => {
        const [seed, ciphertext] = [fromHex(vector.seed), fromHex(vector.c)];
        if (seed.length !== 64) {
          // only our own code hands seeds over: a wrong length is a bug, and thrown
          expect(() => suite.kemPrivate(id, seed)).toThrow(bug);
          return vector.result === 'invalid';
        }
        const key = suite.kemPrivate(id, seed);
        if (toHex(key.publicKey) !== vector.ek) return false;
        const shared = toHex(key.decapsulate(ciphertext));
        return vector.result === 'valid' ? shared === vector.K : shared === undefined;
      });
    });

    test('encapsulation; keys of wrong length or modulus refused', () => {
      const expected = invalidEncapsulations[id] + (way === 'noble' ? 133 : 0);
      report.run(
        { way, set: `${bits} encaps_test`, expected },
        read<Encapsulation>('encaps_test'),
        (vector) => {
          const publicKey = fromHex(vector.ek);
          if (vector.result === 'invalid') return suite.kemPublic(id, publicKey) === undefined;
          if (way === 'node') return noMessage;
          const sent = encapsulateWith(fromHex(vector.m), id, publicKey);
          return toHex(sent?.ciphertext) === vector.c && toHex(sent?.sharedSecret) === vector.K;
        },
      );
    });

    test('key generation from seed', () => {
      report.run(
        { way, set: `${bits} keygen_seed_test`, expected: 100 },
        read<Keygen>('keygen_seed_test'),
        (vector) => {
          return toHex(suite.kemPrivate(id, fromHex(vector.seed)).publicKey) === vector.ek;
        },
      );
    });

    report.leaveOut(
      { way, set: `${bits} semi_expanded_decaps_test` },
      read('semi_expanded_decaps_test'),
      seedsOnly,
    );
  },
);
