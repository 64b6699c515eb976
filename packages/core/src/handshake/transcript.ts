/** Chaining key C and hash H of protocol.md §4: the few operations every labelled step is made of. */
import { wipe } from '../crypto/secret.ts';
import type { Suite } from '../crypto/suite.ts';
import { hashSize } from '../limits.ts';

const emptyBytes = new Uint8Array(0);
const zeroKey = new Uint8Array(hashSize);

export class Transcript {
  readonly #suite: Suite;
  #chain: Uint8Array;
  #hash: Uint8Array;

  private constructor(suite: Suite, chain: Uint8Array, hash: Uint8Array) {
    this.#suite = suite;
    this.#chain = chain;
    this.#hash = hash;
  }

  /** C = HASH(construction); H = HASH(C ‖ identifier). */
  static begin(suite: Suite, construction: Uint8Array, identifier: Uint8Array): Transcript {
    const chain = suite.hash(construction);
    return new Transcript(suite, chain, suite.hash(chain, identifier));
  }

  /** A copy that can go on, fail and be destroyed without touching this one. */
  fork(): Transcript {
    return new Transcript(this.#suite, new Uint8Array(this.#chain), new Uint8Array(this.#hash));
  }

  /** H = HASH(H ‖ parts). */
  mixHash(...parts: readonly Uint8Array[]): void {
    this.#hash = this.#suite.hash(this.#hash, ...parts);
  }

  /** C = KDF1(C, parts). */
  mixKey(...parts: readonly Uint8Array[]): void {
    const [chain] = this.#suite.kdf(this.#chain, 1, ...parts) as [Uint8Array]; // kdf returns as many as asked for
    this.#replaceChain(chain);
  }

  /** (C, k) = KDF2(C, parts); the caller owns and wipes k. */
  mixKeyAndKey(...parts: readonly Uint8Array[]): Uint8Array {
    const [chain, key] = this.#suite.kdf(this.#chain, 2, ...parts) as [Uint8Array, Uint8Array]; // as above
    this.#replaceChain(chain);
    return key;
  }

  /** (C, tau, k) = KDF3(C, Q); H = HASH(H ‖ tau). The caller owns and wipes k. R7. */
  mixPresharedKey(presharedKey: Uint8Array): Uint8Array {
    const [chain, tau, key] = this.#suite.kdf(this.#chain, 3, presharedKey) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]; // as above
    this.#replaceChain(chain);
    this.mixHash(tau);
    wipe(tau);
    return key;
  }

  /** KDF1(C, label), C unchanged. I8. */
  derive(label: Uint8Array): Uint8Array {
    const [key] = this.#suite.kdf(this.#chain, 1, label) as [Uint8Array]; // as above
    return key;
  }

  /** AEAD(k, 0, H, plaintext), then H = HASH(H ‖ sealed). Wipes k. */
  sealAndMix(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const sealed = this.#suite.seal(key, 0, this.#hash, plaintext);
    wipe(key);
    this.mixHash(sealed);
    return sealed;
  }

  /** Opposite of `sealAndMix`; `undefined` when it does not open, and H is then unchanged. Wipes k either way. */
  openAndMix(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#suite.open(key, 0, this.#hash, sealed);
    wipe(key);
    if (plaintext !== undefined) this.mixHash(sealed);
    return plaintext;
  }

  /** S1: (T_ir, T_ri, X) = KDF3(C, H); C is erased with `destroy`. */
  split(): [Uint8Array, Uint8Array, Uint8Array] {
    return this.#suite.kdf(this.#chain, 3, this.#hash) as [Uint8Array, Uint8Array, Uint8Array]; // as above
  }

  /** WireGuard's split: KDF2(C, empty). Classical sessions only. */
  splitClassical(): [Uint8Array, Uint8Array] {
    return this.#suite.kdf(this.#chain, 2, emptyBytes) as [Uint8Array, Uint8Array]; // as above
  }

  /** Erases C and H. */
  destroy(): void {
    wipe(this.#chain, this.#hash);
  }

  #replaceChain(chain: Uint8Array): void {
    wipe(this.#chain);
    this.#chain = chain;
  }
}

/** I4, R3: XOR of a ciphertext with STREAM(KDF1(0^32, secret)). Its own inverse. */
export function wrap(suite: Suite, secret: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const [key] = suite.kdf(zeroKey, 1, secret) as [Uint8Array]; // kdf returns as many as asked for
  const wrapped = suite.stream(key, ciphertext);
  wipe(key);
  return wrapped;
}
