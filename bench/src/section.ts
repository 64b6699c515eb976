/** What a section of the bench is, and what it is given. */
import type { Missing, Remark, Row, SectionId, Unit } from './result.ts';

export interface BenchOptions {
  readonly sections: readonly SectionId[];
  /** Few short rounds: shows that everything runs, and is no measurement worth keeping. */
  readonly quick: boolean;
  readonly rounds: number;
  /** The program a section starts where it needs a daemon, as `daemon/bin/pqtun`. */
  readonly daemonCommand: string;
}

export type TaskRow = Pick<Row, 'id' | 'title' | 'bytes' | 'batch' | 'labels'> & { readonly unit: TimeUnit };

/** One row to be: `run` is timed by the harness, in rounds with all others of the section. */
export interface Task {
  readonly row: TaskRow;
  /** Puts right what the next `calls` calls of `run` will use up; not timed. */
  readonly before?: (calls: number) => void;
  /** Makes `row.batch` operations. `call` counts from 0 after each `before`; a call that takes less than 20 µs is made many times a sample. */
  readonly run: (call: number) => void;
}

/** Several rows of one run, where the parts cannot be had one without the other. `run` takes 20 µs or more. */
export interface PartedTask {
  readonly rows: readonly TaskRow[];
  /** The milliseconds each row's part took, by a clock of nanoseconds. */
  readonly run: () => readonly number[];
}

export type TimeUnit = Extract<Unit, 'ns' | 'µs' | 'ms'>;

export interface Context {
  readonly options: BenchOptions;
  /** Rows measured by sections before this one. */
  readonly rows: readonly Row[];
  /** Aborted when the operator wants to stop: a section ends its processes and throws `signal.reason` within a second. */
  readonly signal: AbortSignal;
  /** Times the tasks through tinybench, `options.rounds` times over all of them. Throws `signal.reason` once that is aborted. */
  measure(section: SectionId, tasks: readonly (Task | PartedTask)[]): Promise<Row[]>;
  /** `done` of 0 … 1 of this section, and what is at work now. */
  progress(done: number, label: string): void;
}

export interface Found {
  readonly rows: readonly Row[];
  readonly missing?: readonly Missing[];
  readonly remarks?: readonly Remark[];
}

export interface Section {
  readonly id: SectionId;
  /** A heading for people. */
  readonly title: string;
  /** Whether it runs unless asked for: those that need root, minutes or quiet do not. */
  readonly isDefault: boolean;
  /** About how many seconds, for the progress bar. */
  estimate(options: BenchOptions): number;
  /** What cannot be measured here is `missing`, not an exception. */
  run(context: Context): Promise<Found>;
}
