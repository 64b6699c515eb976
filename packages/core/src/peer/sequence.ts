/**
 * When to send an initiation, a copy of it, or the next one, and when to give up. protocol.md §5.2 N3, §5.3 T5. It decides
 * times only; making and sending is the engine's.
 */
import {
  attemptsWithCopies,
  copyDelays,
  meteredRetryDelays,
  pendingFresh,
  type RekeyProfile,
  rekeyAttemptTime,
  rekeyTimeout,
  retryDelays,
  retryJitter,
} from '../limits.ts';
import { elapsed, type Instant, later, type Millis, millis } from '../types.ts';
import type { Timers } from './timers.ts';

export class InitiationSequence {
  readonly #timers: Timers;
  readonly #uniform: () => number;
  #active = false;
  #attempts = 0;
  #copiesSent = 0;
  #firstAt: Instant | undefined;
  #lastInitiationAt: Instant | undefined;
  #lastOutgoingAt: Instant | undefined;
  /** T5: the coming initiation was postponed once already. */
  #postponed = false;

  constructor(timers: Timers, uniform: () => number) {
    this.#timers = timers;
    this.#uniform = uniform;
  }

  get active(): boolean {
    return this.#active;
  }

  /** Initiations made in this sequence. */
  get attempts(): number {
    return this.#attempts;
  }

  /** When the first initiation of this sequence was sent. */
  get firstAt(): Instant | undefined {
    return this.#firstAt;
  }

  /** Call when outgoing data shows that somebody waits: data staged or sent, or PersistentKeepalive expired. N3. */
  onOutgoing(now: Instant): void {
    this.#lastOutgoingAt = now;
    if (this.#active) this.#armGiveUp();
  }

  /**
   * Call when a session is wanted. Begins a sequence unless one runs: its first attempt falls due at once, or, so that no
   * order of events makes us initiate in a loop, REKEY_TIMEOUT after the last initiation of an earlier sequence.
   */
  want(now: Instant): void {
    if (this.#active) return;
    this.#begin();
    const spaced = this.#lastInitiationAt === undefined ? now : later(this.#lastInitiationAt, rekeyTimeout);
    this.#timers.set('attempt', spaced > now ? spaced : now);
  }

  /** Call when a local address or route changed: the running sequence starts anew, at once. N3. */
  restart(now: Instant): void {
    if (!this.#active) return;
    this.end();
    this.#begin();
    this.#timers.set('attempt', now);
  }

  /** Call when S1 was reached, a session was confirmed as responder, or the sequence is given up. N3. */
  end(): void {
    this.#active = false;
    this.#timers.clear('attempt', 'copy', 'give-up');
  }

  /**
   * Call when an attempt falls due, before making it. `youngestNextAt`: when the youngest unconfirmed `next` was made.
   * `true`: T5 postpones this initiation, once, until that `next` is 5 s old; the timer is set.
   */
  postpone(now: Instant, youngestNextAt: Instant | undefined): boolean {
    if (this.#postponed || youngestNextAt === undefined) return false;
    const until = later(youngestNextAt, pendingFresh);
    if (until <= now) return false;
    this.#postponed = true;
    this.#timers.set('attempt', until);
    return true;
  }

  /** Call after an initiation was sent for the first time. Sets the timers for its copies, the next attempt and giving up. */
  onInitiationSent(now: Instant, profile: RekeyProfile): void {
    this.#attempts += 1;
    this.#copiesSent = 0;
    this.#postponed = false;
    this.#lastInitiationAt = now;
    this.#firstAt ??= now;
    if (this.#attempts <= attemptsWithCopies) this.#armCopy(now);
    else this.#timers.clear('copy');
    this.#timers.set('attempt', later(now, this.#retryDelay(profile)));
    this.#armGiveUp();
  }

  /** Call after a copy was sent because its timer fell due. */
  onCopySent(): void {
    this.#copiesSent += 1;
    if (this.#lastInitiationAt !== undefined) this.#armCopy(this.#lastInitiationAt);
  }

  /** For tests: what the next call depends on, ages in milliseconds. */
  describe(now: Instant): object {
    const age = (at: Instant | undefined) => (at === undefined ? undefined : elapsed(at, now)); // 0 is a time
    const sinceInitiation = age(this.#lastInitiationAt);
    const spaced = sinceInitiation !== undefined && sinceInitiation < rekeyTimeout;
    if (!this.#active) return { lastInitiation: spaced ? sinceInitiation : undefined };
    return {
      attempts: this.#attempts,
      copiesSent: this.#copiesSent,
      first: age(this.#firstAt),
      lastInitiation: sinceInitiation,
      lastOutgoing: age(this.#lastOutgoingAt),
      postponed: this.#postponed,
    };
  }

  #begin(): void {
    this.#active = true;
    this.#attempts = 0;
    this.#firstAt = undefined;
    this.#postponed = false;
  }

  #armCopy(initiationAt: Instant): void {
    const delay = copyDelays[this.#copiesSent];
    if (delay === undefined) this.#timers.clear('copy');
    else this.#timers.set('copy', later(initiationAt, delay));
  }

  #armGiveUp(): void {
    const first = this.#firstAt;
    if (first === undefined) return;
    const since =
      this.#lastOutgoingAt !== undefined && elapsed(first, this.#lastOutgoingAt) > 0
        ? this.#lastOutgoingAt
        : first;
    this.#timers.set('give-up', later(since, rekeyAttemptTime));
  }

  #retryDelay(profile: RekeyProfile): Millis {
    const delays = profile === 'metered' ? meteredRetryDelays : retryDelays;
    const delay = delays[Math.min(this.#attempts, delays.length) - 1] ?? rekeyTimeout;
    return millis(delay * (1 + retryJitter * (2 * this.#uniform() - 1)));
  }
}
