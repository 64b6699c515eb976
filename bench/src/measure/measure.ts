/**
 * Times tasks through tinybench: all warmed up first, then round after round over all of them, every other round backwards. A machine's
 * mood lasts longer than a task, so that what is compared is measured close together, and what repeats between rounds can be told from
 * what does not. A sample is one call of a task, or so many that the clock's own cost is nothing beside it.
 */
import { Bench } from 'tinybench';
import type { Row, SectionId } from '../result.ts';
import type { PartedTask, Task, TaskRow, TimeUnit } from '../section.ts';
import { marginOf, quantile, quantiles } from './samples.ts';
import { median } from './statistics.ts';

export interface Pace {
  readonly rounds: number;
  /** What a row gets of a round, and of the warm-up, in milliseconds, preparation included. */
  readonly millis: number;
  /** Samples a round at least, however long they take. */
  readonly fewest: number;
}

export function paceOf({ quick, rounds }: { readonly quick: boolean; readonly rounds: number }): Pace {
  return quick ? { rounds, millis: 8, fewest: 2 } : { rounds, millis: 60, fewest: 3 };
}

/** Rounds unless somebody asked for another number. */
export const defaultRounds = { quick: 3, full: 9 } as const;

/** What a row takes of all rounds and the warm-up, about, for estimates. */
export function taskSeconds(options: { readonly quick: boolean; readonly rounds: number }): number {
  const { rounds, millis } = paceOf(options);
  return ((rounds + 1) * millis * 1.1) / 1000;
}

export interface Surroundings {
  readonly signal: AbortSignal;
  /** `done` of 0 … 1 of these tasks, and the title of the one at work. */
  readonly progress: (done: number, label: string) => void;
  /** Milliseconds, to nanoseconds. */
  readonly now: () => number;
  /** Lets the event loop have its turn, in which Ctrl-C and the progress bar get theirs. */
  readonly pause: () => Promise<void>;
  /** Told when it is stopped: the rows of those rounds that were finished by then. */
  readonly onStop?: (rows: readonly Row[]) => void;
}

/** The clock's two readings cost some 0.1 µs: half a percent of this, in milliseconds. */
const shortestSample = 0.02;
/** Aimed at a little above, so that a task that gets faster stays over it. */
const aimedSample = 0.025;
const mostCalls = 1 << 16;

/** Throws `signal.reason` once that is aborted, and whatever a task throws. */
export async function measure(
  section: SectionId,
  tasks: readonly (Task | PartedTask)[],
  pace: Pace,
  surroundings: Surroundings,
): Promise<Row[]> {
  const { signal, progress, pause } = surroundings;
  const timed = tasks.map((task) => new TimedTask(task, surroundings.now));
  const steps = tasks.length * (pace.rounds + 1);
  let done = 0;
  for (let round = 0; round <= pace.rounds; round++) {
    for (const task of round % 2 === 0 ? timed : timed.toReversed()) {
      await pause();
      if (signal.aborted) surroundings.onStop?.(timed.flatMap((each) => each.rows(section)));
      signal.throwIfAborted();
      progress(done++ / steps, task.title);
      if (round === 0) task.warmUp(pace);
      else task.runRound(pace);
    }
  }
  return timed.flatMap((task) => task.rows(section));
}

class TimedTask {
  readonly title: string;
  readonly #task: Task | PartedTask;
  readonly #now: () => number;
  readonly #columns: readonly Column[];
  #calls = 1;

  constructor(task: Task | PartedTask, now: () => number) {
    this.#task = task;
    this.#now = now;
    this.#columns = ('rows' in task ? task.rows : [task.row]).map((row) => new Column(row));
    this.title = this.#columns[0]?.row.title ?? '';
  }

  warmUp(pace: Pace): void {
    this.#spend(pace);
    if (!('rows' in this.#task)) this.#calls = callsFor((calls) => this.#sample(calls)[0] ?? 0);
    for (const column of this.#columns) column.forget();
  }

  runRound(pace: Pace): void {
    this.#spend(pace);
    for (const column of this.#columns) column.endRound();
  }

  /** Those that have a round at least. */
  rows(section: SectionId): Row[] {
    return this.#columns.flatMap((column) => (column.hasRound ? [column.result(section)] : []));
  }

  /** As long as the pace says, by tinybench, which is told what of it was preparation. */
  #spend({ millis, fewest }: Pace): void {
    const bench = new Bench({
      time: millis * this.#columns.length,
      iterations: fewest,
      warmup: false,
      throws: true,
      now: this.#now,
    });
    const operation = (): { overriddenDuration: number; overriddenIterationCost: number } => {
      const begin = this.#now();
      const parts = this.#sample(this.#calls);
      const cost = this.#now() - begin;
      for (const [i, column] of this.#columns.entries()) column.add(parts[i] ?? Number.NaN, this.#calls);
      return {
        overriddenDuration: parts.reduce((sum, part) => sum + part, 0),
        overriddenIterationCost: cost,
      };
    };
    bench.add(this.title, operation, { async: false }).runSync();
  }

  /** The milliseconds that count, by row. */
  #sample(calls: number): readonly number[] {
    if ('rows' in this.#task) return this.#task.run();
    const { before, run } = this.#task;
    before?.(calls);
    const begin = this.#now();
    for (let call = 0; call < calls; call++) run(call);
    return [this.#now() - begin];
  }
}

/** How many calls make a sample long enough, by the shortest of a few tries: a disturbed one would have it seem long enough. */
function callsFor(sample: (calls: number) => number): number {
  let calls = 1;
  while (calls < mostCalls) {
    const shortest = Math.min(...Array.from({ length: 5 }, () => sample(calls)));
    if (shortest >= shortestSample) break;
    const wanted = Math.ceil((calls * aimedSample) / Math.max(shortest, aimedSample / 8));
    calls = Math.min(mostCalls, Math.max(wanted, calls + 1));
  }
  return calls;
}

const perMilli: Readonly<Record<TimeUnit, number>> = { ms: 1, µs: 1e3, ns: 1e6 };

/** The samples of one row. */
class Column {
  readonly row: TaskRow;
  readonly #medians: number[] = [];
  readonly #margins: number[] = [];
  readonly #all: number[] = [];
  #round: number[] = [];

  constructor(row: TaskRow) {
    this.row = row;
  }

  add(millis: number, calls: number): void {
    this.#round.push((millis * perMilli[this.row.unit]) / (calls * (this.row.batch ?? 1)));
  }

  forget(): void {
    this.#round = [];
  }

  endRound(): void {
    this.#medians.push(median(this.#round));
    const margin = marginOf(this.#round);
    if (margin !== undefined) this.#margins.push(margin);
    for (const sample of this.#round) this.#all.push(sample);
    this.forget();
  }

  get hasRound(): boolean {
    return this.#medians.length > 0;
  }

  result(section: SectionId): Row {
    const sorted = Float64Array.from(this.#all).sort();
    return {
      ...this.row,
      section,
      better: 'less',
      median: median(this.#medians),
      rounds: this.#medians,
      p99: quantile(sorted, 0.99),
      ...(this.#margins.length === 0 ? {} : { margin: median(this.#margins) }),
      samples: sorted.length,
      quantiles: quantiles(sorted),
    };
  }
}
