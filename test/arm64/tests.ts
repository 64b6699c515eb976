/** The workspace's own tests on arm64: vitest itself runs as this machine's program, its workers under the emulator. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Launchers } from './launchers.ts';
import { here, root, work } from './paths.ts';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface TestPart {
  readonly name: string;
  /** QEMU_CPU. */
  readonly processor: string;
  /** Files or folders, from the root. */
  readonly files: readonly string[];
}

/** Runs the files of one part; `undefined` when vitest did not come to its end within `timeout` milliseconds. */
export async function runTests(
  launchers: Launchers,
  part: TestPart,
  timeout: number,
): Promise<Counts | undefined> {
  const counts = join(work, `counts-${process.pid}.json`);
  rmSync(counts, { force: true });
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const words = [
    ...['--import', join(here, 'workers.mjs'), vitest, 'run', '--config', join(here, 'vitest.config.mjs')],
    ...part.files,
    '--reporter=default',
    '--silent=passed-only',
    `--reporter=${join(root, 'test', 'repo', 'reporter.ts')}`,
  ];
  const child = spawn(process.execPath, words, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
    env: {
      ...process.env,
      PQTUN_WORKER_NODE: launchers.node,
      PQTUN_TEST_COUNTS: counts,
      PQTUN_TWIN_STORIES: '1',
      QEMU_CPU: part.processor,
      NO_COLOR: '1',
    },
  });
  const stop = (): void => {
    // Its own group: vitest and the workers
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(stop, timeout);
  process.once('exit', stop);
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  clearTimeout(timer);
  process.off('exit', stop);
  if (!existsSync(counts)) return undefined;
  const found = JSON.parse(readFileSync(counts, 'utf8')) as Counts; // written by our reporter
  rmSync(counts, { force: true });
  if (code !== 0 && found.failed === 0) return undefined;
  return found;
}
