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

/** One row to be: `run` is timed by the harness, in rounds with all others of the section. */
export interface Task {
  readonly row: Pick<Row, 'id' | 'title' | 'bytes' | 'batch' | 'labels'> & { readonly unit: TimeUnit };
  /** Makes `row.batch` operations. */
  readonly run: () => void;
}

export type TimeUnit = Extract<Unit, 'ns' | 'µs' | 'ms'>;

export interface Context {
  readonly options: BenchOptions;
  /** Rows measured by sections before this one. */
  readonly rows: readonly Row[];
  /** Times the tasks through tinybench, `options.rounds` times over all of them. */
  measure(section: SectionId, tasks: readonly Task[]): Promise<Row[]>;
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
