/**
 * I9: a pair of keys comes of a handshake of two honest hosts who both mean each other, whose datagrams arrived whole and
 * unaltered, under one PSK; and both ends have the same keys. The keys come of the whole transcript (§4 S1: KDF3(C, H)), so to
 * have the same keys is to have the same transcript; a KEM or DH secret that differs gives other keys.
 */
import { reassemblyLifetime } from '../constants.ts';
import type { Genuine, HostFacts, InputFacts, Pair } from '../facts.ts';
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';

export class Agreement implements Rule {
  see(observation: Observation, ledger: Ledger, report: Report): void {
    if (observation.kind === 'sealed')
      return this.#unconfirmed(observation.host, observation.key, ledger, report);
    if (observation.kind !== 'done') return;
    const host = ledger.host(observation.host);
    const input = host.input;
    if (input === undefined || input.made.length === 0) return;
    const wrong = (why: string): void => report('I9', `${host.name} has keys ${why}`);
    const pair = input.made[0]?.pair;
    if (input.made.length !== 2 || pair === undefined) return wrong(`of an odd number: ${input.made.length}`);
    const { genuine } = input;
    if (genuine === undefined)
      return wrong(`of a ${input.seen?.type ?? input.input.kind} no honest host sent`);
    const peer = ledger.peerNamed(host, genuine.host.name);
    const mirror = ledger.peerNamed(genuine.host, host.name);
    if (peer === undefined) return wrong(`with ${genuine.host.name}, which is no peer of it`);
    const classical = input.seen !== undefined && 'classical' in input.seen && input.seen.classical;
    if ((peer.kind === 'classical') !== classical) wrong(`of another kind than ${peer.kind}`);
    if (pair.role === 'responder') this.#responder(host, input, genuine, observation.at, wrong);
    else this.#initiator(host, genuine, pair, wrong);
    if (pair.role === 'initiator' || mirror === undefined) return;
    // §4 I7: Q is in the key of enc_ts. WireGuard's responder does not know until the first packet verifies
    const sentUnder = genuine.psk.get(host.name);
    if (peer.kind === 'hybrid' && sentUnder !== undefined && sentUnder !== peer.psk)
      wrong('though the pre-shared keys differ');
  }

  /** §5.1 C1: until the initiator has proved that it has the session, too, a responder "sends nothing" under it. */
  #unconfirmed(name: string, key: number, ledger: Ledger, report: Report): void {
    const pair = ledger.keys.get(key)?.pair;
    if (pair?.role !== 'responder' || pair.receive.taken.size > 0) return;
    if (pair.host.input?.opened?.key !== pair.receive)
      report('I9', `${name} sends under a session that its initiator has not confirmed`);
  }

  #responder(
    host: HostFacts,
    { input, seen }: InputFacts,
    genuine: Genuine,
    at: number,
    wrong: (why: string) => void,
  ): void {
    if (seen?.type !== 'initiation' || input.kind !== 'datagram') return wrong(`of a ${seen?.type}`);
    const { parts } = genuine;
    const arrived = (part: Genuine): boolean =>
      part.deliveries.some(
        (delivery) =>
          delivery.host === host &&
          delivery.boot === host.boot &&
          delivery.from === input.from &&
          at - delivery.at <= reassemblyLifetime,
      );
    if (parts.size !== seen.count || ![...parts.values()].every(arrived))
      wrong('of an initiation that has not come whole from one place');
  }

  #initiator(host: HostFacts, genuine: Genuine, pair: Pair, wrong: (why: string) => void): void {
    if (genuine.seen.type !== 'response') return wrong(`of a ${genuine.seen.type}`);
    const { parts } = genuine;
    const arrived = (part: Genuine): boolean =>
      part.deliveries.some((delivery) => delivery.host === host && delivery.boot === host.boot);
    if (parts.size !== genuine.seen.count || ![...parts.values()].every(arrived))
      return wrong('of a response that has not come whole');
    const other = genuine.pair;
    if (other === undefined) return wrong('of a response its sender has no keys for');
    if (other.remote !== host.name) wrong(`of a response meant for ${other.remote}`);
    if (other.psk !== pair.psk) wrong('though the pre-shared keys differ');
    if (other.send.print !== pair.receive.print || other.receive.print !== pair.send.print)
      wrong(`that ${other.host.name} has not`);
  }
}
