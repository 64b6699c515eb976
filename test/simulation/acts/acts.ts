/** All that can befall a world, and the dice that choose. */
import type { Random } from '../../kit/index.ts';
import type { Act } from './act.ts';
import { amidActs } from './amid.ts';
import { attackActs } from './attacks.ts';
import { machineActs } from './machines.ts';
import { networkActs } from './network.ts';
import { operatorActs } from './operators.ts';
import { trafficActs } from './traffic.ts';

export const acts: readonly Act[] = [
  ...networkActs,
  ...machineActs,
  ...operatorActs,
  ...trafficActs,
  ...amidActs,
  ...attackActs,
];

const total = acts.reduce((sum, { weight }) => sum + weight, 0);

export function pickAct(random: Random): Act {
  let left = random.fraction() * total;
  for (const act of acts) {
    left -= act.weight;
    if (left < 0) return act;
  }
  return random.pick(acts);
}
