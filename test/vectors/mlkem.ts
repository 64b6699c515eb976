/** What the ML-KEM vector tests share. */
import { nobleSuite } from '@pqtun/core/noble';
import { NotRun } from '../kit/vector-report.ts';

export const parameterSets = [
  { id: 1, bits: 768, ciphertextSize: 1088 },
  { id: 2, bits: 1024, ciphertextSize: 1568 },
] as const;

export const noMessage = new NotRun(
  'node:crypto encapsulates with its own chance only; crossed in test/contract instead',
);
export const seedsOnly = new NotRun(
  'key given expanded: ours are seeds (protocol.md §2); run beneath the suite in core',
);

export const notOffered = new NotRun('ML-KEM-512 is not offered');

/** The suite that uses a parameter set, by NIST's name; `undefined` for ML-KEM-512. */
export function suiteOf(parameterSet: string): 1 | 2 | undefined {
  return parameterSets.find(({ bits }) => parameterSet === `ML-KEM-${bits}`)?.id;
}

/** Encapsulation with a given message m (FIPS 203 Alg. 17): what the noble back end draws first is m. */
export function encapsulateWith(
  m: Uint8Array,
  suite: 1 | 2,
  publicKey: Uint8Array,
): { sharedSecret: Uint8Array; ciphertext: Uint8Array } | undefined {
  return nobleSuite({ random: () => new Uint8Array(m) })
    .kemPublic(suite, publicKey)
    ?.encapsulate();
}
