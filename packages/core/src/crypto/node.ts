/**
 * Suite over node:crypto (OpenSSL): constant-time code, keys in native memory. Node has neither keyed BLAKE2s, which is
 * `keyed-blake2s.ts`, nor XChaCha20, which is made of OpenSSL's ChaCha20 below.
 *
 * Keys become `KeyObject`s: OpenSSL clears their memory when the object is collected, they never print, and (measured) a raw
 * key handed to `createCipheriv` or `createHmac` costs 20 µs more a call on Node 24. Secrets never pass through
 * `Buffer.from`, `concat` or a string: the first two take pooled memory, which outlives a wipe.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  type KeyObject,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto';
import { PqtunError } from '../errors.ts';
import { dhSize, type SuiteId, suites, tagSize } from '../limits.ts';
import { type AeadKey, type Backend, owned } from './backend.ts';
import { checkedSuite, requireLength, type SuiteOptions } from './checked-suite.ts';
import { keyedBlake2s } from './keyed-blake2s.ts';
import { Recent } from './recent.ts';
import { secretBytes, wipe } from './secret.ts';
import type { DhPrivate, KemPrivate, KemPublic, Suite } from './suite.ts';

export type { AeadKey, Backend } from './backend.ts';
export { expand, type SuiteOptions } from './checked-suite.ts';
export { selfTest } from './self-test.ts';
export type { DhPrivate, KemPrivate, KemPublic, RecordKey, Suite } from './suite.ts';

/**
 * A suite over node:crypto. `random` replaces the source of all key material but one: ML-KEM encapsulation takes its message
 * from OpenSSL, for node:crypto has no way to pass it. For runs that must repeat use `nobleSuite`.
 */
export function nodeSuite(options?: SuiteOptions): Suite {
  return checkedSuite(nodeBackend, options);
}

/** The primitives without the protocol's restrictions: for test vectors. */
export const nodeBackend: Backend = {
  name: 'node',
  random: (length) => randomFillSync(secretBytes(length)),
  hash(parts) {
    const state = createHash('blake2s256');
    for (const part of parts) state.update(part);
    return owned(state.digest());
  },
  mac: keyedBlake2s,
  hmac(key, parts) {
    const state = createHmac('blake2s256', createSecretKey(key));
    for (const part of parts) state.update(part);
    return owned(state.digest());
  },
  aead: (key) => new NodeAeadKey(key),
  xaead: (key) => new NodeXAeadKey(key),
  // OpenSSL's nonce is LE32 block counter ‖ 12 B nonce; all zero here
  stream: (key, data) =>
    owned(createCipheriv('chacha20', createSecretKey(key), new Uint8Array(16)).update(data)),
  equal: timingSafeEqual,
  dhPrivate: (secret) => new NodeDhPrivate(secret),
  kemPrivate: (suite, seed) => new NodeKemPrivate(suite, seed),
  kemPublic: importKemPublic,
};

const aeadOptions = { authTagLength: tagSize } as const;

class NodeAeadKey implements AeadKey {
  readonly #key: HeldKey;

  constructor(key: Uint8Array) {
    this.#key = new HeldKey(createSecretKey(key));
  }

  seal(nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    const cipher = createCipheriv('chacha20-poly1305', this.#key.borrow(), nonce, aeadOptions);
    if (ad.length > 0) cipher.setAAD(ad, { plaintextLength: plaintext.length });
    const ciphertext = cipher.update(plaintext);
    cipher.final(); // a stream cipher has nothing left to give
    out.set(ciphertext);
    out.set(cipher.getAuthTag(), ciphertext.length);
  }

  open(nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    const length = sealed.length - tagSize;
    const decipher = createDecipheriv('chacha20-poly1305', this.#key.borrow(), nonce, aeadOptions);
    decipher.setAuthTag(sealed.subarray(length));
    if (ad.length > 0) decipher.setAAD(ad, { plaintextLength: length });
    const plaintext = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
    } catch {
      return false; // the only thing that can fail here is the tag
    }
    out.set(plaintext);
    return true;
  }

  destroy(): void {
    this.#key.destroy();
  }
}

/** XChaCha20-Poly1305: ChaCha20-Poly1305 under HChaCha20(key, nonce[0..16)). draft-irtf-cfrg-xchacha-03 §2. */
class NodeXAeadKey implements AeadKey {
  readonly #key: HeldKey;

  constructor(key: Uint8Array) {
    this.#key = new HeldKey(createSecretKey(key));
  }

  seal(nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    this.#derive(nonce).seal(innerNonce(nonce), ad, plaintext, out);
  }

  open(nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    return this.#derive(nonce).open(innerNonce(nonce), ad, sealed, out);
  }

  destroy(): void {
    this.#key.destroy();
  }

