import type { Label } from './rule.ts';

/** An invariant was broken. `at`: milliseconds of virtual time. */
export interface Violation {
  readonly label: Label;
  readonly at: number;
  readonly what: string;
}
