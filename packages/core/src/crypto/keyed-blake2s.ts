/**
 * BLAKE2s with a key, which node:crypto lacks. RFC 7693.
 *
 * Our own, because noble's leaves a copy of the key in freed memory at every call (measured: 50 of 50, Node 24 and 26), and
 * m2 and the cookie secret pass through here. noble's stays its twin: the contract suite and both vector sets run over both.
 * No table is looked up and no branch taken by a secret; what held the key is wiped before return.
 */
import { secretBytes } from './secret.ts';

const blockSize = 64;
const rounds = 10;

/* One set for all calls: nothing here is asynchronous, and each call wipes it. */
const block = secretBytes(blockSize);
const state = new Uint32Array(secretBytes(32).buffer); // h of §3.2
const message = new Uint32Array(secretBytes(64).buffer); // m

/** BLAKE2s of the parts joined under `key` (1–32 B), `length` B (1–32) long; the length is a parameter, not a cut. */
export function keyedBlake2s(key: Uint8Array, parts: readonly Uint8Array[], length: number): Uint8Array {
  state.set(iv);
  state[0] = word(state, 0) ^ 0x01010000 ^ (key.length << 8) ^ length; // parameter block, §2.5
  block.set(key); // the rest is zero: the key padded to a block comes first, §2.9
  let filled = blockSize;
  let total = blockSize;
  for (const part of parts) {
    for (let at = 0; at < part.length; ) {
      if (filled === blockSize) {
        compress(block, 0, total, false); // only now: the last block, even a full one, is compressed differently
        filled = 0;
      }
      if (filled === 0) {
        // Whole blocks are read where they lie, but for the last, which may be the last of all
        for (; part.length - at > blockSize; at += blockSize) {
          total += blockSize;
          compress(part, at, total, false);
        }
      }
      const take = Math.min(blockSize - filled, part.length - at);
      for (let i = 0; i < take; i++) block[filled + i] = part[at + i] ?? 0;
      filled += take;
      at += take;
      total += take;
    }
  }
  block.fill(0, filled);
  compress(block, 0, total, true);
  const digest = take(length);
  for (const secret of [block, state, message]) secret.fill(0);
  return digest;
}

/**
 * F of §3.2 over the 64 B of `from` at `at`; `total` counts the bytes up to their end. G of §3.1 is written out eight times over
 * sixteen variables: whoever floods us with initiations makes us run this twenty times a datagram, and in variables it takes a
 * third of the time it takes in an array (1198 B, Node 26: 8.5 µs, not 24). What they held of the state is overwritten by the next calls; the key itself was only in
 * `block` and `message`.
 */
