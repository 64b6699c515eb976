/** What `pqtun bench` found, as `--json` writes it and everything else reads it. A change of form changes the schema's number. */

export const resultSchema = 'pqtun-bench/1';

/** In the order in which they are run and shown. */
export const sectionIds = ['records', 'handshake', 'parts', 'tunnel', 'memory', 'rekey'] as const;
export type SectionId = (typeof sectionIds)[number];

export const units = [
  'ns',
  'µs',
  'ms',
  's',
  'Mbit/s',
  'packets/s',
  'handshakes/s',
  's/GB',
  'B',
  'KiB',
  'MiB',
  'KiB/day',
  's/day',
] as const;
export type Unit = (typeof units)[number];

export interface BenchResult {
  readonly schema: typeof resultSchema;
  /** ISO 8601, UTC. */
  readonly begun: string;
  /** How long it took. */
  readonly seconds: number;
  /** Of pqtun. */
  readonly version: string;
  readonly settings: {
    readonly quick: boolean;
    readonly rounds: number;
    readonly sections: readonly SectionId[];
  };
  readonly machine: MachineFacts;
  /** What makes the figures worth less than they look; empty when nothing is known to. */
  readonly remarks: readonly Remark[];
  readonly rows: readonly Row[];
  /** What was asked for and not measured. */
  readonly missing: readonly Missing[];
}

/** `undefined` is never written: what could not be found out is the word `unknown`. */
export interface MachineFacts {
  /** As /proc/cpuinfo names it; on arm64, where it has no name there, implementer and part by their names: `ARM Cortex-A72`. */
  readonly cpu: string;
  readonly arch: string;
  readonly cpus: number;
  /** Of the CPU's features those a cipher may use: `avx2`, `avx512f`, `asimd`, `sve`, `aes`, … */
  readonly features: readonly string[];
  readonly memoryMiB: number;
  /** The board, where the system says: device tree's model, or DMI's product. */
  readonly board: string;
  /** cpufreq's of the first CPU: `performance`, `schedutil`, … */
  readonly governor: string;
  readonly throttling: 'seen' | 'not seen' | 'unknown';
  readonly kernel: string;
  readonly system: string;
  readonly node: string;
  readonly openssl: string;
  /** An emulator's or a hypervisor's name, or `none`. */
  readonly virtualization: string;
  readonly engines: readonly EngineFacts[];
  readonly offloads: readonly OffloadFacts[];
}

export interface EngineFacts {
  /** `noble`, `node`, `evp`, `raw`, `multibuffer`. */
  readonly name: string;
  readonly active: boolean;
  /** Why it is not there. */
  readonly reason?: string;
}

export interface OffloadFacts {
  readonly name: string;
  readonly active: boolean;
  readonly reason?: string;
}

export interface Remark {
  readonly kind: 'emulated' | 'noisy' | 'throttled' | 'slowed';
  /** A sentence for people: `emulated: not a measurement`, … */
  readonly text: string;
}

export interface Missing {
  readonly section: SectionId;
  readonly what: string;
  /** Why, and what to do. */
  readonly why: string;
}

export interface Row {
  /** `records/seal/raw/1420`: section first. What `compare` matches rows by and a budget names; never reused for something else. */
  readonly id: string;
  readonly section: SectionId;
  /** For people, without unit: `seal 1420 B, raw`. */
  readonly title: string;
  readonly unit: Unit;
  readonly better: 'less' | 'more';
  /** The middle of `rounds`. */
  readonly median: number;
  /** A figure a round, each the median of its samples. Rounds of all rows of a section are interleaved. `compare` reckons with these. */
  readonly rounds: readonly number[];
  /** Of single samples, all rounds together. */
  readonly p99?: number;
  /** Half the width of the 95 % confidence interval of the mean, in percent of it; the median of the rounds'. */
  readonly margin?: number;
  /** How many samples there were. */
  readonly samples?: number;
  /** Of single samples, all rounds together: 0 %, 5 %, … 100 %, 21 figures. */
  readonly quantiles?: readonly number[];
  /** Payload of one operation, where it moves any: throughput follows from it. */
  readonly bytes?: number;
  /** How many operations one timed call makes; a sample is the call's time divided by it. Absent: one. */
  readonly batch?: number;
  /** What tells rows of a section apart, for tables and plots; the section's file says which there are. */
  readonly labels: Readonly<Record<string, string | number>>;
  /** Reckoned from other rows and the protocol, by the formula that stands here. */
  readonly formula?: string;
}
