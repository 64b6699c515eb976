/**
 * `npm run fuzz`: looks for inputs that break something, one target or all. Findings are written to `findings/TARGET`, where the
 * tests replay them from then on. The last line on standard output is `N passed, N failed, N skipped`, one for each target.
 */
import { parseArgs } from 'node:util';
import { corpusFolder, findingsFolder, inputsIn, writeCorpus, writeInput } from './files.ts';
import { Fuzzer, failureIn } from './fuzzer.ts';
import { MemoryWatch } from './memory.ts';
import { replayFile } from './replay.ts';
import type { FuzzTarget } from './target.ts';
import { loadTarget, targetNames } from './targets.ts';

const help = `usage: fuzz [options] TARGET…
       fuzz [options] --all
       fuzz --replay FILE TARGET
       fuzz --list

  --minutes N      fuzz each target for N minutes
  --executions N   fuzz each target with N inputs; the same inputs every time
                   without either: as many as CI runs, some ten seconds each
  --seed N         another seed gives other inputs (default 1)
  --save           put the inputs that take new branches into corpus/TARGET, as few as do
  --blind          without looking at coverage, for comparison
  --replay FILE    run one input and say what comes of it
  --list           what there is to fuzz
`;

interface Plan {
  readonly minutes: number | undefined;
  readonly executions: number | undefined;
  readonly seed: number;
  readonly save: boolean;
  readonly guided: boolean;
}

class UsageError extends Error {}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error;
  console.error(`fuzz: ${error.message}; see --help`);
  return 2;
});

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parsed(argv);
  if (values.help === true) {
    console.log(help);
    return 0;
  }
  if (values.list === true) return await list();
  const names = values.all === true ? targetNames : positionals;
  for (const name of names)
    if (!targetNames.includes(name))
      throw new UsageError(
        `no target ${JSON.stringify(name.slice(0, 40))}: expected ${targetNames.join(', ')}`,
      );
  if (values.replay !== undefined) {
    const [name, ...others] = names;
    if (name === undefined || others.length > 0) throw new UsageError('--replay needs one target');
    await instrumented();
    return replayFile(await loaded(name), values.replay);
  }
  if (names.length === 0) throw new UsageError('expected a target, or --all');
  const plan: Plan = {
    minutes: positive('--minutes', values.minutes),
    executions: positive('--executions', values.executions),
    seed: positive('--seed', values.seed) ?? 1,
    save: values.save === true,
    guided: values.blind !== true,
  };
  if (plan.minutes !== undefined && plan.executions !== undefined)
    throw new UsageError('either --minutes or --executions');
  await instrumented();
  let failed = 0;
  for (const name of names) if (!(await fuzz(await loaded(name), plan))) failed++;
  console.log(`${names.length - failed} passed, ${failed} failed, 0 skipped`);
  return failed === 0 ? 0 : 1;
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        minutes: { type: 'string' },
        executions: { type: 'string' },
        seed: { type: 'string' },
        save: { type: 'boolean' },
        blind: { type: 'boolean' },
        all: { type: 'boolean' },
        list: { type: 'boolean' },
        replay: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : 'unreadable arguments');
  }
}

function positive(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0 && value <= 1e12)) throw new UsageError(`${option}: expected a number above 0`);
  return value;
}

/** From here on what is loaded is instrumented. Brings in the compiler, which nothing else here needs. */
async function instrumented(): Promise<void> {
  const { instrumentSources } = await import('./hook.ts');
  instrumentSources();
}

async function loaded(name: string): Promise<FuzzTarget> {
  const target = await loadTarget(name);
  if (target === undefined) throw new UsageError(`no target ${name}`);
  return target;
}

async function list(): Promise<number> {
  for (const name of targetNames) console.log(`${name.padEnd(12)}${(await loaded(name)).about}`);
  return 0;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** `true` when nothing was found. */
async function fuzz(target: FuzzTarget, plan: Plan): Promise<boolean> {
  const corpus = [...inputsIn(corpusFolder, target.name), ...inputsIn(findingsFolder, target.name)];
  const fuzzer = new Fuzzer(target, { seed: plan.seed, corpus, guided: plan.guided });
  const memory = new MemoryWatch();
  const cpuBefore = cpuSeconds();
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const limit =
    plan.executions ?? (plan.minutes === undefined ? target.executions : Number.POSITIVE_INFINITY);
  const until = plan.minutes === undefined ? Number.POSITIVE_INFINITY : plan.minutes * 60;
  let told = 0;
  let reported = 0;
  while (fuzzer.executions < limit && seconds() < until && !fuzzer.done && memory.problem === undefined) {
    fuzzer.step(limit);
    memory.look(fuzzer.executions);
    for (; reported < fuzzer.findings.length; reported++) report(target, fuzzer, reported);
    if (seconds() - told >= 5) {
      told = seconds();
      progress(line(fuzzer, seconds(), cpuSeconds() - cpuBefore));
    }
  }
  progress('');
  if (memory.problem !== undefined) console.log(`✗ ${target.name}: ${memory.problem}`);
  console.log(line(fuzzer, seconds(), cpuSeconds() - cpuBefore));
  if (plan.save) writeCorpus(target.name, fuzzer.cover());
  return fuzzer.findings.length === 0 && memory.problem === undefined;
}

function line(fuzzer: Fuzzer, seconds: number, cpu: number): string {
  const { target, executions, edges, corpusSize, findings } = fuzzer;
  const rate = Math.round(executions / Math.max(seconds, 0.001));
  return (
    `${target.name.padEnd(10)} ${executions} executions in ${seconds.toFixed(1)} s (${cpu.toFixed(1)} s of CPU), ${rate} exec/s, ` +
    `${edges} edges, corpus ${corpusSize}, ${findings.length} findings`
  );
}

function report(target: FuzzTarget, fuzzer: Fuzzer, index: number): void {
  const finding = fuzzer.findings[index];
  if (finding === undefined) return;
  const file = writeInput(findingsFolder, target.name, finding.minimised);
  progress('');
  console.log(`✗ ${target.name}: ${finding.failure.signature}`);
  console.log(`  execution ${finding.execution}, ${finding.minimised.length} bytes, ${file}`);
  const shown = failureIn(target, finding.minimised) ?? finding.failure;
  console.log(shown.report.replace(/^/gm, '  '));
}

/** One line that is written over on a terminal, and not at all elsewhere but every so often. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== '') process.stderr.write(`${text}\n`);
}
