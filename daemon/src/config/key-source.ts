/** One key value: base64 in place, `file:PATH`, or `credential:NAME` (systemd). Bytes in, bytes out, never a string. */
import { wipe } from '@pqtun/core';
import { base64Length, decodeBase64, trimmed } from '../secret-text.ts';
import { tokens } from './tokenizer.ts';

/** Reads what a reference points at. Throws an `Error` whose message tells what to do and holds nothing of the contents. */
export interface KeySources {
  /** `secret`: the file must not be open to others. The buffer is the caller's to wipe. */
  file(path: string, secret: boolean): Uint8Array;
  credential(name: string): Uint8Array;
}

export type KeyRead =
  | { readonly kind: 'key'; readonly bytes: Uint8Array; readonly reference: string | undefined }
  | { readonly kind: 'refused'; readonly got: string; readonly expected: string };

export interface KeyShape {
  /** Name of the key, looked for in a file that holds lines of `genkey` or `pubkey`. */
  readonly name: string;
  readonly byteLengths: readonly number[];
  readonly secret: boolean;
}

/** Reads a key of one of the lengths of `shape`; `bytes` is a fresh buffer the caller owns. */
export function readKey(value: Uint8Array, shape: KeyShape, sources: KeySources): KeyRead {
  const reference = referenceOf(value);
  if (reference === undefined) return decoded(value, shape, undefined);
  let contents: Uint8Array | undefined;
  try {
    contents = followed(reference, shape, sources);
    return decoded(namedKey(contents, shape.name), shape, reference);
  } catch (error) {
    return {
      kind: 'refused',
      got: error instanceof Error ? error.message : 'an unreadable reference',
      expected: expectedKey(shape),
    };
  } finally {
    if (shape.secret) wipe(contents);
  }
}

/** What a key value may look like, for error messages. */
export function expectedKey(shape: KeyShape): string {
  const lengths = shape.byteLengths
    .map((length) => `${length} bytes (${base64Length(length)} characters)`)
    .join(' or ');
  return `base64 of ${lengths}, file:PATH or credential:NAME`;
}

/**
 * The value of `name = …` in text made of such lines, else the whole text, trimmed: files of `genkey` and files that hold one
 * bare key both serve.
 */
export function namedKey(contents: Uint8Array, name: string): Uint8Array {
  for (const token of tokens(contents)) {
    if (token.kind === 'entry' && token.key.toLowerCase() === name.toLowerCase()) return token.value;
  }
  return trimmed(contents);
}

function decoded(text: Uint8Array, shape: KeyShape, reference: string | undefined): KeyRead {
  for (const length of shape.byteLengths) {
    const bytes = decodeBase64(text, length);
    if (bytes !== undefined) return { kind: 'key', bytes, reference };
  }
  const where = reference === undefined ? '' : ` in ${reference}`;
  return { kind: 'refused', got: `${text.length} characters${where}`, expected: expectedKey(shape) };
}

/** A reference as text, or `undefined` when the value must be taken for a key. The prefix decides before any decoding. */
function referenceOf(value: Uint8Array): string | undefined {
  if (!startsWith(value, 'file:') && !startsWith(value, 'credential:')) return undefined;
  return Buffer.from(value).toString('utf8');
}

function startsWith(value: Uint8Array, prefix: string): boolean {
  if (value.length < prefix.length) return false;
  for (let at = 0; at < prefix.length; at++) if (value[at] !== prefix.charCodeAt(at)) return false;
  return true;
}

function followed(reference: string, shape: KeyShape, sources: KeySources): Uint8Array {
  const target = reference.slice(reference.indexOf(':') + 1);
  if (/\p{Cc}|\ufffd/u.test(target) || target === '') throw new Error('a reference without a usable name');
  return reference.startsWith('file:') ? sources.file(target, shape.secret) : sources.credential(target);
}
