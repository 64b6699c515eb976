/**
 * `npm run bench:e2e`: whole tunnels side by side, ours and those of others, and what that says to the targets of the native plane.
 * Progress on standard error, the table on standard output; the last line counts gates met, missed and not measured.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { namespacesUnavailable } from '../../test/kit/lab/namespace.ts';
import { keepTunnels, writePage } from '../documents/files.ts';
import { parseOptions, type Settings, usage } from './options.ts';
import { parseResult, type Result, writeResult } from './result.ts';
import { run } from './run.ts';
import { smoke } from './smoke.ts';
import { type Paint, plainPaint, printResult } from './table.ts';

async function main(): Promise<number> {
  let settings: Settings | 'help';
  try {
    settings = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`bench:e2e: ${messageOf(error)}; see --help`);
    return 2;
  }
  if (settings === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  if (settings.from !== undefined) return conclude(earlier(settings.from), settings);
  const unavailable = namespacesUnavailable();
  if (unavailable !== undefined) {
    console.log(`– bench:e2e: ${unavailable}`);
    console.log(counts(0, 0, 1));
    return settings.quick ? 0 : 1;
  }
  if (settings.quick) return quick();
  const { json } = settings;
  const result = await run(settings, progress, (found) => {
    if (json !== undefined) writeFileSync(json, writeResult(found));
  });
  progress('');
  return conclude(result, settings);
}

async function quick(): Promise<number> {
  const outcomes = await smoke(({ what, kind, why }) => {
    const sign = kind === 'passed' ? '✓' : kind === 'failed' ? '✗' : '–';
    console.log(
      `${sign} ${what}${why === '' ? '' : `: ${kind === 'skipped' ? why.trim().split('\n').at(-1) : why}`}`,
    );
  });
  const of = (kind: string): number => outcomes.filter((outcome) => outcome.kind === kind).length;
  console.log(counts(of('passed'), of('failed'), of('skipped')));
  return of('failed') === 0 && of('passed') > 0 ? 0 : 1;
}

function earlier(file: string): Result {
  return parseResult(readFileSync(file, 'utf8'));
}

function conclude(result: Result, { writeDocs }: Settings): number {
  const judgements = printResult(result, process.stdout.isTTY ? terminalPaint() : plainPaint, (line) =>
    console.log(line),
  );
  if (writeDocs) {
    keepTunnels(result);
    for (const path of writePage()) console.log(`wrote ${path}`);
  }
  const of = (verdict: string): number => judgements.filter(({ gate }) => gate === verdict).length;
  console.log(counts(of('met'), of('missed'), of('not measured')));
  return of('missed') === 0 ? 0 : 1;
}

const counts = (passed: number, failed: number, skipped: number): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;

function terminalPaint(): Paint {
  if (process.env['NO_COLOR'] !== undefined) return plainPaint;
  const painted = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
  return { good: painted(32), bad: painted(31), strong: painted(1) };
}

function progress(what: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\u001b[K${what === '' ? '' : `… ${what.split('\n')[0]}`}`);
  else if (what !== '') process.stderr.write(`… ${what.split('\n')[0]}\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

try {
  // Explicitly: a program that was given up may still hold a pipe open.
  process.exit(await main());
} catch (error) {
  console.error(`bench:e2e: ${messageOf(error)}`);
  console.log(counts(0, 1, 0));
  process.exit(1);
}
