/** How one kind of value is read into a draft: scalar, list, key. The tables in `interface-fields.ts` and `peer-fields.ts` use these. */
import { Secret } from '@pqtun/core';
import { quoted } from './config-error.ts';
import { expectedKey, type KeyShape, type KeySources, readKey } from './key-source.ts';

/** Why a value was not taken. `got` never shows a key. */
export interface Refusal {
  readonly got: string;
  readonly expected: string;
}

export interface ReadContext {
  readonly sources: KeySources;
  readonly allowHooks: boolean;
  /** Every secret made while reading, to be destroyed when the file is refused. */
  readonly secrets: Secret[];
  /** Filled with keys that were written as references. */
  readonly references: Map<object, string>;
}

export interface Field<Draft> {
  readonly name: string;
  readonly repeatable: boolean;
  /** Reads one value into `draft`; a refusal leaves the draft as it was. */
  readonly read: (draft: Draft, value: Uint8Array, context: ReadContext) => Refusal | undefined;
}

/** One value of text. `parse` returns `undefined` for what it does not accept. */
export function scalar<Draft, T>(
  name: string,
  expected: string,
  parse: (text: string) => T | undefined,
  set: (draft: Draft, value: T) => void,
): Field<Draft> {
  const read = (draft: Draft, value: Uint8Array) => {
    const text = decodeText(value);
    const parsed = text === undefined ? undefined : parse(text);
    if (parsed === undefined)
      return { got: text === undefined ? 'bytes that are no UTF-8' : quoted(text), expected };
    set(draft, parsed);
    return undefined;
  };
  return { name, repeatable: false, read };
}

/** Comma-separated values, and the whole key repeatable. `emptyAllowed`: `Key =` means an empty list. */
export function list<Draft, T>(
  name: string,
  expected: string,
  parse: (text: string) => T | undefined,
  add: (draft: Draft, values: readonly T[]) => void,
  emptyAllowed = false,
): Field<Draft> {
  const read = (draft: Draft, value: Uint8Array) => {
    const text = decodeText(value);
    if (text === undefined) return { got: 'bytes that are no UTF-8', expected };
    if (text === '' && emptyAllowed) return undefined;
    const values: T[] = [];
    for (const item of text.split(',')) {
      const parsed = parse(item.trim());
      if (parsed === undefined) return { got: quoted(item.trim()), expected };
      values.push(parsed);
    }
    add(draft, values);
    return undefined;
  };
  return { name, repeatable: true, read };
}

/** A secret key of `byteLength` bytes. */
export function secretKey<Draft>(
  name: string,
  byteLength: number,
  set: (draft: Draft, secret: Secret) => void,
): Field<Draft> {
  const shape: KeyShape = { name, byteLengths: [byteLength], secret: true };
  return keyField(shape, (draft, bytes, context) => {
    const secret = new Secret(bytes);
    context.secrets.push(secret);
    set(draft, secret);
    return secret;
  });
}

/** A public key of one of `byteLengths`. */
export function publicKey<Draft>(
  name: string,
  byteLengths: readonly number[],
  set: (draft: Draft, bytes: Uint8Array) => void,
): Field<Draft> {
  return keyField({ name, byteLengths, secret: false }, (draft, bytes) => {
    set(draft, bytes);
    return bytes;
  });
}

/** Allows the word `none` beside the values of `field`, and lets the key be repeated. */
export function orNone<Draft>(field: Field<Draft>, setNone: (draft: Draft) => void): Field<Draft> {
  const none = Uint8Array.from('none', (c) => c.charCodeAt(0));
  return {
    name: field.name,
    repeatable: true,
    read(draft, value, context) {
      if (value.length !== none.length || !value.every((byte, at) => byte === none[at])) {
        const refusal = field.read(draft, value, context);
        return refusal && { got: refusal.got, expected: `${refusal.expected}, or none` };
      }
      setNone(draft);
      return undefined;
    },
  };
}

function keyField<Draft>(
  shape: KeyShape,
  take: (draft: Draft, bytes: Uint8Array, context: ReadContext) => object,
): Field<Draft> {
  const read = (draft: Draft, value: Uint8Array, context: ReadContext) => {
    if (value.length === 0) return { got: 'nothing', expected: expectedKey(shape) };
    const found = readKey(value, shape, context.sources);
    if (found.kind === 'refused') return { got: found.got, expected: found.expected };
    const key = take(draft, found.bytes, context);
    if (found.reference !== undefined) context.references.set(key, found.reference);
    return undefined;
  };
  return { name: shape.name, repeatable: false, read };
}

/** Text of a value that is no key: UTF-8 without control characters. */
function decodeText(value: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    return /[\p{Cc}]/u.test(text.replaceAll('\t', ' ')) ? undefined : text;
  } catch {
    return undefined;
  }
}
