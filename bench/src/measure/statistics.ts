/** What is computed from repetitions: a middle, a range, and ratios of what was measured side by side. */

export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** The middle value; of an even number of values the mean of the two middle ones. `NaN` of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[half - 1], sorted[half]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** `undefined` of no values. */
export function summary(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  return {
    median: median(values),
    least: Math.min(...values),
    most: Math.max(...values),
    count: values.length,
  };
}

/** One figure of one program, by round. */
export type ByRound = ReadonlyMap<number, number>;

/**
 * `of` divided by `against`, round by round: a machine's mood lasts longer than a round, so it cancels out. Rounds that only one of
 * them has, and those where nothing can be divided by, are left out.
 */
export function ratios(of: ByRound, against: ByRound): number[] {
  return [...of].flatMap(([round, value]) => {
    const other = against.get(round);
    return other === undefined || other === 0 ? [] : [value / other];
  });
}
