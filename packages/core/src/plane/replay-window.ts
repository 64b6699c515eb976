/**
 * Refuses counters it has seen. RFC 6479: a ring of blocks of bits, in which moving forward clears blocks instead of
 * shifting. Blocks are 32 bits wide, JavaScript's natural width; the mirror in the addon has 64-bit blocks and the same
 * vectors, so the reach is written out (protocol.md §5.4) instead of following from the block.
 *
 * Counters are integers from 0 to 2^53 − 1 (limits.ts: a portable plane counts in safe integers). Above 2^31 the bit
 * operators of JavaScript lose bits, so block and bit come from division; by a power of two it is exact.
 */
import { replayWindowBits, replayWindowReach } from '../limits.ts';

const blockBits = 32;
const blocks = replayWindowBits / blockBits;

export class ReplayWindow {
  readonly #ring = new Uint32Array(blocks);
  #highest = -1;

  /** The largest counter marked so far; −1 before the first, so that counter 0 is the highest yet when it comes first. */
  get highest(): number {
    return this.#highest;
  }

  /**
   * Whether `counter` is neither seen nor more than 8128 behind the highest. Changes nothing: ask it before or after the
   * tag is verified, but `mark` only after. `false` for what is no counter (negative, fraction, 2^53 and above).
   */
  check(counter: number): boolean {
    if (!(Number.isSafeInteger(counter) && counter >= 0)) return false;
    if (counter > this.#highest) return true;
    if (this.#highest - counter > replayWindowReach) return false;
    const block = Math.floor(counter / blockBits);
    return ((this.#ring[block % blocks] as number) & (1 << (counter - block * blockBits))) === 0; // remainder < blocks
  }

  /** Remembers a counter that `check` has just accepted and whose packet is authentic. protocol.md §5.4. */
  mark(counter: number): void {
    const block = Math.floor(counter / blockBits);
    if (counter > this.#highest) {
      this.#clear(Math.floor(this.#highest / blockBits), block);
      this.#highest = counter;
    }
    const slot = block % blocks;
    this.#ring[slot] = (this.#ring[slot] as number) | (1 << (counter - block * blockBits)); // remainder < blocks
  }

  /** `check` and, where it says yes, `mark`. Only for an authentic packet. */
  accept(counter: number): boolean {
    if (!this.check(counter)) return false;
    this.mark(counter);
    return true;
  }

  /**
   * Clears the blocks after `from` up to `to`; a jump over the whole ring clears each once. INVARIANT: between them the
   * blocks of the ring reach at least 8192 − 32 behind the highest, more than 8128, so no bit in reach is ever cleared.
   */
  #clear(from: number, to: number): void {
    const count = Math.min(to - from, blocks);
    for (let i = 0; i < count; i++) this.#ring[(to - i) % blocks] = 0;
  }
}
