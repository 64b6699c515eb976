/** I1: a key never seals under a counter twice, whichever host holds it; I7: nor beyond its age or its count. */
import { rejectAfterMessages, rejectAfterTime } from '../constants.ts';
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';

export class Nonces implements Rule {
  see(observation: Observation, ledger: Ledger, report: Report): void {
    if (observation.kind !== 'sealed' && observation.kind !== 'opened') return;
    const { at, host, counter } = observation;
    const key = ledger.keys.get(observation.key);
    if (key === undefined) return report('none', `${host} uses a key that was never made`);
    const act = observation.kind === 'sealed' ? 'seals' : 'opens';
    if (observation.kind === 'sealed' && ledger.sealed(key.print, counter) !== undefined)
      report('I1', `${host} seals under counter ${counter} again`);
    const age = at - key.bornAt;
    // §5.3 T6: "neither send nor receive past REJECT_AFTER_TIME"
    const bound = rejectAfterTime[key.pair?.profile ?? 'standard'];
    if (age > bound) report('I7', `${host} ${act} under a key ${age} ms old`);
    if (counter >= rejectAfterMessages) report('I7', `${host} ${act} under counter ${counter}`);
    if (key.wiped) report('I8', `${host} ${act} under a key that was wiped`);
  }
}
