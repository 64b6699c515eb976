/**
 * Every state within so many choices of a start, once, nearest first. States are reached by playing their choices again: an engine
 * cannot be copied, and playing is the proof that a violation can be shown to somebody else.
 *
 * Two choices cost no replay: to lose a message changes nothing but what is under way, and to keep a copy is to deliver it with
 * the copy put back.
 */
import { canonicalText, keyOf } from './canonical.ts';
import { problemsOfState, RefusalWatch } from './checks.ts';
import type { Choice, Model } from './model.ts';
import { settle } from './settle.ts';
import { begin, type Cryptography, type Start } from './starts.ts';

export interface Violation {
  readonly start: string;
  readonly choices: readonly Choice[];
  readonly problem: string;
}

export interface Exploration {
  /** Choices, those included that stand in the start as done. */
  readonly depth: number;
  readonly cryptography?: Cryptography;
  readonly onProgress?: (progress: Counts & { readonly depth: number }) => void;
  /** Called with what led to a state already known, and the way by which it was first met. */
  readonly onMeeting?: (choices: readonly Choice[], first: readonly Choice[]) => void;
  /** Ends early after so many; default 10. */
  readonly maxViolations?: number;
}

export interface Counts {
  /** States, each met once. */
  states: number;
  /** Choices tried. */
  transitions: number;
  /** States at the full depth, from which a fault-free run was played. */
  leaves: number;
  /** Fault-free runs played. */
  runs: number;
  /** The longest that any of these took to bring data both ways, in milliseconds. */
  slowest: number;
  /** The longest after that that the ends sent under different sessions, in milliseconds. */
  longestApart: number;
}

export interface Explored extends Counts {
  readonly violations: readonly Violation[];
}

export function explore(start: Start, exploration: Exploration): Explored {
  const explorer = new Explorer(start, exploration);
  explorer.run();
  return { ...explorer.counts, violations: explorer.violations };
}

/** Plays `choices` from the start. Throws `RangeError` for one that is not offered where it stands. */
export function replay(
  start: Start,
  choices: readonly Choice[],
  cryptography: Cryptography = 'paper',
): Model {
  const model = begin(start, cryptography);
  for (const choice of choices) model.apply(choice);
  return model;
}

class Explorer {
  readonly counts: Counts = { states: 0, transitions: 0, leaves: 0, runs: 0, slowest: 0, longestApart: 0 };
  readonly violations: Violation[] = [];
  readonly #start: Start;
  readonly #exploration: Exploration;
  readonly #cryptography: Cryptography;
  /** By which choices each state was first met; the choices are kept only where somebody asks for meetings. */
  readonly #known = new Map<string, readonly Choice[] | undefined>();
  readonly #alone = new Set<string>();
  #frontier: (readonly Choice[])[] = [];

  constructor(start: Start, exploration: Exploration) {
    this.#start = start;
    this.#exploration = exploration;
    this.#cryptography = exploration.cryptography ?? 'paper';
  }

  run(): void {
    const root = this.#replay([]);
    this.#meet([], canonicalText(root));
    this.#report([], problemsOfState(root));
    for (let depth = this.#start.begun; depth < this.#exploration.depth; depth++) {
      const expanding = this.#frontier;
      this.#frontier = [];
      for (const choices of expanding) {
        this.#expand(choices, depth + 1 === this.#exploration.depth);
        if (this.violations.length >= (this.#exploration.maxViolations ?? 10)) return;
        this.#exploration.onProgress?.({ ...this.counts, depth: depth + 1 });
      }
    }
  }

  #expand(choices: readonly Choice[], last: boolean): void {
    let model: Model | undefined = this.#replay(choices);
    const offered = model.choices();
    for (const choice of offered) {
      if (choice.startsWith('x')) {
        const rest = model.underWay.filter((_, n) => n !== Number(choice.slice(1)));
        this.#try([...choices, choice], model, canonicalText(model, rest), last, false);
      }
    }
    for (const choice of offered) {
      if (choice.startsWith('x') || choice.startsWith('k')) continue;
      this.#step(choices, choice, model ?? this.#replay(choices), offered, last);
      model = undefined;
    }
  }

  /** One choice that moves an end, from the state `model` is in, and, if it is a delivery, the same with a copy kept. */
  #step(
    choices: readonly Choice[],
    choice: Choice,
    model: Model,
    offered: readonly Choice[],
    last: boolean,
  ): void {
    const way = [...choices, choice];
    const position = choice.startsWith('d') ? Number(choice.slice(1)) : -1;
    const delivered = model.underWay[position];
    const watch = new RefusalWatch(model);
    model.watcher = watch;
    model.apply(choice);
    model.watcher = undefined;
    this.#report(way, [...watch.violations, ...problemsOfState(model)]);
    const text = canonicalText(model);
    const keeping: Choice = `k${position}`;
    if (delivered !== undefined && offered.includes(keeping)) {
      const withCopy = [...model.underWay];
      withCopy.splice(position, 0, { ...delivered, kept: true });
      this.#try([...choices, keeping], model, canonicalText(model, withCopy), last, false);
    }
    this.#try(way, model, text, last, true);
  }

  /** `model` has both ends as they are in the state that `text` tells; `exact`: what is under way as well. It is used up then. */
  #try(way: readonly Choice[], model: Model, text: string, last: boolean, exact: boolean): void {
    this.counts.transitions++;
    if (!this.#meet(way, text) || !last) return;
    this.counts.leaves++;
    const alone = keyOf(canonicalText(model, [])); // with all that is under way lost, many leaves are one
    this.#settle(way, exact ? model : this.#replay(way), 'arrives');
    if (this.#alone.has(alone)) return;
    this.#alone.add(alone);
    this.#settle(way, this.#replay(way), 'lost');
  }

  /** Whether the state is new. */
  #meet(way: readonly Choice[], text: string): boolean {
    const key = keyOf(text);
    if (this.#known.has(key)) {
      const first = this.#known.get(key);
      if (first !== undefined) this.#exploration.onMeeting?.(way, first);
      return false;
    }
    this.#known.set(key, this.#exploration.onMeeting === undefined ? undefined : way);
    this.counts.states++;
    this.#frontier.push(way);
    return true;
  }

  #settle(way: readonly Choice[], model: Model, underWay: 'arrives' | 'lost'): void {
    const { problems, flowedAfter, agreedAfter } = settle(model, underWay);
    this.counts.runs++;
    this.counts.slowest = Math.max(this.counts.slowest, flowedAfter);
    this.counts.longestApart = Math.max(this.counts.longestApart, agreedAfter);
    this.#report(
      way,
      problems.map(
        (problem) => `${problem} (what was under way ${underWay === 'lost' ? 'is lost' : 'arrives'})`,
      ),
    );
  }

  #replay(choices: readonly Choice[]): Model {
    return replay(this.#start, choices, this.#cryptography);
  }

  #report(choices: readonly Choice[], problems: readonly string[]): void {
    for (const problem of problems) this.violations.push({ start: this.#start.name, choices, problem });
  }
}
