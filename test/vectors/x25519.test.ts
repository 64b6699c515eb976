import { describe, expect, test } from 'vitest';
import { NotRun, VectorReport } from '../kit/vector-report.ts';
import { fromHex, readVectors, readWycheproof, toHex } from '../kit/vectors.ts';
import { ways } from './ways.ts';

interface WycheproofXdh {
  readonly public: string;
  readonly private: string;
  readonly shared: string;
}

interface Rfc7748 {
  readonly iterated: {
    readonly after_1: string;
    readonly after_1000: string;
    readonly after_1000000: string;
  };
  readonly low_order_must_be_rejected: readonly string[];
}

const report = new VectorReport('X25519');
const wycheproof = readWycheproof<WycheproofXdh>('x25519/wycheproof_x25519.json.gz');
const rfc7748 = readVectors<Rfc7748>('x25519/rfc7748.json');
const zero = '00'.repeat(32);

test('the file holds the 31 all-zero results the protocol refuses', () => {
  expect(wycheproof.filter((vector) => vector.shared === zero)).toHaveLength(31);
});

describe.each(ways)('through $way', ({ way, suite }) => {
  test('Wycheproof: every result, twists and non-canonical keys included; all-zero ones refused (protocol.md §1 DH)', () => {
    report.run({ way, set: 'Wycheproof X25519', expected: 518 }, wycheproof, (vector) => {
      const shared = suite.dhPrivate(fromHex(vector.private)).agree(fromHex(vector.public));
      return vector.shared === zero ? shared === undefined : toHex(shared) === vector.shared;
    });
  });

  test('points of low order are refused', () => {
    const key = suite.dhPrivate();
    report.run(
      { way, set: 'low-order points', expected: 7 },
      rfc7748.low_order_must_be_rejected,
      (point) => key.agree(fromHex(point)) === undefined,
    );
  });

  test('iterated as in RFC 7748 §5.2', () => {
    const { after_1, after_1000, after_1000000 } = rfc7748.iterated;
    const after = iterate(1000);
    const cases = [
      [1, after_1],
      [1000, after_1000],
      [1_000_000, after_1000000],
    ] as const;
    report.run({ way, set: 'RFC 7748 iterations', expected: 2 }, cases, ([count, expected]) => {
      if (count > 1000) return new NotRun('takes from one minute (node) to half an hour (noble)');
      return after(count) === expected;
    });
  });

  /** Runs `count` rounds once; the result answers for any earlier round. */
  function iterate(count: number): (round: number) => string | undefined {
    const results: (string | undefined)[] = [];
    let k: Uint8Array = Uint8Array.of(9, ...new Uint8Array(31));
    let u = k;
    for (let round = 0; round < count; round++) {
      const next = suite.dhPrivate(k).agree(u);
      if (next === undefined) break;
      [k, u] = [next, k];
      results.push(toHex(k));
    }
    return (round) => results[round - 1];
  }
});
