/** I15: what may not be is refused and changes nothing; what may be changes whom it names and nobody else. */
import type { Ledger } from '../ledger.ts';
import type { Observation, Reconfiguration } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';

export class Configuration implements Rule {
  see(observation: Observation, _ledger: Ledger, report: Report): void {
    if (observation.kind !== 'reconfigured') return;
    const { host, change } = observation;
    const { verb, legal, threw } = change;
    if (legal && threw !== undefined) report('I15', `${host} refuses ${verb}: ${threw}`);
    if (!legal && threw === undefined) report('I15', `${host} accepts ${verb}`);
    for (const peer of changed(change)) {
      if (!legal) report('I15', `${host} refuses ${verb}, and peer ${peer} is changed`);
      else if (!change.touched.includes(peer))
        report('I15', `${host}: ${verb} changes peer ${peer}, whom it does not name`);
    }
  }
}

function changed({ before, after }: Reconfiguration): number[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (peer) => before.get(peer) !== after.get(peer),
  );
}
