/**
 * Time since boot, suspend included (CLOCK_BOOTTIME): a tunnel that slept through its rekey must notice when it wakes.
 * Over the addon, or as near as plain Node comes to it.
 */
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import { type Instant, instant } from '@pqtun/core';
import type { Native } from './native.ts';

export interface Clock {
  now(): Instant;
  /** A timer that calls `onExpire` for each time it was armed, at the earliest then. It may fire early: look at the clock. */
  timer(onExpire: () => void): ClockTimer;
}

export interface ClockTimer {
  /** Replaces the earlier deadline. */
  arm(at: Instant): void;
  close(): void;
}

export function nativeClock(native: Native): Clock {
  return {
    now: () => instant(native.bootTime()),
    timer: (onExpire) => native.openBootTimer(onExpire),
  };
}

/** Node's timers stand still in suspend, so no wait is longer than this, and a wake-up is late by this much at most. */
export const longestWait = 5_000;
/** How often the monotonic clock is compared with the uptime. */
const compareEvery = 1_000;
/** A jump of the uptime below this is its coarseness; above, the machine was asleep. */
const asleepFor = 250;

export interface PortableSources {
  /** Milliseconds, precise, standing still in suspend. */
  readonly monotonic: () => number;
  /** Milliseconds, coarse, running on in suspend. */
  readonly uptime: () => number;
}

/** The monotonic clock for precision, the system's uptime for the time asleep. Never goes back. */
export function portableClock(
  sources: PortableSources = { monotonic: () => performance.now(), uptime: () => uptime() * 1000 },
): Clock {
  let comparedAt = sources.monotonic();
  let offset = sources.uptime() - comparedAt;
  const now = (): Instant => {
    const monotonic = sources.monotonic();
    if (monotonic - comparedAt >= compareEvery) {
      comparedAt = monotonic;
      const asleep = sources.uptime() - monotonic - offset;
      if (asleep > asleepFor) offset += asleep;
    }
    return instant(monotonic + offset);
  };
  return {
    now,
    timer(onExpire) {
      let pending: NodeJS.Timeout | undefined;
      return {
        arm(at) {
          clearTimeout(pending);
          pending = setTimeout(onExpire, Math.min(Math.max(Math.ceil(at - now()), 0), longestWait));
        },
        close: () => clearTimeout(pending),
      };
    },
  };
}
