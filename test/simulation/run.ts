/** One seed from beginning to end. */

import { second } from './acts/act.ts';
import { pickAct } from './acts/acts.ts';
import { chatter } from './acts/traffic.ts';
import type { Violation } from './model/violation.ts';
import { recover } from './recovery.ts';
import { Simulation } from './simulation.ts';
import type { Totals } from './totals.ts';
import type { Tracer } from './trace.ts';

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** What was done to the world, in words. */
  readonly history: readonly string[];
  readonly totals: Totals;
}

export function runSeed(seed: number, tracer?: Tracer): Outcome {
  const simulation = new Simulation(seed, tracer);
  const { model, totals, world, history } = simulation;
  const violations: Violation[] = [];
  try {
    for (let i = 0; i < simulation.scenario.steps && model.violations.length === 0; i++) step(simulation);
    if (model.violations.length === 0) recover(simulation);
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    violations.push({ label: 'none', at: world.now, what: `something threw: ${what}` });
  }
  totals.seeds = 1;
  totals.time = world.now;
  totals.observations = model.observed;
  return { seed, violations: [...model.violations, ...violations], history, totals };
}

/** One act, then some time with traffic. */
function step(simulation: Simulation): void {
  const { random, world } = simulation;
  const act = pickAct(random);
  simulation.tell(act.name);
  act.play(simulation);
  const end = world.now + random.between(1, 40) * (random.chance(0.1) ? 6 : 1) * second;
  while (world.now < end) {
    world.runFor(random.between(1, 4000));
    if (random.chance(0.7)) chatter(simulation);
  }
}
