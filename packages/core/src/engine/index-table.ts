/** Our session indices: random, 32-bit, unique among live sessions and pending handshakes. protocol.md §2. */
import type { Suite } from '../crypto/suite.ts';
import { invariant } from '../errors.ts';
import { type PeerId, type SessionIndex, sessionIndex } from '../types.ts';

/** Draws before we believe that the source of randomness is broken rather than unlucky. */
const maxDraws = 1000;

export class IndexTable {
  readonly #crypto: Suite;
  readonly #owners = new Map<SessionIndex, PeerId>();
  readonly #expected = new Set<SessionIndex>();
  #expectations = 0;

  constructor(crypto: Suite) {
    this.#crypto = crypto;
  }

  allocate(owner: PeerId): SessionIndex {
    for (let draw = 0; draw < maxDraws; draw++) {
      const bytes = this.#crypto.random(4);
      const index = sessionIndex(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
      if (this.#owners.has(index)) continue;
      this.#owners.set(index, owner);
      return index;
    }
    invariant(false, 'no free session index: the source of randomness repeats itself');
  }

  owner(index: SessionIndex): PeerId | undefined {
    return this.#owners.get(index);
  }

  release(index: SessionIndex): void {
    this.#owners.delete(index);
    this.expectNothing(index);
  }

  /** Call when something goes out to which a response or a cookie reply may come, with this index as its receiver. */
  expectAnswer(index: SessionIndex): void {
    if (this.#expected.has(index)) return;
    this.#expected.add(index);
    this.#expectations += 1;
  }

  /** Call when none may come any more. */
  expectNothing(index: SessionIndex): void {
    if (this.#expected.delete(index)) this.#expectations += 1;
  }

  get expected(): ReadonlySet<SessionIndex> {
    return this.#expected;
  }

  /** Changes with `expected`. */
  get expectations(): number {
    return this.#expectations;
  }

  get size(): number {
    return this.#owners.size;
  }
}
