import { PqtunError } from '../errors.ts';

/**
 * Owns the bytes of one secret: lends them, destroys them, never prints them.
 *
 * The constructor takes ownership of `bytes` (the caller must not keep or change them). Strings cannot be wiped in
 * JavaScript, so there is no text form; `toString`, `toJSON` and Node's inspection all give a fixed word.
 */
export class Secret {
  #bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** A secret of `length` B copied from `source`; the source stays the caller's, who should wipe it. */
  static copyOf(source: Uint8Array): Secret {
    const bytes = secretBytes(source.length);
    bytes.set(source);
    return new Secret(bytes);
  }

  get length(): number {
    return this.borrow().length;
  }

  /** The bytes themselves, still owned here. Do not keep, copy or change them. Throws `PQTUN_SECRET_DESTROYED`. */
  borrow(): Uint8Array {
    if (this.#bytes === undefined)
      throw new PqtunError('PQTUN_SECRET_DESTROYED', 'a secret was used after it was wiped');
    return this.#bytes;
  }

  get destroyed(): boolean {
    return this.#bytes === undefined;
  }

  /** Overwrites the bytes with zeros; harmless when repeated. */
  destroy(): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}

/**
 * `length` zero bytes fit to hold a secret: in memory of their own outside V8's heap.
 *
 * Not `Buffer.from` or `allocUnsafe`, whose pool survives a wipe; and not `new Uint8Array(length)`: up to 64 B V8 keeps those in
 * its heap, moves them when it collects, and copies them out when native code or `.buffer` first touches them. Each move
 * leaves a copy that no wipe reaches (measured: one for a key handed to node:crypto, none this way; `erasure.test.ts`).
 */
export function secretBytes(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** Overwrites each buffer with zeros. For intermediates that never became a `Secret`. */
export function wipe(...buffers: readonly (Uint8Array | undefined)[]): void {
  for (const buffer of buffers) buffer?.fill(0);
}
