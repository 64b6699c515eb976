/** Whole tunnels side by side: a chapter of docs/benchmarks.md and its plots, from a result. */
import { type Documents, markdownTable } from '../documents/markdown.ts';
import { mostLoad } from '../src/measure/load.ts';
import { summary } from '../src/measure/statistics.ts';
import { type FigureId, figuresOf, type ProgramId, programTitles, type RowId, rowSpecs } from './catalog.ts';
import { type Bar, barChart } from './plot.ts';
import { byRound, type Result } from './result.ts';
import {
  disturbanceLine,
  faultLines,
  measuredPrograms,
  medianCells,
  ratioCells,
  shownSubject,
  verdictCells,
} from './table.ts';
import { judge } from './targets.ts';

/** What is shown as a picture; the tables have everything. */
const plotted: readonly (readonly [RowId, FigureId])[] = [
  ['tcp1', 'gbits'],
  ['tcp1', 'cpuPerGB'],
  ['tcp4', 'gbits'],
  ['tcp4', 'cpuPerGB'],
  ['flood128', 'kpps'],
  ['flood128', 'cpuPerPacket'],
  ['idle', 'p50'],
  ['loaded', 'p99'],
  ['nogso', 'cpuPerGB'],
  ['memory', 'memory'],
];
/** No tunnels one could use: they are shown, and set no scale. */
const ceilings: readonly ProgramId[] = ['veth', 'null'];
const ours: readonly ProgramId[] = ['portable', 'native', 'null'];

export function documents(result: Result): Documents {
  const plots = new Map(
    plotted.flatMap(([row, figure]) => {
      const plot = plotOf(result, row, figure);
      return plot === undefined ? [] : [[`${row}-${figure}.svg`, plot] as const];
    }),
  );
  const { machine, settings } = result;
  const faults = faultLines(result);
  const who = shownSubject(result);
  const text = [
    '## Whole tunnels side by side',
    '',
    `Measured on ${result.begun.slice(0, 10)} by \`npm run bench:e2e\`: ${settings.repetitions} rounds over all`,
    `programs and rows, ${settings.seconds} s a measurement after ${settings.warmUp} s of warm-up, ${result.minutes} minutes in all.`,
    '',
    `Machine: ${machine.cpu}, ${machine.cpus} CPUs, ${machine.memoryGiB} GiB; ${machine.kernel}; ${machine.system}; Node ${machine.node}; pqtun ${machine.commit}.`,
    '',
    '**Compare ratios, not absolute figures**, and only those of one run: another machine, kernel or neighbour changes all of them. Two',
    'namespaces are joined by a veth (MTU 1500); both ends of a program and both ends of the traffic share this machine’s CPUs, so a',
    'program that needs less CPU also gets more done. No kernel implementation of WireGuard takes part: these are programs in user space.',
    '',
    '### Who',
    '',
    markdownTable([
      ['program', 'version', 'built', 'offloads'],
      ...result.programs.map(({ id, name, built, missing, offloads }) => [
        programTitles[id],
        [
          name,
          ...(missing === undefined ? [] : [`not measured, or not always: ${missing.split('\n')[0]}`]),
        ].join('; '),
        built,
        offloads,
      ]),
    ]),
    '',
    '### What is asked of the native plane',
    '',
    'Ratios are taken within each round, against the program that the target names, and the median of them is judged; in brackets their',
    'range. *Gate* is what must be, *stretch* is what may be. `not measured` is never met.',
    '',
    markdownTable(verdictCells(judge(result))),
    '',
    '### Figures',
    '',
    'Medians of the rounds, in brackets the range.',
    '',
    markdownTable(medianCells(result)),
    '',
    ...(who === undefined
      ? []
      : ['The same as ratios within rounds:', '', markdownTable(ratioCells(result, who)), '']),
    '- *Throughput* and *delivered* are counted at the receiver, payload only: TCP with CUBIC and `sendfile`, UDP datagrams of that payload',
    '  sent as fast as one CPU can, told apart by their numbers; 1 GB is 10⁹ B.',
    '- *Tunnel CPU* is user and system time of both tunnel processes in `/proc`, over what was delivered.',
    '- *Round trip*: 64 B over UDP, one every 2 ms whatever became of the one before, from the end that sends the stream.',
    '- *Cable without UDP segmentation*: `tx-udp-segmentation` off on both ends of the veth, as on a network device that does not have it.',
    '- *Memory* is resident, of the larger end, after the runs of a round; *most* is its high-water mark.',
    '- *pqtun, no crypto* is our native plane with an AEAD that does nothing, in an addon of its own that is never shipped: the ceiling of',
    '  everything but the cipher. *Plain veth* is the ceiling of the machine.',
    '',
    `${disturbanceLine(result)} A measurement counts as disturbed from ${mostLoad * 100} % on.`,
    ...(faults.length === 0
      ? []
      : ['', 'What went wrong on the way:', '', ...faults.map((line) => `- ${line}`)]),
    '',
    '### Plots',
    '',
    'The line in a bar is the range. An arrow: the bar goes on beyond the picture.',
    ...[...plots.keys()].flatMap((name) => ['', `![${name.replace('.svg', '')}](benchmarks/${name})`]),
    '',
  ].join('\n');
  return { text, plots };
}

function plotOf(result: Result, row: RowId, figure: FigureId): string | undefined {
  const spec = figuresOf(row).find(([id]) => id === figure)?.[1];
  const bars = measuredPrograms(result).flatMap((program): Bar[] => {
    const found = summary([...byRound(result, program, row, figure).values()]);
    if (found === undefined) return [];
    return [
      {
        label: programTitles[program],
        found,
        isOurs: ours.includes(program),
        sets: !ceilings.includes(program),
      },
    ];
  });
  if (spec === undefined || bars.length === 0) return undefined;
  const { title, unit, better, digits } = spec;
  return barChart(`${rowSpecs[row].title}: ${title}, ${unit} (${better} is better)`, bars, digits);
}
