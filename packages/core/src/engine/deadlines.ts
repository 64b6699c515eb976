/** The earliest deadline over all peers: a binary heap with lazy deletion, O(log n) a change, thousands of peers. */
import type { Instant, PeerId } from '../types.ts';

interface Entry {
  readonly at: Instant;
  readonly peer: PeerId;
}

export class Deadlines {
  readonly #heap: Entry[] = [];
  /** What holds now; a heap entry that says something else is stale. */
  readonly #current = new Map<PeerId, Instant>();

  /** `undefined`: the peer has no deadline. */
  set(peer: PeerId, at: Instant | undefined): void {
    if (this.#current.get(peer) === at) return;
    if (at === undefined) {
      this.#current.delete(peer);
      return;
    }
    this.#current.set(peer, at);
    this.#push({ at, peer });
    if (this.#heap.length > 64 + 4 * this.#current.size) this.#rebuild();
  }

  next(): Entry | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#current.get(top.peer) === top.at) return top;
      this.#pop();
    }
    return undefined;
  }

  #rebuild(): void {
    this.#heap.length = 0;
    for (const [peer, at] of this.#current) this.#push({ at, peer });
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent])) break;
      heap[at] = heap[parent] as Entry; // parent index is below the length
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (isBefore(heap[child + 1], heap[child])) child += 1;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child] as Entry; // child is below the length
      at = child;
    }
    heap[at] = last;
  }
}

/** Ties go by peer, so that a run is the same every time. */
function isBefore(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.at < b.at || (a.at === b.at && a.peer < b.peer);
}
