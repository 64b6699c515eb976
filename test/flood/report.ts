/** The table of the flood run. Colours only on a terminal. */
import type { Check } from './verdict.ts';
import { goals, median } from './verdict.ts';
import type { Row } from './window.ts';

const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);

const columns = [
  'attack',
  'shots/s',
  'goodput',
  'of ref.',
  'hub CPU',
  'rekeys',
  'longest',
  'newcomers',
  'longest',
  'memory',
  'loop p99',
  'answered',
  'strangers',
  'verdict',
] as const;

/** One attack, or one reference, over its runs. */
export interface Judged {
  readonly rows: readonly Row[];
  /** Share delivered of its reference, run by run; absent for the quiet row. */
  readonly references?: readonly number[];
  readonly checks: readonly Check[];
}

export function printTable(all: readonly Judged[]): void {
  const lines = all.map(cells);
  const widths = columns.map((title, i) =>
    Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)),
  );
  const pad = (line: readonly string[]): string =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  console.log(paint(1, pad(columns)));
  for (const [i, line] of lines.entries()) {
    const failed = all[i]?.checks.some(({ ok, kind }) => !ok && kind === 'hard');
    const slow = all[i]?.checks.some(({ ok }) => !ok);
    const text = pad(line);
    console.log(failed ? paint(31, text) : slow ? paint(33, text) : text);
  }
  console.log(
    `\ngoals: goodput ≥ ${goals.goodputShare * 100} % of the reference, rekeys and newcomers ≤ ${goals.seconds} s, memory ≤ +${goals.growthMiB} MiB, ` +
      `event loop ≤ ${goals.loopDelay} ms late (p99), bytes answered ≤ ${goals.ratio.toFixed(1)} × received, 0 sessions of strangers`,
  );
}

function cells({ rows, references, checks }: Judged): string[] {
  const middle = (value: (row: Row) => number): number => median(rows.map(value));
  const worst = (value: (row: Row) => number): number => Math.max(...rows.map(value));
  const sum = (value: (row: Row) => number): number => rows.reduce((all, row) => all + value(row), 0);
  const share =
    references && median(rows.map(({ delivered }, i) => delivered / (references[i] ?? Number.NaN)));
  const failed = checks.filter(({ ok }) => !ok);
  return [
    rows[0]?.name ?? '',
    middle((row) => row.attackRate).toFixed(0),
    `${middle((row) => row.goodput).toFixed(1)} Mbit/s`,
    share === undefined ? '–' : `${(share * 100).toFixed(0)} %`,
    `${(middle((row) => row.hubCpu) * 100).toFixed(0)} %`,
    `${sum((row) => row.rekeys.done)}/${sum((row) => row.rekeys.wanted)}`,
    `${worst((row) => row.rekeys.longest).toFixed(2)} s`,
    `${sum((row) => row.newcomers.done)}/${sum((row) => row.newcomers.wanted)}`,
    `${worst((row) => row.newcomers.longest).toFixed(2)} s`,
    `${worst((row) => row.growthMiB) < 0 ? '' : '+'}${worst((row) => row.growthMiB).toFixed(0)} MiB`,
    `≤ ${middle((row) => row.loopDelayP99)} ms`,
    worst((row) => Math.max(row.answeredRatio, row.worstRatio)).toFixed(3),
    String(worst((row) => row.strangers)),
    failed.length === 0 ? 'ok' : failed.some(({ kind }) => kind === 'hard') ? 'FAILED' : 'slow',
  ];
}
