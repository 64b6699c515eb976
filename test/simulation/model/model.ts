/**
 * The judge: is told everything that happens in a world and says which invariant was broken, when, and by whom. It shares no
 * code with what it judges; a test holds it to that.
 */

import { Ledger } from './ledger.ts';
import type { Observation } from './observation.ts';
import type { Rule } from './rule.ts';
import { Agreement } from './rules/agreement.ts';
import { Amplification } from './rules/amplification.ts';
import { Bounds } from './rules/bounds.ts';
import { Configuration } from './rules/configuration.ts';
import { Deliveries } from './rules/deliveries.ts';
import { Indices } from './rules/indices.ts';
import { Lifetimes } from './rules/lifetimes.ts';
import { Liveness } from './rules/liveness.ts';
import { Nonces } from './rules/nonces.ts';
import { Refusals } from './rules/refusals.ts';
import { Roaming } from './rules/roaming.ts';
import { Silence } from './rules/silence.ts';
import type { Violation } from './violation.ts';

/** A history that goes wrong goes on going wrong; the first of it tells the tale. */
const mostViolations = 20;

export class Model {
  readonly ledger = new Ledger();
  readonly violations: Violation[] = [];
  /** Observations judged. */
  observed = 0;
  readonly #rules: readonly Rule[] = [
    new Nonces(),
    new Lifetimes(),
    new Deliveries(),
    new Refusals(),
    new Roaming(),
    new Agreement(),
    new Liveness(),
    new Silence(),
    new Amplification(),
    new Bounds(),
    new Indices(),
    new Configuration(),
  ];

  see(observation: Observation): void {
    this.observed += 1;
    for (const rule of this.#rules) {
      rule.see(observation, this.ledger, (label, what) => {
        if (this.violations.length < mostViolations)
          this.violations.push({ label, at: observation.at, what });
      });
    }
    this.ledger.note(observation);
  }
}
