/**
 * Base64 of keys (RFC 4648 §4), byte to byte: a secret never becomes a JavaScript string, which could not be wiped.
 *
 * Digits are mapped by arithmetic on every byte, without tables and without branches on the value, so that neither cache
 * nor timing tells which digit it was. Lengths are public.
 */

/** Length of the padded base64 text of `byteLength` bytes. */
export function base64Length(byteLength: number): number {
  return Math.ceil(byteLength / 3) * 4;
}

/**
 * Decodes exactly `byteLength` bytes from padded, canonical base64. Returns a fresh buffer the caller owns and wipes, or
 * `undefined` when the text has another length, a foreign character, or bits set behind the last byte.
 */
export function decodeBase64(text: Uint8Array, byteLength: number): Uint8Array | undefined {
  if (text.length !== base64Length(byteLength)) return undefined;
  const padding = (3 - (byteLength % 3)) % 3;
  const digits = text.length - padding;
  const out = new Uint8Array(byteLength);
  let refused = 0;
  for (let at = digits; at < text.length; at++) refused |= (text[at] ?? 0) ^ equalsSign;
  let bits = 0;
  let held = 0;
  let written = 0;
  for (let at = 0; at < digits; at++) {
    const value = digitValue(text[at] ?? 0);
    refused |= value >> 8; // −1 for a foreign character: all ones
    bits = ((bits << 6) | (value & 63)) & 0xfff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[written++] = bits >> held;
  }
  refused |= bits & ((1 << held) - 1);
  if (refused === 0) return out;
  out.fill(0);
  return undefined;
}

/** Padded base64 of `bytes` as ASCII bytes in a fresh buffer the caller owns and, for a secret, wipes. */
export function encodeBase64(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(base64Length(bytes.length)).fill(equalsSign);
  let written = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const digits = left >= 3 ? 4 : left + 1;
    for (let digit = 0; digit < digits; digit++)
      out[written + digit] = digitOf((group >> (18 - 6 * digit)) & 63);
    written += 4;
  }
  return out;
}

/** Base64 text of public bytes. Not for secrets. */
export function publicText(bytes: Uint8Array): string {
  return Buffer.from(encodeBase64(bytes)).toString('latin1');
}

/** Decodes the base64 text of public bytes. */
export function publicBytes(text: string, byteLength: number): Uint8Array | undefined {
  if (text.length !== base64Length(byteLength)) return undefined;
  return decodeBase64(Buffer.from(text, 'latin1'), byteLength);
}

/** A view of `bytes` without spaces, tabs and line ends around it. */
export function trimmed(bytes: Uint8Array): Uint8Array {
  let start = 0;
  let end = bytes.length;
  while (start < end && isSpace(bytes[start])) start++;
  while (end > start && isSpace(bytes[end - 1])) end--;
  return bytes.subarray(start, end);
}

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

const equalsSign = 0x3d;

/** Value 0 … 63 of a digit, −1 of any other byte. `between` gives 0 or −1 (all ones), so one addend stands. */
function digitValue(c: number): number {
  return (
    -1 +
    (between(c, 0x41, 0x5a) & (c - 0x41 + 1)) + // A–Z
    (between(c, 0x61, 0x7a) & (c - 0x61 + 27)) + // a–z
    (between(c, 0x30, 0x39) & (c - 0x30 + 53)) + // 0–9
    (between(c, 0x2b, 0x2b) & 63) + // +
    (between(c, 0x2f, 0x2f) & 64) // /
  );
}

/** −1 when low ≤ c ≤ high, else 0, without a branch. */
function between(c: number, low: number, high: number): number {
  return ~(((c - low) | (high - c)) >> 31);
}

/** The character of a value 0 … 63: starts at `A` and adds the gap of each range that lies below the value. */
function digitOf(value: number): number {
  return (
    0x41 +
    value +
    (above(value, 25) & 6) - // a–z
    (above(value, 51) & 75) - // 0–9
    (above(value, 61) & 15) + // +
    (above(value, 62) & 3) // /
  );
}

/** −1 when value > limit, else 0, without a branch. */
function above(value: number, limit: number): number {
  return (limit - value) >> 31;
}
