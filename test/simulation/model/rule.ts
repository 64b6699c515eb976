/** What the families of invariants have in common. */
import type { Ledger } from './ledger.ts';
import type { Observation } from './observation.ts';

/** I1 … I15 of the assurance plan; `none` for what must never happen at all. */
export type Label = `I${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15}` | 'none';

export type Report = (label: Label, what: string) => void;

/** A family of invariants: told everything, before the ledger is, so that it can compare with what was. */
export interface Rule {
  see(observation: Observation, ledger: Ledger, report: Report): void;
}
