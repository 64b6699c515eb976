/** What this daemon has done to the system: done in order, changed by difference, undone in reverse. */
import { type Act, describe, type LinkSystem, outlivesDevice, perform, undo } from './act.ts';
import type { Journal } from './journal.ts';

/** An act failed; what had been done of the same change is undone. */
export class LinkError extends Error {
  constructor(act: Act, cause: unknown) {
    super(`${describe(act)}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'LinkError';
  }
}

/** Takes back what a killed predecessor left. Returns what could not be taken back, one line each. */
export function undoLeftovers(system: LinkSystem, journal: Journal): { undone: number; problems: string[] } {
  const acts = journal.load();
  const problems = undoAll(acts, system);
  journal.clear();
  return { undone: acts.length - problems.length, problems };
}

/** What a plan asked for; `ours`: whether it is ours to undo. */
interface Done {
  readonly act: Act;
  ours: boolean;
}

export class LinkSession {
  readonly #system: LinkSystem;
  readonly #journal: Journal;
  #done: Done[] = [];

  constructor(system: LinkSystem, journal: Journal) {
    this.#system = system;
    this.#journal = journal;
  }

  /**
   * Makes the system as `plan` says: first does what is new, in order, then undoes what is gone, in reverse. When something
   * new fails, all that was new is undone and a `LinkError` thrown: the system is as before. Returns the lines of what could
   * not be undone, which is no failure of the plan.
   */
  change(plan: readonly Act[]): string[] {
    const before = [...this.#done];
    const wanted = new Set(plan.map(key));
    const have = new Set(before.map(({ act }) => key(act)));
    const added = plan.filter((act) => !have.has(key(act)));
    const removed = before.filter(({ act, ours }) => ours && !wanted.has(key(act))).map(({ act }) => act);
    this.#perform(added, before);
    const order = new Map(plan.map((act, at) => [key(act), at]));
    const kept = this.#done.filter(({ act }) => wanted.has(key(act)));
    this.#done = kept.sort((a, b) => (order.get(key(a.act)) ?? 0) - (order.get(key(b.act)) ?? 0));
    const problems = undoAll(
      removed.filter((act) => !replaced(act, plan)),
      this.#system,
    );
    this.#save();
    return problems;
  }

  /** Undoes everything, in reverse. Returns the lines of what could not be undone. */
  undo(): string[] {
    const problems = undoAll(
      this.#done.filter(({ ours }) => ours).map(({ act }) => act),
      this.#system,
    );
    this.#done = [];
    this.#journal.clear();
    return problems;
  }

  #perform(added: readonly Act[], before: readonly Done[]): void {
    for (const act of added) {
      const entry = { act, ours: true };
      this.#done.push(entry);
      try {
        if (outlivesDevice(act)) this.#save();
        entry.ours = perform(act, this.#system);
      } catch (error) {
        const fresh = this.#done.slice(before.length, -1).filter(({ ours }) => ours);
        undoAll(
          fresh.map((done) => done.act),
          this.#system,
        );
        this.#done = [...before];
        this.#save();
        throw new LinkError(act, error);
      }
    }
  }

  #save(): void {
    const lasting = this.#done.filter(({ act, ours }) => ours && outlivesDevice(act)).map(({ act }) => act);
    if (lasting.length === 0) this.#journal.clear();
    else this.#journal.save(lasting);
  }
}

function key(act: Act): string {
  return JSON.stringify(act);
}

/** Of these there is one per device, and doing the new one replaced the old. */
function replaced(act: Act, plan: readonly Act[]): boolean {
  return (act.kind === 'up' || act.kind === 'dns') && plan.some(({ kind }) => kind === act.kind);
}

function undoAll(acts: readonly Act[], system: LinkSystem): string[] {
  const problems: string[] = [];
  for (const act of acts.toReversed()) {
    try {
      undo(act, system);
    } catch (error) {
      problems.push(`${describe(act)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return problems;
}
