/**
 * Token buckets per source prefix, for fragments with and without a valid mac2. protocol.md §6. The table is bounded: a
 * bucket that has had time to fill up again says the same as none, so it may go; when every bucket is younger than that,
 * a new prefix counts as over its rate, which for a stranger means a cookie reply, never silence.
 */
import { provenRate, unprovenRate } from '../limits.ts';
import { elapsed, type Instant } from '../types.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

const maxBuckets = 16_384;

export class SourceLimiter {
  readonly unproven = new Buckets(unprovenRate);
  readonly proven = new Buckets(provenRate);
}

export class Buckets {
  readonly #rate: Rate;
  /** Least recently used first. */
  readonly #buckets = new Map<string, { tokens: number; at: Instant }>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes one token of `prefix`; `false` when there is none. */
  take(now: Instant, prefix: string): boolean {
    const { perSecond, burst } = this.#rate;
    const bucket = this.#buckets.get(prefix);
    if (bucket === undefined) {
      if (!this.#makeRoom(now)) return false;
      this.#buckets.set(prefix, { tokens: burst - 1, at: now });
      return true;
    }
    const refilled = (Math.max(0, elapsed(bucket.at, now)) * perSecond) / 1000;
    const tokens = Math.min(burst, bucket.tokens + refilled);
    this.#buckets.delete(prefix);
    this.#buckets.set(prefix, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #makeRoom(now: Instant): boolean {
    const fullAfter = (this.#rate.burst * 1000) / this.#rate.perSecond;
    for (const [prefix, bucket] of this.#buckets) {
      if (elapsed(bucket.at, now) < fullAfter) break;
      this.#buckets.delete(prefix);
    }
    return this.#buckets.size < maxBuckets;
  }
}
