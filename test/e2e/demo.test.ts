/** `npm start`: shows what it says, also twice at once, and leaves nothing behind, also after Ctrl-C. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { collect } from '../kit/lab/namespace.ts';
import { eventually, needRoot } from './lab.ts';

const script = fileURLToPath(new URL('../demo/demo.ts', import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pqtun-demo-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The demonstration as a process group of its own, its temporary files in `folder`. */
function startDemo(...words: string[]): {
  child: ChildProcess;
  output: () => string;
  code: Promise<number | null>;
} {
  const child = spawn(process.execPath, ['--conditions=pqtun-source', '--no-warnings', script, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, TMPDIR: folder },
  });
  return {
    child,
    output: collect(child),
    code: once(child, 'close').then(([code]) => code as number | null),
  };
}

/** Processes of the group of `pid`, by their command names. */
function groupOf(pid: number | undefined): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(group) === pid ? [stat.slice(0, stat.lastIndexOf(')') + 1)] : [];
      } catch {
        return []; // gone while we looked
      }
    });
}

it('ends with "demo: ok" on both planes at once, and leaves no process and no file', async (context) => {
  needRoot(context);
  const demos = [
    ['native', startDemo()],
    ['portable', startDemo('--plane', 'portable')],
  ] as const;
  for (const [plane, { child, output, code }] of demos) {
    expect(await code, output()).toBe(0);
    expect(output()).toMatch(/demo: ok\n$/);
    expect(output()).toMatch(new RegExp(`data plane +${plane}: `));
    expect(output()).toMatch(
      /on the cable +2 × type 0x11, 2 × type 0x12, \d+ × type 0x04|on the cable +\d+ × type 0x04/,
    );
    expect(groupOf(child.pid)).toEqual([]);
  }
  expect(readdirSync(folder)).toEqual([]);
}, 180_000);

it('tidies up after Ctrl-C', async (context) => {
  needRoot(context);
  const { child, output, code } = startDemo();
  await eventually('both daemons run', () => output().includes('two daemons'));
  process.kill(-Number(child.pid), 'SIGINT'); // as a terminal does it: to the whole group
  expect(await code).not.toBe(0);
  expect(output()).not.toContain('demo: ok');
  expect(groupOf(child.pid)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
}, 120_000);
