/** What one machine does, as a chapter: from a result of `pqtun bench`. */

import { amount, amountRange, grouped } from '../src/report/amount.ts';
import type { Markup } from '../src/report/html.ts';
import { recordLines } from '../src/report/records.ts';
import { distinct, range, rowsOf } from '../src/report/rows.ts';
import { chartStyle, themeStyle } from '../src/report/style.ts';
import type { BenchResult, Row, SectionId } from '../src/result.ts';
import { type Cross, crossTablesOf } from '../src/text/cross-tables.ts';
import { type Documents, markdownTable, plain } from './markdown.ts';

export function machineChapter(result: BenchResult): Documents {
  const plots = new Map(
    (['seal', 'open'] as const).flatMap((verb) => {
      const { chart } = recordLines(rowsOf(result.rows, 'records'), verb);
      return chart === undefined ? [] : [[`machine-${verb}.svg`, standAlone(chart)] as const];
    }),
  );
  const text = [
    '## One machine',
    '',
    `Measured on ${result.begun.slice(0, 10)} by \`pqtun bench\` ${result.version} in ${Math.round(result.seconds)} s, ${result.settings.rounds} rounds. Any Linux`,
    'machine makes the same page of itself: `pqtun bench --html report.html`.',
    '',
    ...result.remarks.flatMap(({ text: remark }) => [`> **${plain(remark)}**`, '']),
    ...facts(result),
    ...section(result, 'records', 'Packets', [
      'The cipher alone, on one core: what a tunnel can carry at most.',
      '',
      ...[...plots.keys()].flatMap((name) => [
        `![${name === 'machine-seal.svg' ? 'Sealing' : 'Opening'}: throughput by packet size and engine](benchmarks/${name})`,
        '',
      ]),
    ]),
    ...section(result, 'handshake', 'Handshakes', [
      'CPU time of the steps of one handshake, and how many whole ones one core makes in a second, both ends together.',
      '',
    ]),
    ...section(result, 'tunnel', 'Tunnels on this machine', [
      'Two daemons with a cable between them; both ends of the tunnel and of the traffic share the CPUs.',
      '',
    ]),
    ...section(result, 'memory', 'Memory and start', []),
    ...section(result, 'rekey', 'Staying connected', [
      'What a tunnel costs only because it is there, beside WireGuard’s for the same: reckoned from the sizes of messages and the protocol’s',
      'timers; the formula of each is in [machine.json](benchmarks/machine.json).',
      '',
    ]),
    ...section(result, 'parts', 'Small parts', []),
    ...(result.missing.length === 0
      ? []
      : [
          '### Not measured',
          '',
          ...result.missing.map(({ what, why }) => `- ${plain(what)}: ${plain(why)}`),
          '',
        ]),
  ].join('\n');
  return { text, plots };
}

function facts({ machine }: BenchResult): string[] {
  const states = (all: BenchResult['machine']['engines']): string =>
    all
      .map(({ name, active, reason }) =>
        active ? name : `no ${name}${reason === undefined ? '' : ` (${reason})`}`,
      )
      .join('; ');
  return [
    markdownTable(
      [
        ['machine', ''],
        ['board', machine.board],
        ['CPU', `${machine.cpus} × ${machine.cpu}, ${machine.arch}; ${machine.features.join(' ')}`],
        ['memory', amount(machine.memoryMiB, 'MiB')],
        ['governor, throttling', `${machine.governor}, ${machine.throttling}`],
        ['virtualization', machine.virtualization],
        [
          'system',
          `Linux ${machine.kernel}; ${machine.system}; Node ${machine.node}; OpenSSL ${machine.openssl}`,
        ],
        ['engines', states(machine.engines)],
        ['offloads', states(machine.offloads)],
      ].map(([name = '', value = '']) => [name, plain(value)]),
    ),
    '',
  ];
}

/** Nothing, where the section was not measured. */
function section({ rows }: BenchResult, id: SectionId, title: string, words: readonly string[]): string[] {
  const own = rowsOf(rows, id);
  return own.length === 0 ? [] : [`### ${title}`, '', ...words, ...tables(id, own)];
}

/** As on the terminal: tables by what tells rows apart, else a line a row. */
function tables(id: SectionId, rows: readonly Row[]): string[] {
  const crosses = crossTablesOf(id, rows);
  return crosses.length === 0 ? [figures(rows), ''] : crosses.flatMap((cross) => [crossTable(cross), '']);
}

function crossTable({ head, rows, across, down, figure }: Cross): string {
  const columns = distinct(rows.map(across));
  const lines = [...Map.groupBy(rows, down)].map(([name, own]) => [
    name,
    ...columns.map((column) => {
      const row = own.find((each) => across(each) === column);
      return row === undefined ? '–' : grouped(figure(row));
    }),
  ]);
  return markdownTable([[head, ...columns], ...lines], true);
}

/** A line a row: middle, and least to most of the rounds. */
function figures(rows: readonly Row[]): string {
  return markdownTable(
    [
      ['what', 'middle', 'least to most'],
      ...rows.map((row) => {
        const [least, most] = range(row);
        const spread = least === most ? '–' : amountRange(least, most, row.unit);
        return [plain(row.title), amount(row.median, row.unit), spread];
      }),
    ],
    true,
  );
}

/** A chart of the report as a file of its own: with its style, which the page has otherwise, and a size. */
function standAlone({ text }: Markup): string {
  return `${text.replace(/^<svg class="chart"/, '<svg class="chart" width="540"').replace('>', `>\n<style>\n${themeStyle}${chartStyle.trim()}\n</style>`)}\n`;
}
