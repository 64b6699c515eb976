/** Which sections are read as tables, and what stands across and down: by the labels each section's file names. */
import type { Row, SectionId } from '../result.ts';

/** One table, a figure a cell. */
export interface Cross {
  /** What the figures are, over the first column. */
  readonly head: string;
  readonly rows: readonly Row[];
  readonly across: (row: Row) => string;
  readonly down: (row: Row) => string;
  readonly figure: (row: Row) => number;
}

/** None for a section that is read line by line. */
export function crossTablesOf(section: SectionId, rows: readonly Row[]): Cross[] {
  const tables: Readonly<Partial<Record<SectionId, (rows: readonly Row[]) => Cross[]>>> = {
    records,
    handshake,
    tunnel,
    memory,
    rekey,
  };
  return (tables[section]?.(rows) ?? []).filter((table) => table.rows.length > 0);
}

const medianOf = ({ median }: Row): number => median;
const label =
  (name: string) =>
  ({ labels }: Row) =>
    String(labels[name] ?? '');

function records(rows: readonly Row[]): Cross[] {
  return ['seal', 'open'].flatMap((verb) => {
    const common = {
      rows: rows.filter(({ labels }) => labels['verb'] === verb),
      across: label('engine'),
      down: (row: Row) => `${label('bytes')(row)} B`,
    };
    return [
      { ...common, head: `${verb}, ns a packet`, figure: medianOf },
      { ...common, head: `${verb}, Mbit/s`, figure: mbits },
    ];
  });
}

/** Of payload. */
export function mbits({ bytes = 0, median }: Row): number {
  return (bytes * 8 * 1000) / median;
}

function handshake(rows: readonly Row[]): Cross[] {
  const across = (row: Row): string => `${label('suite')(row)} ${label('engine')(row)}`;
  return [
    {
      head: 'ms',
      rows: rows.filter(({ unit }) => unit === 'ms'),
      across,
      down: (row) => `${row.title.split(',')[0]}, ${label('role')(row)}`,
      figure: medianOf,
    },
    {
      head: 'handshakes/s',
      rows: rows.filter(({ unit }) => unit === 'handshakes/s'),
      across,
      down: () => 'both ends on one core',
      figure: medianOf,
    },
  ];
}

/** A column for each data plane; units differ from line to line. */
function tunnel(rows: readonly Row[]): Cross[] {
  const across = label('plane');
  const down = ({ title, unit }: Row): string => `${title.replace(/^\w+ plane, /, '')}, ${unit}`;
  return [
    { head: 'data plane', rows, across, down, figure: medianOf },
    {
      head: 'the slowest of a hundred',
      rows: rows.filter(({ p99 }) => p99 !== undefined),
      across,
      down,
      figure: ({ p99 = Number.NaN }) => p99,
    },
  ];
}

/** By the number of peers; and what is for one peer. */
function memory(rows: readonly Row[]): Cross[] {
  const count = ({ labels }: Row): number => Number(labels['peers'] ?? 0);
  return [
    {
      head: 'peers',
      rows: rows.filter((row) => count(row) > 0),
      across: (row) => count(row).toLocaleString('en'),
      down: ({ title, unit }) => `${title.replace(/^[\d,]+ peers?: /, '')}, ${unit}`,
      figure: medianOf,
    },
    {
      head: 'for each peer',
      rows: rows.filter((row) => count(row) === 0),
      across: ({ unit }) => unit,
      down: ({ title }) => title,
      figure: medianOf,
    },
  ];
}

function rekey(rows: readonly Row[]): Cross[] {
  const of = (what: string, head: string): Cross => ({
    head,
    rows: rows.filter(({ labels }) => labels['what'] === what),
    across: (row) => (label('program')(row) === 'wireguard' ? 'WireGuard' : label('suite')(row)),
    down: (row) =>
      [label('profile')(row), useOf(row), label('ip')(row)].filter((word) => word !== '').join(', '),
    figure: medianOf,
  });
  return [of('bytes', 'KiB a day'), of('month', 'MiB a month'), of('cpu', 'CPU seconds a day, both ends')];
}

function useOf({ labels }: Row): string {
  if (labels['use'] !== 'idle') return 'steady traffic';
  return labels['keepalive'] === 0 ? 'idle' : `idle, keepalive ${labels['keepalive']} s`;
}
