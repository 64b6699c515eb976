/** What users send: single packets in steps, bursts that a jittery path reorders, packets from addresses that are not theirs. */
import type { Host } from '../../kit/index.ts';
import { addressOf, type Simulation } from '../simulation.ts';
import { type Act, second } from './act.ts';

export const trafficActs: readonly Act[] = [
  {
    name: 'a burst',
    weight: 2,
    play: (simulation) => burst(simulation, simulation.random.between(10, 150)),
  },
  {
    name: 'a long burst, thoroughly reordered',
    weight: 0.15,
    play(simulation) {
      simulation.network.setAll({ jitter: 3 * second });
      burst(simulation, 3000);
      simulation.world.runFor(4 * second);
    },
  },
  {
    name: 'traffic one way for minutes',
    weight: 1,
    play(simulation) {
      const [from, to] = simulation.ends(simulation.anyLink());
      const end = simulation.world.now + simulation.random.between(60, 400) * second;
      while (simulation.world.now < end) {
        simulation.send(from, to);
        simulation.world.runFor(simulation.random.between(1, 12 * second));
      }
    },
  },
];

/** A step's ordinary traffic: a few packets of any size either way, now and then from somebody else's address. */
export function chatter(simulation: Simulation): void {
  const { random } = simulation;
  const [from, to] = simulation.ends(simulation.anyLink());
  const count = random.pick([1, 1, 1, 2, 3, 6]);
  for (let i = 0; i < count; i++) {
    const version = random.chance(0.25) ? 6 : 4;
    const source = random.chance(0.03) ? foreignSource(simulation, from, version) : undefined;
    const length = random.pick([60, 100, random.between(60, 1420), 1420]);
    simulation.send(from, to, { version, length, ...(source === undefined ? {} : { source }) });
  }
}

function burst(simulation: Simulation, length: number): void {
  const [from, to] = simulation.ends(simulation.anyLink());
  for (let i = 0; i < length; i++) simulation.send(from, to, { length: 60 });
}

/** An address of another host, or of the place inside another's prefix that belongs to a third. */
function foreignSource(simulation: Simulation, from: Host, version: 4 | 6): string {
  const { random, scenario } = simulation;
  const other = simulation.numberOf(random.pick(simulation.hosts));
  const [nested] = scenario.nested;
  if (version === 4 && nested !== undefined && random.chance(0.5)) return `10.0.${nested.inside}.200`;
  return addressOf(other === simulation.numberOf(from) ? other + 1 : other, version);
}
