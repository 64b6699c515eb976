/** Tests of the public keys in a configuration that need cryptography: low order, our own, ML-KEM's modulus. */
import { limits, type Secret, type SuiteId, sameBytes } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';

export interface PublicKeyCheck {
  /** What is wrong with a peer's X25519 key (32 B), or `undefined`. */
  dhProblem(key: Uint8Array, own: Secret | undefined): string | undefined;
  /** Whether a public key (32 B) is that of our private key. */
  isOwn(key: Uint8Array, own: Secret): boolean;
  /** Whether an ML-KEM public key (1184 or 1568 B) passes FIPS 203 §7.2. */
  kemAccepted(key: Uint8Array): boolean;
}

/** The suite a KEM public key belongs to, by its length. */
export function suiteOfKemKey(key: Uint8Array): SuiteId | undefined {
  return limits.suiteIds.find((suite) => limits.suites[suite].kemPublicSize === key.length);
}

export function publicKeyCheck(): PublicKeyCheck {
  const crypto = nodeSuite();
  const probe = crypto.dhPrivate();
  let own: { readonly of: Secret; readonly publicKey: Uint8Array } | undefined;
  const isOwn = (key: Uint8Array, secret: Secret): boolean => {
    if (own?.of !== secret) {
      const mine = crypto.dhPrivate(secret.borrow());
      own = { of: secret, publicKey: mine.publicKey };
      mine.destroy();
    }
    return sameBytes(own.publicKey, key);
  };
  return {
    isOwn,
    dhProblem(key, secret) {
      if (secret !== undefined && isOwn(key, secret)) return 'our own public key';
      const shared = probe.agree(key);
      shared?.fill(0);
      return shared === undefined ? 'a key of low order' : undefined;
    },
    kemAccepted(key) {
      const suite = suiteOfKemKey(key);
      return suite !== undefined && crypto.kemPublic(suite, key) !== undefined;
    },
  };
}
