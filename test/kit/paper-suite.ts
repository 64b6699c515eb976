/**
 * A suite of paper: the shape of cryptography without its strength, some thirty times cheaper. For runs of hours and thousands
 * of handshakes in which only *when* and *to whom* matter; what the real primitives do is the business of the contract suite.
 *
 * What protocol logic can observe is kept: equal inputs give equal outputs, another key, counter, associated data or one
 * changed bit fails to open, DH commutes, a bad KEM ciphertext gives another secret. Anyone can break it with a pencil.
 */
import type { DhPrivate, KemPrivate, KemPublic, RecordKey, Suite, SuiteId } from '@pqtun/core';
import { limits } from '@pqtun/core';
import { Random } from './random.ts';

const { dhSize, hashSize, kemSeedSize, kemSharedSize, macSize, suites, tagSize } = limits;

/** Draws everything, encapsulation too, from `seed`: whole transcripts repeat. Only for tests. */
export function paperSuite(seed: number): Suite {
  const chance = new Random(seed);
  const random = (length: number): Uint8Array => chance.bytes(length);
  const kemPublic = (suite: SuiteId, bytes: Uint8Array): KemPublic | undefined => {
    if (bytes.length !== suites[suite].kemPublicSize) return undefined;
    const own = bytes.slice();
    return {
      suite,
      bytes: own,
      encapsulate() {
        const message = random(kemSharedSize);
        const ciphertext = new Uint8Array(suites[suite].kemCiphertextSize);
        ciphertext.set(message);
        return { sharedSecret: mixed(own.subarray(0, hashSize), ciphertext), ciphertext };
      },
    };
  };
  return {
    name: 'paper',
    random,
    hash: (...parts) => mixed(...parts),
    mac: (key, ...parts) => mixed(key, ...parts).slice(0, macSize),
    kdf(key, outputs, ...input) {
      const root = mixed(key, ...input);
      return Array.from({ length: outputs }, (_, n) => mixed(root, Uint8Array.of(n)));
    },
    seal: (key, counter, ad, plaintext) => sealed(tagOf(key, numbered(counter), ad, plaintext), plaintext),
    open: (key, counter, ad, box) => opened(box, (plaintext) => tagOf(key, numbered(counter), ad, plaintext)),
    xseal: (key, nonce, ad, plaintext) => sealed(tagOf(key, nonce, ad, plaintext), plaintext),
    xopen: (key, nonce, ad, box) => opened(box, (plaintext) => tagOf(key, nonce, ad, plaintext)),
    stream(key, data) {
      const [pad = 0] = mixed(key);
      const out = new Uint8Array(data.length);
      for (let i = 0; i < data.length; i++) out[i] = (data[i] ?? 0) ^ pad;
      return out;
    },
    equal: sameBytes,
    recordKey: (key) => new PaperRecordKey(key),
    dhPrivate: (secret = random(dhSize)) => new PaperDh(secret),
    kemPrivate: (suite, kemSeed = random(kemSeedSize)) => new PaperKem(suite, kemSeed),
    kemPublic,
  };
}

/** Eight odd 32-bit factors modulo 2^32: multiplication commutes, which is all a DH needs to be one. */
class PaperDh implements DhPrivate {
  readonly publicKey: Uint8Array;
  readonly #factors: Uint32Array;

  constructor(secret: Uint8Array) {
    this.#factors = wordsOf(secret).map((word) => word | 1);
    this.publicKey = product(this.#factors, generator);
  }

  agree(peer: Uint8Array): Uint8Array | undefined {
    const shared = product(this.#factors, wordsOf(peer));
    return shared.every((byte) => byte === 0) ? undefined : shared;
  }

  destroy(): void {}
}

class PaperKem implements KemPrivate {
  readonly suite: SuiteId;
  readonly publicKey: Uint8Array;

  constructor(suite: SuiteId, seed: Uint8Array) {
    this.suite = suite;
    this.publicKey = new Uint8Array(suites[suite].kemPublicSize);
    this.publicKey.set(mixed(Uint8Array.of(suite), seed));
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array | undefined {
    if (ciphertext.length !== suites[this.suite].kemCiphertextSize) return undefined;
    return mixed(this.publicKey.subarray(0, hashSize), ciphertext);
  }

  destroy(): void {}
}

class PaperRecordKey implements RecordKey {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key.slice();
  }

  seal(counter: number, plaintext: Uint8Array, out: Uint8Array): void {
    const tag = tagOf(this.#key, numbered(counter), none, plaintext);
    out.set(plaintext);
    out.set(tag, plaintext.length);
  }

  open(counter: number, box: Uint8Array, out: Uint8Array): boolean {
    const plaintext = opened(box, (inner) => tagOf(this.#key, numbered(counter), none, inner));
    if (plaintext !== undefined) out.set(plaintext);
    return plaintext !== undefined;
  }

  destroy(): void {}
}

const none = new Uint8Array(0);
const generator = Uint32Array.from({ length: dhSize / 4 }, (_, i) => 2 * i + 3);

function sealed(tag: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const box = new Uint8Array(plaintext.length + tagSize);
  box.set(plaintext);
  box.set(tag, plaintext.length);
  return box;
}

function opened(box: Uint8Array, tagFor: (plaintext: Uint8Array) => Uint8Array): Uint8Array | undefined {
  if (box.length < tagSize) return undefined;
  const plaintext = box.slice(0, box.length - tagSize);
  return sameBytes(tagFor(plaintext), box.subarray(plaintext.length)) ? plaintext : undefined;
}

function tagOf(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return mixed(key, nonce, ad, plaintext).subarray(0, tagSize);
}

function numbered(counter: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(counter), true);
  return bytes;
}

/** 32 B of the parts and their lengths: two multiplicative lanes over every word, finished once per output word. */
function mixed(...parts: readonly Uint8Array[]): Uint8Array {
  let a = 0x243f6a88;
  let b = 0x85a308d3;
  for (const part of parts) {
    const view = new DataView(part.buffer, part.byteOffset, part.length);
    const whole = part.length & ~3;
    a = Math.imul(a ^ part.length, 0x9e3779b1);
    for (let i = 0; i < whole; i += 4) {
      const word = view.getUint32(i, true);
      a = Math.imul(a ^ word, 0x01000193) + 1;
      a ^= a >>> 15;
      b = Math.imul(b + word, 0x85ebca6b) ^ (b >>> 13);
    }
    for (let i = whole; i < part.length; i++) a = Math.imul(a ^ view.getUint8(i), 0x01000193) + 1;
  }
  const out = new Uint8Array(hashSize);
  const words = new DataView(out.buffer);
  for (let i = 0; i < hashSize; i += 4) {
    a = Math.imul(a ^ (b >>> 15), 0xc2b2ae35) + i;
    b = Math.imul(b ^ (a >>> 13), 0x27d4eb2f) + 1;
    words.setUint32(i, (a ^ (b >>> 16)) >>> 0);
  }
  return out;
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}

function product(a: Uint32Array, b: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(4 * a.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < a.length; i++) view.setUint32(4 * i, Math.imul(a[i] ?? 0, b[i] ?? 0) >>> 0, true);
  return bytes;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
