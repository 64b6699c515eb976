/** `pqtun bench`: one section after the other on one machine, what was found, and what speaks against it. Prints nothing, writes nothing. */
import { isSlowedBuild } from 'tun-tap-native';
import { addonProblem } from './machine/addon.ts';
import { systemFiles } from './machine/files.ts';
import { readMachine } from './machine/machine.ts';
import { readThrottleSigns, type ThrottleSigns, throttlingOf } from './machine/throttling.ts';
import { doubtsOf } from './measure/doubts.ts';
import { busiestBetween, loadBetween, moment } from './measure/load.ts';
import { measure, paceOf } from './measure/measure.ts';
import {
  type BenchResult,
  type MachineFacts,
  type Missing,
  type Remark,
  type Row,
  resultSchema,
  sectionIds,
} from './result.ts';
import type { BenchOptions, Context, Found, Section } from './section.ts';
import { loadSection } from './sections.ts';

export interface Progress {
  /** The section at work, and which of how many it is, from 1 on. */
  readonly section: Section;
  readonly number: number;
  readonly count: number;
  /** 0 … 1 of all. */
  readonly done: number;
  /** What is at work in it. */
  readonly label: string;
}

export interface BenchIo {
  /** Stops the bench within a second, by throwing its reason. */
  readonly signal: AbortSignal;
  readonly version: string;
  /** Told before anything is measured. */
  readonly onMachine?: (facts: Omit<MachineFacts, 'throttling'>, remarks: readonly Remark[]) => void;
  readonly onProgress?: (progress: Progress) => void;
  /** Told after each section, so that there is something to read while others run. */
  readonly onSection?: (section: Section, found: Found) => void;
  /** Told when a section threw: it is `missing` in the result, and the others are there. */
  readonly onFailure?: (section: Section, error: unknown) => void;
}

/** The sections an operator gets without asking for any. */
export async function defaultSections(): Promise<BenchOptions['sections']> {
  const all = await Promise.all(sectionIds.map(loadSection));
  return all.filter(({ isDefault }) => isDefault).map(({ id }) => id);
}

/** Throws `io.signal.reason` when it was aborted; then nothing is left of it but what `onSection` was told. */
export async function runBench(options: BenchOptions, io: BenchIo): Promise<BenchResult> {
  const sections = await Promise.all(
    sectionIds.filter((id) => options.sections.includes(id)).map(loadSection),
  );
  const begun = new Date();
  const { facts, virtualization } = readMachine();
  const isSlowed = addonProblem() === undefined && isSlowedBuild();
  const known = { virtualization, isSlowed };
  io.onMachine?.(
    facts,
    doubtsOf({ ...known, throttling: { kind: 'unknown' }, load: noLoad, busiest: [], rows: [] }),
  );
  const watch = new Watch();
  const rows: Row[] = [];
  const missing: Missing[] = [];
  const remarks: Remark[] = [];
  const shares = new Shares(sections, options);
  for (const [i, section] of sections.entries()) {
    const stopped: Row[] = [];
    const context = contextOf(options, rows, {
      signal: io.signal,
      onStop: (had) => void stopped.push(...had),
      onBusy: () => watch.look(),
      progress: (done, label) =>
        io.onProgress?.({ section, number: i + 1, count: sections.length, done: shares.of(i, done), label }),
    });
    const found = await section.run(context).catch((error: unknown) => {
      if (io.signal.aborted) {
        io.onSection?.(section, { rows: stopped });
        throw error;
      }
      io.onFailure?.(section, error);
      return failed(section, error);
    });
    io.signal.throwIfAborted();
    rows.push(...found.rows);
    missing.push(...(found.missing ?? []));
    remarks.push(...(found.remarks ?? []));
    io.onSection?.(section, found);
  }
  const { load, busiest, throttling } = watch.end();
  return {
    schema: resultSchema,
    begun: begun.toISOString(),
    seconds: Math.round((Date.now() - begun.getTime()) / 100) / 10,
    version: io.version,
    settings: {
      quick: options.quick,
      rounds: options.rounds,
      sections: sections.map(({ id }) => id),
    },
    machine: { ...facts, throttling: throttling.kind },
    remarks: [...doubtsOf({ ...known, throttling, load, busiest, rows }), ...remarks],
    rows,
    missing,
  };
}

/** Minutes of other sections are not lost with it; its own figures are: who knows what spoilt it. */
function failed({ id }: Section, error: unknown): Found {
  const message = error instanceof Error ? error.message : String(error);
  const why = `it failed: ${message}; run it alone, by --only ${id}, on a machine that does nothing else`;
  return { rows: [], missing: [{ section: id, what: 'all of it', why }] };
}

const noLoad = { steal: 0, foreign: 0 };

interface Listeners {
  readonly signal: AbortSignal;
  readonly onStop: (rows: readonly Row[]) => void;
  /** Called when this process has just been computing without a pause. */
  readonly onBusy: () => void;
  readonly progress: Context['progress'];
}

function contextOf(
  options: BenchOptions,
  rows: readonly Row[],
  { signal, onStop, onBusy, progress }: Listeners,
): Context {
  const surroundings = {
    signal,
    onStop,
    progress: (done: number, label: string): void => {
      onBusy();
      progress(done, label);
    },
    now: () => performance.now(),
    pause: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
  return {
    options,
    rows: [...rows],
    signal,
    measure: (section, tasks) => measure(section, tasks, paceOf(options), surroundings),
    progress,
  };
}

/** How far all is when a section is so far, by what the sections think they take. */
class Shares {
  readonly #seconds: readonly number[];

  constructor(sections: readonly Section[], options: BenchOptions) {
    this.#seconds = sections.map((section) => Math.max(0.1, section.estimate(options)));
  }

  of(index: number, done: number): number {
    const sum = (to: number): number => this.#seconds.slice(0, to).reduce((a, b) => a + b, 0);
    const share = Math.min(1, Math.max(0, done));
    return (sum(index) + share * (this.#seconds[index] ?? 0)) / sum(this.#seconds.length);
  }
}

/** Between two looks at the clock of the CPU, in milliseconds. */
const lookInterval = 1000;

/** What goes on beside the measuring. */
class Watch {
  readonly #begin = moment();
  readonly #before = readThrottleSigns(systemFiles);
  readonly #during: ThrottleSigns[] = [];
  #looked = Number.NEGATIVE_INFINITY;

  /** Called while this process computes: an idle CPU may clock as low as it likes. The first look comes too early for that. */
  look(): void {
    const now = performance.now();
    if (now - this.#looked < lookInterval) return;
    if (this.#looked !== Number.NEGATIVE_INFINITY) this.#during.push(readThrottleSigns(systemFiles));
    this.#looked = now;
  }

  end() {
    const end = moment();
    return {
      load: loadBetween(this.#begin, end, process.pid),
      busiest: busiestBetween(this.#begin, end, process.pid),
      throttling: throttlingOf(this.#before, this.#during, readThrottleSigns(systemFiles)),
    };
  }
}
