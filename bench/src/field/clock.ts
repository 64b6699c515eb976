/** Seconds of the one clock that all processes of a machine share (CLOCK_MONOTONIC). */
export function seconds(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}
