/** `npm run seeded-faults [-- NAME…]`: plants one-line faults in a copy of the sources; each must turn its named test red. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { TreeCopy } from '../kit/tree-copy.ts';
import { type Outcome, outcomeOf, runTests, type WantedTest } from '../kit/vitest-outcome.ts';
import { runBy } from '../repo/named-tests.ts';
import { type SeededFault, seededFaults, withFault } from './patch.ts';

const help = `usage: npm run seeded-faults [-- NAME…]

Copies the sources to a temporary folder, sees that the tests named by test/seeded-faults/*.patch pass, then plants one fault
after the other and runs the test that must see it. NAME is a part of a patch's name; without one, all are planted.
Exit code 0 when every fault was seen, 1 when one was not or could not be planted, 2 for a wrong command line.`;

/** Copies at work at a time. */
const most = 2;
/** Milliseconds for one test under one fault, on a busy machine: vitest ends a test that hangs after 60 s. What hangs has not failed. */
const patience = 300_000;
const nativeSources = 'packages/tun-tap-native/native/';

process.exitCode = await main(process.argv.slice(2));
process.exit();

async function main(args: readonly string[]): Promise<number> {
  const faults = choose(args);
  if (typeof faults === 'number') return faults;
  const copies = Array.from(
    { length: Math.min(most, availableParallelism(), faults.length) },
    () => new TreeCopy('seeded-faults'),
  );
  try {
    const begin = performance.now();
    const [first] = copies;
    if (first === undefined) return misused('nothing to do');
    const sound = await withoutFaults(first, faults);
    console.log(`${faults.length} faults; their tests without them took ${seconds(begin)}\n`);
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const plantAll = async (copy: TreeCopy, queue: SeededFault[]): Promise<void> => {
      for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
        progress(`${queue.length} to come, now ${fault.name}`);
        const start = performance.now();
        const ready = sound.get(fault) ?? { kind: 'broken', why: 'its test was not run' };
        const outcome = ready.kind === 'green' ? await planted(copy, fault) : unusable(ready);
        counts[outcome.kind === 'red' ? 'passed' : outcome.kind === 'skipped' ? 'skipped' : 'failed']++;
        progress('');
        console.log(row(fault, outcome, seconds(start)));
      }
    };
    const portable = faults.filter((fault) => !isNative(fault));
    await Promise.all(copies.map((copy) => plantAll(copy, portable)));
    // those that need a build come last and in one copy, so that nothing else runs with it
    await plantAll(first, faults.filter(isNative));
    console.log(`\nall of it took ${seconds(begin)}`);
    console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
  } finally {
    for (const copy of copies) copy.remove();
  }
}

function choose(args: readonly string[]): SeededFault[] | number {
  let names: readonly string[];
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h', default: false } },
    });
    if (values.help) {
      console.log(help);
      return 0;
    }
    names = positionals;
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error));
  }
  const all = seededFaults();
  const unknown = names.find((name) => !all.some((fault) => fault.name.includes(name)));
  if (unknown !== undefined) return misused(`no fault is named "${unknown}"; see test/seeded-faults/*.patch`);
  return names.length === 0 ? all : all.filter((fault) => names.some((name) => fault.name.includes(name)));
}

function misused(why: string): number {
  console.error(`${why}\n\n${help}`);
  return 2;
}

/** What the named tests say before anything is planted, all in one run. */
async function withoutFaults(
  copy: TreeCopy,
  faults: readonly SeededFault[],
): Promise<ReadonlyMap<SeededFault, Outcome>> {
  progress('the named tests, without a fault');
  const report = await runTests(copy.folder, faults.map(wanted), { timeout: 10 * patience });
  progress('');
  return new Map(faults.map((fault) => [fault, outcomeOf(report, wanted(fault))]));
}

function wanted({ test }: SeededFault): WantedTest {
  return { file: runBy(test.file), title: test.title };
}

async function planted(copy: TreeCopy, fault: SeededFault): Promise<Outcome> {
  try {
    copy.plant(fault.file, withFault(fault, copy.text(fault.file)));
    const build = isNative(fault) ? buildAddon(copy) : undefined;
    if (build !== undefined) return build;
    const report = await runTests(copy.folder, [wanted(fault)], { timeout: patience });
    return outcomeOf(report, wanted(fault));
  } catch (error) {
    return { kind: 'broken', why: error instanceof Error ? error.message : String(error) };
  } finally {
    copy.heal(fault.file);
  }
}

function isNative({ file }: SeededFault): boolean {
  return file.startsWith(nativeSources);
}

/** Builds what has changed; what keeps the fault from being tried, if anything. */
function buildAddon(copy: TreeCopy): Outcome | undefined {
  if (spawnSync('g++', ['--version']).error !== undefined) {
    return { kind: 'skipped', why: 'no g++ on this machine' };
  }
  const built = spawnSync(process.execPath, [copy.path('packages/tun-tap-native/build.mjs')], {
    encoding: 'utf8',
    timeout: 4 * patience,
  });
  return built.status === 0
    ? undefined
    : { kind: 'broken', why: `does not build: ${built.stderr.trimEnd().split('\n').at(-1)}` };
}

/** A test that did not pass without the fault says nothing about it. */
function unusable(outcome: Outcome): Outcome {
  if (outcome.kind === 'green' || outcome.kind === 'skipped') return outcome;
  return { kind: 'broken', why: `without the fault: ${outcome.kind}: ${outcome.why}` };
}

function row({ name, test }: SeededFault, outcome: Outcome, took: string): string {
  const sign = outcome.kind === 'red' ? '✓' : outcome.kind === 'skipped' ? '-' : '✗';
  const said = outcome.kind === 'green' ? 'green: nobody noticed' : outcome.kind;
  const why = outcome.kind === 'broken' || outcome.kind === 'skipped' ? `\n    ${outcome.why}` : '';
  return `${sign} ${name.padEnd(34)} ${said} in ${took}   ${test.file} › ${test.title}${why}`;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** On a terminal only: what is going on. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}
