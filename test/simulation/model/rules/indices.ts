/** I14: §2. A new initiation or response bears an index that no live session of its host has, nor one in flight. */
import { shortestRetry } from '../constants.ts';
import type { HostFacts } from '../facts.ts';
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';
import { read } from '../wire.ts';

/** An initiation certainly still in flight: so young that none has followed it to the same address. */
interface InFlight {
  readonly index: number;
  readonly at: number;
}

export class Indices implements Rule {
  /** By host, then by where it was sent. */
  readonly #inFlight = new Map<string, Map<string, InFlight>>();

  see(observation: Observation, ledger: Ledger, report: Report): void {
    switch (observation.kind) {
      case 'boot':
      case 'peer':
      case 'peer-gone': // a changed peer may have ended its handshake
        this.#inFlight.delete(observation.host);
        return;
      case 'sent':
        return this.#sent(observation, ledger, report);
      default:
    }
  }

  #sent(
    { at, host: name, to, bytes }: { at: number; host: string; to: string; bytes: Uint8Array },
    ledger: Ledger,
    report: Report,
  ): void {
    const seen = read(bytes);
    if ((seen.type !== 'initiation' && seen.type !== 'response') || seen.fragment !== 0) return;
    if (ledger.genuine(bytes, seen) !== undefined) return; // a copy
    const host = ledger.host(name);
    const flying = this.#flying(name);
    for (const owner of liveOwners(host)) {
      if (owner === seen.sender)
        report('I14', `${name} gives index ${seen.sender}, which a live session has`);
    }
    for (const [other, { index, at: since }] of flying) {
      const same = other === to && seen.type === 'initiation';
      if (index === seen.sender && !same && at - since < shortestRetry && !wasEstablished(host, index))
        report('I14', `${name} gives index ${seen.sender}, which an initiation in flight has`);
    }
    if (seen.type === 'initiation') flying.set(to, { index: seen.sender, at });
  }

  #flying(host: string): Map<string, InFlight> {
    let flying = this.#inFlight.get(host);
    if (flying === undefined) {
      flying = new Map();
      this.#inFlight.set(host, flying);
    }
    return flying;
  }
}

function liveOwners({ pairs }: HostFacts): number[] {
  return [...pairs].flatMap(({ localIndex }) => (localIndex === undefined ? [] : [localIndex]));
}

/** S1 has been reached: the index is the session's, as long as that lives. */
function wasEstablished({ established }: HostFacts, index: number): boolean {
  return established.has(index);
}
