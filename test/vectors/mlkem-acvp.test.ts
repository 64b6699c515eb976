import type { Suite } from '@pqtun/core/noble';
import { describe, test } from 'vitest';
import { VectorReport } from '../kit/vector-report.ts';
import { fromHex, readVectors, toHex } from '../kit/vectors.ts';
import { encapsulateWith, noMessage, notOffered, seedsOnly, suiteOf } from './mlkem.ts';
import { ways } from './ways.ts';

interface Group<Case> {
  readonly parameterSet: string;
  readonly function?: string;
  readonly tests: readonly Case[];
}

interface KeygenCase {
  readonly d: string;
  readonly z: string;
  readonly ek: string;
}

interface EncapDecapCase {
  readonly ek: string;
  readonly d?: string;
  readonly z?: string;
  readonly m: string;
  readonly c: string;
  readonly k: string;
  readonly testPassed: boolean;
}

const report = new VectorReport('ML-KEM, NIST ACVP');
const keygen = readVectors<{ testGroups: Group<KeygenCase>[] }>('mlkem/acvp-keygen.json.gz').testGroups;
const encapDecap = {
  FIPS203: readVectors<{ testGroups: Group<EncapDecapCase>[] }>('mlkem/acvp-encapdecap.json.gz').testGroups,
  'FIPS203-tr1': readVectors<{ testGroups: Group<EncapDecapCase>[] }>('mlkem/acvp-encapdecap-tr1.json.gz')
    .testGroups,
};

describe.each(ways)('through $way', ({ way, suite }) => {
  test('key generation from d and z', () => {
    report.run(
      { way, set: 'keyGen', expected: 50 },
      casesOf(keygen),
      ({ id, d, z, ek }) => toHex(suite.kemPrivate(id, fromHex(d + z)).publicKey) === ek.toLowerCase(),
    );
  });

  for (const [set, groups] of Object.entries(encapDecap)) {
    const encapsulations = casesOf(groups, 'encapsulation');
    if (way === 'node') {
      report.leaveOut({ way, set: `encapsulation ${set}` }, encapsulations, noMessage);
      continue;
    }
    test(`encapsulation, ${set}`, () => {
      report.run({ way, set: `encapsulation ${set}`, expected: 50 }, encapsulations, (vector) => {
        const sent = encapsulateWith(fromHex(vector.m), vector.id, fromHex(vector.ek));
        return (
          toHex(sent?.ciphertext) === vector.c.toLowerCase() &&
          toHex(sent?.sharedSecret) === vector.k.toLowerCase()
        );
      });
    });
  }

  test('decapsulation, changed ciphertexts included', () => {
    const cases = casesOf(encapDecap['FIPS203-tr1'], 'decapsulation');
    report.run({ way, set: 'decapsulation FIPS203-tr1', expected: 40 }, cases, (vector) =>
      decapsulation(suite, vector),
    );
  });
  report.leaveOut(
    { way, set: 'decapsulation FIPS203' },
    casesOf(encapDecap.FIPS203, 'decapsulation'),
    seedsOnly,
  );

  test.each(Object.entries(encapDecap))(
    'check of encapsulation keys (protocol.md §1 KEM), %s',
    (set, groups) => {
      const cases = casesOf(groups, 'encapsulationKeyCheck');
      report.run(
        { way, set: `encapsulationKeyCheck ${set}`, expected: 20 },
        cases,
        ({ id, ek, testPassed }) => (suite.kemPublic(id, fromHex(ek)) !== undefined) === testPassed,
      );
    },
  );

  for (const [set, groups] of Object.entries(encapDecap)) {
    report.leaveOut(
      { way, set: `decapsulationKeyCheck ${set}` },
      casesOf(groups, 'decapsulationKeyCheck'),
      seedsOnly,
    );
  }
});

report.leaveOut(
  { way: 'both', set: 'all three files' },
  [...keygen, ...Object.values(encapDecap).flat()].flatMap(({ parameterSet, tests }) =>
    suiteOf(parameterSet) === undefined ? [...tests] : [],
  ),
  notOffered,
);

function decapsulation(suite: Suite, vector: EncapDecapCase & { id: 1 | 2 }): boolean {
  if (vector.d === undefined || vector.z === undefined) return false;
  const key = suite.kemPrivate(vector.id, fromHex(vector.d + vector.z));
  return (
    toHex(key.publicKey) === vector.ek.toLowerCase() &&
    toHex(key.decapsulate(fromHex(vector.c))) === vector.k.toLowerCase()
  );
}

/** The tests of all offered groups of one function, each with its suite. */
function casesOf<Case>(groups: readonly Group<Case>[], of?: string): (Case & { id: 1 | 2 })[] {
  return groups.flatMap((group) => {
    const id = suiteOf(group.parameterSet);
    return id === undefined || group.function !== of ? [] : group.tests.map((vector) => ({ ...vector, id }));
  });
}
