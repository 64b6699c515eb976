/** What a seed picks before anything happens: who there is, who knows whom, and how each pair is configured. */
import type { SuiteId } from '@pqtun/core';
import type { Random } from '../kit/random.ts';

export type Topology = 'pair' | 'star' | 'mesh';

/** One pair of peers. `first` and `second` are host numbers; in a star the hub is 0 and always `second`. */
export interface Link {
  readonly first: number;
  readonly second: number;
  readonly kind: 'hybrid' | 'classical';
  readonly suite: SuiteId;
  readonly profile: 'standard' | 'metered';
  readonly hasPsk: boolean;
  /** `second` is told where `first` is; the other way round it always is. */
  readonly bothKnow: boolean;
  /** PersistentKeepalive of `first`, in milliseconds. */
  readonly keepalive: number | undefined;
}

export interface Scenario {
  readonly topology: Topology;
  readonly hosts: number;
  readonly links: readonly Link[];
  /** Indices are drawn from 1,024, so that they collide. */
  readonly crowdedIndices: boolean;
  /** Hosts that ask a deployment key of hybrid initiators. */
  readonly guarded: readonly number[];
  /** Hosts that own an address inside another's prefix. */
  readonly nested: readonly { readonly owner: number; readonly inside: number }[];
  /** Others believe that everything is behind the hub. */
  readonly hubIsDefaultRoute: boolean;
  /** Largest handshake datagram of each host, in bytes. §3.1 M. */
  readonly maxDatagrams: readonly number[];
  readonly steps: number;
}

export function pickScenario(random: Random): Scenario {
  const topology = random.pick<Topology>(['pair', 'pair', 'star', 'star', 'mesh']);
  const hosts = hostCount(random, topology);
  const metered = random.chance(0.15);
  const somePsk = random.chance(0.6);
  const someClassical = random.chance(0.3);
  const someKeepalive = random.chance(0.2);
  const links = pairs(topology, hosts).map(([first, second]): Link => {
    const kind = someClassical && random.chance(0.5) ? 'classical' : 'hybrid';
    const profile = metered && kind === 'hybrid' && random.chance(0.7) ? 'metered' : 'standard';
    const interval = profile === 'metered' ? random.between(60, 300) : random.between(10, 60);
    return {
      first,
      second,
      kind,
      suite: random.chance(0.8) ? 1 : 2,
      profile,
      hasPsk: somePsk && random.chance(0.7),
      bothKnow: random.chance(0.5),
      keepalive: someKeepalive && random.chance(0.5) ? interval * 1000 : undefined,
    };
  });
  const all = Array.from({ length: hosts }, (_, number) => number);
  return {
    topology,
    hosts,
    links,
    crowdedIndices: random.chance(0.3),
    guarded: all.filter(() => random.chance(0.15)),
    nested: hosts < 3 ? [] : [{ owner: random.between(1, hosts - 1), inside: 0 }],
    hubIsDefaultRoute: topology !== 'mesh' && random.chance(0.3),
    maxDatagrams: all.map(() => random.pick([1232, 1232, 1232, 508, 1452, random.between(508, 1452)])),
    steps: random.between(3, 12),
  };
}

function hostCount(random: Random, topology: Topology): number {
  if (topology === 'pair') return 2;
  return topology === 'mesh' ? random.pick([3, 3, 4, 5]) : random.pick([3, 3, 4, 4, 5, 6, 8]);
}

function pairs(topology: Topology, hosts: number): [number, number][] {
  const found: [number, number][] = [];
  for (let first = 1; first < hosts; first++) {
    for (let second = 0; second < (topology === 'mesh' ? first : 1); second++) found.push([first, second]);
  }
  return found;
}
