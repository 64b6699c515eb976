/** `pqtun bench` starts daemons in namespaces of its own: what it finds, and that nothing of it stays, however it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, needRoot } from '../test/e2e/lab.ts';
import { collect, endChild } from '../test/kit/lab/namespace.ts';
import { pqtun } from '../test/kit/lab/site.ts';
import { removeNow, temporaryFolder } from '../test/kit/temporary.ts';
import { couldBe } from './src/form/row-ids.ts';
import type { BenchResult } from './src/result.ts';
import { tunnelSection } from './src/sections/tunnel.ts';

let folder = '';
beforeAll(() => {
  folder = temporaryFolder('e2e-bench');
});
afterAll(() => removeNow(folder));

/** A bench that keeps its files in a folder of ours, by which its processes are known too. */
function startBench(...words: string[]): {
  readonly bench: ChildProcess;
  readonly files: string;
  output(): string;
} {
  const files = join(folder, String(readdirSync(folder).length));
  mkdirSync(files);
  const bench = spawn(pqtun, ['bench', '--quick', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: files },
  });
  return { bench, files, output: collect(bench) };
}

/** Processes that were told of this folder: agents and daemons. */
function processesOf(files: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return words.includes(files) ? [words.replaceAll('\0', ' ')] : [];
      } catch {
        return []; // gone meanwhile
      }
    });
}

const daemonsOf = (files: string): number =>
  processesOf(files).filter((words) => words.includes(' run ')).length;

async function nothingLeft(files: string): Promise<void> {
  await eventually(
    `no process or file of ${files}`,
    () => processesOf(files).length + readdirSync(files).length === 0,
  );
}

describe('a bench of whole tunnels', () => {
  it('finds every figure of both planes, and leaves nothing', { timeout: 240_000 }, async (context) => {
    needRoot(context);
    const json = join(folder, 'found.json');
    const { bench, files, output } = startBench('--only', 'tunnel,memory,rekey', '--json', json);
    const [code] = (await once(bench, 'close')) as [number | null];
    expect(code, output()).toBe(0);
    const found = JSON.parse(readFileSync(json, 'utf8')) as BenchResult; // the schema's own tests hold the form
    expect(found.missing).toEqual([]);
    const idsOf = (section: string) =>
      found.rows.filter((row) => row.section === section).map(({ id }) => id);
    expect(idsOf('tunnel')).toEqual(
      ['native', 'portable'].flatMap((plane) =>
        ['tcp/mbits', 'tcp/cpu-per-gb', 'udp128/packets', 'udp128/cpu-per-packet', 'idle/round-trip'].map(
          (figure) => `tunnel/${plane}/${figure}`,
        ),
      ),
    );
    expect(idsOf('memory').toSorted()).toEqual(
      ['', '/portable']
        .flatMap((plane) =>
          [
            ...['idle', 'idle-share', 'start', 'first-packet'].flatMap((what) => [
              `${what}/1`,
              `${what}/100`,
            ]),
            ...['live/100', 'a-peer', 'a-live-peer'],
          ].map((what) => `memory/${what}${plane}`),
        )
        .toSorted(),
    );
    expect(idsOf('rekey').length).toBeGreaterThan(40);
    expect(new Set(found.rows.map(({ id }) => id)).size).toBe(found.rows.length);
    expect(found.rows.filter(({ id }) => !couldBe(id))).toEqual([]); // a budget can name each
    for (const { id, median, rounds } of found.rows) {
      expect(rounds.every(Number.isFinite), id).toBe(true);
      // CPU time is counted in ticks, and what a collector of garbage gave back meanwhile can make a peer seem free
      if (!/cpu|a-peer|a-live-peer|no-keepalive/.test(id)) expect(median, id).toBeGreaterThan(0);
    }
    await nothingLeft(files);
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    it(`ended by ${signal} leaves no daemon, no namespace and no key`, {
      timeout: 120_000,
    }, async (context) => {
      needRoot(context);
      const { bench, files, output } = startBench('--only', 'tunnel');
      try {
        await eventually(`a daemon of the bench: ${output()}`, () => daemonsOf(files) > 0);
        expect(readdirSync(files)).toHaveLength(1);
        const begin = performance.now();
        bench.kill(signal);
        await once(bench, 'exit');
        expect(performance.now() - begin).toBeLessThan(5_000);
        await nothingLeft(files);
      } finally {
        await endChild(bench, 'SIGKILL');
      }
    });
  }
});

describe('a section whose daemon does not come up', () => {
  it('ends with what the daemon said, and leaves nothing', { timeout: 60_000 }, async (context) => {
    needRoot(context);
    const files = join(folder, 'failing');
    mkdirSync(files);
    const program = join(folder, 'pqtun-failing');
    writeFileSync(program, '#!/bin/sh\necho \'{"why":"the moon is full","exitCode":1}\' >&3\nexit 1\n');
    chmodSync(program, 0o700);
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = files;
    try {
      const run = tunnelSection.run({
        options: { sections: ['tunnel'], quick: true, rounds: 1, daemonCommand: program },
        rows: [],
        signal: new AbortController().signal,
        measure: () => Promise.reject(new Error('nothing is timed by the harness')),
        progress: () => undefined,
      });
      await expect(run).rejects.toThrow('the daemon did not start: the moon is full');
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
    await nothingLeft(files);
  });
});
