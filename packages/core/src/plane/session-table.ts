/** Receiver index → keypair, and for an hour the indices that were erased by age. protocol.md §5.3 T6. */
import { erasedIndexMemory } from '../limits.ts';
import { elapsed, type Instant, type SessionIndex } from '../types.ts';
import type { Keypair } from './keypairs.ts';

/** Erased indices remembered at most; the oldest go first. At one an hour and profile each, that is 16,384 sessions an hour. */
export const maxErasedIndices = 16_384;

export class SessionTable {
  readonly #live = new Map<SessionIndex, Keypair>();
  /** When each was erased by age, in that order: `now` never goes back, so the oldest stand first. */
  readonly #aged = new Map<SessionIndex, Instant>();

  get size(): number {
    return this.#live.size;
  }

  /** How many indices erased by age are remembered. */
  get agedSize(): number {
    return this.#aged.size;
  }

  find(index: SessionIndex): Keypair | undefined {
    return this.#live.get(index);
  }

  add(keypair: Keypair): void {
    this.#live.set(keypair.localIndex, keypair);
    this.#aged.delete(keypair.localIndex);
  }

  /** Forgets one keypair and destroys its keys; one that has reached its age is remembered by its index. */
  erase(now: Instant, keypair: Keypair): void {
    this.#live.delete(keypair.localIndex);
    if (keypair.expired(now)) this.#remember(now, keypair.localIndex);
    keypair.destroy();
  }

  /** T6: whether this index was erased by age within the last hour, so that data on it is a sign of unequal profiles. */
  erasedByAge(now: Instant, index: SessionIndex): boolean {
    const at = this.#aged.get(index);
    return at !== undefined && elapsed(at, now) <= erasedIndexMemory;
  }

  #remember(now: Instant, index: SessionIndex): void {
    this.#aged.delete(index);
    this.#aged.set(index, now);
    for (const [oldest, at] of this.#aged) {
      if (this.#aged.size <= maxErasedIndices && elapsed(at, now) <= erasedIndexMemory) return;
      this.#aged.delete(oldest);
    }
  }
}
