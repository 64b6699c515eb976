/**
 * I11: who is sent nonsense stays silent: no answer at all without a valid mac1, and to a stranger's right mac1 no more than a
 * cookie reply (§6). And who has nothing to say says nothing.
 */
import { silentAfter } from '../constants.ts';
import type { HostFacts } from '../facts.ts';
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';
import { read } from '../wire.ts';

export class Silence implements Rule {
  #quietSince: number | undefined;
  /** Datagrams sent since, by host. */
  readonly #sent = new Map<string, number>();

  see(observation: Observation, ledger: Ledger, report: Report): void {
    if (observation.kind === 'quiet') this.#quietSince = observation.at;
    if (observation.kind !== 'sent') return;
    const { at, host: name, bytes } = observation;
    const host = ledger.host(name);
    this.#answer(host, bytes, report);
    const quiet = this.#quietSince === undefined ? 0 : at - this.#quietSince - silentAfter;
    if (quiet <= 0) return;
    const sent = (this.#sent.get(name) ?? 0) + 1;
    this.#sent.set(name, sent);
    const allowed = allowance(host, ledger, quiet);
    if (sent > allowed)
      report(
        'I11',
        `${name} sends its datagram ${sent} (${read(bytes).type}) into the silence, ${allowed} are allowed`,
      );
  }

  #answer({ name, input }: HostFacts, bytes: Uint8Array, report: Report): void {
    if (input?.input.kind !== 'datagram' || input.genuine !== undefined) return;
    const { type } = read(bytes);
    if (!input.forged)
      report('I11', `${name} answers a ${input.seen?.type} without a valid mac1 by a ${type}`);
    else if (type !== 'cookie')
      report('I11', `${name} answers a stranger's ${input.seen?.type} by a ${type}`);
  }
}

/**
 * How many datagrams PersistentKeepalive at either end lets a host send in `time` ms: a probe or an answer an interval (T4),
 * and every 120 s (T1: older than REKEY_AFTER_TIME) a handshake: at most 7 fragments, thrice (N3), twice for a cookie; its
 * first packet, its last under the old session.
 */
function allowance(host: HostFacts, ledger: Ledger, time: number): number {
  let allowed = 0;
  for (const { remote, keepalive } of host.peers.values()) {
    const theirs = ledger.peerNamed(ledger.host(remote), host.name)?.keepalive;
    for (const interval of [keepalive, theirs])
      if (interval !== undefined) allowed += Math.ceil(time / interval) + 1;
    if (keepalive !== undefined || theirs !== undefined) allowed += Math.ceil(time / 120_000) * 30 + 30;
  }
  return allowed;
}
