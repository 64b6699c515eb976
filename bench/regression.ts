/**
 * `npm run bench:regression`: does the bench notice what it is for? Measures records with the addon as it is and with one whose engine
 * `raw` was built to work twice, in turns, and asks `compare` and `--budget` which figures got worse: those of `raw`, and no others.
 *
 * The slow addon is put into a copy of the tree that is gone afterwards. Its rounds and those of the honest one come from several runs
 * in turns, so that a mood of the machine falls on both.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { removeNow, temporaryFolder } from '../test/kit/temporary.ts';
import { TreeCopy } from '../test/kit/tree-copy.ts';
import { root } from '../test/repo/tree.ts';
import { parseBenchResult } from './src/form/parse.ts';
import { writeBenchResult } from './src/form/write.ts';
import { median } from './src/measure/statistics.ts';
import type { BenchResult, Row } from './src/result.ts';
import { budgetFrom, writeBudget } from './src/verdict/budget.ts';
import { type Comparison, compareResults } from './src/verdict/compare.ts';

const help = `usage: npm run bench:regression

Builds an addon whose engine raw works twice, in a folder of its own, and sees that "pqtun bench compare" and "--budget" catch it, and
nothing else. Takes about a minute, and the build once. Exit code 0 when they did, 1 when they did not, 2 for a wrong command line.`;

/** Runs with each addon. */
const turns = 4;
/** A doubled engine is far beyond these, and what machines do by themselves is not. */
const threshold = 0.4;
const slack = 0.6;
const addon = 'packages/tun-tap-native/build/Release/tun_tap_native.node';
const slowAddon = 'packages/tun-tap-native/.cache/slow-aead/build/Release/tun_tap_native.node';
const minute = 60_000;
const measuring = ['bench', '--only', 'records', '--quick', '--rounds', '3'];

interface Check {
  readonly what: string;
  /** Why it failed; absent: it passed. */
  readonly why: string | undefined;
}

process.exitCode = await main(process.argv.slice(2));
process.exit();

async function main(args: readonly string[]): Promise<number> {
  const wrong = usageFault(args);
  if (wrong !== undefined) {
    console.log(wrong);
    return wrong === help ? 0 : 2;
  }
  if (!(process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'g++')))) {
    console.log('skipped: a slowed engine is caught: no g++ on this machine to build one');
    return report([], 1);
  }
  say('building an addon whose engine raw works twice');
  const built = await run([join(root, 'packages/tun-tap-native/build.mjs'), '--slow-aead'], 20 * minute);
  if (built.code !== 0)
    return report([{ what: 'the slowed addon builds', why: built.output.trim().slice(-2000) }], 0);
  const slowTree = new TreeCopy('bench-regression');
  const folder = temporaryFolder('bench-regression');
  try {
    copyFileSync(join(root, slowAddon), slowTree.path(addon));
    const first = await attempt(slowTree.folder, folder);
    if (first.checks.every(({ why }) => why === undefined) || !first.wasBusy) return report(first.checks, 0);
    say('the machine was busy: once more');
    return report((await attempt(slowTree.folder, folder)).checks, 0);
  } finally {
    slowTree.remove();
    removeNow(folder);
  }
}

