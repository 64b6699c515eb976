/**
 * The loop: choose an input that was worth keeping, change it, run it, keep what takes a branch no input took before.
 * The same target, corpus, seed and number of executions give the same inputs in the same order on every machine.
 */
import { Random } from '../kit/random.ts';
import { Corpus, type Entry } from './corpus.ts';
import { coverage } from './coverage.ts';
import { within } from './guard.ts';
import { Mutator } from './mutate.ts';
import { minimised } from './shrink.ts';
import { suggestions, tokensOf } from './suggest.ts';
import type { FuzzTarget } from './target.ts';
import { type Failure, failureOf } from './verdict.ts';

/** One execution longer than this, in CPU time and again when repeated, is a finding. */
export const slowAfter = 100;
/** Of wall time, so that a busy machine ends nothing that would end by itself. */
const aloneStuckAfter = 5_000;
const childrenOfBest = 192;
const childrenOfOthers = 48;
const mostSuggestions = 256;
const longestDictionary = 512;
/** Findings of one target after which it is enough. */
const mostFindings = 16;

export interface Finding {
  readonly failure: Failure;
  /** As it was found, and as short as it was made. */
  readonly input: Uint8Array;
  readonly minimised: Uint8Array;
  readonly execution: number;
}

export interface FuzzerOptions {
  readonly seed: number;
  /** Inputs to begin with, beside the target's own. */
  readonly corpus?: readonly Uint8Array[];
  /** Default true. Without it every input counts for nothing but itself: for comparison. */
  readonly guided?: boolean;
  /** Milliseconds after which some hundred executions are ended, and the one that runs is looked at alone. Default 120 s. */
  readonly stuckAfter?: number;
}

export class Fuzzer {
  readonly target: FuzzTarget;
  readonly findings: Finding[] = [];
  readonly #random: Random;
  readonly #corpus = new Corpus();
  readonly #dictionary: Uint8Array[];
  readonly #words = new Set<string>();
  readonly #mutator: Mutator;
  readonly #guided: boolean;
  readonly #stuckAfter: number;
  readonly #signatures = new Set<string>();
  /** Kept, and not yet looked into for what they compare. */
  readonly #fresh: Entry[] = [];
  #waiting: Uint8Array[];
  #executions = 0;
  #limit = 0;
  #current: Uint8Array = new Uint8Array(0);

