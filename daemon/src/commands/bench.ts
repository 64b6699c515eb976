/** bench: what this machine does for a packet and a handshake, and how two such results compare. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseInteger } from '../address-text.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { paint, wantsColours } from '../paint.ts';
import { version } from '../version.ts';
import { type CommandSpec, flag, type Io, type Options, optionalText } from './command.ts';

type Bench = typeof import('@pqtun/bench');

/** What a section starts where it needs a daemon; the same from src/ and from dist/. */
const daemonCommand = fileURLToPath(new URL('../../bin/pqtun', import.meta.url));
const mostRounds = 1000;

export const benchCommand: CommandSpec = {
  name: 'bench',
  args: '[words...]',
  summary: 'measure this machine: cryptography by packet size, handshakes, and as root whole tunnels',
  details: `Takes two minutes; cryptography needs no root. Run it on a machine that does nothing else.

Sections: records (sealing and opening), handshake, parts (what is around the cipher), tunnel (whole tunnels; root), memory (root; only with --memory), rekey (what a tunnel costs because it is there).

"compare A.json B.json" says of each figure whether B is slower. Exit code 1 when a budget is not kept, or two results cannot be compared.`,
  options: [
    ['--only <list>', 'these sections alone, with commas between them'],
    ['--quick', 'a few seconds: shows that everything runs, and is no measurement worth keeping'],
    ['--rounds <count>', 'how often all is measured, 1 to 1000; default 9, with --quick 3'],
    ['--tun', 'measure whole tunnels too, whatever --only says; needs root'],
    ['--memory', 'measure memory and start-up too, whatever --only says; needs root and some minutes'],
    ['--json <file>', 'write the result for programs; - for standard output'],
    ['--html <file>', 'write the result as a page with plots, complete in one file'],
    ['--budget <file>', 'end with exit code 1 when a figure is beyond its limit in this file'],
    ['--write-budget <file>', 'write limits that this result keeps, with a quarter to spare'],
    ['--threshold <percent>', 'compare: smaller differences are none', '10'],
    ['--force', 'compare: results of different machines too'],
  ],
  examples: [
    'pqtun bench',
    'sudo pqtun bench --json gateway.json --html gateway.html',
    'pqtun bench --only records,handshake',
    'pqtun bench compare before.json after.json',
    'pqtun bench --budget limits.json',
  ],
  async run(io, words, options) {
    const bench = await loadBench();
    const [verb, ...files] = words;
    if (verb === undefined) return measureHere(bench, io, options);
    if (verb !== 'compare' || files.length !== 2)
      throw new CommandError(
        exitCodes.usage,
        'bench: expected no words, or "compare" and two results of "pqtun bench --json"',
      );
    return compare(bench, io, files, options);
  },
};

/** It is a package of its own, which a router that only runs tunnels need not have. */
async function loadBench(): Promise<Bench> {
  try {
    return await import('@pqtun/bench');
  } catch (error) {
    const isAbsent =
      error instanceof Error &&
      'code' in error &&
      error.code === 'ERR_MODULE_NOT_FOUND' &&
      error.message.includes('@pqtun/bench');
    if (!isAbsent) throw error;
    throw new CommandError(
      exitCodes.failure,
      'the bench is not installed here: install the package @pqtun/bench beside @pqtun/daemon, or run it from a checkout',
      { cause: error },
    );
  }
}

async function measureHere(bench: Bench, io: Io, options: Options): Promise<ExitCode | undefined> {
  const request = await requestOf(bench, options);
  const outputs = outputsOf(options);
  const budget = parsedFile(options, 'budget', (text) => bench.parseBudget(text));
  const colours = paint(wantsColours(io.outIsTerminal && outputs.json !== '-', io.env));
  /** For people; where the result for programs goes to standard output, it has that for itself. */
  const say = (text: string) => (outputs.json === '-' ? io.error(text) : io.out(text));
  const display = new bench.ProgressDisplay({
    write: io.error,
    isTerminal: io.errorIsTerminal === true,
    now: () => performance.now(),
  });
  const stop = stopOnInterrupt();
  let hasFailed = false;
  try {
    const result = await bench.runBench(request, {
      signal: stop.signal,
      version,
      onMachine: (facts, remarks) => {
        void say(`${bench.machineText(facts, colours)}${bench.remarksText(remarks, colours)}\n`);
      },
      onProgress: (progress) => display.update(progress),
      onSection: (section, found) => {
        display.clear();
        const text = bench.sectionText(section, found.rows, colours);
        void say(`${text}${bench.missingText(found.missing ?? [], colours)}\n`);
      },
      onFailure: () => {
        hasFailed = true;
      },
    });
    display.clear();
    await say(`${bench.endText(result)}${bench.remarksText(result.remarks, colours)}`);
    if (outputs.json === '-') await io.out(bench.writeBenchResult(result));
    else if (outputs.json !== undefined) writeWhole(outputs.json, bench.writeBenchResult(result));
    if (outputs.html !== undefined) writeWhole(outputs.html, bench.writeReport(result));
    if (outputs.budget !== undefined)
      writeWhole(outputs.budget, bench.writeBudget(bench.budgetFrom(result, budgetSlack)));
    const exitCode = budget === undefined ? undefined : await keep(bench, say, result, budget);
    return hasFailed ? exitCodes.failure : exitCode;
  } catch (error) {
    display.clear();
    if (!(error instanceof Interrupted)) throw error;
    throw new CommandError(
      exitCodes.failure,
      'bench: stopped; what was measured stands above, nothing was written',
    );
  } finally {
    stop.end();
  }
}

