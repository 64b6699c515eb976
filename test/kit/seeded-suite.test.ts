import { describe, expect, test } from 'vitest';
import { seededRandom, seededSuite } from './seeded-suite.ts';

describe('seededSuite', () => {
  test('over noble: equal seeds give equal keys, encapsulations and bytes', () => {
    const run = (seed: number | string) => {
      const suite = seededSuite(seed);
      const kem = suite.kemPrivate(1);
      return [
        suite.dhPrivate().publicKey,
        kem.publicKey,
        suite.kemPublic(1, kem.publicKey)?.encapsulate(),
        suite.random(9),
      ];
    };
    expect(run(7)).toEqual(run(7));
    for (const [i, made] of run(8).entries()) expect(made).not.toEqual(run(7)[i]);
    expect(run('7')).not.toEqual(run(7)); // a number and its text are two seeds
  });

  test('over node: all but encapsulation repeats, and keys are those of noble', () => {
    const [node, again, noble] = [seededSuite(1, 'node'), seededSuite(1, 'node'), seededSuite(1)];
    const keys = [node, again, noble].map((suite) => [
      suite.kemPrivate(2).publicKey,
      suite.dhPrivate().publicKey,
      suite.random(70),
    ]);
    expect(keys[1]).toEqual(keys[0]);
    expect(keys[2]).toEqual(keys[0]);
    expect([node.name, noble.name]).toEqual(['node', 'noble']);
  });

  test('draws do not repeat within a stream, whatever their length', () => {
    const random = seededRandom('x');
    const draws = [32, 32, 64, 1, 32].map((length) => random(length));
    expect(draws.map((draw) => draw.length)).toEqual([32, 32, 64, 1, 32]);
    expect(new Set(draws.map((draw) => Buffer.from(draw.subarray(0, 32)).toString('hex'))).size).toBe(5);
  });

  test('the stream is frozen: recorded seeds must replay after any change', () => {
    expect(Buffer.from(seededRandom(1)(16)).toString('hex')).toBe('19d9e682e93f063e0a8bdd55490141b2');
  });
});
