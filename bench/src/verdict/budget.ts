/** What a result may cost at most: a file of limits, and a verdict on each. */

import { FormError, parseForm } from '../form/parse.ts';
import { captures, couldBe, filled, starsIn } from '../form/row-ids.ts';
import { budgetSchema, budgetShape } from '../form/schema.ts';
import type { BenchResult, Row } from '../result.ts';
import { threeFigures } from '../text/columns.ts';
import { type Interval, meanOf } from './interval.ts';

export interface Budget {
  readonly schema: typeof budgetSchema;
  /** Whose figures the limits are made from. Ratios need none: they travel between machines. */
  readonly machine?: { readonly cpu: string; readonly arch: string; readonly board: string };
  /** By name of a row; a `*` stands for any part of a name between two slashes. */
  readonly rows: Readonly<Record<string, Limit>>;
}

/** One of the three. In the row's unit. */
export interface Limit {
  readonly most?: number;
  readonly least?: number;
  readonly ratio?: RatioLimit;
}

/** This row divided by another one of the same run. `*` in `to` is what `*` in the row's name is, in turn. */
export interface RatioLimit {
  readonly to: string;
  readonly most?: number;
  readonly least?: number;
}

export interface BudgetJudgement {
  /** The row; where none was measured, the pattern. */
  readonly id: string;
  /** `uncertain`: beyond the limit, but so little that it may be chance. `missing`: not measured. */
  readonly verdict: 'kept' | 'uncertain' | 'broken' | 'missing';
  /** Which row, found, allowed: a sentence. */
  readonly text: string;
}

/** Parses a budget file. Throws a `FormError` at anything else, and at names that no row can have. */
export function parseBudget(text: string): Budget {
  const budget = parseForm(text, budgetShape, 'a budget');
  for (const [pattern, limit] of Object.entries(budget.rows)) {
    const fault = limitFault(pattern, limit);
    if (fault !== undefined) throw new FormError(`rows["${pattern}"]: ${fault}`);
  }
  return budget;
}

function limitFault(pattern: string, { most, least, ratio }: Limit): string | undefined {
  if ([most, least, ratio].filter((each) => each !== undefined).length !== 1)
    return 'expected one of "most", "least" and "ratio"';
  if (ratio !== undefined && (ratio.most === undefined) === (ratio.least === undefined))
    return 'ratio: expected one of "most" and "least"';
  if (!couldBe(pattern))
    return 'no row is called so; `pqtun bench --json FILE` writes a file that has all names';
  if (ratio === undefined) return undefined;
  if (starsIn(ratio.to) !== starsIn(pattern)) return `ratio.to: expected as many * as in the row’s name`;
  return couldBe(ratio.to) ? undefined : `ratio.to: no row is called "${ratio.to}"`;
}

/**
 * Judges each line on the median. A limit is broken where the median is beyond it and the 95 % interval of the rounds with it; fewer
 * than three rounds have no interval, and the median alone counts. Throws a `FormError` where there is nothing to judge.
 */
export function judgeBudget(result: BenchResult, budget: Budget): BudgetJudgement[] {
  if (result.remarks.some(({ kind }) => kind === 'emulated'))
    throw new FormError(
      'an emulated run is no measurement and keeps no budget; measure on the machine itself',
    );
  const rows = new Map(result.rows.map((row) => [row.id, row]));
  return Object.entries(budget.rows).flatMap(([pattern, limit]): BudgetJudgement[] => {
    const meant = result.rows.flatMap((row) => {
      const stars = captures(pattern, row.id);
      return stars === undefined ? [] : [{ row, stars }];
    });
    if (meant.length === 0)
      return [
        {
          id: pattern,
          verdict: 'missing',
          text: `${pattern}: not measured in this run; ${missingWhy(result, pattern)}`,
        },
      ];
    return meant.map(({ row, stars }) => {
      const { ratio } = limit;
      if (ratio === undefined) return judge(row.id, figure(row), limit, row.unit);
      const to = filled(ratio.to, stars);
      const other = rows.get(to);
      if (other === undefined)
        return {
          id: row.id,
          verdict: 'missing',
          text: `${row.id}: ${to} was not measured in this run, so there is no ratio to it`,
        };
      if (other.unit !== row.unit)
        return {
          id: row.id,
          verdict: 'missing',
          text: `${row.id}: in ${row.unit}, and ${to} in ${other.unit}: no ratio`,
        };
      return judge(`${row.id} to ${to}`, ratioWithin(row, other), ratio, '×');
    });
  });
}

/** `true`: exit code 0. */
export function isKept(judgements: readonly BudgetJudgement[]): boolean {
  return judgements.every(({ verdict }) => verdict === 'kept' || verdict === 'uncertain');
}

interface Found {
  readonly median: number;
  /** Around the geometric mean of the rounds, where there are enough. */
  readonly interval: Interval | undefined;
}

