/**
 * I5: whatever is refused before it is authenticated changes nothing. Two cases: a datagram that no honest host sent in this
 * form, whatever becomes of it; and a genuine one that is dropped. `unchanged` compares engine and plane before and after,
 * but for drop counters, rates and slots of half-received initiations, which §6 gives to strangers.
 */
import { rejectAfterTime } from '../constants.ts';
import type { HostFacts } from '../facts.ts';
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';

/** Drops of what was authentic, and so has counted: §3.4, §3.5, §5.4. */
const afterAuthentication: readonly string[] = [
  'bad-inner-packet',
  'bad-inner-length',
  'source-not-allowed',
  'control-on-classical',
  'unknown-control',
  'answer-limit',
  'queue-full',
];
/** Not about the datagram at hand. */
const ofOthers: readonly string[] = ['reassembly-expired', 'too-big', 'staging-full', 'no-endpoint'];

export class Refusals implements Rule {
  see(observation: Observation, ledger: Ledger, report: Report): void {
    if (observation.kind !== 'done' || observation.view.unchanged !== false) return;
    const { at, host: name, view } = observation;
    const host = ledger.host(name);
    const input = host.input;
    if (input?.input.kind !== 'datagram') return;
    const reasons = view.drops.filter(
      (drop) => !ofOthers.includes(drop) && !afterAuthentication.includes(drop),
    );
    if (input.genuine !== undefined && reasons.length === 0) return;
    // §5.3 T6: to notice the age of a session is to erase it; time does that, not the datagram
    if (reasons.includes('profile-mismatch') && this.#somethingAged(host, at)) return;
    // §5.1 C5: "is erased and the packet dropped"
    if (reasons.includes('stale-confirm') && input.opened !== undefined) return;
    const what = input.genuine === undefined ? 'no honest host sent' : `was refused (${reasons.join(', ')})`;
    report('I5', `${name} is changed by a datagram (${input.seen?.type}) that ${what}`);
  }

  /** The keys are wiped by now. */
  #somethingAged(host: HostFacts, at: number): boolean {
    return host.agedAt === at || [...host.keys].some((key) => at - key.bornAt >= rejectAfterTime.standard);
  }
}