function compress(from: Uint8Array, at: number, total: number, last: boolean): void {
  for (let i = 0; i < 16; i++) message[i] = littleEndian(from, at + 4 * i);
  let v0 = word(state, 0);
  let v1 = word(state, 1);
  let v2 = word(state, 2);
  let v3 = word(state, 3);
  let v4 = word(state, 4);
  let v5 = word(state, 5);
  let v6 = word(state, 6);
  let v7 = word(state, 7);
  let v8 = word(iv, 0);
  let v9 = word(iv, 1);
  let v10 = word(iv, 2);
  let v11 = word(iv, 3);
  let v12 = word(iv, 4) ^ (total | 0);
  let v13 = word(iv, 5) ^ Math.floor(total / 2 ** 32);
  let v14 = last ? ~word(iv, 6) : word(iv, 6);
  let v15 = word(iv, 7);
  for (let s = 0; s < rounds * 16; s += 16) {
    v0 = (v0 + v4 + scheduled(s + 0)) | 0;
    v12 = rotate(v12 ^ v0, 16);
    v8 = (v8 + v12) | 0;
    v4 = rotate(v4 ^ v8, 12);
    v0 = (v0 + v4 + scheduled(s + 1)) | 0;
    v12 = rotate(v12 ^ v0, 8);
    v8 = (v8 + v12) | 0;
    v4 = rotate(v4 ^ v8, 7);
    v1 = (v1 + v5 + scheduled(s + 2)) | 0;
    v13 = rotate(v13 ^ v1, 16);
    v9 = (v9 + v13) | 0;
    v5 = rotate(v5 ^ v9, 12);
    v1 = (v1 + v5 + scheduled(s + 3)) | 0;
    v13 = rotate(v13 ^ v1, 8);
    v9 = (v9 + v13) | 0;
    v5 = rotate(v5 ^ v9, 7);
    v2 = (v2 + v6 + scheduled(s + 4)) | 0;
    v14 = rotate(v14 ^ v2, 16);
    v10 = (v10 + v14) | 0;
    v6 = rotate(v6 ^ v10, 12);
    v2 = (v2 + v6 + scheduled(s + 5)) | 0;
    v14 = rotate(v14 ^ v2, 8);
    v10 = (v10 + v14) | 0;
    v6 = rotate(v6 ^ v10, 7);
    v3 = (v3 + v7 + scheduled(s + 6)) | 0;
    v15 = rotate(v15 ^ v3, 16);
    v11 = (v11 + v15) | 0;
    v7 = rotate(v7 ^ v11, 12);
    v3 = (v3 + v7 + scheduled(s + 7)) | 0;
    v15 = rotate(v15 ^ v3, 8);
    v11 = (v11 + v15) | 0;
    v7 = rotate(v7 ^ v11, 7);
    v0 = (v0 + v5 + scheduled(s + 8)) | 0;
    v15 = rotate(v15 ^ v0, 16);
    v10 = (v10 + v15) | 0;
    v5 = rotate(v5 ^ v10, 12);
    v0 = (v0 + v5 + scheduled(s + 9)) | 0;
    v15 = rotate(v15 ^ v0, 8);
    v10 = (v10 + v15) | 0;
    v5 = rotate(v5 ^ v10, 7);
    v1 = (v1 + v6 + scheduled(s + 10)) | 0;
    v12 = rotate(v12 ^ v1, 16);
    v11 = (v11 + v12) | 0;
    v6 = rotate(v6 ^ v11, 12);
    v1 = (v1 + v6 + scheduled(s + 11)) | 0;
    v12 = rotate(v12 ^ v1, 8);
    v11 = (v11 + v12) | 0;
    v6 = rotate(v6 ^ v11, 7);
    v2 = (v2 + v7 + scheduled(s + 12)) | 0;
    v13 = rotate(v13 ^ v2, 16);
    v8 = (v8 + v13) | 0;
    v7 = rotate(v7 ^ v8, 12);
    v2 = (v2 + v7 + scheduled(s + 13)) | 0;
    v13 = rotate(v13 ^ v2, 8);
    v8 = (v8 + v13) | 0;
    v7 = rotate(v7 ^ v8, 7);
    v3 = (v3 + v4 + scheduled(s + 14)) | 0;
    v14 = rotate(v14 ^ v3, 16);
    v9 = (v9 + v14) | 0;
    v4 = rotate(v4 ^ v9, 12);
    v3 = (v3 + v4 + scheduled(s + 15)) | 0;
    v14 = rotate(v14 ^ v3, 8);
    v9 = (v9 + v14) | 0;
    v4 = rotate(v4 ^ v9, 7);
  }
  state[0] = word(state, 0) ^ v0 ^ v8;
  state[1] = word(state, 1) ^ v1 ^ v9;
  state[2] = word(state, 2) ^ v2 ^ v10;
  state[3] = word(state, 3) ^ v3 ^ v11;
  state[4] = word(state, 4) ^ v4 ^ v12;
  state[5] = word(state, 5) ^ v5 ^ v13;
  state[6] = word(state, 6) ^ v6 ^ v14;
  state[7] = word(state, 7) ^ v7 ^ v15;
}

/** The message word that `sigma` names at `s`. */
function scheduled(s: number): number {
  return word(message, sigma[s] ?? 0);
}

function rotate(value: number, right: number): number {
  return (value >>> right) | (value << (32 - right));
}

/** Indices here are constants within bounds; `| 0` also makes the value an integer for the engine. */
function word(words: Uint32Array, index: number): number {
  return (words[index] ?? 0) | 0;
}

function littleEndian(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function take(length: number): Uint8Array {
  const digest = secretBytes(length);
  for (let i = 0; i < length; i++) digest[i] = word(state, i >> 2) >>> (8 * (i & 3));
  return digest;
}

/** §2.6, the same as SHA-256's. */
const iv = Uint32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

/** §2.7. */
// biome-ignore format: one line a round, as in the RFC
const sigma = Uint8Array.of(
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
  11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4,
  7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8,
  9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13,
  2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9,
  12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11,
  13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10,
  6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5,
  10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0,
);
