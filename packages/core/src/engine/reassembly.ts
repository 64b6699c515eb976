/**
 * Fragments of strangers, before any key agreement. protocol.md §6: a fixed number of slots in two pools, each of a fixed
 * size, each gone after 3 s. Pool A is for sources that are the confirmed endpoint of a live session, pool B for everybody
 * else, so that a flood of strangers cannot take the place of a peer, nor a forger of somebody's address shut him out.
 */
import type { Drop } from '../drop.ts';
import { invariant } from '../errors.ts';
import type { MacKeys } from '../handshake/cookie.ts';
import { reassemblyLifetime, reassemblySlots } from '../limits.ts';
import { type Endpoint, elapsed, endpointKey, type Instant, prefixKey } from '../types.ts';
import type { InitiationFragment } from '../wire/classify.ts';
import { Reassembly } from '../wire/fragment.ts';

/** One initiation being put together. */
export interface Slot {
  readonly key: string;
  readonly pool: 'A' | 'B';
  /** Quota key: the exact source in pool A, its prefix in pool B. */
  readonly group: string;
  readonly createdAt: Instant;
  readonly reassembly: Reassembly;
  /** Every fragment so far had a valid mac2. C4 "proven". */
  proven: boolean;
  /** Largest datagram so far; bounds the response's. §3.1. */
  largestDatagram: number;
  /** All bytes received so far; the response is never larger. */
  receivedBytes: number;
  /** mac1 of fragment 0 and the keys that verified it, held beyond a change of keys: what a cookie reply refers to. */
  first: { readonly mac1: Uint8Array; readonly keys: MacKeys } | undefined;
}

export type Offer =
  | { readonly kind: 'stored' }
  | { readonly kind: 'complete'; readonly slot: Slot }
  /** No room without a valid mac2: fragment 0 draws a cookie reply. */
  | { readonly kind: 'wants-proof' }
  | { readonly kind: 'refused'; readonly reason: Drop };

export interface OfferedFragment {
  readonly fragment: InitiationFragment;
  readonly from: Endpoint;
  /** Length of the datagram. */
  readonly length: number;
  /** The keys that verified its mac1. */
  readonly keys: MacKeys;
  /** It has a valid mac2. */
  readonly proven: boolean;
  /** `from` is the confirmed endpoint of a live session. */
  readonly confirmedSource: boolean;
}

export class ReassemblyPools {
  /** Oldest first: slots live equally long. */
  readonly #slots = new Map<string, Slot>();
  /** Slots in use, by pool and by quota group: a flood asks for them with every datagram. */
  readonly #inPool = { A: 0, B: 0 };
  readonly #inGroup = new Map<string, number>();
  #expired = 0;

  /** Takes one fragment whose mac1 is right and whose rate and load allow it. */
  offer(now: Instant, offered: OfferedFragment): Offer {
    this.#sweep(now);
    const key = slotKey(offered);
    const slot = this.#slots.get(key);
    if (slot !== undefined) return this.#add(slot, offered);
    const pool = offered.confirmedSource ? 'A' : 'B';
    const group = pool === 'A' ? endpointKey(offered.from) : prefixKey(offered.from.ip);
    const refusal = this.#makeRoom(pool, group, offered.proven);
    if (refusal !== undefined) return refusal;
    const fresh: Slot = {
      key,
      pool,
      group,
      createdAt: now,
      reassembly: Reassembly.initiation(offered.fragment.suite, offered.fragment.count),
      proven: true,
      largestDatagram: 0,
      receivedBytes: 0,
      first: undefined,
    };
    this.#put(fresh);
    return this.#add(fresh, offered);
  }

