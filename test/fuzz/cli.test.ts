/** The command: what it prints, what it answers to wrong arguments, and that it does the same every time. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { targetNames } from './targets.ts';

const cli = join(dirname(fileURLToPath(import.meta.url)), 'cli.ts');

/** Each run loads and instruments the product: two seconds, and more where the machine is busy. */
const patience = 240_000;

function fuzz(...args: string[]): { code: number | null; out: string; error: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=pqtun-source', cli, ...args],
    {
      encoding: 'utf8',
      timeout: patience,
    },
  );
  return { code: status, out: stdout, error: stderr };
}

/** What a run found out, without its times. */
const result = (out: string): string | undefined => /\d+ edges, corpus \d+, \d+ findings/.exec(out)?.[0];

describe('fuzz', { timeout: patience }, () => {
  it('does the same for the same seed and number of executions, and ends with a count', () => {
    const first = fuzz('--executions', '3000', '--seed', '7', 'texts');
    const second = fuzz('--executions', '3000', '--seed', '7', 'texts');
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/^texts +3000 executions in .*, 0 findings\n1 passed, 0 failed, 0 skipped\n$/);
    expect(result(first.out)).toBeDefined();
    expect(result(second.out)).toBe(result(first.out));
  });

  it('sees more branches than are taken by the inputs it begins with', () => {
    const edgesOf = (executions: string): number =>
      Number(/(\d+) edges/.exec(fuzz('--executions', executions, 'words').out)?.[1]);
    const few = edgesOf('1');
    expect(few).toBeGreaterThan(0);
    expect(edgesOf('2000')).toBeGreaterThan(few);
  });

  it('lists its targets', () => {
    const { code, out } = fuzz('--list');
    expect(code).toBe(0);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(targetNames);
  });

  it('replays one file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pqtun-fuzz-'));
    try {
      const file = join(folder, 'input');
      writeFileSync(file, '10.0.0.1');
      expect(fuzz('--replay', file, 'texts')).toMatchObject({
        code: 0,
        out: 'nothing wrong\n1 passed, 0 failed, 0 skipped\n',
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    [['nonsense'], 'no target "nonsense": expected'],
    [[], 'expected a target, or --all'],
    [['--minutes', '0', 'ip'], '--minutes: expected a number above 0'],
    [['--minutes', '1', '--executions', '1', 'ip'], 'either --minutes or --executions'],
    [['--frobnicate'], '--frobnicate'],
    [['--replay', 'nowhere', 'ip'], 'no file nowhere'],
  ])('says what is wrong with %j, and ends with 2', (args, message) => {
    const { code, error } = fuzz(...args);
    expect(code).toBe(2);
    expect(error).toContain(message);
    expect(error).toContain('see --help');
  });
});
