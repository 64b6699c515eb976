/** A comparison for people and for programs. */

import type { Row } from '../result.ts';
import { type Column, inColumns, type Paint, threeFigures } from '../text/columns.ts';
import {
  type Comparison,
  isReckoned,
  type Refusal,
  type RowComparison,
  type Verdict,
  worseness,
} from './compare.ts';
import { leastRounds } from './interval.ts';
import type { Difference } from './likeness.ts';

export const comparisonSchema = 'pqtun-bench-comparison/1';

/** For programs: the comparison itself, with a schema's name in front. */
export function comparisonJson(found: Comparison | Refusal): string {
  return `${JSON.stringify({ schema: comparisonSchema, ...found }, undefined, 2)}\n`;
}

/** Lines for a terminal; what weakens the figures first, then the worst. */
export function comparisonText(found: Comparison | Refusal, paint: Paint): string {
  const lines =
    found.kind === 'refused'
      ? [paint.red(`Not compared: ${found.text}.`), ...differenceLines(found.differences)]
      : [
          ...warnings(found, paint),
          ...table(found, paint),
          ...strangers(found),
          '',
          ...conclusion(found, paint),
        ];
  return `${lines.join('\n')}\n`;
}

function warnings(found: Comparison, paint: Paint): string[] {
  const { remarks, unlike, explanations } = found;
  return [
    ...remarks.map(({ side, text }) => paint.yellow(`${side}: ${text}`)),
    ...(unlike.length === 0
      ? []
      : [paint.yellow('Compared by force; the machines are not alike:'), ...differenceLines(unlike)]),
    ...(explanations.length === 0 ? [] : ['Also different:', ...differenceLines(explanations)]),
    ...(remarks.length + unlike.length + explanations.length === 0 ? [] : ['']),
  ];
}

function differenceLines(all: readonly Difference[]): string[] {
  const cells = all.map(({ what, a, b }) => [`  ${what}:`, `A ${a}`, `B ${b}`]);
  return inColumns(cells, [{ align: 'left' }, { align: 'left' }, { align: 'left' }]);
}

const columns: readonly Column[] = [
  { align: 'left' },
  { align: 'left' },
  { align: 'right' },
  { align: 'right' },
  { align: 'left' },
  { align: 'right' },
  { align: 'left' },
];

function table({ rows }: Comparison, paint: Paint): string[] {
  const judged = rows.filter(({ verdict }) => verdict !== 'no verdict');
  const reckoned = rows.filter(({ why }) => why === isReckoned);
  const unjudged = rows.filter(({ verdict, why }) => verdict === 'no verdict' && why !== isReckoned);
  const head = ['verdict', 'row', 'A', 'B', '', 'B/A', '95 % interval'];
  const lines = judged.length === 0 ? [] : [head, ...judged.map(cellsOf)];
  return [
    ...inColumns(lines, columns, (cell, line, column) => {
      if (line === 0) return paint.bold(cell);
      const verdict = judged[line - 1]?.verdict;
      return column === 0 && verdict !== undefined ? coloured(cell, verdict, paint) : cell;
    }),
    ...(unjudged.length === 0
      ? []
      : ['', paint.bold('No verdict:'), ...inColumns(unjudged.map(unjudgedCells), unjudgedColumns)]),
    ...(reckoned.length === 0
      ? []
      : [
          '',
          `${reckoned.length} rows are reckoned from others and from the protocol, and not judged themselves.`,
        ]),
  ];
}

function cellsOf({ verdict, row, a, b, ratio }: RowComparison): string[] {
  const interval = ratio === undefined ? '' : `${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)}`;
  const times = ratio?.middle ?? b / a;
  return [verdict, row.id, threeFigures(a), threeFigures(b), row.unit, `× ${times.toFixed(3)}`, interval];
}

const unjudgedColumns: readonly Column[] = [
  { align: 'left' },
  { align: 'right' },
  { align: 'right' },
  { align: 'left' },
  { align: 'left' },
];

function unjudgedCells({ row, a, b, why }: RowComparison): string[] {
  return [`  ${row.id}`, threeFigures(a), threeFigures(b), row.unit, why ?? ''];
}

function coloured(cell: string, verdict: Verdict, paint: Paint): string {
  if (verdict === 'slower') return paint.red(cell);
  return verdict === 'faster' ? paint.green(cell) : paint.dim(cell);
}

function strangers({ onlyInA, onlyInB }: Comparison): string[] {
  const of = (side: string, rows: readonly Row[]): string[] =>
    rows.length === 0 ? [] : ['', `Only in ${side}:`, ...rows.map(({ id }) => `  ${id}`)];
  return [...of('A', onlyInA), ...of('B', onlyInB)];
}

function conclusion(found: Comparison, paint: Paint): string[] {
  const count = (verdict: Verdict): number => found.rows.filter((row) => row.verdict === verdict).length;
  const [slower, faster, same, none] = [
    count('slower'),
    count('faster'),
    count('no difference seen'),
    count('no verdict'),
  ];
  const worst = found.rows.find(({ verdict }) => verdict === 'slower');
  const summary = `${slower} slower, ${faster} faster, ${same} without a difference seen, ${none} without a verdict.`;
  return [
    slower > 0 ? paint.red(summary) : paint.bold(summary),
    ...(worst === undefined
      ? []
      : [`Worst: ${worst.row.title}, ${threeFigures(worseness(worst))} times as bad in B as in A.`]),
    `How it is judged: Welch’s t on the logarithms of the rounds (${leastRounds} or more on each side), 95 % intervals a row; a verdict needs`,
    `an interval beyond 1 that stays so after Holm’s correction for all rows, and a difference of more than ${percent(found.threshold)}. Rounds of one`,
    'run share their process and the machine’s mood: repeat both runs before you believe a small difference.',
  ];
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
