/** What a run found, as it is written by `--json` and kept by `npm run bench:docs`. A change of form changes the schema's number. */

import { layOut, tidied } from '../src/form/write.ts';
import type { Load } from '../src/measure/load.ts';
import type { ByRound } from '../src/measure/statistics.ts';
import { type FigureId, type ProgramId, programIds, type RowId, rowIds } from './catalog.ts';

export const schema = 'pqtun-bench-e2e/1';

export interface Result {
  readonly schema: typeof schema;
  /** ISO 8601. */
  readonly begun: string;
  readonly minutes: number;
  readonly machine: Machine;
  readonly settings: { readonly repetitions: number; readonly seconds: number; readonly warmUp: number };
  readonly programs: readonly ProgramReport[];
  readonly measurements: readonly Measurement[];
}

export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly system: string;
  readonly node: string;
  /** Of our sources; `-dirty` where they differ from it. */
  readonly commit: string;
}

export interface ProgramReport {
  readonly id: ProgramId;
  /** With version. */
  readonly name: string;
  /** How it was built or installed, and which of its own choices matter. */
  readonly built: string;
  /** Why it was not measured, or not in every round. */
  readonly missing?: string;
  /** Which offloads were active, in its own words; `unknown` where it does not say. */
  readonly offloads: string;
}

export interface Measurement {
  readonly round: number;
  readonly row: RowId;
  readonly program: ProgramId;
  readonly figures: Readonly<Partial<Record<FigureId, number>>>;
  /** Faults seen on the way: bytes that differ, datagrams delivered twice, an end that went. Empty when all was well. */
  readonly faults: readonly string[];
  readonly load: Load;
  /** Other work took too much of the machine, and so did it when this was repeated. */
  readonly disturbed: boolean;
  /** How often it was measured until it was taken. */
  readonly attempts: number;
}

/**
 * One figure of one program, by round. Disturbed rounds are left out, unless there are no others.
 */
export function byRound(
  result: Pick<Result, 'measurements'>,
  program: ProgramId,
  row: RowId,
  figure: FigureId,
): ByRound {
  const all = result.measurements.filter((each) => each.program === program && each.row === row);
  const quiet = all.filter(({ disturbed }) => !disturbed);
  return new Map(
    (quiet.length > 0 ? quiet : all).flatMap(({ round, figures }) => {
      const value = figures[figure];
      return value === undefined || !Number.isFinite(value) ? [] : [[round, value] as const];
    }),
  );
}

/** What `--json` writes: a program or a measurement a line. */
export function writeResult(result: Result): string {
  return layOut(tidied(result, 2_000));
}

/** Parses what `--json` wrote. Throws, with what was expected, at anything else. */
export function parseResult(text: string): Result {
  const value: unknown = JSON.parse(text);
  const found = value as Partial<Result> | null; // looked at below, field by field
  if (found?.schema !== schema) throw new Error(`expected a result with schema "${schema}"`);
  const { programs, measurements, machine, settings } = found;
  if (!Array.isArray(programs) || !Array.isArray(measurements) || !machine || !settings)
    throw new Error('expected programs, measurements, machine and settings');
  const known = (measurement: Partial<Measurement>): boolean =>
    rowIds.some((id) => id === measurement.row) && programIds.some((id) => id === measurement.program);
  if (!measurements.every((each) => known(each as Partial<Measurement>)))
    throw new Error('a measurement of a row or a program that there is not');
  return value as Result; // its own kind, as far as it is looked at
}
