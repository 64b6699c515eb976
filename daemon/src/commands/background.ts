/** The same program once more, detached: how `up` and `daemon` leave a daemon behind. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ReceivedReport, waitForReport } from '../ready-report.ts';

export interface BackgroundOptions {
  /** Its standard output and error. */
  readonly output: readonly [out: number | 'ignore' | 'inherit', err: number | 'ignore' | 'inherit'];
  /** Descriptors it gets, from 4 on. */
  readonly descriptors?: readonly number[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs `pqtun WORDS --ready-fd 3` and waits for its report. The child goes on when we end. */
export function startInBackground(
  words: readonly string[],
  { output, descriptors = [], env = {} }: BackgroundOptions,
): Promise<ReceivedReport> {
  const main = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url),
  );
  const child = spawn(process.execPath, [...process.execArgv, main, ...words, '--ready-fd', '3'], {
    detached: true,
    stdio: ['ignore', ...output, 'pipe', ...descriptors],
    env: { ...process.env, NODE_OPTIONS: undefined, ...env },
  });
  return waitForReport(child);
}
