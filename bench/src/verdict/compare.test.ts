import { describe, expect, it } from 'vitest';
import { exampleResult } from '../example.test.kit.ts';
import type { BenchResult, MachineFacts } from '../result.ts';
import { plainPaint } from '../text/columns.ts';
import { type CompareOptions, type Comparison, compareResults } from './compare.ts';
import { comparisonJson, comparisonText } from './compare-text.ts';

const options: CompareOptions = { threshold: 0.1, force: false };
const a = exampleResult({ seed: 1 });
const raw = (factor: number) => (id: string) => (id.includes('/raw/') ? factor : 1);

function compared(b: BenchResult, more: Partial<CompareOptions> = {}, from = a): Comparison {
  const found = compareResults(from, b, { ...options, ...more });
  if (found.kind !== 'compared') throw new Error(found.text);
  return found;
}

const verdicts = (found: Comparison): Set<string> => new Set(found.rows.map(({ verdict }) => verdict));
const on = (result: BenchResult, machine: Partial<MachineFacts>): BenchResult => ({
  ...result,
  machine: { ...result.machine, ...machine },
});

describe('a comparison', () => {
  it('of two runs of the same sees no difference, whatever the seed', () => {
    let wrong = 0;
    for (let seed = 2; seed < 42; seed++)
      wrong += compared(exampleResult({ seed })).rows.filter(({ verdict }) => /er$/.test(verdict)).length;
    expect(wrong).toBe(0);
  });

  it('without a threshold is wrong about any row in at most 5 of 100 runs', () => {
    let wrong = 0;
    for (let seed = 100; seed < 200; seed++) {
      const [x, y] = [exampleResult({ seed }), exampleResult({ seed: seed + 1_000 })];
      if (compared(y, { threshold: 0 }, x).rows.some(({ verdict }) => /er$/.test(verdict))) wrong += 1;
    }
    expect(wrong).toBeLessThanOrEqual(11); // 5 are expected at most; more than 11 are less likely than 1 in 200
  });

  it('sees an engine slowed to twice its time, all of its rows, and no other', () => {
    const { rows } = compared(exampleResult({ seed: 3, factor: raw(2) }));
    const slower = rows.filter(({ verdict }) => verdict === 'slower').map(({ row }) => row.id);
    expect(slower).toHaveLength(14);
    expect(slower.every((id) => id.includes('/raw/'))).toBe(true);
    expect(rows.slice(0, 14).map(({ row }) => row.id)).toEqual(slower);
    expect(rows.some(({ verdict }) => verdict === 'faster')).toBe(false);
  });

  it('turns round where more is better', () => {
    const factor = (id: string): number =>
      id === 'tunnel/native/tcp/mbits' ? 0.5 : id === 'tunnel/native/udp128/packets' ? 2 : 1;
    const { rows } = compared(exampleResult({ seed: 4, factor }));
    expect(rows.filter(({ verdict }) => verdict === 'slower').map(({ row }) => row.id)).toEqual([
      'tunnel/native/tcp/mbits',
    ]);
    expect(rows.filter(({ verdict }) => verdict === 'faster').map(({ row }) => row.id)).toEqual([
      'tunnel/native/udp128/packets',
    ]);
  });

  it('calls nothing slower that is slower by less than the threshold, however sure', () => {
    const b = exampleResult({ seed: 5, spread: 0.001, factor: raw(1.08) });
    expect(verdicts(compared(b, {}, exampleResult({ spread: 0.001 })))).not.toContain('slower');
    expect(verdicts(compared(b, { threshold: 0.05 }, exampleResult({ spread: 0.001 })))).toContain('slower');
  });

  it('gives no verdict on fewer than three rounds, on reckoned rows, and on what is not the same figure', () => {
    const few = compared(exampleResult({ rounds: 2, factor: raw(2) }));
    expect(verdicts(few)).toEqual(new Set(['no verdict']));
    expect(few.rows.find(({ row }) => row.section === 'records')?.why).toBe(
      '2 of 3 rounds that a verdict needs; measure with --rounds 3 or more',
    );
    const reckoned = compared(exampleResult({ seed: 6 })).rows.filter(({ row }) => row.section === 'rekey');
    expect(new Set(reckoned.map(({ why }) => why))).toEqual(new Set(['it is reckoned from other rows']));
    const [first, ...rest] = a.rows;
    if (first === undefined) throw new Error('the example has rows');
    const other = compared({ ...a, rows: [{ ...first, unit: 'µs' }, ...rest] });
    expect(other.rows.find(({ row }) => row.id === first.id)?.why).toContain('it is not the same figure');
  });

  it('of zeros has no ratio, and divides by none', () => {
    const [first, ...rest] = a.rows;
    if (first === undefined) throw new Error('the example has rows');
    const found = compared({ ...a, rows: [{ ...first, rounds: [0, 0, 0], median: 0 }, ...rest] });
    expect(found.rows.find(({ row }) => row.id === first.id)?.why).toBe(
      'a figure that is not above zero has no ratio',
    );
    expect(comparisonText(found, plainPaint)).not.toContain('NaN');
  });

  it('lists rows that only one of them has', () => {
    const b = {
      ...a,
      rows: [...a.rows.slice(1), { ...(a.rows[0] as (typeof a.rows)[number]), id: 'parts/new/native' }],
    };
    const found = compared(b);
    expect(found.onlyInA.map(({ id }) => id)).toEqual(['records/seal/noble/64']);
    expect(found.onlyInB.map(({ id }) => id)).toEqual(['parts/new/native']);
  });
});

