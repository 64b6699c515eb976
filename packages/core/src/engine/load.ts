/** Are we under load? protocol.md §6: too many handshakes completed in a second, or an event loop that lags behind. */
import type { Policy } from '../policy.ts';
import { elapsed, type Instant, instant, later, millis } from '../types.ts';

const second = millis(1000);
/** No device completes so many in a second: a larger threshold means "never", and nothing is kept for it. */
const mostCounted = 100_000;

export class Load {
  readonly #policy: Policy;
  #loopDelay = 0;
  /** When the last handshakes were, one more than the threshold allows in a second: a ring. */
  readonly #recent: Instant[] = [];
  readonly #capacity: number;
  #next = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#capacity = Math.floor(policy.loadHandshakesPerSecond) + 1;
  }

  /** Call with the event loop's delay in milliseconds, as the device measures it. */
  onLoopDelay(milliseconds: number): void {
    this.#loopDelay = milliseconds;
  }

  /** Call for every whole initiation that reaches key agreement: what costs us, whether or not it turns out genuine. */
  onHandshake(now: Instant): void {
    if (this.#capacity > mostCounted) return;
    this.#recent[this.#next] = now;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** For tests: what `isUnderLoad` depends on, ages in milliseconds. */
  describe(now: Instant): { loopDelay: number; handshakes: number[] } {
    const ages = this.#recent.map((at) => elapsed(at, now)).filter((age) => age < second);
    return { loopDelay: this.#loopDelay, handshakes: ages.sort((a, b) => a - b) };
  }

  isUnderLoad(now: Instant): boolean {
    return now < this.until;
  }

  /** Under load before this, if nothing more comes: exact, the oldest of the last threshold + 1 handshakes is a second old then. */
  get until(): Instant {
    if (this.#loopDelay > this.#policy.loadLoopDelay) return instant(Number.POSITIVE_INFINITY);
    const oldest = this.#recent.length < this.#capacity ? undefined : this.#recent[this.#next];
    return oldest === undefined ? instant(Number.NEGATIVE_INFINITY) : later(oldest, second);
  }
}
