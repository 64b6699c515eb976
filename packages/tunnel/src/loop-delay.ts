/**
 * How late the event loop is, as protocol.md §6 wants it told: by how much a short timer fires late, while there is traffic.
 *
 * The median of five measurements counts, so that one pause of the garbage collector declares no load, and three late timers
 * out of five do. An idle tunnel has no timer at all, and none keeps the process alive.
 */
import type { Clock } from './clock.ts';

/** Between measurements, in milliseconds: five of them see load within some 100 ms. */
export const measureAfter = 20;
const kept = 5;
/** Upper bounds of `counts`, in milliseconds; the two of protocol.md §6 and of the flood run's goal are among them. */
export const delayBounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] as const;
/** Below this the loop is on time; timers of Node have a grain of 1 ms. */
const onTime = 2;

export class LoopDelay {
  readonly #clock: Clock;
  readonly #onMeasured: (milliseconds: number) => void;
  readonly #schedule: (run: () => void, delay: number) => { close(): void };
  readonly #late = new Array<number>(kept).fill(0);
  readonly #counts = new Array<number>(delayBounds.length + 1).fill(0);
  #pending: { close(): void } | undefined;
  #closed = false;

  /** `onMeasured` gets the median after each measurement. */
  constructor(clock: Clock, onMeasured: (milliseconds: number) => void, schedule = unreferencedTimer) {
    this.#clock = clock;
    this.#onMeasured = onMeasured;
    this.#schedule = schedule;
  }

  /** Call when there was input: measures, unless a measurement is under way, and goes on until the loop is on time again. */
  onInput(): void {
    if (this.#pending !== undefined || this.#closed) return;
    const due = this.#clock.now() + measureAfter;
    this.#pending = this.#schedule(() => {
      this.#pending = undefined;
      this.#measured(Math.max(0, this.#clock.now() - due));
    }, measureAfter);
  }

  /** How many measurements were at most as late as each of `delayBounds` and later than the one before; the last: the rest. */
  get counts(): readonly number[] {
    return [...this.#counts];
  }

  close(): void {
    this.#closed = true;
    this.#pending?.close();
    this.#pending = undefined;
  }

  #measured(late: number): void {
    const bucket = delayBounds.findIndex((bound) => late <= bound);
    const at = bucket < 0 ? delayBounds.length : bucket;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#late.shift();
    this.#late.push(late);
    const median = [...this.#late].sort((a, b) => a - b)[kept >> 1] ?? 0;
    this.#onMeasured(median);
    if (median > onTime) this.onInput();
  }
}

function unreferencedTimer(run: () => void, delay: number): { close(): void } {
  const timer = setTimeout(run, delay).unref();
  return { close: () => clearTimeout(timer) };
}
