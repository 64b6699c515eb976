/**
 * Declares a fixed message once and derives everything from it: its size, the offset of each field, a reader and a writer.
 * Cold code reads and writes whole messages; hot code (the transport header) takes `offset` and the number readers below.
 */
import { invariant } from '../errors.ts';

/** One field: how many bytes it takes and how its value stands in them. Callers of `read` and `write` check the length. */
export interface Field<T> {
  readonly size: number;
  read(bytes: Uint8Array, at: number): T;
  write(bytes: Uint8Array, at: number, value: T): void;
}

/** Bytes that are always the same. Written by every `write`, absent from the values, not checked by `read`. */
export interface FixedField {
  readonly size: number;
  readonly fixed: Uint8Array;
}

type Fields = Readonly<Record<string, Field<number> | Field<Uint8Array> | FixedField>>;

/** What a message of these fields carries; fixed bytes carry nothing. */
export type Values<F extends Fields> = {
  readonly [K in keyof F as F[K] extends FixedField ? never : K]: F[K] extends Field<infer T> ? T : never;
};

export interface Layout<F extends Fields> {
  /** Bytes of the whole message. */
  readonly size: number;
  /** First byte of each field. */
  readonly offset: { readonly [K in keyof F]: number };
  /**
   * Reads all fields from `bytes` at `at`; byte fields are views into `bytes`, not copies. Fewer than `size` bytes there is
   * a bug of ours (`PQTUN_INVARIANT`): the length of what comes from the network is checked first.
   */
  read(bytes: Uint8Array, at?: number): Values<F>;
  /** Writes all fields, fixed ones included, and returns `into`: by default a fresh buffer of `size` bytes. */
  write(values: Values<F>, into?: Uint8Array, at?: number): Uint8Array;
}

/** The values of a declared layout: `ValuesOf<typeof cookieReply>`. */
export type ValuesOf<L> = L extends Layout<infer F> ? Values<F> : never;

/** Declares a message whose fields follow each other without gaps, in the order given. */
export function layout<const F extends Fields>(fields: F): Layout<F> {
  const offset: Record<string, number> = {};
  let size = 0;
  for (const [name, field] of Object.entries(fields)) {
    offset[name] = size;
    size += field.size;
  }
  const placed = Object.entries(fields).map(([name, field]) => ({ name, field, at: offset[name] ?? 0 }));

  return {
    size,
    offset: Object.freeze(offset) as Layout<F>['offset'], // the loop above gave each name its number
    read(bytes, at = 0) {
      invariant(at >= 0 && bytes.length - at >= size, 'a layout was read from too few bytes');
      const values: Record<string, number | Uint8Array> = {};
      for (const { name, field, at: start } of placed) {
        if (!('fixed' in field)) values[name] = field.read(bytes, at + start);
      }
      return values as Values<F>; // one value of the field's own type for each field that is not fixed
    },
    write(values, into = new Uint8Array(size), at = 0) {
      invariant(at >= 0 && into.length - at >= size, 'a layout was written to too few bytes');
      const given = values as Readonly<Record<string, unknown>>; // same object, to be looked up by name
      for (const { name, field, at: start } of placed) {
        if ('fixed' in field) into.set(field.fixed, at + start);
        else (field as Field<unknown>).write(into, at + start, given[name]); // Values<F> pairs name, field and type
      }
      return into;
    },
  };
}

export const u8: Field<number> = unsigned(1, (bytes, at) => byteAt(bytes, at), false);
export const u16le: Field<number> = unsigned(2, readU16le, false);
export const u16be: Field<number> = unsigned(2, readU16be, true);
export const u32le: Field<number> = unsigned(4, readU32le, false);
export const u32be: Field<number> = unsigned(4, readU32be, true);
/** 64 bits as a number: written up to 2^53 − 1; above that a read is rounded, but never to a value below 2^53. */
export const u64le: Field<number> = unsigned(8, readU64le, false);

/** `size` bytes; read as a view, written from exactly as many. */
export function bytes(size: number): Field<Uint8Array> {
  return {
    size,
    read: (from, at) => from.subarray(at, at + size),
    write(into, at, value) {
      invariant(value.length === size, 'a byte field was given another number of bytes');
      into.set(value, at);
    },
  };
}

/** The given bytes, always: a type byte, reserved zeros. */
export function fixed(...values: readonly number[]): FixedField {
  return { size: values.length, fixed: Uint8Array.from(values) };
}

/** `size` zero bytes, always. */
export function zeros(size: number): FixedField {
  return { size, fixed: new Uint8Array(size) };
}

/* Numbers. Callers have checked that the bytes are there; no DataView, because making one allocates. */

export function readU16le(from: Uint8Array, at: number): number {
  return byteAt(from, at) | (byteAt(from, at + 1) << 8);
}

export function readU16be(from: Uint8Array, at: number): number {
  return (byteAt(from, at) << 8) | byteAt(from, at + 1);
}

export function readU32le(from: Uint8Array, at: number): number {
  return (readU16le(from, at) | (readU16le(from, at + 2) << 16)) >>> 0;
}

export function readU32be(from: Uint8Array, at: number): number {
  return ((readU16be(from, at) << 16) | readU16be(from, at + 2)) >>> 0;
}

/** Exact below 2^53. 2^53 is a double and rounding is monotone, so no larger value is ever rounded below it. */
export function readU64le(from: Uint8Array, at: number): number {
  return readU32le(from, at) + readU32le(from, at + 4) * 2 ** 32;
}

export function writeU32le(into: Uint8Array, at: number, value: number): void {
  into[at] = value;
  into[at + 1] = value >>> 8;
  into[at + 2] = value >>> 16;
  into[at + 3] = value >>> 24;
}

/** `value` is a safe integer, not negative. */
export function writeU64le(into: Uint8Array, at: number, value: number): void {
  writeU32le(into, at, value % 2 ** 32);
  writeU32le(into, at + 4, Math.floor(value / 2 ** 32));
}

function byteAt(from: Uint8Array, at: number): number {
  return from[at] as number; // in range: every caller has checked the length
}

function unsigned(size: number, read: Field<number>['read'], bigEndian: boolean): Field<number> {
  const largest = Math.min(2 ** (8 * size) - 1, Number.MAX_SAFE_INTEGER);
  return {
    size,
    read,
    write(into, at, value) {
      invariant(
        Number.isInteger(value) && value >= 0 && value <= largest,
        'a number field was given a value out of range',
      );
      let rest = value;
      for (let i = 0; i < size; i++) {
        into[at + (bigEndian ? size - 1 - i : i)] = rest % 256;
        rest = Math.floor(rest / 256);
      }
    },
  };
}