describe('unlike machines', () => {
  it('are refused with every difference, and compared by force', () => {
    const b = on(exampleResult({ seed: 8 }), {
      ...{ arch: 'x64', cpu: 'Other', cpus: 2, board: 'B', governor: 'performance', kernel: '6.13.0' },
      ...{ node: '24.1.0', openssl: '3.5.5', virtualization: 'kvm' },
    });
    const found = compareResults(a, b, options);
    if (found.kind !== 'refused') throw new Error('it was compared');
    expect(found.why).toBe('unlike');
    expect(found.differences).toHaveLength(9);
    const text = comparisonText(found, plainPaint);
    expect(text).toContain('Not compared: the machines are not alike');
    expect(text).toContain('kernel:          A 6.12');
    expect(compared(b, { force: true }).unlike).toHaveLength(9);
    expect(comparisonText(compared(b, { force: true }), plainPaint)).toMatch(
      /^A: noisy[\s\S]*Compared by force/,
    );
  });

  it('are not those with another patch of kernel or Node, which are named', () => {
    const b = on(exampleResult({ seed: 8 }), { kernel: '6.12.99-v8', node: '26.11.0' });
    expect(compared(b).explanations.map(({ what }) => what)).toEqual(['kernel', 'Node']);
  });

  it('that one emulator made are never compared, not by force either', () => {
    const remarks = [{ kind: 'emulated', text: 'emulated: not a measurement' }] as const;
    const emulated: BenchResult = { ...a, remarks };
    for (const [x, y] of [
      [a, emulated],
      [emulated, a],
    ] as const) {
      const found = compareResults(x, y, { ...options, force: true });
      expect(found.kind === 'refused' && found.why).toBe('emulated');
    }
  });
});

describe('a comparison as text', () => {
  const found = compared(exampleResult({ seed: 3, factor: raw(2) }));
  const text = comparisonText(found, plainPaint);
  const lines = text.split('\n');

  it('says first what weakens it, then the worst, and how it is judged', () => {
    expect(lines[0]).toMatch(/^A: noisy/);
    expect(lines[1]).toMatch(/^B: noisy/);
    expect(text).toMatch(/14 slower, 0 faster, \d+ without a difference seen, \d+ without a verdict\./);
    expect(text).toMatch(/\d+ rows are reckoned from others/);
    expect(text).toContain('Welch’s t on the logarithms of the rounds');
    expect(text).toContain('a difference of more than 10 %');
    expect(text).not.toContain('\u001b');
  });

  it('has its columns one below the other', () => {
    const table = lines.filter((line) => / ns {2}/.test(line) && line.includes('×'));
    expect(table.length).toBeGreaterThan(50);
    expect(new Set(table.map((line) => line.indexOf('×'))).size).toBe(1);
  });

  it('is coloured by the paint it is given', () => {
    const paint = { ...plainPaint, red: (cell: string) => `<${cell}>` };
    expect(comparisonText(found, paint)).toContain('<slower');
  });

  it('is JSON for programs, with its schema', () => {
    const value = JSON.parse(comparisonJson(found)) as { schema: string; rows: unknown[] };
    expect(value.schema).toBe('pqtun-bench-comparison/1');
    expect(value.rows).toHaveLength(found.rows.length);
  });
});