  #derive(nonce: Uint8Array): NodeAeadKey {
    const subkey = hChaCha20(this.#key.borrow(), nonce.subarray(0, 16));
    try {
      return new NodeAeadKey(subkey);
    } finally {
      wipe(subkey);
    }
  }
}

/** 4 zero bytes ‖ the last 8 B of the long nonce. */
function innerNonce(nonce: Uint8Array): Uint8Array {
  const inner = new Uint8Array(12);
  inner.set(nonce.subarray(16), 4);
  return inner;
}

/**
 * HChaCha20 out of a ChaCha20 block: both are the same permutation, after which ChaCha20 adds the initial state and HChaCha20
 * keeps words 0–3 and 12–15. Those are the constants and OpenSSL's 16 B nonce, public both, so subtracting undoes the
 * addition. RFC 8439 §2.3; draft-irtf-cfrg-xchacha-03 §2.2.
 */
function hChaCha20(key: KeyObject, nonce: Uint8Array): Uint8Array {
  const keyStream = owned(createCipheriv('chacha20', key, nonce).update(new Uint8Array(64)));
  const subkey = secretBytes(32);
  const [from, to] = [new DataView(keyStream.buffer), new DataView(subkey.buffer)];
  const input = new DataView(nonce.buffer, nonce.byteOffset, nonce.length);
  for (let i = 0; i < 4; i++) {
    to.setUint32(4 * i, from.getUint32(4 * i, true) - (chachaConstants[i] ?? 0), true);
    to.setUint32(16 + 4 * i, from.getUint32(48 + 4 * i, true) - input.getUint32(4 * i, true), true);
  }
  wipe(keyStream);
  return subkey;
}

/** "expand 32-byte k" as four little-endian words. */
const chachaConstants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;

class NodeDhPrivate implements DhPrivate {
  readonly publicKey: Uint8Array;
  readonly #key: HeldKey;

  constructor(secret: Uint8Array) {
    const key = createPrivateKey({ key: secret, format: 'raw-private', asymmetricKeyType: 'x25519' });
    this.#key = new HeldKey(key);
    this.publicKey = rawPublic(key);
  }

  agree(peer: Uint8Array): Uint8Array | undefined {
    requireLength(peer, dhSize, 'X25519 public key');
    const privateKey = this.#key.borrow();
    const publicKey = recentPeers.of(peer);
    try {
      return owned(diffieHellman({ privateKey, publicKey }));
    } catch {
      return undefined; // OpenSSL refuses the all-zero result itself
    }
  }

  destroy(): void {
    this.#key.destroy();
  }
}

/**
 * The last few X25519 public keys imported. A handshake uses each of its peer's keys twice, and importing one costs as much
 * as the agreement itself on Node 24 (54 µs; 3 on Node 26).
 */
const recentPeers = new Recent(8, (key) =>
  createPublicKey({ key, format: 'raw-public', asymmetricKeyType: 'x25519' }),
);

const kemNames = { 1: 'ml-kem-768', 2: 'ml-kem-1024' } as const;

class NodeKemPrivate implements KemPrivate {
  readonly suite: SuiteId;
  readonly publicKey: Uint8Array;
  readonly #key: HeldKey;

  constructor(suite: SuiteId, seed: Uint8Array) {
    const key = createPrivateKey({ key: seed, format: 'raw-seed', asymmetricKeyType: kemNames[suite] });
    this.suite = suite;
    this.#key = new HeldKey(key);
    this.publicKey = rawPublic(key);
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array | undefined {
    const key = this.#key.borrow();
    if (ciphertext.length !== suites[this.suite].kemCiphertextSize) return undefined;
    return owned(decapsulate(key, ciphertext));
  }

  destroy(): void {
    this.#key.destroy();
  }
}

function importKemPublic(suite: SuiteId, bytes: Uint8Array): KemPublic | undefined {
  const copy = new Uint8Array(bytes);
  let key: KeyObject;
  try {
    // OpenSSL checks the modulus on import. FIPS 203 §7.2
    key = createPublicKey({ key: copy, format: 'raw-public', asymmetricKeyType: kemNames[suite] });
  } catch {
    return undefined;
  }
  return {
    suite,
    bytes: copy,
    encapsulate() {
      const { sharedKey, ciphertext } = encapsulate(key);
      return { sharedSecret: owned(sharedKey), ciphertext: owned(ciphertext) };
    },
  };
}

function rawPublic(privateKey: KeyObject): Uint8Array {
  return owned(createPublicKey(privateKey).export({ format: 'raw-public' }));
}

/**
 * A key object until it is destroyed. Node cannot clear one on demand: dropping the last reference makes it unusable at
 * once, and OpenSSL clears the memory at the next collection.
 */
class HeldKey {
  #key: KeyObject | undefined;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  borrow(): KeyObject {
    if (this.#key === undefined)
      throw new PqtunError('PQTUN_SECRET_DESTROYED', 'a key was used after it was destroyed');
    return this.#key;
  }

  destroy(): void {
    this.#key = undefined;
  }
}
