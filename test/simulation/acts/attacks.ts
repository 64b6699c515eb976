/** What the attacker does (attacker.ts). */
import type { Act } from './act.ts';

export const attackActs: readonly Act[] = [
  { name: 'replays', weight: 2, play: ({ attacker, random }) => attacker.replay(random.between(1, 40)) },
  { name: 'reflections', weight: 1, play: ({ attacker, random }) => attacker.reflect(random.between(1, 20)) },
  { name: 'alterations', weight: 2, play: ({ attacker, random }) => attacker.alter(random.between(1, 40)) },
  {
    name: 'an attacker holds back',
    weight: 2,
    play: ({ attacker, random }) => attacker.holdBack(random.fraction()),
  },
  { name: 'an attacker lets go', weight: 3, play: ({ attacker }) => attacker.release() },
  {
    name: 'forged initiations',
    weight: 1,
    play: (simulation) => simulation.attacker.flood(simulation.anyHost(), simulation.random.between(1, 40)),
  },
  { name: 'garbage', weight: 1, play: ({ attacker, random }) => attacker.garbage(random.between(1, 60)) },
];
