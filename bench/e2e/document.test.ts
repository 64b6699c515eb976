import { describe, expect, it } from 'vitest';
import type { ProgramId } from './catalog.ts';
import { documents } from './document.ts';
import { type Measurement, parseResult, type Result, schema, writeResult } from './result.ts';
import {
  faultLines,
  medianCells,
  plainPaint,
  printResult,
  rangeText,
  ratioCells,
  shownSubject,
} from './table.ts';

const at = { load: { steal: 0, foreign: 0.02 }, disturbed: false, attempts: 1, faults: [] } as const;
const measurements: Measurement[] = [
  { round: 1, row: 'tcp1', program: 'veth', figures: { gbits: 30 }, ...at },
  { round: 1, row: 'tcp1', program: 'tailscale', figures: { gbits: 3, cpuPerGB: 4 }, ...at },
  { round: 2, row: 'tcp1', program: 'tailscale', figures: { gbits: 4, cpuPerGB: 3 }, ...at },
  { round: 1, row: 'tcp1', program: 'native', figures: { gbits: 4.5, cpuPerGB: 2 }, ...at },
  { round: 2, row: 'tcp1', program: 'native', figures: { gbits: 6, cpuPerGB: 1.5 }, ...at },
  { ...at, round: 2, row: 'memory', program: 'native', figures: { memory: 70 }, faults: ['lost\nin detail'] },
];
const result: Result = {
  schema,
  begun: '2026-11-26T01:02:03.000Z',
  minutes: 12.5,
  machine: {
    ...{ cpu: 'A CPU', cpus: 2, memoryGiB: 24, kernel: 'Linux 6', system: 'Debian', node: 'v26' },
    commit: 'abc',
  },
  settings: { repetitions: 2, seconds: 4, warmUp: 1 },
  programs: [
    { id: 'veth', name: 'veth', built: 'no tunnel', offloads: '' },
    { id: 'tailscale', name: 'fork v1', built: 'go install', offloads: 'unknown' },
    { id: 'gotatun', name: 'gotatun', built: '', missing: 'no Rust | here', offloads: 'unknown' },
    { id: 'native', name: 'pqtun', built: 'this tree', offloads: 'gso on' },
  ],
  measurements,
};

describe('the table of medians', () => {
  it('has a column a program that was measured, and a line a figure', () => {
    const [head, ...lines] = medianCells(result);
    expect(head).toEqual(['median (range)', 'plain veth', 'Tailscale’s fork', 'pqtun native']);
    expect(lines[0]).toEqual([
      'TCP, 1 stream: throughput, Gb/s',
      '30.0',
      '3.50 (3.00–4.00)',
      '5.25 (4.50–6.00)',
    ]);
    expect(lines[1]?.[1]).toBe('–');
  });

  it('shows as many digits as mean something', () => {
    expect(rangeText({ median: 123.4, least: 12.34, most: 1.234, count: 2 }, 2)).toBe('123 (12.3–1.23)');
    expect(rangeText(undefined, 2)).toBe('–');
  });
});

describe('the table of ratios', () => {
  it('divides within rounds, and leaves out what nobody has', () => {
    const [head, ...lines] = ratioCells(result, 'native');
    expect(head).toEqual(['pqtun native, times', 'plain veth', 'Tailscale’s fork']);
    expect(lines).toEqual([
      ['TCP, 1 stream: throughput (more is better)', '0.15', '1.50 (1.50–1.50)'],
      ['TCP, 1 stream: tunnel CPU (less is better)', '–', '0.50 (0.50–0.50)'],
    ]);
  });

  it('is of the native plane, else of the portable one, else of none', () => {
    const of = (...ids: ProgramId[]) =>
      shownSubject({
        ...result,
        programs: ids.map((id) => ({ id, name: '', built: '', offloads: '' })),
        measurements: ids.map((program) => ({ ...at, round: 1, row: 'idle', program, figures: {} })),
      });
    expect(of('portable', 'native')).toBe('native');
    expect(of('veth', 'portable')).toBe('portable');
    expect(of('veth')).toBeUndefined();
  });
});

describe('a printed result', () => {
  it('names programs with versions, and who is missing with the reason', () => {
    const lines: string[] = [];
    const judgements = printResult(result, plainPaint, (line) => lines.push(line));
    const text = lines.join('\n');
    expect(text).toContain('fork v1');
    expect(text).toContain('gotatun: not measured: no Rust');
    expect(text).toContain('1.50× (1.50–1.50)');
    expect(judgements.filter(({ gate }) => gate === 'met')).toHaveLength(3);
  });

  it('tells what went wrong in one line each', () => {
    expect(faultLines(result)).toEqual(['round 2, After the runs, pqtun native: lost']);
  });
});

describe('the document', () => {
  const { text, plots } = documents(result);

  it('links to every plot it has, and to no other', () => {
    const linked = [...text.matchAll(/\]\(benchmarks\/([^)]+)\)/g)].map(([, name]) => name);
    expect(linked).toEqual([...plots.keys()]);
    expect(linked).toContain('tcp1-gbits.svg');
    expect(linked).not.toContain('idle-p50.svg');
  });

  it('has tables whose lines have as many cells as their heads', () => {
    const tables = text.split('\n\n').filter((part) => part.startsWith('|'));
    expect(tables).toHaveLength(4);
    for (const table of tables) {
      const cells = table.split('\n').map((line) => line.split(/(?<!\\)\|/).length);
      expect(new Set(cells).size).toBe(1);
    }
  });

  it('claims nothing of a protocol, only of programs', () => {
    expect(text).not.toMatch(/faster than WireGuard/i);
  });
});

describe('a written result', () => {
  it('is read again as it was', () => {
    expect(parseResult(writeResult(result))).toEqual({
      ...result,
      measurements: measurements.map((each) => ({
        ...each,
        faults: each.faults.map((fault) => fault.replace('\n', ' ')),
      })),
    });
    expect(
      writeResult(result)
        .split('\n')
        .filter((line) => line.includes('"round":')),
    ).toHaveLength(measurements.length);
  });

  it('of another schema, or with a row that there is not, is refused', () => {
    expect(() => parseResult('{}')).toThrow('expected a result with schema');
    expect(() => parseResult('null')).toThrow('expected a result with schema');
    expect(() => parseResult(JSON.stringify({ ...result, measurements: 3 }))).toThrow('expected programs');
    const [first] = measurements;
    const strange = { ...result, measurements: [{ ...first, row: 'tcp9' }] };
    expect(() => parseResult(JSON.stringify(strange))).toThrow('a row or a program that there is not');
  });
});
