/**
 * The deadlines of one peer, by name, and the events that move them. protocol.md §5.3 T2–T4, T6. Nobody else sets one of
 * these; what is to be done when one falls due is said by `Due` and done by the engine.
 */
import {
  eraseAfterRejects,
  keepaliveTimeout,
  type RekeyProfile,
  rekeyTimeout,
  sessionLimits,
  silenceJitter,
} from '../limits.ts';
import { type Instant, later, type Millis, millis } from '../types.ts';

export const timerNames = [
  'copy', // N3: next identical copy of the initiation
  'attempt', // N3: next new initiation
  'give-up', // N3: 90 s after the first initiation or the last outgoing data
  'passive-keepalive', // T2
  'silence', // T3
  'persistent-keepalive', // T4
  'expire-session', // T6: the oldest session reaches REJECT_AFTER_TIME
  'expire-initiation', // an outstanding initiation whose sequence ended without S1
  'forget-response', // C3: response bytes are kept 5 s
  'erase', // T6: 3 × REJECT_AFTER_TIME without a session
] as const;
export type TimerName = (typeof timerNames)[number];

export class Timers {
  readonly #deadlines = new Map<TimerName, Instant>();
  /** Uniform in [0, 1). */
  readonly #uniform: () => number;

  constructor(uniform: () => number) {
    this.#uniform = uniform;
  }

  set(name: TimerName, at: Instant): void {
    this.#deadlines.set(name, at);
  }

  clear(...names: readonly TimerName[]): void {
    for (const name of names) this.#deadlines.delete(name);
  }

  at(name: TimerName): Instant | undefined {
    return this.#deadlines.get(name);
  }

  next(): { name: TimerName; at: Instant } | undefined {
    let next: { name: TimerName; at: Instant } | undefined;
    for (const [name, at] of this.#deadlines) if (next === undefined || at < next.at) next = { name, at };
    return next;
  }

  /** Takes the earliest timer that is due at `now`; each falls due once. */
  takeDue(now: Instant): TimerName | undefined {
    const next = this.next();
    if (next === undefined || next.at > now) return undefined;
    this.#deadlines.delete(next.name);
    return next.name;
  }

  /** Call after data, or a probe that counts as data (T4), was sent. T3: silence from now on is suspicious. */
  onDataSent(now: Instant): void {
    if (this.#deadlines.has('silence')) return;
    const jitter = this.#uniform() * silenceJitter * rekeyTimeout;
    this.set('silence', later(now, millis(keepaliveTimeout + rekeyTimeout + jitter)));
  }

  /** Call after anything authenticated was received. T3: the peer lives. */
  onAnyReceived(): void {
    this.clear('silence');
  }

  /** Call after data was received; not for keepalives, probes and answers. T2: it deserves a sign of life within 10 s. */
  onDataReceived(now: Instant): void {
    if (!this.#deadlines.has('passive-keepalive'))
      this.set('passive-keepalive', later(now, keepaliveTimeout));
  }

  /** Call after data or a keepalive was sent; not for probes and answers. T2. */
  onRecordSent(): void {
    this.clear('passive-keepalive');
  }

  /** Call after any transport packet was sent or received, and when the interval changes. `undefined`: off. T4. */
  onTraversal(now: Instant, interval: Millis | undefined): void {
    if (interval === undefined) this.clear('persistent-keepalive');
    else this.set('persistent-keepalive', later(now, interval));
  }

  /** Call when a peer has no session yet, or no more. T6. */
  onLastSessionGone(now: Instant, profile: RekeyProfile): void {
    if (this.#deadlines.has('erase')) return;
    this.set('erase', later(now, millis(eraseAfterRejects * sessionLimits(profile).rejectAfterTime)));
  }

  /** Call when a session began. T6. */
  onSessionBegun(): void {
    this.clear('erase');
  }
}
