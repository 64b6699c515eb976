import { describe, expect, it } from 'vitest';
import { type Instant, instant, type PeerId, peerId } from '../types.ts';
import { Deadlines } from './deadlines.ts';

/** The same by looking at all of them every time. */
class Sorted {
  readonly #all = new Map<PeerId, Instant>();

  set(peer: PeerId, at: Instant | undefined): void {
    if (at === undefined) this.#all.delete(peer);
    else this.#all.set(peer, at);
  }

  next(): { at: Instant; peer: PeerId } | undefined {
    const [first] = [...this.#all].sort(([p, a], [q, b]) => a - b || p - q);
    return first && { peer: first[0], at: first[1] };
  }
}

/** Small seeded chance. */
function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('deadlines', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('agree with a sorted list, run %i', (seed) => {
    const draw = chance(seed);
    const heap = new Deadlines();
    const twin = new Sorted();
    const peers = 1 + draw(60);
    for (let step = 0; step < 4000; step++) {
      const peer = peerId(1 + draw(peers));
      const at = draw(5) === 0 ? undefined : instant(draw(seed % 2 === 0 ? 10 : 10_000));
      heap.set(peer, at);
      twin.set(peer, at);
      if (draw(3) > 0) expect(heap.next()).toEqual(twin.next());
    }
  });

  it('give the same peer again until it is set anew', () => {
    const heap = new Deadlines();
    heap.set(peerId(2), instant(5));
    heap.set(peerId(1), instant(5));
    expect(heap.next()).toEqual({ peer: 1, at: 5 });
    expect(heap.next()).toEqual({ peer: 1, at: 5 });
    heap.set(peerId(1), instant(9));
    expect(heap.next()).toEqual({ peer: 2, at: 5 });
    heap.set(peerId(2), undefined);
    expect(heap.next()).toEqual({ peer: 1, at: 9 });
    heap.set(peerId(1), undefined);
    expect(heap.next()).toBeUndefined();
  });

  it('a peer that goes back to an earlier deadline is not lost among its stale ones', () => {
    const heap = new Deadlines();
    for (const at of [10, 20, 10, 5, 20, 5, 30]) heap.set(peerId(1), instant(at));
    expect(heap.next()).toEqual({ peer: 1, at: 30 });
    heap.set(peerId(1), instant(10));
    expect(heap.next()).toEqual({ peer: 1, at: 10 });
  });

  it('a million changes of few peers take no longer than they should, for what is stale is swept', () => {
    const heap = new Deadlines();
    for (let step = 0; step < 1_000_000; step++) heap.set(peerId(1 + (step % 3)), instant(2_000_000 - step));
    expect(heap.next()).toEqual({ peer: 1, at: 1_000_001 });
  });
});
