/**
 * The goals of the flood run, and what a row says to them. Invariants must hold in every run of every row; what is a matter of
 * speed is judged by the median of the runs, since machines have moods.
 */
import type { Row } from './window.ts';

export const goals = {
  goodputShare: 0.8,
  seconds: 15,
  growthMiB: 64,
  loopDelay: 50,
  ratio: 1,
} as const;

export interface Check {
  readonly name: string;
  /** `hard`: an invariant. `speed`: a matter of time, which a short run does not judge. */
  readonly kind: 'hard' | 'speed';
  readonly ok: boolean;
  /** What was found, in the words of the goal. */
  readonly found: string;
}

/** All checks of one attack over its runs; `references`: what was delivered of what it is compared with, run by run. */
export function checksOf(rows: readonly Row[], references: readonly number[]): Check[] {
  const worst = (value: (row: Row) => number): number => Math.max(...rows.map(value));
  const share = median(rows.map(({ delivered }, i) => delivered / (references[i] ?? Number.NaN)));
  const delay = median(rows.map(({ loopDelayP99 }) => loopDelayP99));
  const ratio = worst((row) => Math.max(row.answeredRatio, row.worstRatio));
  const strangers = worst((row) => row.strangers);
  const growth = worst((row) => row.growthMiB);
  return [
    hard(
      'the hub lives',
      rows.every(({ alive }) => alive),
      'its process is gone',
    ),
    hard('answered ≤ received', ratio <= goals.ratio, `${ratio.toFixed(3)} times as many bytes`),
    hard('no session of a stranger', strangers === 0, `${strangers} of them`),
    timely(
      'every rekey in time',
      rows.map((row) => row.rekeys),
    ),
    timely(
      'every newcomer in time',
      rows.map((row) => row.newcomers),
    ),
    hard(
      `memory grows by at most ${goals.growthMiB} MiB`,
      growth <= goals.growthMiB,
      `${growth.toFixed(0)} MiB`,
    ),
    {
      name: `goodput ≥ ${goals.goodputShare * 100} % of the reference`,
      kind: 'speed',
      ok: share >= goals.goodputShare,
      found: `${(share * 100).toFixed(0)} %`,
    },
    {
      name: `event loop at most ${goals.loopDelay} ms late (p99)`,
      kind: 'speed',
      ok: delay <= goals.loopDelay,
      found: `${delay} ms`,
    },
  ];
}

/**
 * The hub's memory after each window, from the last flood of the first run on: by then the heap has the size its work needs, and
 * what grows on is a leak.
 */
export function settled(memory: readonly number[]): Check {
  const growth = (memory.at(-1) ?? 0) - (memory[0] ?? 0);
  const found = `${growth.toFixed(0)} MiB more, ${(memory.at(-1) ?? 0).toFixed(0)} MiB at the end`;
  return hard('memory keeps still once all floods were met', growth <= goals.growthMiB, found);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
}

function hard(name: string, ok: boolean, found: string): Check {
  return { name, kind: 'hard', ok, found };
}

/** Nothing was asked for is no success. */
function timely(name: string, tallies: readonly Row['rekeys'][]): Check {
  const wanted = tallies.reduce((sum, tally) => sum + tally.wanted, 0);
  const done = tallies.reduce((sum, tally) => sum + tally.done, 0);
  const longest = Math.max(...tallies.map((tally) => tally.longest));
  const ok = wanted > 0 && done === wanted && longest <= goals.seconds;
  // Of all runs, none excepted. In a short run it decides nothing: 15 s of a machine that is busy with something else say nothing of us.
  return { name, kind: 'speed', ok, found: `${done} of ${wanted}, the longest ${longest.toFixed(1)} s` };
}
