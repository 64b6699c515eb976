import { ipKey } from '../types.ts';

/**
 * The last few values that were made of public bytes, so that they need not be made again; the oldest goes first. A stranger
 * decides what is asked for, so the number is bounded. Public bytes only: they become map keys, which cannot be wiped.
 */
export class Recent<T> {
  readonly #capacity: number;
  readonly #make: (bytes: Uint8Array) => T;
  readonly #values = new Map<string, T>();

  constructor(capacity: number, make: (bytes: Uint8Array) => T) {
    this.#capacity = capacity;
    this.#make = make;
  }

  /** The value of `bytes`, which stay the caller's. */
  of(bytes: Uint8Array): T {
    const name = ipKey(bytes);
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const made = this.#make(bytes);
    this.#values.set(name, made);
    if (this.#values.size > this.#capacity) this.#forgetOldest();
    return made;
  }

  #forgetOldest(): void {
    for (const name of this.#values.keys()) {
      this.#values.delete(name);
      return;
    }
  }
}