  /** Slots given up unfinished since the last call. */
  takeExpired(): number {
    const expired = this.#expired;
    this.#expired = 0;
    return expired;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** For tests: every slot that lives, oldest first. */
  describe(now: Instant): object[] {
    return [...this.#slots.values()]
      .filter((slot) => elapsed(slot.createdAt, now) < reassemblyLifetime)
      .map(({ key, createdAt, reassembly, first, ...slot }) => ({
        ...slot,
        index: (key.charCodeAt(key.length - 4) | (key.charCodeAt(key.length - 3) << 16)) >>> 0, // see `slotKey`
        count: reassembly.count,
        has: Array.from({ length: reassembly.count }, (_, i) => reassembly.has(i)),
        hasFirst: first !== undefined,
        age: elapsed(createdAt, now),
      }));
  }

  #add(slot: Slot, { fragment, length, keys, proven }: OfferedFragment): Offer {
    const result = slot.reassembly.add(fragment.index, fragment.slice);
    if (result === 'duplicate') return { kind: 'refused', reason: 'duplicate-fragment' };
    slot.proven &&= proven;
    slot.largestDatagram = Math.max(slot.largestDatagram, length);
    slot.receivedBytes += length;
    if (fragment.index === 0) slot.first = { mac1: fragment.mac1.slice(), keys };
    if (result === 'added') return { kind: 'stored' };
    this.#remove(slot);
    return { kind: 'complete', slot };
  }

  /** Room for one more slot of `group`, evicting where a valid mac2 allows it; what refuses it otherwise. */
  #makeRoom(pool: 'A' | 'B', group: string, proven: boolean): Offer | undefined {
    const quota = pool === 'A' ? reassemblySlots.perSource : reassemblySlots.perPrefix;
    const capacity = pool === 'A' ? reassemblySlots.poolA : reassemblySlots.poolB;
    const inPool = this.#inPool[pool];
    const overQuota = (this.#inGroup.get(pool + group) ?? 0) >= quota;
    const full = inPool >= capacity;
    const halfFull = pool === 'B' && inPool >= capacity / 2;
    if (!proven) return overQuota || full || halfFull ? { kind: 'wants-proof' } : undefined;
    if (!overQuota && !full) return undefined;
    // "Any fragment passes": where all of them are proven the oldest gives way, or sixteen addresses with four slots each would
    // keep everybody else out. Fragments of an honest initiation come together, so a slot need not last for long.
    this.#remove(this.#victim(pool, overQuota ? group : undefined));
    this.#expired += 1;
    return undefined;
  }

  #sweep(now: Instant): void {
    for (const slot of this.#slots.values()) {
      if (elapsed(slot.createdAt, now) < reassemblyLifetime) break;
      this.#remove(slot);
      this.#expired += 1;
    }
  }

  /** The oldest slot without mac2 of a pool, or of one quota group in it; where there is none the oldest of all of them. */
  #victim(pool: 'A' | 'B', group: string | undefined): Slot {
    let oldest: Slot | undefined;
    for (const slot of this.#slots.values()) {
      if (slot.pool !== pool || (group !== undefined && slot.group !== group)) continue;
      if (!slot.proven) return slot;
      oldest ??= slot;
    }
    invariant(oldest !== undefined, 'slots are short and there is none');
    return oldest;
  }

  #put(slot: Slot): void {
    this.#slots.set(slot.key, slot);
    this.#count(slot, 1);
  }

  #remove(slot: Slot): void {
    this.#slots.delete(slot.key);
    this.#count(slot, -1);
  }

  #count({ pool, group }: Slot, change: 1 | -1): void {
    this.#inPool[pool] += change;
    const name = pool + group;
    const left = (this.#inGroup.get(name) ?? 0) + change;
    if (left > 0) this.#inGroup.set(name, left);
    else this.#inGroup.delete(name);
  }
}

/** One slot per (address, port, sender_index, suite, count). */
function slotKey({ fragment, from }: OfferedFragment): string {
  const { senderIndex, suite, count } = fragment;
  return endpointKey(from) + String.fromCharCode(senderIndex & 0xffff, senderIndex >>> 16, suite, count);
}
