/** `--help` says what it does: plays seeds, prints what was violated and how to play it again, and what was simulated in all. */
import { failedSeeds } from './failed-seeds.ts';
import { playAll } from './jobs.ts';
import { readOptions, usage } from './options.ts';
import { reportOf } from './report.ts';
import { type Outcome, runSeed } from './run.ts';
import { addTotals, noTotals, totalsText } from './totals.ts';
import { Tracer } from './trace.ts';

const options = readOptions(process.argv.slice(2));
switch (options.kind) {
  case 'help':
    console.log(usage);
    break;
  case 'wrong':
    console.error(options.why);
    process.exitCode = 2;
    break;
  case 'one':
    playOne(options.seed, options.trace);
    break;
  case 'many':
    await playMany(options.from, options.seeds, options.jobs);
    break;
  default:
    options satisfies never;
}

function playOne(seed: number, trace: boolean): void {
  const outcome = runSeed(seed, trace ? new Tracer((line) => console.log(line)) : undefined);
  end(outcome.violations.length === 0 ? 1 : 0, outcome.violations.length === 0 ? 0 : 1, [outcome]);
}

async function playMany(from: number, count: number, jobs: number): Promise<void> {
  const seeds = [
    ...failedSeeds.map(({ seed }) => seed),
    ...Array.from({ length: count }, (_, i) => from + i),
  ];
  const totals = noTotals();
  const failed: Outcome[] = [];
  const start = performance.now();
  let done = 0;
  const sum = (): void => {
    clearProgress();
    const seconds = (performance.now() - start) / 1000;
    const rate = (done / seconds).toFixed(2);
    console.log(`${totalsText(totals)}; ${seconds.toFixed(1)} s, ${rate} seeds a second`);
    if (failed.length > 0) console.log(`failed: ${failed.map(({ seed }) => seed).join(' ')}`);
    console.log(`${done - failed.length} passed, ${failed.length} failed, ${seeds.length - done} skipped`);
    process.exitCode = failed.length === 0 ? 0 : 1;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      sum();
      process.exit(); // with the code that the sum has set
    });
  }
  await playAll(seeds, jobs, (outcome) => {
    done += 1;
    addTotals(totals, outcome.totals);
    if (outcome.violations.length > 0) {
      failed.push({ ...outcome, totals: noTotals() });
      clearProgress();
      console.log(reportOf(outcome));
    }
    showProgress(done, seeds.length, failed.length, start);
  });
  sum();
}

function end(passed: number, failed: number, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) {
    if (outcome.violations.length > 0) console.log(reportOf(outcome));
    console.log(totalsText(outcome.totals));
  }
  console.log(`${passed} passed, ${failed} failed, 0 skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function showProgress(done: number, all: number, failed: number, start: number): void {
  if (!process.stderr.isTTY) return;
  const rate = (done / (performance.now() - start)) * 1000;
  process.stderr.write(`\r\x1b[K${done} of ${all} seeds, ${failed} failed, ${rate.toFixed(1)} a second`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}
