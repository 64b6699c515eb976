/**
 * Hexadecimal of keys, byte to byte: the UAPI socket carries them so, and a secret never becomes a JavaScript string. Digits are
 * mapped by arithmetic, without tables and without branches on the value, as in `../secret-text.ts`.
 */
import { secretBytes } from '@pqtun/core';

/** Decodes exactly `byteLength` bytes, digits of either case. Fresh buffer, fit for a secret; `undefined` for another form. */
export function decodeHex(text: Uint8Array, byteLength: number): Uint8Array | undefined {
  if (text.length !== byteLength * 2) return undefined;
  const out = secretBytes(byteLength);
  let refused = 0;
  for (let at = 0; at < byteLength; at++) {
    const high = digitValue(text[at * 2] ?? 0);
    const low = digitValue(text[at * 2 + 1] ?? 0);
    refused |= (high | low) >> 8; // −1 for a foreign character: all ones
    out[at] = ((high & 15) << 4) | (low & 15);
  }
  if (refused === 0) return out;
  out.fill(0);
  return undefined;
}

/** Lower-case digits as ASCII bytes, in a fresh buffer the caller owns and, for a secret, wipes. */
export function encodeHex(bytes: Uint8Array): Uint8Array {
  const out = secretBytes(bytes.length * 2);
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    out[at * 2] = digitOf(byte >> 4);
    out[at * 2 + 1] = digitOf(byte & 15);
  }
  return out;
}

/** Value 0 … 15 of a digit, −1 of any other byte. `between` gives 0 or −1 (all ones), so one addend stands. */
function digitValue(c: number): number {
  return (
    -1 +
    (between(c, 0x30, 0x39) & (c - 0x30 + 1)) + // 0–9
    (between(c, 0x61, 0x66) & (c - 0x61 + 11)) + // a–f
    (between(c, 0x41, 0x46) & (c - 0x41 + 11)) // A–F
  );
}

/** −1 when low ≤ c ≤ high, else 0, without a branch. */
function between(c: number, low: number, high: number): number {
  return ~(((c - low) | (high - c)) >> 31);
}

/** The character of a value 0 … 15: the gap between `9` and `a` is added by the sign of the difference. */
function digitOf(value: number): number {
  return 0x30 + value + (((9 - value) >> 31) & 39);
}
