/**
 * I8: keys are wiped in time. §5.3 T6 is stricter than the invariant: past REJECT_AFTER_TIME a session is erased, so that is
 * what is asked of a host that is awake, after each input. One that sleeps is asked when it has woken.
 */
import { rejectAfterTime } from '../constants.ts';
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';

export class Lifetimes implements Rule {
  see(observation: Observation, ledger: Ledger, report: Report): void {
    if (observation.kind === 'done') {
      const { at, host, view } = observation;
      const { keys, peers } = ledger.host(host);
      for (const key of keys) {
        if (at - key.bornAt > rejectAfterTime[key.pair?.profile ?? 'standard'])
          report('I8', `${host} still holds a key ${at - key.bornAt} ms old`);
      }
      // An X25519 and a KEM key for each initiation in flight, and none is kept for one that is over (§4: "erased after S1")
      if (view.ephemerals > 2 * peers.size)
        report('I8', `${host} holds ${view.ephemerals} ephemeral keys for ${peers.size} peers`);
    }
    if (observation.kind !== 'end') return;
    for (const { name, keys } of ledger.hosts.values())
      if (keys.size > 0) report('I8', `${name} has stopped and still holds ${keys.size} keys`);
  }
}
