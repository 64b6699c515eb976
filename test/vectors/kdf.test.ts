import { expand } from '@pqtun/core/noble';
import { describe, test } from 'vitest';
import { NotRun, VectorReport } from '../kit/vector-report.ts';
import { fromHex, readVectors, toHex } from '../kit/vectors.ts';
import { ways } from './ways.ts';

interface Kdf {
  readonly key: string;
  readonly input: string;
  /** The protocol uses three at most; some vectors give four. */
  readonly outputs: readonly string[];
}

const report = new VectorReport('KDF: HKDF over BLAKE2s');
const file = readVectors<{ wireguard_go: Kdf[]; generated: Kdf[] }>('hkdf/hkdf_blake2s.json');
const vectors = [...file.wireguard_go, ...file.generated];

describe.each(ways)('through $way', ({ way, suite, backend }) => {
  test('as the suite has it, with a chaining key of 32 B', () => {
    report.run({ way, set: 'kdf', expected: 13 }, vectors, (vector) => {
      const key = fromHex(vector.key);
      if (key.length !== 32) return new NotRun('a chaining key is 32 B; see the next set');
      return right(suite.kdf(key, 3, fromHex(vector.input)), vector);
    });
  });

  test('with keys of every length', () => {
    report.run({ way, set: 'kdf, bare', expected: 21 }, vectors, (vector) =>
      right(expand(backend, fromHex(vector.key), 3, [fromHex(vector.input)]), vector),
    );
  });
});

function right(outputs: readonly Uint8Array[], vector: Kdf): boolean {
  return outputs.length === 3 && outputs.every((output, i) => toHex(output) === vector.outputs[i]);
}