function usageFault(args: readonly string[]): string | undefined {
  try {
    const { values } = parseArgs({ args: [...args], options: { help: { type: 'boolean', short: 'h' } } });
    return values.help === true ? help : undefined;
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${help}`;
  }
}

/** Everything once: runs in turns, then the verdicts. */
async function attempt(slowFolder: string, folder: string): Promise<{ checks: Check[]; wasBusy: boolean }> {
  const runs: Record<'honest' | 'slow', BenchResult[]> = { honest: [], slow: [] };
  for (let turn = 0; turn < turns; turn++) {
    // Begun by another one each time.
    for (const kind of turn % 2 === 0 ? (['honest', 'slow'] as const) : (['slow', 'honest'] as const)) {
      say(`measuring with the ${kind} addon, ${turn + 1} of ${turns}`);
      const file = join(folder, `${kind}-${turn}.json`);
      const { code, output } = await pqtun(
        kind === 'honest' ? root : slowFolder,
        ...measuring,
        '--json',
        file,
      );
      if (code !== 0) throw new Error(`pqtun bench ended with ${code}: ${output.slice(-2000)}`);
      runs[kind].push(parseBenchResult(readFileSync(file, 'utf8')));
    }
  }
  const files = {
    honest: join(folder, 'honest.json'),
    slow: join(folder, 'slow.json'),
    budget: join(folder, 'budget.json'),
  };
  const honest = joined(runs.honest);
  const slow = joined(runs.slow);
  writeFileSync(files.honest, writeBenchResult(honest));
  writeFileSync(files.slow, writeBenchResult(slow));
  writeFileSync(files.budget, writeBudget(budgetFrom(honest, slack)));
  return {
    checks: [
      ...remarkChecks(honest, slow),
      ...(await comparisonChecks(honest, slow, files)),
      ...(await budgetChecks(slowFolder, files.budget)),
    ],
    wasBusy: [...runs.honest, ...runs.slow].some(({ remarks }) =>
      remarks.some(({ kind }) => kind === 'noisy'),
    ),
  };
}

/** One result with the rounds of several. */
function joined(results: readonly BenchResult[]): BenchResult {
  const [first] = results;
  if (first === undefined) throw new Error('nothing was measured');
  const rows = first.rows.map((row): Row => {
    const rounds = results.flatMap((result) => result.rows.find(({ id }) => id === row.id)?.rounds ?? []);
    return { ...row, rounds, median: median(rounds) };
  });
  return { ...first, rows, settings: { ...first.settings, rounds: 3 * results.length } };
}

function remarkChecks(honest: BenchResult, slow: BenchResult): Check[] {
  const isSlowed = ({ remarks }: BenchResult) => remarks.some(({ kind }) => kind === 'slowed');
  return [
    check('a result of the slowed addon says so', isSlowed(slow) ? [] : ['it has no remark "slowed"']),
    check('a result of the honest addon does not', isSlowed(honest) ? ['it has a remark "slowed"'] : []),
  ];
}

async function comparisonChecks(
  honest: BenchResult,
  slow: BenchResult,
  files: { readonly honest: string; readonly slow: string },
): Promise<Check[]> {
  const found = compareResults(honest, slow, { threshold, force: false });
  if (found.kind === 'refused') return [check('the two results are compared', [found.text])];
  const { code, output } = await pqtun(
    root,
    'bench',
    'compare',
    files.honest,
    files.slow,
    '--threshold',
    String(threshold * 100),
  );
  return [
    check(
      'compare calls every figure of raw slower',
      unlike(found, (engine) => engine === 'raw', 'slower'),
    ),
    check(
      'compare calls no figure of another engine slower',
      alike(found, (engine) => engine !== 'raw', 'slower'),
    ),
    check('pqtun bench compare prints it, with exit code 0', [
      ...(code === 0 ? [] : [`exit code ${code}`]),
      ...(/^slower\s+records\/seal\/raw\/1420/m.test(output)
        ? []
        : [`no "slower records/seal/raw/1420" in: ${output.slice(0, 500)}`]),
    ]),
  ];
}

async function budgetChecks(slowFolder: string, budget: string): Promise<Check[]> {
  const ofHonest = await pqtun(root, ...measuring, '--budget', budget);
  const ofSlow = await pqtun(slowFolder, ...measuring, '--budget', budget);
  const broken = [...ofSlow.output.matchAll(/^✗ (.*)$/gm)].map(([, text = '']) => text);
  const others = broken.filter((text) => !text.includes('/raw/'));
  return [
    check(
      'the honest addon keeps a budget made of its own figures',
      ofHonest.code === 0 ? [] : [`exit code ${ofHonest.code}`, ...linesOf(ofHonest.output, '✗')],
    ),
    check(
      'the slowed addon breaks it, with exit code 1',
      ofSlow.code === 1 ? [] : [`exit code ${ofSlow.code}: ${ofSlow.output.slice(-500)}`],
    ),
    check('and breaks the limits of raw alone', [
      ...others,
      ...(broken.length > others.length ? [] : ['none of raw is broken']),
    ]),
  ];
}

function linesOf(text: string, sign: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(sign));
}

/** Rows of these engines with another verdict. */
function unlike(found: Comparison, of: (engine: string) => boolean, verdict: string): string[] {
  const own = found.rows.filter(({ row }) => of(engineOf(row.id)));
  if (own.length === 0) return ['there is no such figure'];
  return own.filter((each) => each.verdict !== verdict).map(lineOf);
}

/** Rows of these engines with this verdict. */
function alike(found: Comparison, of: (engine: string) => boolean, verdict: string): string[] {
  return found.rows.filter((each) => of(engineOf(each.row.id)) && each.verdict === verdict).map(lineOf);
}

function lineOf({ row, a, b, verdict }: Comparison['rows'][number]): string {
  return `${row.id}: ${verdict}, ${a.toFixed(0)} and then ${b.toFixed(0)} ${row.unit}`;
}

function engineOf(id: string): string {
  return id.split('/')[2] ?? '';
}

function check(what: string, faults: readonly string[]): Check {
  return { what, why: faults.length === 0 ? undefined : faults.join('; ') };
}

function report(checks: readonly Check[], skipped: number): number {
  for (const { what, why } of checks) console.log(why === undefined ? `✓ ${what}` : `✗ ${what}: ${why}`);
  const failed = checks.filter(({ why }) => why !== undefined).length;
  console.log(`${checks.length - failed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 ? 0 : 1;
}

/** `pqtun` of the tree in `folder`, from its sources. */
function pqtun(folder: string, ...args: readonly string[]) {
  return run(
    ['--conditions=pqtun-source', '--no-warnings', join(folder, 'daemon/src/main.ts'), ...args],
    2 * minute,
  );
}

/** Node with these arguments; what it printed, on both. */
function run(args: readonly string[], timeout: number): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

function say(text: string): void {
  process.stderr.write(`… ${text}\n`);
}
