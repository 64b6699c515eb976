/** I10: judged by the harness's clock; here stands only what counts as too late. The bound comes with its reason (recovery.ts). */
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';

export class Liveness implements Rule {
  see(observation: Observation, _ledger: Ledger, report: Report): void {
    if (observation.kind !== 'flow') return;
    const { host, to, took, bound } = observation;
    if (took === undefined) report('I10', `nothing gets from ${host} to ${to} within ${bound} ms`);
    else if (took > bound) report('I10', `from ${host} to ${to} took ${took} ms, more than ${bound}`);
  }
}
