import { instant } from '@pqtun/core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { longestWait, portableClock } from './clock.ts';

/** A machine whose monotonic clock stands still in suspend, whose uptime does not, and is coarse. */
function machine() {
  const state = { monotonic: 5_000, asleep: 100_000 };
  const clock = portableClock({
    monotonic: () => state.monotonic,
    uptime: () => Math.floor((state.monotonic + state.asleep) / 10) * 10,
  });
  return { state, clock };
}

describe('the portable clock', () => {
  afterEach(() => vi.useRealTimers());

  test('runs on precisely', () => {
    const { state, clock } = machine();
    const start = clock.now();
    for (const step of [0.25, 10, 999, 1, 12_345.5]) {
      const before = clock.now();
      state.monotonic += step;
      expect(clock.now() - before).toBeCloseTo(step, 6);
    }
    expect(clock.now() - start).toBeCloseTo(13_355.75, 6);
  });

  test('counts the time asleep once it is noticed, a second after waking at the latest', () => {
    const { state, clock } = machine();
    const before = clock.now();
    state.asleep += 3_600_000;
    state.monotonic += 1_000;
    expect(clock.now() - before).toBeGreaterThanOrEqual(3_601_000 - 10);
    expect(clock.now() - before).toBeLessThanOrEqual(3_601_000 + 10);
  });

  test('never goes back, whatever the coarseness of the uptime', () => {
    const { state, clock } = machine();
    let last = clock.now();
    for (let i = 0; i < 5_000; i++) {
      state.monotonic += 7.3;
      if (i % 500 === 0) state.asleep += 2_000;
      const now = clock.now();
      expect(now).toBeGreaterThan(last);
      last = now;
    }
  });

  test('waits 5 s at most, so that a wake-up from suspend is noticed, and never after close', () => {
    vi.useFakeTimers();
    const { state, clock } = machine();
    let fired = 0;
    const timer = clock.timer(() => {
      fired += 1;
    });
    timer.arm(instant(clock.now() + 60_000));
    vi.advanceTimersByTime(longestWait - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
    timer.arm(instant(clock.now() - 5));
    timer.arm(instant(clock.now() + 20));
    vi.advanceTimersByTime(19);
    expect(fired).toBe(1);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(2);
    timer.arm(instant(state.monotonic));
    timer.close();
    vi.advanceTimersByTime(longestWait);
    expect(fired).toBe(2);
  });
});
