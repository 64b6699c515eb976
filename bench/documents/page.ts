/** docs/benchmarks.md: one machine, how to compare and to hold to a budget, whole tunnels side by side. Every word of the page stands here or in what it calls. */
import { documents } from '../e2e/document.ts';
import type { Result } from '../e2e/result.ts';
import type { BenchResult } from '../src/result.ts';
import { machineChapter } from './machine.ts';
import type { Documents } from './markdown.ts';

export function benchmarkPage(machine: BenchResult, tunnels: Result): Documents {
  const [one, beside] = [machineChapter(machine), documents(tunnels)];
  const text = [
    '# Benchmarks',
    '',
    '<!-- Written by `npm run bench:docs` from benchmarks/machine.json and benchmarks/tunnels.json. Do not edit: the next run writes it anew. -->',
    '',
    'What pqtun costs on [one machine](#one-machine), as `pqtun bench` finds it anywhere, and [whole tunnels side by',
    'side](#whole-tunnels-side-by-side), ours and those of others. Figures of time belong to the machine they were measured on; between',
    'machines compare ratios, or instructions: those of a packet and a handshake on arm64 and x64, and what a board may be expected to do,',
    'are in [arm64.md](arm64.md).',
    '',
    one.text,
    ...howTo,
    beside.text,
  ].join('\n');
  return { text, plots: new Map([...one.plots, ...beside.plots]) };
}

const howTo = [
  '## Your machine',
  '',
  '```',
  'pqtun bench                                     # a table, in two minutes; as root also a tunnel',
  'pqtun bench --json now.json --html report.html  # for programs, and for people',
  'pqtun bench compare before.json now.json        # which rows differ by more than chance',
  'pqtun bench --budget budget.json                # exit code 1 when a limit is broken',
  '```',
  '',
  'The report is one file that loads nothing:',
  '',
  '![The report on a desk](benchmarks/report-desk.png)',
  '',
  '![The report on a phone](benchmarks/report-phone.png)',
  '',
  '**The JSON** has a published form, [bench.schema.json](bench.schema.json). What measures itself is in each row as figures of the rounds;',
  '`quantiles` are those of single samples.',
  '',
  '**Comparing** takes the ratio of each row with a 95 % interval: Welch’s t on the logarithms of the rounds, three or more on each side. A',
  'row is called slower or faster when the interval lies on one side of 1, and does so after Holm’s correction for the number of rows, and',
  'the difference is more than `--threshold`, 10 % unless you say otherwise: rounds of one run share their process and the machine’s mood, so',
  'a small difference is worth belief only when it comes back in a second pair of runs. Machines that differ in CPU, board, governor, kernel',
  '(6.12 is not 6.13), Node (26 is not 27) or OpenSSL are not compared unless you `--force` it; an emulated run never is.',
  '',
  '**A budget** is a file of limits. Limits in nanoseconds belong to one machine, and `pqtun bench --write-budget FILE` writes them with a',
  'quarter to spare. Ratios within one run travel: [budget.json](benchmarks/budget.json) holds the native engines to those of OpenSSL on any',
  'machine. A `*` stands for any part of a name; in `to` it is what it was in the row’s name:',
  '',
  '```json',
  '{',
  '  "schema": "pqtun-budget/1",',
  '  "rows": {',
  '    "records/seal/raw/1420": { "most": 1200 },',
  '    "records/*/raw/*": { "ratio": { "to": "records/*/evp/*", "most": 1.1 } },',
  '    "tunnel/native/tcp/mbits": { "least": 800 }',
  '  }',
  '}',
  '```',
  '',
  'A limit is broken where the middle of the rounds is beyond it and the interval with it; one that is exceeded by less than the rounds differ',
  'is named and breaks nothing. A row that was not measured is a failure, one that there cannot be is an error in the file.',
  '',
];
