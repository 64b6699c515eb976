/**
 * Intervals of ratios from few rounds. Times and rates are above zero and err by factors, so all is reckoned with logarithms: what is
 * estimated is the ratio of geometric means, and an interval is as wide in percent upward as downward.
 */
import { studentBeyond, studentReach } from './student.ts';

/** Fewer rounds than this say nothing about their spread. */
export const leastRounds = 3;
/** Of all intervals here. */
export const confidence = 0.95;

export interface Interval {
  /** The estimate. */
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

export interface RatioEstimate extends Interval {
  /** How likely a ratio at least as far from 1 is where there is no difference: two-sided. */
  readonly chance: number;
}

/**
 * The ratio b/a, by Welch's t on the logarithms: the spreads may differ. `undefined`: fewer than `leastRounds` on a side, or a figure
 * that is not above zero.
 */
export function ratioOfIndependent(a: readonly number[], b: readonly number[]): RatioEstimate | undefined {
  if (!isUsable(a) || !isUsable(b)) return undefined;
  const [left, right] = [momentsOfLogs(a), momentsOfLogs(b)];
  const difference = right.mean - left.mean;
  const [shareA, shareB] = [left.variance / a.length, right.variance / b.length];
  const error = Math.sqrt(shareA + shareB);
  const freedom = (shareA + shareB) ** 2 / (shareA ** 2 / (a.length - 1) + shareB ** 2 / (b.length - 1));
  return estimate(difference, error, Number.isFinite(freedom) ? freedom : a.length + b.length - 2);
}

/** The geometric mean of ratios that were taken within rounds, or of the rounds of one row. `undefined` as above. */
export function meanOf(values: readonly number[]): RatioEstimate | undefined {
  if (!isUsable(values)) return undefined;
  const { mean, variance } = momentsOfLogs(values);
  return estimate(mean, Math.sqrt(variance / values.length), values.length - 1);
}

function isUsable(values: readonly number[]): boolean {
  return values.length >= leastRounds && values.every((value) => value > 0);
}

function momentsOfLogs(values: readonly number[]): { mean: number; variance: number } {
  const logs = values.map(Math.log);
  const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length;
  const squares = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  return { mean, variance: squares / (logs.length - 1) };
}

function estimate(logarithm: number, error: number, freedom: number): RatioEstimate {
  const reach = studentReach(confidence, freedom) * error;
  return {
    middle: Math.exp(logarithm),
    low: Math.exp(logarithm - reach),
    high: Math.exp(logarithm + reach),
    // 0/0: no difference and no spread
    chance: logarithm === 0 ? 1 : studentBeyond(Math.abs(logarithm) / error, freedom),
  };
}

/**
 * Holm's correction: chances of many questions asked at once, raised so that those still below 0.05 are all of them right in 95 of 100
 * comparisons, whatever the rows have to do with each other. In the order given.
 */
export function holm(chances: readonly number[]): number[] {
  const order = chances.map((chance, i) => ({ chance, i })).sort((x, y) => x.chance - y.chance);
  const corrected = new Array<number>(chances.length).fill(1);
  let largest = 0;
  for (const [rank, { chance, i }] of order.entries()) {
    largest = Math.max(largest, Math.min(1, chance * (chances.length - rank)));
    corrected[i] = largest;
  }
  return corrected;
}
