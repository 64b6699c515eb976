/** What machines do: clocks that jump, suspend, programs that end and start with and without their state, load. */
import type { Simulation } from '../simulation.ts';
import { type Act, day, hour, minute, second, year } from './act.ts';

export const machineActs: readonly Act[] = [
  {
    name: 'a wall clock jumps',
    weight: 2,
    play(simulation) {
      const { random } = simulation;
      const jump = random.pick([
        0,
        -10 * year,
        10 * year,
        -hour,
        hour,
        -1_767_225_600_000,
        random.between(-5000, 5000),
      ]);
      simulation.anyHost().wallOffset = jump;
    },
  },
  { name: 'a machine sleeps', weight: 2, play: sleep },
  { name: 'time passes', weight: 1, play: (simulation) => simulation.world.runFor(nap(simulation)) },
  {
    name: 'a program starts again',
    weight: 2,
    play: (simulation) => simulation.restart(simulation.anyHost(), true),
  },
  {
    name: 'a program starts again and has lost its state',
    weight: 1,
    play: (simulation) => simulation.restart(simulation.anyHost(), false),
  },
  {
    name: 'load comes or goes',
    weight: 2,
    play: ({ random, hosts }) => random.pick(hosts).tunnel.engine.setLoopDelay(random.chance(0.6) ? 1000 : 0),
  },
];

function sleep(simulation: Simulation): void {
  const host = simulation.anyHost();
  const duration = nap(simulation);
  simulation.tell(`${host.name} sleeps ${duration / second} s`);
  host.sleep();
  simulation.world.runFor(duration);
  host.wake();
  simulation.world.runFor(0); // what has fallen due comes first, as on a real machine
}

/** Seconds to a day. Where keepalives run, every hour costs a hundred handshakes, so there it is minutes. */
function nap({ random, scenario }: Simulation): number {
  const long = scenario.links.some(({ keepalive }) => keepalive !== undefined) ? 3 * minute : day;
  return random.pick([
    second,
    10 * second,
    minute,
    200 * second,
    Math.min(long, 20 * minute),
    Math.min(long, 2 * hour),
    long,
  ]);
}
