/** Bytes as they arrive → whole lines of bounded length. Linear: every byte is looked at and copied a bounded number of times. */
import { wipe } from '@pqtun/core';

export class LineBuffer {
  readonly #most: number;
  #held = new Uint8Array(0);
  #length = 0;

  constructor(maxLength: number) {
    this.#most = maxLength;
  }

  /** Whether a line has begun and not ended. */
  get pending(): boolean {
    return this.#length > 0;
  }

  /**
   * Takes `chunk`, which it copies and wipes, and returns the lines that ended in it (without line feed, fresh buffers of the
   * caller's); `undefined` when a line is longer than allowed: the connection is then to be closed.
   */
  push(chunk: Uint8Array): Uint8Array[] | undefined {
    const lines: Uint8Array[] = [];
    try {
      for (let start = 0; start < chunk.length; ) {
        const feed = chunk.indexOf(lineFeed, start);
        const end = feed < 0 ? chunk.length : feed;
        if (!this.#hold(chunk.subarray(start, end))) return undefined;
        if (feed >= 0) lines.push(this.#release());
        start = end + 1;
      }
      return lines;
    } finally {
      wipe(chunk);
    }
  }

  /** Wipes what is left of an unfinished line. */
  clear(): void {
    wipe(this.#held);
    this.#length = 0;
  }

  #hold(part: Uint8Array): boolean {
    const length = this.#length + part.length;
    if (length > this.#most) return false;
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.min(this.#most, Math.max(length, this.#held.length * 2, 512)));
      larger.set(this.#held);
      wipe(this.#held);
      this.#held = larger;
    }
    this.#held.set(part, this.#length);
    this.#length = length;
    return true;
  }

  #release(): Uint8Array {
    const line = new Uint8Array(this.#held.subarray(0, this.#length));
    this.clear();
    return line;
  }
}

const lineFeed = 0x0a;
