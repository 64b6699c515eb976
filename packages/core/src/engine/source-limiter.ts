/**
 * Token buckets per source prefix, for fragments with and without a valid mac2. protocol.md §6. A bucket is one number: when it
 * will be full again (the "virtual scheduling" form of a token bucket, exact where sums of refilled fractions are not).
 *
 * The table is bounded, in two generations: buckets used since the last turn, and those before. A full bucket says the same
 * as none, so the older generation may go once all of it is full. While it is not and there is no room, a new prefix without
 * mac2 counts as over its rate, which means a cookie reply, never silence; with mac2, where it would mean silence, the older
 * generation is forgotten instead. Only who holds thousands of prefixes gains by that, and he has their rates anyway.
 */
import { provenRate, unprovenRate } from '../limits.ts';
import { elapsed, type Instant, instant, later, millis } from '../types.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

const bucketsPerGeneration = 8_192;

export class SourceLimiter {
  readonly unproven = new Buckets(unprovenRate, 'refuse-new');
  readonly proven = new Buckets(provenRate, 'forget-old');
}

export class Buckets {
  /** Time in which one token comes back. */
  readonly #spacing: number;
  /** A bucket that needs longer than this to be full has no token left. */
  readonly #tolerance: number;
  readonly #whenFull: 'refuse-new' | 'forget-old';
  #young = new Generation();
  #old = new Generation();

  constructor({ perSecond, burst }: Rate, whenFull: 'refuse-new' | 'forget-old') {
    this.#spacing = 1000 / perSecond;
    this.#tolerance = (burst - 1) * this.#spacing;
    this.#whenFull = whenFull;
  }

  /** Takes one token of `prefix`; `false` when there is none. */
  take(now: Instant, prefix: string): boolean {
    const known = this.#young.fullAt.get(prefix) ?? this.#old.fullAt.get(prefix);
    const fullAt = known !== undefined && known > now ? known : now;
    if (elapsed(now, fullAt) > this.#tolerance) return false;
    const home = this.#homeOf(now, prefix);
    home?.put(prefix, later(fullAt, millis(this.#spacing)));
    return home !== undefined;
  }

  get size(): number {
    return this.#young.fullAt.size + this.#old.fullAt.size;
  }

  /** For tests: milliseconds until each bucket that is not full will be, by prefix. */
  describe(now: Instant): [prefix: string, untilFull: number][] {
    return [...this.#old.fullAt, ...this.#young.fullAt]
      .filter(([, fullAt]) => fullAt > now)
      .map(([prefix, fullAt]) => [prefix, elapsed(now, fullAt)]);
  }

  /** Where to keep the bucket: with the young, where there is room for it. */
  #homeOf(now: Instant, prefix: string): Generation | undefined {
    if (this.#young.fullAt.size < bucketsPerGeneration || this.#young.fullAt.has(prefix)) return this.#young;
    if (this.#whenFull === 'forget-old' || this.#old.allFullAt <= now) {
      this.#old = this.#young;
      this.#young = new Generation();
      return this.#young;
    }
    return this.#old.fullAt.has(prefix) ? this.#old : undefined;
  }
}

class Generation {
  /** When each bucket is full again. */
  readonly fullAt = new Map<string, Instant>();
  /** When all of them are. */
  allFullAt = instant(Number.NEGATIVE_INFINITY);

  put(prefix: string, fullAt: Instant): void {
    this.fullAt.set(prefix, fullAt);
    if (fullAt > this.allFullAt) this.allFullAt = fullAt;
  }
}
