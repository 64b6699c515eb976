/** What is computed of single samples: quantiles, and how far the mean may be off. */

import { studentReach } from '../verdict/student.ts';

/** The value below which `share` (0 … 1) of the sorted values lie, linearly between two of them. `NaN` of none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const [below = Number.NaN, above = Number.NaN] = [sorted[low], sorted[Math.ceil(at)]];
  return below === above ? below : below + (above - below) * (at - low);
}

/** 0 %, 5 %, … 100 % of the sorted values: 21 figures. */
export function quantiles(sorted: ArrayLike<number>): number[] {
  return Array.from({ length: 21 }, (_, i) => quantile(sorted, i / 20));
}

/**
 * Half the width of the 95 % confidence interval of the mean, in percent of it. Taken that samples are independent, which those of a
 * machine whose mood changes are not: what differs between rounds it does not see. `undefined` of fewer than two.
 */
export function marginOf(values: ArrayLike<number>): number | undefined {
  const count = values.length;
  if (count < 2) return undefined;
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i] ?? Number.NaN;
    const before = value - mean;
    mean += before / (i + 1); // Welford's: no difference of two large sums
    squares += before * (value - mean);
  }
  const error = Math.sqrt(squares / (count - 1) / count);
  return mean === 0 ? undefined : (100 * error * studentReach(0.95, count - 1)) / Math.abs(mean);
}
