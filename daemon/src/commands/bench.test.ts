import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type BenchResult, parseBenchResult, writeBenchResult } from '@pqtun/bench';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../cli.ts';

let directory: string;
let out: string;
let errors: string;
const run = (...argv: string[]) =>
  runCli(['bench', ...argv], {
    out: async (text) => {
      out += typeof text === 'string' ? text : Buffer.from(text).toString();
    },
    error: (text) => {
      errors += text;
    },
    stdin: () => new Uint8Array(0),
    env: {},
    outIsTerminal: false,
    now: () => 0,
  });
const at = (name: string) => path.join(directory, name);

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pqtun-bench-'));
  [out, errors] = ['', ''];
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

/** Of one figure, in these rounds. */
function resultOf(rounds: readonly number[], changes: Partial<BenchResult> = {}): string {
  const result: BenchResult = {
    schema: 'pqtun-bench/1',
    begun: '2026-11-26T04:30:00.000Z',
    seconds: 1,
    version: '0.1.0',
    settings: { quick: false, rounds: rounds.length, sections: ['records'] },
    machine: {
      ...{ cpu: 'ARM Cortex-A72', arch: 'arm64', cpus: 4, features: ['asimd'], memoryMiB: 4096 },
      ...{
        board: 'a board',
        governor: 'performance',
        throttling: 'not seen',
        kernel: '6.6',
        system: 'Debian',
      },
      ...{ node: '26.10.0', openssl: '3.5.8', virtualization: 'none', engines: [], offloads: [] },
    },
    remarks: [],
    rows: [
      {
        ...{
          id: 'records/seal/raw/1420',
          section: 'records',
          title: 'seal 1420 B, raw',
          unit: 'ns',
          better: 'less',
        },
        ...{ median: rounds.toSorted((a, b) => a - b)[rounds.length >> 1] ?? 0, rounds, labels: {} },
      },
    ],
    missing: [],
    ...changes,
  };
  const file = at(`${fs.readdirSync(directory).length}.json`);
  fs.writeFileSync(file, writeBenchResult(result));
  return file;
}

const before = [900, 901, 902, 903, 904];
const after = before.map((nanos) => nanos * 2);

describe('bench compare', () => {
  it('says what got slower, with exit code 0: it was asked to look, not to judge', async () => {
    expect(await run('compare', resultOf(before), resultOf(after))).toBe(0);
    expect(out).toMatch(/^slower +records\/seal\/raw\/1420/m);
    expect(errors).toBe('');
  });

  it('takes the threshold as a percentage', async () => {
    await run('compare', resultOf(before), resultOf(after), '--threshold', '150');
    expect(out).not.toMatch(/^slower/m);
  });

  it('refuses unlike machines with exit code 1, unless it is forced', async () => {
    const { machine } = parseBenchResult(fs.readFileSync(resultOf(before), 'utf8'));
    const other = resultOf(after, { machine: { ...machine, cpu: 'ARM Cortex-A76' } });
    expect(await run('compare', resultOf(before), other)).toBe(1);
    expect(out).toContain('Not compared');
    expect(await run('compare', resultOf(before), other, '--force')).toBe(0);
  });

  it('writes the comparison for programs, to a file or to standard output', async () => {
    const files = [resultOf(before), resultOf(after)];
    await run('compare', ...files, '--json', at('found'));
    expect(JSON.parse(fs.readFileSync(at('found'), 'utf8'))).toMatchObject({ kind: 'compared' });
    expect(out).toMatch(/slower/);
    out = '';
    await run('compare', ...files, '--json', '-');
    expect(JSON.parse(out)).toMatchObject({ kind: 'compared' });
  });

  it('judges the second by a budget, with exit code 1 where it is broken', async () => {
    const budget = at('budget');
    fs.writeFileSync(
      budget,
      JSON.stringify({ schema: 'pqtun-budget/1', rows: { 'records/seal/raw/1420': { most: 1000 } } }),
    );
    expect(await run('compare', resultOf(after), resultOf(before), '--budget', budget)).toBe(0);
    expect(await run('compare', resultOf(before), resultOf(after), '--budget', budget)).toBe(1);
    expect(out).toMatch(/^✗ .*records\/seal\/raw\/1420/m);
  });

  it('says of a file that is none what was expected, and of one that is not there that it is not', async () => {
    fs.writeFileSync(at('text'), '{}');
    expect(await run('compare', at('text'), at('text'))).toBe(1);
    expect(errors).toMatch(/text: expected a result of `pqtun bench --json`/);
    errors = '';
    expect(await run('compare', at('nowhere'), at('nowhere'))).toBe(1);
    expect(errors).toMatch(/cannot read .*nowhere: there is no such file/);
  });
});

describe('bench', () => {
  it('measures what it is asked for, and writes what it found', async () => {
    const files = ['--json', at('r.json'), '--html', at('r.html'), '--write-budget', at('budget')];
    expect(await run('--quick', '--rounds', '1', '--only', 'parts', ...files)).toBe(0);
    const result = parseBenchResult(fs.readFileSync(at('r.json'), 'utf8'));
    expect(result.settings).toEqual({ quick: true, rounds: 1, sections: ['parts'] });
    expect(fs.readFileSync(at('r.html'), 'utf8')).toMatch(/^<!doctype html>/i);
    expect(out).toContain('replay window, counters in order');
    expect(out).toContain(`${result.rows.length} figures`);
    expect(fs.readdirSync(directory).sort()).toEqual(['budget', 'r.html', 'r.json']);
    expect(JSON.parse(fs.readFileSync(at('budget'), 'utf8'))).toMatchObject({ schema: 'pqtun-budget/1' });
  });

  it('gives programs nothing but the result on standard output', async () => {
    expect(await run('--quick', '--rounds', '1', '--only', 'parts', '--json', '-')).toBe(0);
    expect(parseBenchResult(out).rows.length).toBeGreaterThan(10);
    expect(errors).toContain('replay window');
  });

  it('sees before it measures that a file cannot be written, or that a budget is none', async () => {
    expect(await run('--json', at('no/where.json'))).toBe(1);
    expect(errors).toMatch(/cannot write .*where.json: there is no such file or folder/);
    fs.writeFileSync(at('budget'), '{');
    expect(await run('--budget', at('budget'))).toBe(1);
    expect(errors).toMatch(/budget: expected a budget/);
    expect(out).toBe('');
  });

  it('breaks a budget with exit code 1, after all was written', async () => {
    const budget = at('budget');
    fs.writeFileSync(
      budget,
      JSON.stringify({
        schema: 'pqtun-budget/1',
        rows: { 'parts/replay-window/typescript/in-order': { most: 0.0001 } },
      }),
    );
    const words = ['--quick', '--rounds', '1', '--only', 'parts', '--json', at('r.json'), '--budget', budget];
    expect(await run(...words)).toBe(1);
    expect(fs.existsSync(at('r.json'))).toBe(true);
  });
});
