/** Drops of a tunnel: the engine's, those of engines before it, and those outside any. Grown counters are told once a second. */
import { type Drop, DropCounters, dropReasons } from '@pqtun/core';
import type { TunnelEvent } from './api.ts';
import { Throttle } from './events.ts';

export class DropTally {
  readonly #engine: () => DropCounters;
  readonly #own = new DropCounters();
  readonly #told = new Map<Drop, number>();
  readonly #throttle: Throttle;
  #lastSendError: string | undefined;

  /** `engine`: the counters of the engine that runs now. `tell` gets one event for each reason that has grown. */
  constructor(engine: () => DropCounters, tell: (event: TunnelEvent & { id: 'dropped' }) => void) {
    this.#engine = engine;
    this.#throttle = new Throttle(() => this.#tellGrown(tell));
  }

  count(reason: Drop, times = 1): void {
    this.#own.count(reason, times);
  }

  /** Datagrams the system refused for `code`. */
  countSendFailed(code: string, times: number): void {
    this.#own.count('send-failed', times);
    this.#lastSendError = code;
  }

  /** Call before the engine is replaced: its counts are kept. */
  carry(): void {
    const counters = this.#engine();
    for (const reason of dropReasons) this.#own.count(reason, counters.of(reason));
  }

  of(reason: Drop): number {
    return this.#engine().of(reason) + this.#own.of(reason);
  }

  snapshot(): Record<Drop, number> {
    return Object.fromEntries(dropReasons.map((reason) => [reason, this.of(reason)])) as Record<Drop, number>; // every reason is in dropReasons
  }

  /** Call when something may have been dropped. */
  poke(now: number): void {
    this.#throttle.poke(now);
  }

  close(): void {
    this.#throttle.close();
  }

  #tellGrown(tell: (event: TunnelEvent & { id: 'dropped' }) => void): void {
    for (const reason of dropReasons) {
      const total = this.of(reason);
      if (total === (this.#told.get(reason) ?? 0)) continue;
      this.#told.set(reason, total);
      const code = reason === 'send-failed' ? this.#lastSendError : undefined;
      tell({ id: 'dropped', reason, total, ...(code === undefined ? {} : { code }) });
    }
  }
}
