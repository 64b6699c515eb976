/**
 * `node --conditions=pqtun-source test/enumeration/cli.ts --depth N`: every order in which what may happen to two ends can happen,
 * N choices deep, from every start. Exit code 1 if anything was violated, 2 for wrong arguments.
 */
import { parseArgs } from 'node:util';
import { type Counts, explore } from './explore.ts';
import { agreementBound, livenessBound } from './settle.ts';
import { type Cryptography, cryptographies, type Start, starts } from './starts.ts';
import { describeViolation, narrate, readTrace } from './trace.ts';

const help = `Usage: node --conditions=pqtun-source test/enumeration/cli.ts [--depth N] [--start NAME]... [--crypto paper|node]
       node --conditions=pqtun-source test/enumeration/cli.ts --trace START:CHOICES

  --depth N      choices since nothing had happened, 1 to 12; default 5. Each more costs about five times as much
  --start NAME   only from this start; may be repeated
  --crypto WHAT  paper (default): cheap and the same every time; node: the real primitives
  --trace TRACE  plays one way, as a violation names it, and tells what happens
  --list         names the starts

Choices in a trace: dN deliver the N-th message under way, kN deliver it and keep a copy, xN lose it; sS the application at S
sends a packet, tS the earliest deadline, which is S's, falls due, lS load at S begins or ends; S is a or b.`;

function main(): number {
  const parsed = parse();
  if (typeof parsed === 'string') {
    console.error(`${parsed}; see --help`);
    return 2;
  }
  if (parsed.help) console.log(help);
  else if (parsed.list) for (const { name, what } of starts) console.log(`${name.padEnd(18)}${what}`);
  else if (parsed.trace !== undefined) return tell(parsed.trace, parsed.crypto);
  else return enumerate(parsed.chosen, parsed.depth, parsed.crypto);
  return 0;
}

interface Parsed {
  readonly depth: number;
  readonly chosen: readonly Start[];
  readonly crypto: Cryptography;
  readonly trace: string | undefined;
  readonly help: boolean;
  readonly list: boolean;
}

function parse(): Parsed | string {
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values } = parseArgs({
      options: {
        depth: { type: 'string', default: '5' },
        start: { type: 'string', multiple: true, default: [] },
        crypto: { type: 'string', default: 'paper' },
        trace: { type: 'string' },
        help: flag,
        list: flag,
      },
    });
    const depth = Number(values.depth);
    if (!(Number.isInteger(depth) && depth >= 1 && depth <= 12)) return '--depth is a number from 1 to 12';
    const crypto = cryptographies.find((name) => name === values.crypto);
    if (crypto === undefined) return '--crypto is paper or node';
    const unknown = values.start.find((name) => !starts.some((start) => start.name === name));
    if (unknown !== undefined) return `there is no start ${unknown}; --list names them`;
    const chosen = starts.filter(({ name }) => values.start.length === 0 || values.start.includes(name));
    return { depth, chosen, crypto, trace: values.trace, help: values.help, list: values.list };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function tell(text: string, cryptography: Cryptography): number {
  const trace = readTrace(text);
  if (typeof trace === 'string') {
    console.error(trace);
    return 2;
  }
  try {
    for (const line of narrate(trace, cryptography)) console.log(line);
    return 0;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(error.message);
    return 2;
  }
}

function enumerate(chosen: readonly Start[], depth: number, cryptography: Cryptography): number {
  let failed = 0;
  let all = { states: 0, transitions: 0, runs: 0, violations: 0 };
  for (const start of chosen) {
    const begun = performance.now();
    const progress = new Progress(start.name);
    const found = explore(start, { depth, cryptography, onProgress: (counts) => progress.show(counts) });
    progress.clear();
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    console.log(
      `${start.name.padEnd(18)}${found.states} states, ${found.transitions} transitions, ${found.runs} fault-free runs, ` +
        `slowest ${(found.slowest / 1000).toFixed(2)} of ${livenessBound / 1000} s, longest apart ${(found.longestApart / 1000).toFixed(2)} of ${agreementBound / 1000} s, ${found.violations.length} violations, ${seconds} s`,
    );
    for (const violation of found.violations)
      for (const line of describeViolation(violation)) console.log(line);
    if (found.violations.length > 0) failed++;
    all = {
      states: all.states + found.states,
      transitions: all.transitions + found.transitions,
      runs: all.runs + found.runs,
      violations: all.violations + found.violations.length,
    };
  }
  console.log(
    `depth ${depth}: ${all.states} states, ${all.transitions} transitions, ${all.runs} fault-free runs, ${all.violations} violations`,
  );
  console.log(`${chosen.length - failed} passed, ${failed} failed, 0 skipped`);
  return failed === 0 ? 0 : 1;
}

/** One line on a terminal, at most twice a second; nothing elsewhere. */
class Progress {
  readonly #name: string;
  #shownAt = 0;

  constructor(name: string) {
    this.#name = name;
  }

  show({ depth, states, transitions, runs }: Counts & { readonly depth: number }): void {
    if (!process.stderr.isTTY || performance.now() - this.#shownAt < 500) return;
    this.#shownAt = performance.now();
    process.stderr.write(
      `\r\x1b[K${this.#name}: depth ${depth}, ${states} states, ${transitions} transitions, ${runs} runs`,
    );
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}

process.exitCode = main();
