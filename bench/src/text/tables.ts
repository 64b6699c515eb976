/** A result for people, on a terminal: which machine, a table a section, and what the figures are worth. */

import type { BenchResult, MachineFacts, Missing, Remark, Row } from '../result.ts';
import type { Section } from '../section.ts';
import { type Column, inColumns, type Paint, threeFigures } from './columns.ts';
import { type Cross, crossTablesOf } from './cross-tables.ts';

export function machineText(
  facts: Omit<MachineFacts, 'throttling'> & Partial<Pick<MachineFacts, 'throttling'>>,
  paint: Paint,
): string {
  const { cpu, cpus, arch, features, board, governor, throttling, kernel, system, node, openssl } = facts;
  const state = ({ name, active, reason }: { name: string; active: boolean; reason?: string }): string =>
    active ? name : paint.dim(`${name}: no${reason === undefined ? '' : ` (${reason})`}`);
  const lines = [
    [
      'CPU',
      `${cpu}, ${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}, ${arch}${features.length === 0 ? '' : `: ${features.join(' ')}`}`,
    ],
    ['board', `${board}, ${(facts.memoryMiB / 1024).toFixed(1)} GiB of memory`],
    ['clock', `governor ${governor}${throttling === undefined ? '' : `, throttling ${throttling}`}`],
    ['system', `${system}, Linux ${kernel}, Node ${node}, OpenSSL ${openssl}`],
    ['runs on', facts.virtualization === 'none' ? 'the machine itself' : facts.virtualization],
    ['engines', facts.engines.map(state).join(', ')],
    ['offloads', facts.offloads.map(state).join(', ')],
  ];
  return textOf(inColumns(lines, [left, left]));
}

export function remarksText(remarks: readonly Remark[], paint: Paint): string {
  return textOf(remarks.map(({ text }) => paint.yellow(`! ${text}`)));
}

export function missingText(missing: readonly Missing[], paint: Paint): string {
  return textOf(
    missing.map(({ section, what, why }) => paint.dim(`not measured: ${section}, ${what}: ${why}`)),
  );
}

/** A section's rows: as tables where it has a shape, else a line a row. */
export function sectionText(
  { id, title }: Pick<Section, 'id' | 'title'>,
  rows: readonly Row[],
  paint: Paint,
): string {
  if (rows.length === 0) return '';
  const crosses = crossTablesOf(id, rows);
  const tables =
    crosses.length === 0 ? plainTable(rows, paint) : crosses.map((cross) => crossTable(cross, paint));
  return textOf([paint.bold(title), ...tables.flatMap((table) => ['', ...table])]);
}

/** One figure a cell; rows and columns in the order they first come. */
function crossTable({ head, rows, across, down, figure }: Cross, paint: Paint): string[] {
  const columns = [...new Set(rows.map(across))];
  const lines = [...Map.groupBy(rows, down)].map(([name, own]) => [
    name,
    ...columns.map((column) => {
      const row = own.find((each) => across(each) === column);
      return row === undefined ? '' : figureText(figure(row));
    }),
  ]);
  return inColumns([[head, ...columns], ...lines], [left, ...columns.map(() => right)], (cell, line) =>
    line === 0 ? paint.bold(cell) : cell,
  );
}

function plainTable(rows: readonly Row[], paint: Paint): string[][] {
  const lines = rows.map(({ title, median, unit, margin, rounds }) => [
    title,
    figureText(median),
    unit,
    rangeText(rounds, margin),
  ]);
  return [
    inColumns(lines, [left, right, left, left], (cell, _, column) => (column === 3 ? paint.dim(cell) : cell)),
  ];
}

/** How far rounds lay apart: what a reader needs to know how much of a figure to believe. */
function rangeText(rounds: readonly number[], margin: number | undefined): string {
  if (rounds.length < 2) return margin === undefined ? '' : `± ${figureText(margin)} %`;
  return `${figureText(Math.min(...rounds))} to ${figureText(Math.max(...rounds))} in ${rounds.length} rounds`;
}

/** As `threeFigures`, thousands apart: `12,700`. */
export function figureText(value: number): string {
  const [whole = '', fraction] = threeFigures(value).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** The last line but the remarks. */
export function endText({ seconds, rows, settings, version }: BenchResult): string {
  const worth = settings.quick ? ' Quick: no measurement worth keeping.' : '';
  return `${rows.length} figures in ${seconds} s, ${settings.rounds} ${settings.rounds === 1 ? 'round' : 'rounds'}, pqtun ${version}.${worth}\n`;
}

const left: Column = { align: 'left' };
const right: Column = { align: 'right' };

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
