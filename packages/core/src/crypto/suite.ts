/**
 * The one interface to cryptography: everything protocol.md §1 names, nothing else. Two back ends implement it (`node.ts`,
 * `noble.ts`); the contract suite runs on both and crosses them. Values a back end made (keys, not bytes) go back to it only.
 *
 * Nothing here throws for what came from the network: a refusal is `undefined` or `false`. Wrong lengths from our own code
 * are bugs and throw `PQTUN_INVARIANT`. Outputs are fresh, unpooled buffers owned by the caller.
 */
import type { SuiteId } from '../limits.ts';

export interface Suite {
  /** Back end, as shown to people: `node` or `noble`. */
  readonly name: string;
  /** `length` B from the source of randomness. */
  random(length: number): Uint8Array;
  /** HASH: BLAKE2s-256, unkeyed, over the parts joined; 32 B. RFC 7693. */
  hash(...parts: readonly Uint8Array[]): Uint8Array;
  /** MAC: BLAKE2s keyed with `key` (16 or 32 B) over the parts joined; 16 B. */
  mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** KDFn: `outputs` values of 32 B from chaining key (32 B) and the input parts joined. HMAC over BLAKE2s-256, block 64 B. */
  kdf(key: Uint8Array, outputs: 1 | 2 | 3, ...input: readonly Uint8Array[]): Uint8Array[];
  /** AEAD: ChaCha20-Poly1305 (RFC 8439), nonce 4 zero bytes ‖ LE64(counter). Returns ciphertext ‖ tag 16 B. */
  seal(key: Uint8Array, counter: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Opposite of `seal`; `undefined` when the tag does not verify or `sealed` is shorter than a tag. */
  open(key: Uint8Array, counter: number, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /** XAEAD: XChaCha20-Poly1305 with a 24 B nonce. */
  xseal(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  xopen(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /** STREAM: `data` XOR the ChaCha20 key stream, block counter 0, nonce 12 zero bytes. Same length as `data`. */
  stream(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** Constant-time equality of equally long strings; `false` for unequal lengths (lengths are public). */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  /** A key for many records: set up once, used per packet. Copies `key` (32 B); wipe with `destroy`. */
  recordKey(key: Uint8Array): RecordKey;

  /** X25519 private key from 32 B; with no argument a fresh one from `random(32)`. Copies `secret`. */
  dhPrivate(secret?: Uint8Array): DhPrivate;
  /** ML-KEM private key of the suite's parameter set from seed d ‖ z (64 B), or fresh from `random(64)`. Copies `seed`. */
  kemPrivate(suite: SuiteId, seed?: Uint8Array): KemPrivate;
  /** ML-KEM public key, checked for length and modulus (FIPS 203 §7.2); `undefined` is a refusal. Copies `bytes`. */
  kemPublic(suite: SuiteId, bytes: Uint8Array): KemPublic | undefined;
}

/** ChaCha20-Poly1305 over transport records: nonce LE64(counter), no associated data. */
export interface RecordKey {
  /** Encrypts `plaintext` into `out` (plaintext length + 16 B); `out` may start at the same byte of the same buffer. */
  seal(counter: number, plaintext: Uint8Array, out: Uint8Array): void;
  /** Decrypts `sealed` into `out` (sealed length − 16 B), in place allowed; `false` when refused, `out` is then undefined. */
  open(counter: number, sealed: Uint8Array, out: Uint8Array): boolean;
  destroy(): void;
}

export interface DhPrivate {
  /** 32 B. */
  readonly publicKey: Uint8Array;
  /** DH(this, peer): 32 B, or `undefined` when the result is all-zero. `peer` is 32 B. RFC 7748 §6.1. */
  agree(peer: Uint8Array): Uint8Array | undefined;
  destroy(): void;
}

export interface KemPrivate {
  readonly suite: SuiteId;
  /** 1184 B or 1568 B. */
  readonly publicKey: Uint8Array;
  /** 32 B. A bad ciphertext of the right length gives implicit rejection's key; `undefined` only for a wrong length. */
  decapsulate(ciphertext: Uint8Array): Uint8Array | undefined;
  destroy(): void;
}

export interface KemPublic {
  readonly suite: SuiteId;
  readonly bytes: Uint8Array;
  /** Fresh shared secret (32 B) and ciphertext (1088 or 1568 B). The noble back end draws m by `random(32)`. */
  encapsulate(): { sharedSecret: Uint8Array; ciphertext: Uint8Array };
}
