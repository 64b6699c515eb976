import { describe, test } from 'vitest';
import { NotRun, VectorReport } from '../kit/vector-report.ts';
import { fromHex, readVectors, toHex } from '../kit/vectors.ts';
import { ways } from './ways.ts';

interface Kat {
  readonly hash: string;
  readonly in: string;
  readonly key: string;
  readonly out: string;
}

interface Mac16 {
  readonly key: string;
  readonly message?: string;
  readonly message_rule: string;
  readonly mac16: string;
}

const report = new VectorReport('BLAKE2s');
const kat = readVectors<Kat[]>('blake2s/blake2s-kat.json.gz');
const { vectors: mac16 } = readVectors<{ vectors: Mac16[] }>('blake2s/blake2s-mac16.json');

describe.each(ways)('through $way', ({ way, suite, backend }) => {
  test('unkeyed hashes of the reference implementation', () => {
    const unkeyed = kat.filter((vector) => vector.key === '');
    report.run(
      { way, set: 'unkeyed', expected: 256 },
      unkeyed,
      (vector) => toHex(suite.hash(fromHex(vector.in))) === vector.out,
    );
  });

  test('keyed, 16 B out, keys as the protocol has them', () => {
    report.run({ way, set: 'keyed 16 B', expected: 18 }, mac16, (vector) => {
      const key = fromHex(vector.key);
      if (key.length !== 16 && key.length !== 32)
        return new NotRun('the suite takes keys of 16 and 32 B; see the next set');
      return toHex(suite.mac(key, messageOf(vector))) === vector.mac16;
    });
  });

  test('keyed, 16 B out, keys of every length', () => {
    report.run(
      { way, set: 'keyed 16 B, bare', expected: 36 },
      mac16,
      (vector) => toHex(backend.mac(fromHex(vector.key), [messageOf(vector)], 16)) === vector.mac16,
    );
  });

  test('keyed hashes of the reference implementation, 32 B out', () => {
    const keyed = kat.filter((vector) => vector.key !== '');
    report.run(
      { way, set: 'keyed 32 B, bare', expected: 256 },
      keyed,
      (vector) => toHex(backend.mac(fromHex(vector.key), [fromHex(vector.in)], 32)) === vector.out,
    );
  });
});

/** Long messages are given by rule: byte i = (i*5 + length of the key) mod 256. */
function messageOf(vector: Mac16): Uint8Array {
  const rule = /^byte i = \(i\*5\+(\d+)\) mod 256, length (\d+)$/.exec(vector.message_rule);
  if (rule === null) throw new Error(`unknown rule: ${vector.message_rule}`);
  return Uint8Array.from({ length: Number(rule[2]) }, (_, i) => (i * 5 + Number(rule[1])) % 256);
}
