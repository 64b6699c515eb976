/**
 * Suite over the noble libraries alone: runs wherever JavaScript does, and is the twin of `node.ts` in tests.
 *
 * It is correct but second choice: pure JavaScript gives no constant-time guarantee, and noble's own temporaries (bigints,
 * key schedules) cannot all be wiped. Use `nodeSuite` where there is a Node.
 */
import { chacha20, chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { equalBytes } from '@noble/ciphers/utils.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { hmac } from '@noble/hashes/hmac.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { dhSize, kemSharedSize, type SuiteId, suites } from '../limits.ts';
import { type AeadKey, type Backend, owned, type Random } from './backend.ts';
import { checkedSuite, requireLength, type SuiteOptions } from './checked-suite.ts';
import { Secret, wipe } from './secret.ts';
import type { DhPrivate, KemPrivate, KemPublic, Suite } from './suite.ts';

export type { AeadKey, Backend } from './backend.ts';
export { expand, type SuiteOptions } from './checked-suite.ts';
export { selfTest } from './self-test.ts';
export type { DhPrivate, KemPrivate, KemPublic, RecordKey, Suite } from './suite.ts';

/** A suite over noble. With `random` given, everything it makes is a function of those bytes, encapsulation included. */
export function nobleSuite(options?: SuiteOptions): Suite {
  return checkedSuite(nobleBackend, options);
}

/** The primitives without the protocol's restrictions: for test vectors. */
export const nobleBackend: Backend = {
  name: 'noble',
  random: (length) => randomBytes(length), // from globalThis.crypto
  hash(parts) {
    const state = blake2s.create({});
    for (const part of parts) state.update(part);
    return finish(state);
  },
  mac: keyedBlake2s,
  hmac(key, parts) {
    const state = hmac.create(blake2s, key);
    for (const part of parts) state.update(part);
    return state.digest();
  },
  aead: (key) => new NobleAeadKey(chacha20poly1305, key),
  xaead: (key) => new NobleAeadKey(xchacha20poly1305, key),
  stream: (key, data) => chacha20(key, new Uint8Array(12), data),
  equal: equalBytes,
  dhPrivate: (secret) => new NobleDhPrivate(secret),
  kemPrivate: (suite, seed) => new NobleKemPrivate(suite, seed),
  kemPublic: importKemPublic,
};

type NobleAead = typeof chacha20poly1305;

/** noble over an output buffer: it moves the input to `out` first and works there, so any overlap is allowed. */
class NobleAeadKey implements AeadKey {
  readonly #cipher: NobleAead;
  readonly #key: Secret;

  constructor(cipher: NobleAead, key: Uint8Array) {
    this.#cipher = cipher;
    this.#key = Secret.copyOf(key);
  }

  seal(nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    this.#cipher(this.#key.borrow(), nonce, ad).encrypt(plaintext, out);
  }

  open(nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    const cipher = this.#cipher(this.#key.borrow(), nonce, ad);
    try {
      cipher.decrypt(sealed, out); // verifies the tag before it touches `out`
      return true;
    } catch {
      return false; // lengths were checked, so this is the tag
    }
  }

  destroy(): void {
    this.#key.destroy();
  }
}

/** BLAKE2s with key and output length as its parameters (RFC 7693 §2.5). */
function keyedBlake2s(key: Uint8Array, parts: readonly Uint8Array[], length: number): Uint8Array {
  const state = blake2s.create({ key, dkLen: length });
  for (const part of parts) state.update(part);
  return finish(state);
}

function finish(state: { digest(): Uint8Array; destroy(): void }): Uint8Array {
  const digest = owned(state.digest());
  state.destroy();
  return digest;
}

class NobleDhPrivate implements DhPrivate {
  readonly publicKey: Uint8Array;
  readonly #secret: Secret;

  constructor(secret: Uint8Array) {
    this.#secret = Secret.copyOf(secret);
    this.publicKey = x25519.getPublicKey(this.#secret.borrow());
  }

  agree(peer: Uint8Array): Uint8Array | undefined {
    requireLength(peer, dhSize, 'X25519 public key');
    const secret = this.#secret.borrow();
    try {
      return x25519.getSharedSecret(secret, peer);
    } catch {
      return undefined; // lengths are right, so `peer` is of low order: an all-zero result
    }
  }

  destroy(): void {
    this.#secret.destroy();
  }
}

const kems = { 1: ml_kem768, 2: ml_kem1024 } as const;

class NobleKemPrivate implements KemPrivate {
  readonly suite: SuiteId;
  readonly publicKey: Uint8Array;
  readonly #decapsulationKey: Secret; // FIPS 203's dk: 2400 or 3168 B

  constructor(suite: SuiteId, seed: Uint8Array) {
    const keys = kems[suite].keygen(seed);
    this.suite = suite;
    this.publicKey = owned(keys.publicKey);
    this.#decapsulationKey = new Secret(owned(keys.secretKey));
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array | undefined {
    const key = this.#decapsulationKey.borrow();
    if (ciphertext.length !== suites[this.suite].kemCiphertextSize) return undefined;
    return owned(kems[this.suite].decapsulate(ciphertext, key));
  }

  destroy(): void {
    this.#decapsulationKey.destroy();
  }
}

function importKemPublic(suite: SuiteId, bytes: Uint8Array, random: Random): KemPublic | undefined {
  const copy = new Uint8Array(bytes);
  try {
    const prepared = kems[suite].prepare(copy); // checks the modulus; also expands the matrix, once for many calls
    return {
      suite,
      bytes: copy,
      encapsulate() {
        const m = random(kemSharedSize);
        try {
          const { sharedSecret, cipherText } = prepared.encapsulate(m);
          return { sharedSecret: owned(sharedSecret), ciphertext: owned(cipherText) };
        } finally {
          wipe(m);
        }
      },
    };
  } catch {
    return undefined; // a coefficient ≥ q. FIPS 203 §7.2
  }
}