function figure({ median, rounds }: Row): Found {
  return { median, interval: meanOf(rounds) };
}

/** Rounds of a section are interleaved: a ratio within a round does not know the machine's mood. */
function ratioWithin(row: Row, other: Row): Found {
  const median = row.median / other.median;
  if (row.section !== other.section || row.rounds.length !== other.rounds.length)
    return { median, interval: undefined };
  return { median, interval: meanOf(row.rounds.map((value, i) => value / (other.rounds[i] ?? Number.NaN))) };
}

function judge(
  id: string,
  { median, interval }: Found,
  { most, least }: Omit<Limit, 'ratio'>,
  unit: string,
): BudgetJudgement {
  const [limit, beyond] =
    most === undefined
      ? [least ?? 0, (value: number) => value < (least ?? 0)]
      : [most, (value: number) => value > most];
  const allowed = `${most === undefined ? 'at least' : 'at most'} ${amount(limit, unit)}`;
  const spread =
    interval === undefined ? '' : ` (95 %: ${threeFigures(interval.low)} to ${threeFigures(interval.high)})`;
  const text = `${id}: found ${amount(median, unit)}${spread}, allowed ${allowed}`;
  // A figure that is no number (0 divided by 0) keeps nothing.
  if (Number.isFinite(median) && !beyond(median)) return { id, verdict: 'kept', text };
  const isSure = interval === undefined || (beyond(interval.low) && beyond(interval.high));
  return isSure
    ? { id, verdict: 'broken', text }
    : { id, verdict: 'uncertain', text: `${text}; that may be chance: measure again with more rounds` };
}

function amount(value: number, unit: string): string {
  return unit === '×' ? `${threeFigures(value)} times` : `${threeFigures(value)} ${unit}`;
}

function missingWhy({ missing, settings }: BenchResult, pattern: string): string {
  const section = pattern.split('/')[0];
  const known = missing.find((each) => each.section === section);
  if (known !== undefined) return `${known.what}: ${known.why}`;
  if (settings.sections.some((id) => id === section)) return 'the section ran without it';
  return `its section did not run; add --only ${section}`;
}

/**
 * A budget that this result keeps, each measured row with `slack` to spare: 0.25 is a quarter. Its limits are those of this machine and
 * say so. Reckoned rows are left out: they follow from others.
 */
export function budgetFrom(result: BenchResult, slack: number): Budget {
  const { cpu, arch, board } = result.machine;
  const rows = result.rows.filter(({ formula, median }) => formula === undefined && median > 0);
  return {
    schema: budgetSchema,
    machine: { cpu, arch, board },
    rows: Object.fromEntries(
      rows.map(({ id, median, better }): [string, Limit] => [
        id,
        better === 'less'
          ? { most: rounded(median * (1 + slack), Math.ceil) }
          : { least: rounded(median / (1 + slack), Math.floor) },
      ]),
    ),
  };
}

/** Three figures that count, away from what was found. */
function rounded(value: number, to: (value: number) => number): number {
  const scale = 10 ** (Math.floor(Math.log10(value)) - 2);
  return Number((to(value / scale) * scale).toPrecision(12));
}

/** What `--write-budget` writes: a row a line. */
export function writeBudget({ schema, machine, rows }: Budget): string {
  const lines = Object.entries(rows).map(
    ([id, limit]) => `    ${JSON.stringify(id)}: ${JSON.stringify(limit)}`,
  );
  const head = [`  "schema": ${JSON.stringify(schema)}`];
  if (machine !== undefined) head.push(`  "machine": ${JSON.stringify(machine)}`);
  return `{\n${head.join(',\n')},\n  "rows": {\n${lines.join(',\n')}\n  }\n}\n`;
}

/** Lines for a terminal: what is broken first. */
export function budgetText(
  result: BenchResult,
  budget: Budget,
  judgements: readonly BudgetJudgement[],
): string[] {
  const { machine } = budget;
  const isOther =
    machine !== undefined && (machine.cpu !== result.machine.cpu || machine.board !== result.machine.board);
  const of = (verdict: BudgetJudgement['verdict']): BudgetJudgement[] =>
    judgements.filter((each) => each.verdict === verdict);
  const [kept, uncertain, broken, missing] = [of('kept'), of('uncertain'), of('broken'), of('missing')];
  return [
    ...(isOther
      ? [
          `Budget of another machine (${machine.cpu}, ${machine.board}): its times say nothing here; use ratios, or write one here with --write-budget FILE.`,
        ]
      : []),
    ...result.remarks.map(({ text }) => `Remark: ${text}`),
    ...broken.map(({ text }) => `✗ ${text}`),
    ...missing.map(({ text }) => `✗ ${text}`),
    ...uncertain.map(({ text }) => `! ${text}`),
    `Budget: ${kept.length} kept, ${uncertain.length} uncertain, ${broken.length} broken, ${missing.length} missing.`,
  ];
}
