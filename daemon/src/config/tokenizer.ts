/**
 * Lines of the INI dialect of `wg` and `wg-quick`: `[Section]`, `Key = value`, `#` comments also behind a value.
 *
 * Works on bytes, because values may be secrets; a value is a view into the file's buffer, which is the caller's to wipe.
 * One pass, linear, nothing allocated but the tokens.
 */
import { trimmed as trim } from '../secret-text.ts';

export type Token =
  | { readonly kind: 'section'; readonly line: number; readonly name: string }
  | { readonly kind: 'entry'; readonly line: number; readonly key: string; readonly value: Uint8Array }
  /** The convention of exporters: `# friendly_name = text` in a peer. */
  | { readonly kind: 'friendly-name'; readonly line: number; readonly value: Uint8Array }
  | { readonly kind: 'bad-line'; readonly line: number; readonly why: string };

/** A hybrid peer is 1.8 kB of text, so this is some 17,000 of them. */
export const maxFileLength = 32 * 1024 * 1024;
/** Long lists of allowed IPs are legal; a line beyond this is a mistake. */
export const maxLineLength = 1024 * 1024;
/** Longest name of a key or section we would ever know, with room for typing errors. */
const maxNameLength = 32;

/** Splits a whole file of at most `maxFileLength` bytes into tokens; empty lines and comments give none. */
export function* tokens(file: Uint8Array): Generator<Token> {
  let line = 0;
  for (let start = 0; start < file.length; ) {
    const lineEnd = file.indexOf(lineFeed, start);
    const end = lineEnd < 0 ? file.length : lineEnd;
    const token = lineToken(file.subarray(start, end), ++line);
    if (token !== undefined) yield token;
    start = end + 1;
  }
}

function lineToken(raw: Uint8Array, line: number): Token | undefined {
  if (raw.length > maxLineLength)
    return { kind: 'bad-line', line, why: `a line of more than ${maxLineLength} bytes` };
  const hash = raw.indexOf(hashSign);
  const text = trim(hash < 0 ? raw : raw.subarray(0, hash));
  if (text.length === 0) return hash < 0 ? undefined : friendlyName(raw.subarray(hash + 1), line);
  if (text.includes(0)) return { kind: 'bad-line', line, why: 'a zero byte' };
  if (text[0] === openBracket) return sectionToken(text, line);
  const equals = text.indexOf(equalsSign);
  if (equals < 1) return { kind: 'bad-line', line, why: 'a line without "Key ="' }; // it may be a bare key: not shown
  const key = name(trim(text.subarray(0, equals)));
  if (key === undefined) return { kind: 'bad-line', line, why: 'something else before "="' }; // likewise
  return { kind: 'entry', line, key, value: trim(text.subarray(equals + 1)) };
}

function sectionToken(text: Uint8Array, line: number): Token {
  const inner = text.at(-1) === closeBracket ? name(trim(text.subarray(1, -1))) : undefined;
  return inner === undefined
    ? { kind: 'bad-line', line, why: 'an unfinished section' }
    : { kind: 'section', line, name: inner };
}

function friendlyName(comment: Uint8Array, line: number): Token | undefined {
  const equals = comment.indexOf(equalsSign);
  if (equals < 0 || name(trim(comment.subarray(0, equals))) !== 'friendly_name') return undefined;
  return { kind: 'friendly-name', line, value: trim(comment.subarray(equals + 1)) };
}

/**
 * Letters and underscores only, and few: a name is shown in errors, and base64 of a key, put in the wrong place, has digits
 * or is longer with a probability of all but 10^−14.
 */
function name(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > maxNameLength) return undefined;
  for (const byte of bytes) if (!isLetter(byte) && byte !== underscore) return undefined;
  return String.fromCharCode(...bytes);
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

const lineFeed = 0x0a;
const hashSign = 0x23;
const equalsSign = 0x3d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const underscore = 0x5f;
