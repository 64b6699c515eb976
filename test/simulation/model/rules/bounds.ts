/** I13: what a host keeps is bounded by how many peers it has, whatever arrives. */
import { reassemblySlots, sessionsPerPeer, stagedInAll, stagedPerPeer } from '../constants.ts';
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';

/**
 * §5.1 C3, C4: four pending entries a peer, and those confirmed within the last 5 s, while copies of them are still answered.
 * There is one to each handshake, and an initiator makes at most two in 5 s; a peer's held-back ones come on top.
 */
const answeredPerPeer = 12;

export class Bounds implements Rule {
  see(observation: Observation, ledger: Ledger, report: Report): void {
    if (observation.kind !== 'done') return;
    const { host: name, view } = observation;
    const { peers, keys } = ledger.host(name);
    const most = (what: string, number: number, bound: number): void => {
      if (number > bound) report('I13', `${name} keeps ${number} ${what}, at most ${bound} are allowed`);
    };
    most('indices', view.indices, (sessionsPerPeer + 1) * peers.size); // and an initiation in flight
    most('answers', view.answered, answeredPerPeer * peers.size);
    most('reassembly slots', view.slots, reassemblySlots);
    most('confirmed sources', view.sources, peers.size);
    most('record keys', keys.size, 2 * sessionsPerPeer * peers.size);
    most('staged bytes', view.stagedBytes ?? 0, Math.min(stagedInAll, stagedPerPeer * peers.size));
  }
}
