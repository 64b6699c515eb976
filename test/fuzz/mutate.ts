/** One input → another: what AFL calls havoc. Seeded; never longer than allowed. */
import type { Random } from '../kit/random.ts';

/** Values at which programs change their minds. */
const interesting8 = [0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 254, 255];
const interesting16 = [
  256, 511, 512, 576, 1000, 1024, 1232, 1280, 1420, 1452, 4096, 32767, 32768, 65280, 65535,
];
const interesting32 = [65536, 100663045, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1];
const mostStacked = 16;
/** Longest block that is copied, inserted or erased. */
const longestBlock = 64;

export class Mutator {
  readonly #random: Random;
  readonly #dictionary: readonly Uint8Array[];
  readonly #maxLength: number;
  #bytes: Uint8Array;
  #length = 0;

  /** `dictionary` may grow while the mutator lives. */
  constructor(random: Random, dictionary: readonly Uint8Array[], maxLength: number) {
    this.#random = random;
    this.#dictionary = dictionary;
    this.#maxLength = maxLength;
    this.#bytes = new Uint8Array(maxLength);
  }

  /** A fresh input made of `parent`, at times with a part of `other`. */
  mutate(parent: Uint8Array, other: Uint8Array): Uint8Array {
    this.#length = Math.min(parent.length, this.#maxLength);
    this.#bytes.set(parent.subarray(0, this.#length));
    if (this.#random.chance(0.15)) this.#splice(other);
    for (let left = 1 << this.#random.between(0, Math.log2(mostStacked)); left > 0; left--) this.#once();
    return this.#bytes.slice(0, this.#length);
  }

  #once(): void {
    const random = this.#random;
    if (this.#length === 0) return this.#insert(0, random.bytes(random.between(1, 8)));
    const at = random.between(0, this.#length - 1);
    const gap = random.between(0, this.#length); // before a byte, or behind the last
    const byte = this.#bytes[at] ?? 0;
    switch (random.between(0, 13)) {
      case 0:
        this.#bytes[at] = byte ^ (1 << random.between(0, 7));
        return;
      case 1:
        this.#bytes[at] = random.between(0, 255);
        return;
      case 2:
        this.#bytes[at] = random.pick(interesting8);
        return;
      case 3:
        this.#bytes[at] = byte + random.between(-16, 16);
        return;
      case 4:
        return this.#arithmetic(at);
      case 5:
        return this.#number(at);
      case 6:
        return this.#erase(at, random.between(1, Math.min(longestBlock, this.#length)));
      case 7:
        return this.#insert(gap, random.bytes(random.between(1, 8)));
      case 8: {
        const from = random.between(0, this.#length - 1);
        return this.#insert(gap, this.#block(from));
      }
      case 9: {
        const from = random.between(0, this.#length - 1);
        return this.#overwrite(at, this.#block(from));
      }
      case 10:
        return this.#insert(
          gap,
          new Uint8Array(random.between(1, longestBlock)).fill(random.pick([0, byte, 255])),
        );
      case 11:
      case 12:
        return this.#token(at);
      default:
        this.#length = random.chance(0.5) ? at : this.#length; // cut short
    }
  }

  /** Head of this one, tail of the other. */
  #splice(other: Uint8Array): void {
    const head = this.#random.between(0, this.#length);
    const tail = other.subarray(this.#random.between(0, other.length));
    this.#length = Math.min(this.#maxLength, head + tail.length);
    this.#bytes.set(tail.subarray(0, this.#length - head), head);
  }

  /** Adds to 16 or 32 bits, of either byte order, a little. */
  #arithmetic(at: number): void {
    const size = this.#random.pick([2, 4]);
    const little = this.#random.chance(0.5);
    if (at + size > this.#length) return;
    this.#write(at, size, this.#read(at, size, little) + this.#random.between(-35, 35), little);
  }

  #number(at: number): void {
    const size = this.#random.pick([2, 4]);
    if (at + size > this.#length) return;
    const choices = size === 2 ? [...interesting8, ...interesting16] : [...interesting16, ...interesting32];
    this.#write(at, size, this.#random.pick(choices), this.#random.chance(0.5));
  }

  #read(at: number, size: number, little: boolean): number {
    let value = 0;
    for (let i = 0; i < size; i++) {
      const place = little ? size - 1 - i : i;
      value = value * 256 + (this.#bytes[at + place] ?? 0);
    }
    return value;
  }

  #write(at: number, size: number, value: number, little: boolean): void {
    let rest = value >>> 0;
    for (let i = 0; i < size; i++) {
      this.#bytes[at + (little ? i : size - 1 - i)] = rest & 0xff;
      rest >>>= 8;
    }
  }

  #token(at: number): void {
    if (this.#dictionary.length === 0) return;
    const token = this.#random.pick(this.#dictionary);
    if (this.#random.chance(0.5)) this.#insert(this.#random.between(0, this.#length), token);
    else this.#overwrite(at, token);
  }

  #block(from: number): Uint8Array {
    const length = this.#random.between(1, Math.min(longestBlock, this.#length - from));
    return this.#bytes.slice(from, from + length);
  }

  #insert(at: number, block: Uint8Array): void {
    const length = Math.min(block.length, this.#maxLength - this.#length);
    this.#bytes.copyWithin(at + length, at, this.#length);
    this.#bytes.set(block.subarray(0, length), at);
    this.#length += length;
  }

  #overwrite(at: number, block: Uint8Array): void {
    this.#bytes.set(block.subarray(0, this.#length - at), at);
  }

  #erase(at: number, length: number): void {
    const end = Math.min(this.#length, at + length);
    this.#bytes.copyWithin(at, end, this.#length);
    this.#length -= end - at;
  }
}
