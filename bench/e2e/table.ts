/** A result as text: programs, a table of medians with their range, and what it says to the targets. Columns as wide as they need. */

import { ratios, type Summary, summary } from '../src/measure/statistics.ts';
import { figuresOf, type ProgramId, programTitles, rowIds, rowSpecs } from './catalog.ts';
import { byRound, type Result } from './result.ts';
import { goalText, type Judgement, judge, subject, type Verdict } from './targets.ts';

export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly strong: (text: string) => string;
}

export const plainPaint: Paint = { good: (text) => text, bad: (text) => text, strong: (text) => text };

/** Cells of the table of medians: a first line of titles, then a line a figure. Rows and programs that were not measured are left out. */
export function medianCells(result: Result): string[][] {
  const programs = measuredPrograms(result);
  const lines = rowIds
    .filter((row) => result.measurements.some((each) => each.row === row))
    .flatMap((row) =>
      figuresOf(row).map(([figure, { title, unit, digits }]) => [
        `${rowSpecs[row].title}: ${title}, ${unit}`,
        ...programs.map((program) =>
          rangeText(summary([...byRound(result, program, row, figure).values()]), digits),
        ),
      ]),
    );
  return [['median (range)', ...programs.map((program) => programTitles[program])], ...lines];
}

/**
 * Cells of ratios: what `who` has, divided by what each other program has, median of the ratios within rounds. Above 1 is good where
 * more is better, below 1 elsewhere; the first column says which.
 */
export function ratioCells(result: Result, who: ProgramId): string[][] {
  const others = measuredPrograms(result).filter((id) => id !== who);
  const lines = rowIds.flatMap((row) =>
    figuresOf(row).map(([figure, { title, better }]) => [
      `${rowSpecs[row].title}: ${title} (${better} is better)`,
      ...others.map((other) => {
        const of = byRound(result, who, row, figure);
        return rangeText(summary(ratios(of, byRound(result, other, row, figure))), 2);
      }),
    ]),
  );
  return [
    [`${programTitles[who]}, times`, ...others.map((program) => programTitles[program])],
    ...lines.filter((line) => line.slice(1).some((cell) => cell !== '–')),
  ];
}

/** Whose ratios are shown: the native plane's, or where it was not measured the other one's. */
export function shownSubject(result: Result): ProgramId | undefined {
  const measured = measuredPrograms(result);
  return ([subject, 'portable'] as const).find((id) => measured.includes(id));
}

/** Cells of the targets' table. */
export function verdictCells(judgements: readonly Judgement[]): string[][] {
  return [
    ['target', 'found', 'gate', 'judged', 'stretch', 'judged', 'best peer here'],
    ...judgements.map(({ target, gate, stretch, found, foundForStretch, best }) => [
      target.title,
      [found, foundForStretch]
        .flatMap((each) => (each === undefined ? [] : [foundText(each, target.gate.against !== undefined)]))
        .join('; '),
      goalText(target.gate),
      gate,
      goalText(target.stretch) + (target.stretchKeeps === undefined ? '' : `; ${target.stretchKeeps.words}`),
      stretch,
      best === undefined ? '–' : `${foundText(best.ratio, true)} ${programTitles[best.program]}`,
    ]),
  ];
}

export function measuredPrograms(result: Result): ProgramId[] {
  return result.programs
    .map(({ id }) => id)
    .filter((id) => result.measurements.some((each) => each.program === id));
}

/** What went wrong while measuring, one line each. */
export function faultLines(result: Result): string[] {
  return result.measurements.flatMap(({ round, row, program, faults }) =>
    faults.map(
      (fault) => `round ${round}, ${rowSpecs[row].title}, ${programTitles[program]}: ${fault.split('\n')[0]}`,
    ),
  );
}

/** `3 of 81 measurements were disturbed …`, or that none was. */
export function disturbanceLine({ measurements }: Pick<Result, 'measurements'>): string {
  const disturbed = measurements.filter((each) => each.disturbed).length;
  const repeated = measurements.filter(({ attempts }) => attempts > 1).length;
  const foreign = measurements.map(({ load }) => load.foreign);
  const steal = measurements.map(({ load }) => load.steal);
  const most = (values: readonly number[]): string => `${(Math.max(0, ...values) * 100).toFixed(0)} %`;
  return (
    `${disturbed} of ${measurements.length} measurements were disturbed by other work and could not be repeated undisturbed; ` +
    `${repeated} were repeated. Of all CPU time others had at most ${most(foreign)}, the host at most ${most(steal)}.`
  );
}

export function printResult(result: Result, paint: Paint, print: (line: string) => void): Judgement[] {
  const { machine, settings } = result;
  print(
    `${machine.cpu}, ${machine.cpus} CPUs, ${machine.memoryGiB} GiB; ${machine.kernel}; ${machine.system}; Node ${machine.node}; ` +
      `pqtun ${machine.commit}; ${settings.repetitions} rounds of ${settings.seconds} s, ${result.minutes} minutes`,
  );
  for (const { id, name, built, missing, offloads } of result.programs) {
    const isMeasured = measuredPrograms(result).includes(id);
    if (isMeasured) print(`  ${programTitles[id]}: ${name}; ${built}; offloads: ${offloads}`);
    if (missing === undefined) continue;
    const extent = isMeasured ? 'not in every round' : 'not measured';
    print(`  ${programTitles[id]}: ${paint.bad(extent)}: ${missing.split('\n')[0]}`);
  }
  print('');
  printCells(medianCells(result), paint, print);
  print('');
  const who = shownSubject(result);
  if (who !== undefined) {
    printCells(ratioCells(result, who), paint, print);
    print('');
  }
  const judgements = judge(result);
  printCells(verdictCells(judgements), paint, print);
  print('');
  print(disturbanceLine(result));
  for (const line of faultLines(result)) print(paint.bad(line));
  return judgements;
}

export function rangeText(found: Summary | undefined, digits: number): string {
  if (found === undefined) return '–';
  const [middle, least, most] = [found.median, found.least, found.most].map((value) => number(value, digits));
  return found.count === 1 ? `${middle}` : `${middle} (${least}–${most})`;
}

/** Three figures that count: no digits behind the point from 100 on, one from 10 on. */
function number(value: number, digits: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? Math.min(1, digits) : digits);
}

function foundText({ median, least, most }: Summary, isRatio: boolean): string {
  const times = isRatio ? '×' : '';
  const digits = isRatio ? 2 : 1;
  return `${median.toFixed(digits)}${times} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

function printCells(
  cells: readonly (readonly string[])[],
  paint: Paint,
  print: (line: string) => void,
): void {
  const columns = cells[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...cells.map((line) => line[i]?.length ?? 0)),
  );
  for (const [n, line] of cells.entries()) {
    const text = line
      .map((cell, i) => coloured(cell.padEnd(widths[i] ?? 0), paint))
      .join('  ')
      .trimEnd();
    print(n === 0 ? paint.strong(text) : text);
  }
}

function coloured(cell: string, paint: Paint): string {
  const verdict = cell.trimEnd() as Verdict; // or any other text, which stays as it is
  if (verdict === 'met') return paint.good(cell);
  return verdict === 'missed' ? paint.bad(cell) : cell;
}
