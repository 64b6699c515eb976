/**
 * What a back end supplies: the bare primitives of protocol.md §1, with parameters as their own specifications have them
 * (any nonce, any key length those allow). `checkedSuite` makes a `Suite` of it, so lengths, nonces and the KDF are written
 * once; published test vectors run through a `Backend` directly, being wider than the protocol.
 *
 * Callers have checked all lengths. Outputs are fresh, unpooled and the caller's.
 */
import type { SuiteId } from '../limits.ts';
import { secretBytes } from './secret.ts';
import type { DhPrivate, KemPrivate, KemPublic } from './suite.ts';

export interface Backend {
  readonly name: string;
  random(length: number): Uint8Array;
  /** BLAKE2s-256, unkeyed. */
  hash(parts: readonly Uint8Array[]): Uint8Array;
  /** BLAKE2s with a key of 1–32 B and `length` B of output (1–32), a parameter of the hash and not a cut. */
  mac(key: Uint8Array, parts: readonly Uint8Array[], length: number): Uint8Array;
  /** HMAC over BLAKE2s-256 with a block of 64 B; `key` of any length. */
  hmac(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array;
  /** ChaCha20-Poly1305 under `key` (32 B, copied): nonces of 12 B. */
  aead(key: Uint8Array): AeadKey;
  /** XChaCha20-Poly1305 under `key` (32 B, copied): nonces of 24 B. */
  xaead(key: Uint8Array): AeadKey;
  /** `data` XOR the ChaCha20 key stream from block 0 with an all-zero nonce of 12 B. */
  stream(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** Constant-time; `a` and `b` are equally long. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  dhPrivate(secret: Uint8Array): DhPrivate;
  kemPrivate(suite: SuiteId, seed: Uint8Array): KemPrivate;
  /** `bytes` has the right length; its modulus is checked here. `random` is the suite's own. */
  kemPublic(suite: SuiteId, bytes: Uint8Array, random: Random): KemPublic | undefined;
}

export type Random = (length: number) => Uint8Array;

/** A key set up once. Throws `PQTUN_SECRET_DESTROYED` after `destroy`. */
export interface AeadKey {
  /** Writes ciphertext ‖ tag to `out`: plaintext length + 16 B; `out` may start where `plaintext` does. */
  seal(nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void;
  /** Writes the plaintext to `out` (sealed length − 16 B, in place allowed) once the tag verified, else `false`. */
  open(nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean;
  destroy(): void;
}

/**
 * `bytes` as a plain `Uint8Array` with a buffer to itself, so that wiping it wipes all there is. Costs nothing when it
 * already has one; otherwise copies and wipes the original.
 */
export function owned(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength === bytes.buffer.byteLength) {
    return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer);
  }
  const copy = secretBytes(bytes.length);
  copy.set(bytes);
  bytes.fill(0);
  return copy;
}
