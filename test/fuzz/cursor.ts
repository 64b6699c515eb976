/** Reads an input as a sequence of small decisions; beyond its end everything is zero. */
export class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u8(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  u16(): number {
    return this.u8() | (this.u8() << 8);
  }

  u32(): number {
    return (this.u16() | (this.u16() << 16)) >>> 0;
  }

  /** One of `items` by the next byte. */
  pick<const T>(items: readonly [T, ...T[]]): T {
    return items[this.u8() % items.length] ?? items[0];
  }

  /** Exactly `length` bytes in a fresh buffer, zeros beyond the end. */
  bytes(length: number): Uint8Array {
    const taken = new Uint8Array(length);
    taken.set(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return taken;
  }

  /** What is left, in a fresh buffer. */
  rest(): Uint8Array {
    const taken = this.#bytes.slice(this.#at);
    this.#at = this.#bytes.length;
    return taken;
  }
}