/** What a figure may get worse before a budget made of it is broken. */
const budgetSlack = 0.25;

async function keep(
  bench: Bench,
  say: (text: string) => unknown,
  result: Parameters<Bench['judgeBudget']>[0],
  budget: Parameters<Bench['judgeBudget']>[1],
): Promise<ExitCode | undefined> {
  const judgements = asked(() => bench.judgeBudget(result, budget));
  await say(`\n${bench.budgetText(result, budget, judgements).join('\n')}\n`);
  return bench.isKept(judgements) ? undefined : exitCodes.failure;
}

async function compare(
  bench: Bench,
  io: Io,
  files: readonly string[],
  options: Options,
): Promise<ExitCode | undefined> {
  const [before = '', after = ''] = files;
  const percent = numberOption(options, 'threshold', 0, 1000);
  const budget = parsedFile(options, 'budget', (text) => bench.parseBudget(text));
  const [a, b] = [before, after].map((file) => readParsed(file, (text) => bench.parseBenchResult(text)));
  if (a === undefined || b === undefined) throw new Error('two files were asked for');
  const found = bench.compareResults(a, b, { threshold: percent / 100, force: flag(options, 'force') });
  const json = optionalText(options, 'json');
  if (json === '-') await io.out(bench.comparisonJson(found));
  else await io.out(bench.comparisonText(found, paint(wantsColours(io.outIsTerminal, io.env))));
  if (json !== undefined && json !== '-') writeWhole(json, bench.comparisonJson(found));
  if (found.kind === 'refused') return exitCodes.failure;
  return budget === undefined ? undefined : keep(bench, json === '-' ? io.error : io.out, b, budget);
}

async function requestOf(bench: Bench, options: Options) {
  const isQuick = flag(options, 'quick');
  const only = optionalText(options, 'only');
  const sections = only === undefined ? await bench.defaultSections() : sectionsOf(bench, only);
  const more = [
    ...(flag(options, 'tun') ? (['tunnel'] as const) : []),
    ...(flag(options, 'memory') ? (['memory'] as const) : []),
  ];
  const fallback = isQuick ? bench.defaultRounds.quick : bench.defaultRounds.full;
  return {
    sections: bench.sectionIds.filter((id) => [...sections, ...more].includes(id)),
    quick: isQuick,
    rounds: options['rounds'] === undefined ? fallback : numberOption(options, 'rounds', 1, mostRounds),
    daemonCommand,
  };
}

function sectionsOf(bench: Bench, list: string) {
  return list.split(',').map((word) => {
    const id = bench.sectionIds.find((known) => known === word.trim());
    if (id === undefined)
      throw new CommandError(
        exitCodes.usage,
        `--only: there is no section "${word}"; expected some of ${bench.sectionIds.join(',')}`,
      );
    return id;
  });
}

function numberOption(options: Options, name: string, low: number, high: number): number {
  const text = z.string().parse(options[name]);
  const number = parseInteger(text, low, high);
  if (number === undefined)
    throw new CommandError(exitCodes.usage, `--${name}: expected a whole number from ${low} to ${high}`);
  return number;
}

/** Looked at before two minutes are spent: whether what was asked for can be written. */
function outputsOf(options: Options) {
  const json = optionalText(options, 'json');
  const html = optionalText(options, 'html');
  const budget = optionalText(options, 'writeBudget');
  for (const file of [json, html, budget]) {
    if (file === undefined || file === '-') continue;
    try {
      fs.accessSync(path.dirname(path.resolve(file)), fs.constants.W_OK);
    } catch (error) {
      throw new CommandError(exitCodes.failure, `cannot write ${file}: ${reasonOf(error)}`, { cause: error });
    }
  }
  return { json, html, budget };
}

function parsedFile<T>(options: Options, name: string, parse: (text: string) => T): T | undefined {
  const file = optionalText(options, name);
  return file === undefined ? undefined : readParsed(file, parse);
}

function readParsed<T>(file: string, parse: (text: string) => T): T {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(exitCodes.failure, `cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
  return asked(() => parse(text), `${file}: `);
}

/** What files say wrong is the user's, not ours: a sentence, and exit code 1. */
function asked<T>(action: () => T, where = ''): T {
  try {
    return action();
  } catch (error) {
    const isOfForm = error instanceof Error && 'code' in error && error.code === 'PQTUN_BENCH_FORM';
    if (!isOfForm) throw error;
    throw new CommandError(exitCodes.failure, `${where}${error.message}`, { cause: error });
  }
}

/** The whole of it or the old one, whenever the machine stops. */
function writeWhole(file: string, text: string): void {
  const fresh = `${file}.${process.pid}`;
  try {
    fs.writeFileSync(fresh, text);
    fs.renameSync(fresh, file);
  } catch (error) {
    fs.rmSync(fresh, { force: true });
    throw new CommandError(exitCodes.failure, `cannot write ${file}: ${reasonOf(error)}`, { cause: error });
  }
}

/** In words an operator knows. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file or folder',
    EACCES: 'not permitted',
    EISDIR: 'it is a folder',
    EROFS: 'it cannot be written to',
    ENOSPC: 'the disk is full',
  };
  return words[code] ?? code;
}

class Interrupted extends Error {}

/** Ctrl-C ends the bench in order: daemons and namespaces of a section go with it. A second one ends the process. */
function stopOnInterrupt(): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = () => controller.abort(new Interrupted());
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.once(name, stop);
  return {
    signal: controller.signal,
    end: () => {
      for (const name of names) process.removeListener(name, stop);
    },
  };
}
