/** What the network does: loss to 40 %, reordering over 3 s, doubling, damage, delay to 30 s, narrow paths, cuts, rebinding. */
import { endpoint } from '@pqtun/core';
import { type Host, ip } from '../../kit/index.ts';
import type { Simulation } from '../simulation.ts';
import { type Act, second } from './act.ts';

export const networkActs: readonly Act[] = [
  { name: 'a good network', weight: 2, play: ({ network }) => network.setAll({}) },
  {
    name: 'loss',
    weight: 2,
    play: ({ network, random }) => network.setAll({ loss: random.fraction() * 0.4 }),
  },
  {
    name: 'reordering',
    weight: 2,
    play: ({ network, random }) => network.setAll({ jitter: random.between(1, 3 * second) }),
  },
  {
    name: 'doubling',
    weight: 1,
    play: ({ network, random }) => network.setAll({ duplicate: random.fraction(), jitter: 50 }),
  },
  {
    name: 'damage',
    weight: 2,
    play: ({ network, random }) => network.setAll({ corrupt: random.fraction() * 0.3 }),
  },
  {
    name: 'a slow path',
    weight: 1,
    play: ({ network, random }) => network.setAll({ delay: random.between(10, 5 * second) }),
  },
  {
    name: 'a very slow path',
    weight: 1,
    play: ({ network, random }) => network.setAll({ delay: random.between(5 * second, 30 * second) }),
  },
  {
    name: 'a narrow path',
    weight: 1,
    play: ({ network, random }) => network.setAll({ mtu: random.pick([508, 800, 1200]) }),
  },
  { name: 'all of it', weight: 3, play: ({ network }) => network.setAll(network.worst()) },
  {
    name: 'all of it between two',
    weight: 2,
    play(simulation) {
      const [a, b] = simulation.ends(simulation.anyLink());
      simulation.network.setPair(a, b, simulation.network.worst());
    },
  },
  {
    name: 'a cut',
    weight: 2,
    play(simulation) {
      const [a, b] = simulation.ends(simulation.anyLink());
      simulation.network.cut(a, b, simulation.random.chance(0.4));
    },
  },
  { name: 'the end of all cuts', weight: 2, play: ({ network }) => network.mend() },
  { name: 'a host moves', weight: 2, play: (simulation) => move(simulation, simulation.anyHost()) },
  {
    name: 'a NAT forgets',
    weight: 2,
    play(simulation) {
      const host = simulation.anyHost();
      host.address = endpoint(host.address.ip, simulation.random.between(1024, 65_535));
    },
  },
  {
    name: 'two hosts change places',
    weight: 1,
    play(simulation) {
      const [a, b] = simulation.ends(simulation.anyLink());
      [a.address, b.address] = [b.address, a.address];
    },
  },
];

function move({ random }: Simulation, host: Host): void {
  const text = random.chance(0.5)
    ? `203.0.${random.between(0, 112)}.${random.between(1, 254)}`
    : `2001:db8:${random.between(1, 9999)}::1`;
  host.address = endpoint(ip(text), random.between(1024, 65_535));
}
