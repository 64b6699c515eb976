/** Are we under load? protocol.md §6: too many handshakes completed in a second, or an event loop that lags behind. */
import type { Policy } from '../policy.ts';
import { elapsed, type Instant } from '../types.ts';

const window = 1000;

export class Load {
  readonly #policy: Policy;
  #loopDelay = 0;
  #windowStart: Instant | undefined;
  #inWindow = 0;
  #inWindowBefore = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /** Call with the event loop's delay in milliseconds, as the device measures it. */
  onLoopDelay(milliseconds: number): void {
    this.#loopDelay = milliseconds;
  }

  /** Call for every whole initiation that reaches key agreement: what costs us, whether or not it turns out genuine. */
  onHandshake(now: Instant): void {
    this.#slide(now);
    this.#inWindow += 1;
  }

  /** Rate over the last second, estimated by two windows so that no boundary doubles it. */
  isUnderLoad(now: Instant): boolean {
    if (this.#loopDelay > this.#policy.loadLoopDelay) return true;
    this.#slide(now);
    if (this.#windowStart === undefined) return false;
    const share = Math.max(0, 1 - elapsed(this.#windowStart, now) / window);
    return this.#inWindow + this.#inWindowBefore * share > this.#policy.loadHandshakesPerSecond;
  }

  #slide(now: Instant): void {
    this.#windowStart ??= now;
    const age = elapsed(this.#windowStart, now);
    if (age < window) return;
    this.#inWindowBefore = age < 2 * window ? this.#inWindow : 0;
    this.#inWindow = 0;
    this.#windowStart = now;
  }
}
