/** Keys of one's own: made here, kept by the caller. */
import { Identity, invariant, limits, Secret, type SuiteId } from '@pqtun/core';
import { loadSuite } from './runtime.ts';

/** What a party keeps secret. */
export interface SecretKeys {
  /** X25519, 32 B. */
  readonly privateKey: Secret;
  /** ML-KEM seed d ‖ z, 64 B. */
  readonly kemSeed: Secret;
}

/** What a party's peers need of it: two keys of a `PeerConfig`. */
export interface PublicKeys {
  /** X25519, 32 B. */
  readonly publicKey: Uint8Array;
  /** ML-KEM of the suite asked for: 1184 B (suite 1) or 1568 B (suite 2). */
  readonly kemPublicKey: Uint8Array;
}

/** Makes fresh keys from the system's randomness. */
export async function generateKeys(): Promise<SecretKeys> {
  const suite = await loadSuite('node');
  return {
    privateKey: new Secret(suite.random(limits.keySize)),
    kemSeed: new Secret(suite.random(limits.kemSeedSize)),
  };
}

/** The public side of keys, which stay the caller's. Throws `PQTUN_BAD_KEY` for a wrong length. */
export async function publicKeysOf(
  { privateKey, kemSeed }: SecretKeys,
  suite: SuiteId = 1,
): Promise<PublicKeys> {
  const identity = new Identity(await loadSuite('node'), privateKey, kemSeed);
  try {
    const kem = identity.kem(suite);
    invariant(kem !== undefined, 'an identity with a seed has a key in every suite');
    return { publicKey: identity.dh.publicKey.slice(), kemPublicKey: kem.publicKey.slice() };
  } finally {
    identity.destroy();
  }
}
