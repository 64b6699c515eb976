/**
 * Runs tests in a copy of the tree and says what came of those asked for. A test is red when an assertion of it failed; whatever
 * else keeps it from passing (a file that does not load, a name that no test has, an error on the way, no time left) proves
 * nothing about the fault that was planted and is `broken`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../repo/tree.ts';
import type { ErrorSummary, VitestReport } from './outcome-reporter.ts';
import { removeNow, temporaryFolder } from './temporary.ts';

export type Outcome =
  | { readonly kind: 'green' }
  | { readonly kind: 'red'; readonly why: string }
  | { readonly kind: 'skipped'; readonly why: string }
  | { readonly kind: 'broken'; readonly why: string };

/** Tests by file, given by its path from the root, and title; in a title `*` stands for anything. */
export interface WantedTest {
  readonly file: string;
  readonly title: string;
}

export interface RunOptions {
  /** In milliseconds, for the whole run. */
  readonly timeout: number;
  /** Ends the run with the first failure. */
  readonly bail?: boolean;
}

const children = new Set<ChildProcess>();
// before the folders they work in are removed
process.prependOnceListener('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Runs these tests of the tree in `folder`, all in one run of vitest; its report, or why there is none. */
export async function runTests(
  folder: string,
  tests: readonly WantedTest[],
  { timeout, bail = false }: RunOptions,
): Promise<VitestReport | { readonly broken: string }> {
  const results = temporaryFolder('vitest');
  const file = join(results, 'report.json');
  const files = new Set(tests.map((test) => test.file));
  const titles = new Set(tests.map(({ title }) => `(?:^| )${patternOf(title)}$`));
  const args = [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    ...['--root', folder, '--reporter', join(root, 'test', 'kit', 'outcome-reporter.ts')],
    ...(bail ? ['--bail=1'] : []),
    ...['-t', [...titles].join('|'), ...files],
  ];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PQTUN_TEST_OUTCOMES: file },
    timeout,
    killSignal: 'SIGKILL',
  });
  children.add(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-2_000);
    });
  }
  const { promise, resolve } = Promise.withResolvers<string>();
  child.on('error', (error) => resolve(error.message));
  child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  const end = await promise;
  children.delete(child);
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as VitestReport; // what our reporter wrote
  } catch {
    const why = end === 'SIGKILL' ? `no end within ${timeout / 1000} s` : end;
    return { broken: `vitest gave no report (${why}): ${lastLine(said)}` };
  } finally {
    removeNow(results);
  }
}

/** What came of one of the tests of a run. */
export function outcomeOf(
  report: VitestReport | { readonly broken: string },
  { file, title }: WantedTest,
): Outcome {
  if ('broken' in report) return { kind: 'broken', why: report.broken };
  const pattern = new RegExp(`^${patternOf(title)}$`);
  const found = report.tests.filter((test) => test.file === file && pattern.test(test.title));
  const failed = found.filter(({ state }) => state === 'failed');
  const errors = failed.flatMap((test) => test.errors);
  const assertion = errors.find(isAssertion);
  if (assertion !== undefined) return { kind: 'red', why: assertion.message };
  const [error] = errors;
  if (error !== undefined) {
    return { kind: 'broken', why: `failed, but by no assertion: ${textOf(error)}` };
  }
  const [outside] = report.errors;
  if (outside !== undefined) return { kind: 'broken', why: textOf(outside) };
  if (found.some(({ state }) => state === 'passed') && failed.length === 0) return { kind: 'green' };
  if (found.length === 0) return { kind: 'broken', why: 'no test of this name' };
  return failed.length > 0
    ? { kind: 'broken', why: 'failed without an error' }
    : { kind: 'skipped', why: 'the test is skipped here' };
}

/** fast-check reports the failure of an assertion by an error of its own. */
function isAssertion({ name, message }: ErrorSummary): boolean {
  return name === 'AssertionError' || message.startsWith('Property failed after');
}

function textOf({ name, message }: ErrorSummary): string {
  return `${name}: ${message}`;
}

function patternOf(title: string): string {
  return title.replace(/[.+?^${}()|[\]\\/]/g, '\\$&').replaceAll('*', '.*');
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
