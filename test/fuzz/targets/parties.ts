/** Parties of the handshake targets: a suite of paper, and identities that are the same in every execution. */
import type { Endpoint, Identity, Suite } from '@pqtun/core';
import { paperSuite } from '../../kit/paper-suite.ts';
import { at, freshIdentity } from '../../kit/target.ts';

/**
 * Paper cryptography, some thirty times cheaper than real one, and like real one blind to how its input was cut into parts: the
 * forger cuts otherwise than the engine. A KEM key that begins with two bytes 0xff is refused, as one that fails the modulus
 * check is by the real suites.
 */
export function fuzzSuite(seed: number): Suite {
  const paper = paperSuite(seed);
  return {
    ...paper,
    hash: (...parts) => paper.hash(joined(parts)),
    mac: (key, ...parts) => paper.mac(key, joined(parts)),
    kdf: (key, outputs, ...input) => paper.kdf(key, outputs, joined(input)),
    kemPublic: (suite, bytes) =>
      bytes[0] === 0xff && bytes[1] === 0xff ? undefined : paper.kemPublic(suite, bytes),
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only = new Uint8Array(0), ...others] = parts;
  return others.length === 0 ? only : Buffer.concat(parts);
}

const suite = fuzzSuite(1);
const names = ['hub', 'first', 'second', 'classical', 'stranger'] as const;
export type PartyName = (typeof names)[number];

const made = new Map<PartyName, Identity>(names.map((name) => [name, freshIdentity(suite)]));

/** Drawn once: they hold no state, so executions share them. */
export function identityOf(name: PartyName): Identity {
  const identity = made.get(name);
  if (identity === undefined) throw new Error(`no party ${name}`);
  return identity;
}

export const hubAt: Endpoint = at('198.51.100.1');
/** Where parties and strangers may be. */
export const places: readonly [Endpoint, ...Endpoint[]] = [
  at('192.0.2.1'),
  at('192.0.2.2'),
  at('192.0.2.1', 1),
  at('203.0.113.5', 5),
  at('203.0.113.6', 5),
  at('203.0.113.7', 5),
  at('2001:db8::5', 5),
  at('2001:db8::6', 5),
  at('2001:db8:0:1::5', 5),
  hubAt,
];

/** Moments between which the protocol changes its mind, in milliseconds. */
export const spans: readonly [number, ...number[]] = [
  0, 1, 50, 999, 1000, 1001, 2500, 3000, 4999, 5000, 5001, 10_000, 15_000, 16_000, 25_000, 60_000, 90_000,
  115_000, 120_000, 120_001, 165_001, 179_999, 180_000, 180_001, 540_000, 600_000, 3_600_000,
];
