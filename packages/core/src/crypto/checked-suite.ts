/** Makes a `Suite` of a `Backend`: lengths, nonces from counters and the KDF, once for all back ends. protocol.md §1. */
import { invariant } from '../errors.ts';
import {
  dhSize,
  hashSize,
  kemSeedSize,
  keySize,
  macSize,
  type SuiteId,
  suites,
  tagSize,
  xNonceSize,
} from '../limits.ts';
import type { AeadKey, Backend, Random } from './backend.ts';
import { secretBytes, wipe } from './secret.ts';
import type { DhPrivate, KemPrivate, KemPublic, RecordKey, Suite } from './suite.ts';

export interface SuiteOptions {
  /** Source of randomness in place of the back end's own; for deterministic tests. Returns a fresh buffer every time. */
  readonly random?: (length: number) => Uint8Array;
}

export function checkedSuite(backend: Backend, options: SuiteOptions = {}): Suite {
  return new CheckedSuite(backend, options.random ?? ((length) => backend.random(length)));
}

const none = new Uint8Array(0);

class CheckedSuite implements Suite {
  readonly name: string;
  readonly #backend: Backend;
  readonly #random: Random;

  constructor(backend: Backend, random: Random) {
    this.name = backend.name;
    this.#backend = backend;
    this.#random = random;
  }

  random(length: number): Uint8Array {
    const bytes = this.#random(length);
    requireLength(bytes, length, 'random bytes');
    return bytes;
  }

  hash(...parts: readonly Uint8Array[]): Uint8Array {
    return this.#backend.hash(parts);
  }

  mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
    invariant(key.length === macSize || key.length === keySize, 'a MAC key is 16 or 32 B');
    return this.#backend.mac(key, parts, macSize);
  }

  kdf(key: Uint8Array, outputs: 1 | 2 | 3, ...input: readonly Uint8Array[]): Uint8Array[] {
    requireLength(key, hashSize, 'chaining key');
    return expand(this.#backend, key, outputs, input);
  }

  seal(key: Uint8Array, counter: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    requireLength(key, keySize, 'AEAD key');
    return sealFresh(this.#backend.aead(key), counterNonce(counter), ad, plaintext);
  }

  open(key: Uint8Array, counter: number, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    requireLength(key, keySize, 'AEAD key');
    if (sealed.length < tagSize) return undefined;
    return openFresh(this.#backend.aead(key), counterNonce(counter), ad, sealed);
  }

  xseal(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    requireLength(key, keySize, 'XAEAD key');
    requireLength(nonce, xNonceSize, 'XAEAD nonce');
    return sealFresh(this.#backend.xaead(key), nonce, ad, plaintext);
  }

  xopen(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    requireLength(key, keySize, 'XAEAD key');
    requireLength(nonce, xNonceSize, 'XAEAD nonce');
    if (sealed.length < tagSize) return undefined;
    return openFresh(this.#backend.xaead(key), nonce, ad, sealed);
  }

  stream(key: Uint8Array, data: Uint8Array): Uint8Array {
    requireLength(key, keySize, 'STREAM key');
    return this.#backend.stream(key, data);
  }

  equal(a: Uint8Array, b: Uint8Array): boolean {
    return a.length === b.length && this.#backend.equal(a, b);
  }

  recordKey(key: Uint8Array): RecordKey {
    requireLength(key, keySize, 'record key');
    return new CheckedRecordKey(this.#backend.aead(key));
  }

  dhPrivate(secret?: Uint8Array): DhPrivate {
    if (secret !== undefined) {
      requireLength(secret, dhSize, 'X25519 private key');
      return this.#backend.dhPrivate(secret);
    }
    const fresh = this.random(dhSize);
    try {
      return this.#backend.dhPrivate(fresh);
    } finally {
      wipe(fresh);
    }
  }

  kemPrivate(suite: SuiteId, seed?: Uint8Array): KemPrivate {
    if (seed !== undefined) {
      requireLength(seed, kemSeedSize, 'ML-KEM seed');
      return this.#backend.kemPrivate(suite, seed);
    }
    const fresh = this.random(kemSeedSize);
    try {
      return this.#backend.kemPrivate(suite, fresh);
    } finally {
      wipe(fresh);
    }
  }

  kemPublic(suite: SuiteId, bytes: Uint8Array): KemPublic | undefined {
    if (bytes.length !== suites[suite].kemPublicSize) return undefined; // FIPS 203 §7.2, type check
    return this.#backend.kemPublic(suite, bytes, (length) => this.random(length));
  }
}

class CheckedRecordKey implements RecordKey {
  readonly #key: AeadKey;
  readonly #nonce = new Uint8Array(12); // rewritten per packet, so that no packet allocates one
  readonly #nonceView = new DataView(this.#nonce.buffer);

  constructor(key: AeadKey) {
    this.#key = key;
  }

  seal(counter: number, plaintext: Uint8Array, out: Uint8Array): void {
    requireLength(out, plaintext.length + tagSize, 'sealed record');
    writeCounter(this.#nonceView, counter);
    this.#key.seal(this.#nonce, none, plaintext, out);
  }

  open(counter: number, sealed: Uint8Array, out: Uint8Array): boolean {
    if (sealed.length < tagSize) return false;
    requireLength(out, sealed.length - tagSize, 'opened record');
    writeCounter(this.#nonceView, counter);
    return this.#key.open(this.#nonce, none, sealed, out);
  }

  destroy(): void {
    this.#key.destroy();
  }
}

/** KDFn of protocol.md §1, which is HKDF (RFC 5869) with empty info. Exported for vectors whose keys are not 32 B. */
export function expand(
  backend: Pick<Backend, 'hmac'>,
  key: Uint8Array,
  outputs: 1 | 2 | 3,
  input: readonly Uint8Array[],
): Uint8Array[] {
  const t0 = backend.hmac(key, input);
  const results: Uint8Array[] = [];
  let previous: Uint8Array = none;
  for (let i = 1; i <= outputs; i++) {
    previous = backend.hmac(t0, [previous, Uint8Array.of(i)]);
    results.push(previous);
  }
  wipe(t0);
  return results;
}

/** 4 zero bytes ‖ LE64(counter). */
function counterNonce(counter: number): Uint8Array {
  const nonce = new Uint8Array(12);
  writeCounter(new DataView(nonce.buffer), counter);
  return nonce;
}

function writeCounter(nonce: DataView, counter: number): void {
  // Beyond 2^53 two counters could become one nonce; the limits in limits.ts stay below.
  invariant(Number.isSafeInteger(counter) && counter >= 0, 'a counter is a safe integer');
  nonce.setUint32(4, counter >>> 0, true); // >>> takes a number modulo 2^32
  nonce.setUint32(8, Math.floor(counter / 2 ** 32), true);
}

function sealFresh(key: AeadKey, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const out = new Uint8Array(plaintext.length + tagSize);
  key.seal(nonce, ad, plaintext, out);
  key.destroy();
  return out;
}

function openFresh(
  key: AeadKey,
  nonce: Uint8Array,
  ad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const out = secretBytes(sealed.length - tagSize); // a cookie is a secret
  const verified = key.open(nonce, ad, sealed, out);
  key.destroy();
  return verified ? out : undefined;
}

/** Throws `PQTUN_INVARIANT`: a wrong length from our own code is a bug. */
export function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) invariant(false, `${what}: expected ${length} B, got ${bytes.length}`);
}
