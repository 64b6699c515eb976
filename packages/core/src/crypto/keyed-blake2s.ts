/**
 * BLAKE2s with a key, which node:crypto lacks. RFC 7693.
 *
 * Our own, because noble's leaves a copy of the key in freed memory at every call (measured: 50 of 50, Node 24 and 26), and
 * m2 and the cookie secret pass through here. noble's stays its twin: the contract suite and both vector sets run over both.
 * No table is looked up and no branch taken by a secret; all working memory is wiped before return.
 */
import { secretBytes } from './secret.ts';

const blockSize = 64;
const rounds = 10;

/* One set for all calls: nothing here is asynchronous, and each call wipes it. */
const block = secretBytes(blockSize);
const blockView = new DataView(block.buffer);
const state = new Uint32Array(secretBytes(32).buffer); // h of §3.2
const work = new Uint32Array(secretBytes(64).buffer); // v
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
        compress(total, false); // only now: the last block, even a full one, is compressed differently
        filled = 0;
      }
      const take = Math.min(blockSize - filled, part.length - at);
      block.set(part.subarray(at, at + take), filled);
      filled += take;
      at += take;
      total += take;
    }
  }
  block.fill(0, filled);
  compress(total, true);
  const digest = take(length);
  for (const secret of [block, state, work, message]) secret.fill(0);
  return digest;
}

/** F of §3.2 over `block`; `total` counts the bytes up to its end. */
function compress(total: number, last: boolean): void {
  for (let i = 0; i < 16; i++) message[i] = blockView.getUint32(4 * i, true);
  work.set(state);
  work.set(iv, 8);
  work[12] = word(work, 12) ^ (total >>> 0);
  work[13] = word(work, 13) ^ Math.floor(total / 2 ** 32);
  if (last) work[14] = ~word(work, 14);
  for (let round = 0; round < rounds; round++) {
    const s = round * 16;
    mix(0, 4, 8, 12, s);
    mix(1, 5, 9, 13, s + 2);
    mix(2, 6, 10, 14, s + 4);
    mix(3, 7, 11, 15, s + 6);
    mix(0, 5, 10, 15, s + 8);
    mix(1, 6, 11, 12, s + 10);
    mix(2, 7, 8, 13, s + 12);
    mix(3, 4, 9, 14, s + 14);
  }
  for (let i = 0; i < 8; i++) state[i] = word(state, i) ^ word(work, i) ^ word(work, i + 8);
}

/** G of §3.1 with the two message words that `sigma` names at `s`. */
function mix(ia: number, ib: number, ic: number, id: number, s: number): void {
  let a = word(work, ia);
  let b = word(work, ib);
  let c = word(work, ic);
  let d = word(work, id);
  a = (a + b + word(message, sigma[s] ?? 0)) | 0;
  d = rotate(d ^ a, 16);
  c = (c + d) | 0;
  b = rotate(b ^ c, 12);
  a = (a + b + word(message, sigma[s + 1] ?? 0)) | 0;
  d = rotate(d ^ a, 8);
  c = (c + d) | 0;
  b = rotate(b ^ c, 7);
  work[ia] = a;
  work[ib] = b;
  work[ic] = c;
  work[id] = d;
}

function rotate(value: number, right: number): number {
  return (value >>> right) | (value << (32 - right));
}

/** Indices here are constants within bounds; `| 0` also makes the value an integer for the engine. */
function word(words: Uint32Array, index: number): number {
  return (words[index] ?? 0) | 0;
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
