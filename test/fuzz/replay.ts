/** Runs inputs that are on disk. */
import { existsSync, readFileSync } from 'node:fs';
import { failureIn } from './fuzzer.ts';
import type { FuzzTarget } from './target.ts';

/** Runs one file and prints what came of it; the exit code. */
export function replayFile(target: FuzzTarget, file: string): number {
  if (!existsSync(file)) {
    console.error(`fuzz: no file ${file}; see --help`);
    return 2;
  }
  const failure = failureIn(target, new Uint8Array(readFileSync(file)));
  console.log(failure === undefined ? 'nothing wrong' : `${failure.signature}\n${failure.report}`);
  console.log(failure === undefined ? '1 passed, 0 failed, 0 skipped' : '0 passed, 1 failed, 0 skipped');
  return failure === undefined ? 0 : 1;
}
