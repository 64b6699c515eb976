/** Tells events to whoever listens, and keeps those that packets cause to a few a second. */
import type { TunnelEvent } from './api.ts';

/** `dropped` comes once per reason and this time, `peer-roamed` once per peer; what happens within it is told at its end. */
export const tellEvery = 1_000;

export class Events {
  readonly #listeners = new Set<(event: TunnelEvent) => void>();

  listen(listener: (event: TunnelEvent) => void): () => void {
    const own = (event: TunnelEvent): void => listener(event); // so that a listener given twice can be ended once
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** A listener that throws harms neither the tunnel nor the other listeners: its error is thrown where nobody catches it. */
  tell(event: TunnelEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/**
 * Calls `tell` when it is poked, but at most once in `tellEvery`; a poke within that time is answered at its end. Its timer
 * does not keep the process alive.
 */
export class Throttle {
  readonly #tell: () => void;
  #next = Number.NEGATIVE_INFINITY;
  #pending: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(tell: () => void) {
    this.#tell = tell;
  }

  /** `now` in milliseconds of any clock, always the same. */
  poke(now: number): void {
    if (this.#pending !== undefined || this.#closed) return;
    const wait = this.#next - now;
    this.#next = Math.max(this.#next, now) + tellEvery;
    if (wait <= 0) return this.#tell();
    this.#pending = setTimeout(() => {
      this.#pending = undefined;
      this.#tell();
    }, wait).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#pending);
  }
}
