/**
 * I6: §5.4. An endpoint moves only by the operator's word or by a transport datagram that verifies, is new, is the highest of
 * its session, and is neither 0x02 nor 0x03; and it moves to where that came from.
 */
import type { HostFacts } from '../facts.ts';
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';

export class Roaming implements Rule {
  /** Last seen, by host and peer. */
  readonly #last = new Map<string, Map<number, string | undefined>>();

  see(observation: Observation, ledger: Ledger, report: Report): void {
    if (observation.kind === 'boot') this.#last.delete(observation.host);
    if (observation.kind !== 'done') return;
    const { host: name, view } = observation;
    const last = this.#last.get(name);
    const host = ledger.host(name);
    for (const [peer, endpoint] of view.endpoints) {
      if (last?.has(peer) && last.get(peer) !== endpoint && host.input !== undefined)
        this.#judge(host, peer, endpoint, ledger, report);
    }
    this.#last.set(name, new Map(view.endpoints));
  }

  #judge(host: HostFacts, peer: number, endpoint: string | undefined, ledger: Ledger, report: Report): void {
    const wrong = (why: string): void =>
      report('I6', `${host.name} moves peer ${peer} to ${endpoint} ${why}`);
    const input = host.input;
    if (input === undefined || input.input.kind === 'act' || input.input.kind === 'boot') return;
    if (input.input.kind !== 'datagram') return wrong(`on a ${input.input.kind}`);
    const { seen, genuine, opened } = input;
    if (seen?.type !== 'transport' || opened === undefined) return wrong(`on a ${seen?.type} datagram`);
    if (genuine === undefined) return wrong('on a datagram nobody sent');
    if (!opened.fresh) return wrong('on a replay');
    if (!opened.highest) return wrong('on a packet that is not the highest');
    if (endpoint !== input.input.from) return wrong(`though the packet came from ${input.input.from}`);
    if (opened.key.pair?.remote !== host.peers.get(peer)?.remote) return wrong("on another peer's packet");
    const first = ledger.sealed(opened.key.print, opened.counter)?.plaintext[0];
    if (first === 0x02 || first === 0x03) wrong(`on a control message 0x0${first}`);
  }
}
