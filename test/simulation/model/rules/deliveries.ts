/**
 * I2, I3, I4: what comes out of a tunnel is what the peer's user put in, once, under the record that has just verified, from
 * an address that is the peer's.
 */

import type { HostFacts } from '../facts.ts';
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import { ownerOf } from '../prefixes.ts';
import type { Report, Rule } from '../rule.ts';
import { innerLength, innerSource, latin1 } from '../wire.ts';

export class Deliveries implements Rule {
  /** By host and packet. No two packets given to hosts are alike. */
  readonly #delivered = new Set<string>();

  see(observation: Observation, ledger: Ledger, report: Report): void {
    if (observation.kind !== 'delivered') return;
    const { host: name, peer, bytes } = observation;
    const host = ledger.host(name);
    const once = `${name} ${latin1(bytes)}`;
    if (this.#delivered.has(once)) report('I2', `${name} delivers a packet of ${bytes.length} B again`);
    this.#delivered.add(once);
    this.#asSent(host, peer, bytes, ledger, report);
    const owner = ownerOf(innerSource(bytes), host.peers.values());
    if (owner !== peer)
      report('I4', `${name} delivers from peer ${peer} what is from an address of ${owner ?? 'nobody'}`);
  }

  #asSent(host: HostFacts, peer: number, bytes: Uint8Array, ledger: Ledger, report: Report): void {
    const opened = host.input?.opened;
    if (opened === undefined)
      return report('I3', `${host.name} delivers a packet without having opened a record`);
    const remote = host.peers.get(peer)?.remote;
    if (!opened.fresh) report('I2', `${host.name} delivers counter ${opened.counter} again`);
    const sealed = ledger.sealed(opened.key.print, opened.counter);
    if (sealed === undefined) return report('I3', `${host.name} delivers what nobody sealed`);
    if (sealed.host.name !== remote || opened.key.pair?.remote !== remote)
      report('I3', `${host.name} delivers from ${remote} what ${sealed.host.name} sealed`);
    const { plaintext } = sealed;
    const same = latin1(plaintext.subarray(0, bytes.length)) === latin1(bytes);
    const rest = plaintext.subarray(bytes.length).every((byte) => byte === 0);
    if (!same || !rest || bytes.length !== innerLength(plaintext))
      report('I3', `${host.name} delivers ${bytes.length} B that are not those sealed`);
    if (ledger.givenTo(bytes) !== remote)
      report('I3', `${host.name} delivers what no user of ${remote} sent`);
  }
}
