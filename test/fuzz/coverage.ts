/**
 * What instrumented code writes into while it runs: a counter for every branch, a budget of steps, and, when asked, what it
 * compared. One for the whole process, found under a symbol, because instrumented modules may be loaded in more than one way.
 */

/** Room for branches of all instrumented modules; `claim` refuses more. */
export const mapSize = 1 << 16;
/** Loop turns and calls one execution may take. The costliest honest input of a target takes a tenth. */
export const stepBudget = 8_000_000;
/** Between executions, where modules load and harnesses look around. */
const unlimited = 2 ** 31 - 1;
const maxPairs = 512;
const longestText = 64;

/** Two values that were compared and found different. */
export interface Compared {
  readonly left: number | bigint | string;
  readonly right: number | bigint | string;
}

/** Thrown out of instrumented code whose budget of steps is used up. */
export class Endless extends Error {
  constructor() {
    super(`more than ${stepBudget} loop turns and calls`);
    this.name = 'Endless';
  }
}

/** What instrumented code sees of it; `instrument.ts` writes the calls. */
export interface Runtime {
  /** Counts of each branch since `reset`, up to 255. */
  readonly map: Uint8ClampedArray;
  /** One element: steps left. */
  readonly steps: Int32Array;
  /** The first of `count` fresh branch numbers. */
  claim(count: number): number;
  hang(): never;
  /* comparisons, noted where they might tell what an input lacks */
  eq(left: unknown, right: unknown): boolean;
  ne(left: unknown, right: unknown): boolean;
  lt(left: never, right: never): boolean;
  le(left: never, right: never): boolean;
  gt(left: never, right: never): boolean;
  ge(left: never, right: never): boolean;
  /** Notes the value of a switch, and each case it is compared with. */
  of<T>(value: T): T;
  is<T>(value: T): T;
}

class Coverage implements Runtime {
  readonly map = new Uint8ClampedArray(mapSize);
  readonly steps = Int32Array.of(unlimited);
  #claimed = 0;
  #noting = false;
  #switched: unknown;
  #pairs = new Map<string, Compared>();

  /** Branches of all modules loaded so far. */
  get branches(): number {
    return this.#claimed;
  }

  /** Call before an execution. */
  reset(): void {
    this.map.fill(0);
    this.steps[0] = stepBudget;
  }

  /** Call after the last of some executions: steps are no matter until the next. */
  release(): void {
    this.steps[0] = unlimited;
  }

  /** Runs `act` and returns what instrumented code compared meanwhile, in the order of first sight; at most 512 pairs. */
  comparisonsOf(act: () => void): Compared[] {
    this.#pairs = new Map();
    this.#noting = true;
    try {
      act();
    } finally {
      this.#noting = false;
    }
    return [...this.#pairs.values()];
  }

  claim(count: number): number {
    const first = this.#claimed;
    if (first + count > mapSize) throw new RangeError('more branches than the coverage map has room for');
    this.#claimed += count;
    return first;
  }

  hang(): never {
    throw new Endless();
  }

  /* Arrow functions: instrumented code takes them out of the object. */

  readonly eq = (left: unknown, right: unknown): boolean => {
    if (this.#noting) this.#note(left, right);
    return left === right;
  };
  readonly ne = (left: unknown, right: unknown): boolean => {
    if (this.#noting) this.#note(left, right);
    return left !== right;
  };
  readonly lt = (left: never, right: never): boolean => {
    if (this.#noting) this.#note(left, right);
    return left < right;
  };
  readonly le = (left: never, right: never): boolean => {
    if (this.#noting) this.#note(left, right);
    return left <= right;
  };
  readonly gt = (left: never, right: never): boolean => {
    if (this.#noting) this.#note(left, right);
    return left > right;
  };
  readonly ge = (left: never, right: never): boolean => {
    if (this.#noting) this.#note(left, right);
    return left >= right;
  };
  readonly of = <T>(value: T): T => {
    if (this.#noting) this.#switched = value;
    return value;
  };
  readonly is = <T>(value: T): T => {
    if (this.#noting) this.#note(this.#switched, value);
    return value;
  };

  #note(left: unknown, right: unknown): void {
    if (left === right || this.#pairs.size >= maxPairs) return;
    if (!isTelling(left) || !isTelling(right) || typeof left !== typeof right) return;
    this.#pairs.set(`${typeof left} ${left} ${right}`, { left, right });
  }
}

function isTelling(value: unknown): value is number | bigint | string {
  if (typeof value === 'string') return value.length > 0 && value.length <= longestText;
  return typeof value === 'bigint' || Number.isSafeInteger(value);
}

const key = Symbol.for('pqtun.fuzz.coverage');
const shared = globalThis as { [key]?: Coverage }; // nobody else uses this symbol
shared[key] ??= new Coverage();

/** The process's one. */
export const coverage: Coverage = shared[key];
