/** Time, for measurements. */
import { setTimeout as pause } from 'node:timers/promises';

/** Seconds of the one clock that all processes of a machine share (CLOCK_MONOTONIC). */
export function seconds(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}

/** Waits; throws the signal's own reason, and at once, when that is aborted. */
export async function restFor(length: number, signal: AbortSignal): Promise<void> {
  await pause(length * 1000, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}
