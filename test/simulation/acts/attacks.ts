/** What the attacker does (attacker.ts). */
import { type Act, second } from './act.ts';
import { chatter } from './traffic.ts';

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
    name: 'initiations kept back, then let go each from elsewhere',
    weight: 1,
    play(simulation) {
      const { attacker, world, random } = simulation;
      attacker.holdInitiations();
      const end = world.now + random.between(10, 150) * second;
      while (world.now < end) {
        chatter(simulation);
        world.runFor(random.between(1, 5 * second));
      }
      attacker.scatter();
    },
  },
  {
    name: 'forged initiations',
    weight: 1,
    play: (simulation) => simulation.attacker.flood(simulation.anyHost(), simulation.random.between(1, 40)),
  },
  { name: 'garbage', weight: 1, play: ({ attacker, random }) => attacker.garbage(random.between(1, 60)) },
];