  constructor(target: FuzzTarget, { seed, corpus = [], guided = true, stuckAfter = 120_000 }: FuzzerOptions) {
    this.target = target;
    this.#random = new Random(seed);
    this.#dictionary = [...target.dictionary];
    this.#mutator = new Mutator(this.#random, this.#dictionary, target.maxLength);
    this.#guided = guided;
    this.#stuckAfter = stuckAfter;
    this.#waiting = [new Uint8Array(0), ...target.seeds, ...corpus].map((bytes) =>
      bytes.slice(0, target.maxLength),
    );
  }

  get executions(): number {
    return this.#executions;
  }

  get edges(): number {
    return this.#corpus.edges;
  }

  get corpusSize(): number {
    return this.#corpus.entries.length;
  }

  get done(): boolean {
    return this.findings.length >= mostFindings;
  }

  /** As few inputs as take all branches seen. */
  cover(): Uint8Array[] {
    return this.#corpus.cover();
  }

  /** Some hundred executions, but not more than up to `limit` in all. */
  step(limit: number): void {
    this.#limit = limit;
    const traces = Error.stackTraceLimit;
    Error.stackTraceLimit = 0; // parsers throw by the thousand; a finding is run again with traces
    const ended = within(this.#stuckAfter, () => this.#round());
    Error.stackTraceLimit = traces;
    coverage.release();
    if (!ended) this.#investigate(this.#current);
  }

  #round(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (!this.#execute(next)) return;
    }
    if (this.#corpus.entries.length === 0) {
      // nothing instrumented, or not guided: always from the seeds
      const parent = this.#random.pick([new Uint8Array(0), ...this.target.seeds]);
      for (let left = childrenOfBest; left > 0; left--) {
        if (!this.#execute(this.#mutator.mutate(parent, this.#random.pick([parent, ...this.target.seeds]))))
          return;
      }
      return;
    }
    // first all that is new, before a shorter input with the same branches and fewer bytes to compare takes its place
    for (let next = this.#fresh.shift(); next !== undefined; next = this.#fresh.shift()) {
      if (!this.#tryComparisons(next)) return;
    }
    const entry = this.#corpus.choose(this.#random);
    const children = entry.best > 0 ? childrenOfBest : childrenOfOthers;
    for (let left = children; left > 0; left--) {
      const other = this.#random.pick(this.#corpus.entries);
      if (!this.#execute(this.#mutator.mutate(entry.bytes, other.bytes))) return;
    }
  }

  /** `false` when the limit is reached. */
  #tryComparisons(entry: Entry): boolean {
    const pairs = coverage.comparisonsOf(() => this.#execute(entry.bytes));
    for (const token of tokensOf(pairs)) this.#learn(token);
    for (const input of suggestions(entry.bytes, pairs, mostSuggestions)) {
      if (!this.#execute(input.subarray(0, this.target.maxLength))) return false;
    }
    return true;
  }

  #learn(token: Uint8Array): void {
    const word = Buffer.from(token).toString('latin1');
    if (this.#words.has(word) || this.#dictionary.length >= longestDictionary) return;
    this.#words.add(word);
    this.#dictionary.push(token);
  }

  /** Runs one input and keeps it if it is worth it; `false` when the limit is reached. */
  #execute(input: Uint8Array): boolean {
    if (this.#executions >= this.#limit || this.done) return false;
    this.#executions++;
    this.#current = input;
    coverage.reset();
    const started = performance.now();
    try {
      this.target.run(input);
    } catch (error) {
      this.#record(input, error);
      return true; // what fails is a finding, not a parent
    }
    const took = performance.now() - started;
    if (this.#guided && this.#corpus.isNew(coverage.map, coverage.branches))
      this.#fresh.push(this.#corpus.add(input, coverage.map, coverage.branches));
    if (took > slowAfter) this.#investigate(input); // after the map was read: what the clock says decides nothing else
    return true;
  }

  /** A failure, once for each signature: run again with traces, made short, kept. */
  #record(input: Uint8Array, error: unknown): void {
    const failure = failureIn(this.target, input) ?? failureOf(error);
    if (this.#signatures.has(failure.signature)) return;
    this.#signatures.add(failure.signature);
    const same = (other: Uint8Array): boolean =>
      failureIn(this.target, other)?.signature === failure.signature;
    const short = minimised(input, same, failure.kind === 'endless' ? 40 : 3000);
    this.findings.push({ failure, input: input.slice(), minimised: short, execution: this.#executions });
  }

  /** Something took long: a fault if it does so alone and again, in CPU time; else the machine was busy. */
  #investigate(input: Uint8Array): void {
    const failure = failureIn(this.target, input);
    if (failure === undefined || this.#signatures.has(failure.signature)) return;
    this.#signatures.add(failure.signature);
    this.findings.push({
      failure,
      input: input.slice(),
      minimised: input.slice(),
      execution: this.#executions,
    });
  }
}

/** Runs one input alone: its failure with a trace, or `undefined`. Slow is what takes long three times, in CPU time. */
export function failureIn(target: FuzzTarget, input: Uint8Array): Failure | undefined {
  const traces = Error.stackTraceLimit;
  Error.stackTraceLimit = 20;
  try {
    let fastest = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 3; tries++) {
      coverage.reset();
      const started = cpuMilliseconds();
      if (!within(aloneStuckAfter, () => target.run(input.slice()))) {
        const report = `ended after ${aloneStuckAfter} ms, and in no instrumented loop`;
        return { kind: 'endless', signature: 'endless', report };
      }
      fastest = Math.min(fastest, cpuMilliseconds() - started);
      if (fastest <= slowAfter) return undefined;
    }
    return { kind: 'slow', signature: 'slow', report: `${Math.round(fastest)} ms of CPU, three times` };
  } catch (error) {
    return failureOf(error);
  } finally {
    Error.stackTraceLimit = traces;
    coverage.release();
  }
}

/** Of this process: the watchdog of `within` costs next to nothing beside it. */
function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
