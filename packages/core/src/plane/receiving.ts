/**
 * The way of a transport datagram in:
 *  1. well-formed; whose index; not past its age (T6); counter below the limit
 *  2. the tag verifies, only then anything may change; in place
 *  3. on a `next`: may this packet confirm (C1), is it not too late (C5)
 *  4. replay window
 *  5. confirm (C5, N4), or roam (§5.4); T1
 *  6. keepalive, control payload for the engine (§3.5), or inner packet: true length, source, out
 *  7. after a confirm: what was staged (N3)
 */
import type { Drop } from '../drop.ts';
import type { Endpoint, Instant, LocalAddress } from '../types.ts';
import { classify } from '../wire/classify.ts';
import { addressSize, innerDrop, innerLength, isControl, sourceOffset, versionAt } from '../wire/ip.ts';
import { controlKind, parseControl, transportOverhead } from '../wire/messages.ts';
import type { Keypair } from './keypairs.ts';
import type { PlaneState } from './plane-state.ts';
import { openRecord } from './record.ts';
import type { Remote } from './remote.ts';
import type { Sending } from './sending.ts';

export class Receiving {
  readonly #state: PlaneState;
  readonly #sending: Sending;

  constructor(state: PlaneState, sending: Sending) {
    this.#state = state;
    this.#sending = sending;
  }

  /** Takes one datagram, decrypting it where it lies. A Drop other than those of step 6 has changed nothing. */
  handleTransport(
    now: Instant,
    from: Endpoint,
    localAddress: LocalAddress | undefined,
    datagram: Uint8Array,
  ): Drop | undefined {
    const claimed = classify(datagram);
    if (typeof claimed === 'string') return claimed;
    if (claimed.kind !== 'transport') return 'unknown-type';
    const { receiverIndex, counter } = claimed;

    const keypair = this.#state.sessions.find(receiverIndex);
    const remote = keypair && this.#state.remotes.get(keypair.peer);
    if (keypair === undefined || remote === undefined) {
      return this.#state.sessions.erasedByAge(now, receiverIndex) ? 'profile-mismatch' : 'unknown-index';
    }
    if (keypair.expired(now)) {
      this.#state.eraseReported(now, remote, keypair);
      return 'profile-mismatch'; // T6: to notice its age is to erase it by age
    }
    if (counter >= keypair.limits.rejectAfterMessages) return 'counter-limit';
    const payload = openRecord(keypair.receiveKey, counter, datagram);
    if (payload === undefined) return 'bad-tag';
    return this.#handleAuthentic(now, from, localAddress, remote, keypair, counter, payload);
  }

  #handleAuthentic(
    now: Instant,
    from: Endpoint,
    localAddress: LocalAddress | undefined,
    remote: Remote,
    keypair: Keypair,
    counter: number,
    payload: Uint8Array,
  ): Drop | undefined {
    const staysPut = payload[0] === controlKind.answer || payload[0] === controlKind.pathProbe;
    const confirms = remote.keypairs.isNext(keypair);
    if (confirms && staysPut) return 'cannot-confirm'; // C1
    if (confirms && remote.keypairs.isStale(keypair)) {
      this.#state.eraseReported(now, remote, keypair);
      return 'stale-confirm'; // C5
    }
    const isHighest = counter > keypair.window.highest;
    if (!keypair.window.accept(counter)) return 'replayed';

    remote.counters.bytesReceived += payload.length + transportOverhead;
    remote.counters.packetsReceived++;
    this.#state.reports.of(remote).anyReceived = true;
    if (confirms) this.#confirm(now, from, localAddress, remote, keypair);
    else if (isHighest && !staysPut && keypair === remote.keypairs.current)
      this.#move(remote, from, localAddress);
    this.#watchAge(now, remote, keypair);
    const drop = this.#deliver(from, localAddress, remote, keypair, payload);
    if (confirms) this.#flush(now, remote);
    return drop;
  }

  /** N3: after a confirm data staged goes out, under the current session. */
  #flush(now: Instant, remote: Remote): void {
    const current = this.#state.usable(now, remote);
    if (current !== undefined) this.#sending.flush(now, remote, current);
  }

  /** C5: the session becomes current, or previous by N4. */
  #confirm(
    now: Instant,
    from: Endpoint,
    localAddress: LocalAddress | undefined,
    remote: Remote,
    keypair: Keypair,
  ): void {
    this.#state.eraseExpired(now, remote);
    const { became, erased } = remote.keypairs.confirm(now, keypair);
    for (const fallen of erased) this.#state.eraseReported(now, remote, fallen);
    this.#move(remote, from, localAddress);
    this.#state.reports.of(remote).confirmed.push({
      index: keypair.localIndex,
      endpoint: from,
      localAddress: remote.localAddress,
      timestamp: keypair.timestamp,
      became,
    });
  }

  /** §5.4: only an authenticated packet gets here. */
  #move(remote: Remote, endpoint: Endpoint, localAddress: LocalAddress | undefined): void {
    if (!remote.move(endpoint, localAddress)) return;
    this.#state.reports.of(remote).roamed = { endpoint, localAddress: remote.localAddress };
  }

  /** T1, receiving side: the session's initiator rekeys before the session ends, be it current or previous. */
  #watchAge(now: Instant, remote: Remote, keypair: Keypair): void {
    if (keypair.role !== 'initiator' || keypair.age(now) <= keypair.limits.rekeyOnReceiveAfter) return;
    this.#state.reports.of(remote).limitNear = keypair.localIndex;
  }

  #deliver(
    from: Endpoint,
    localAddress: LocalAddress | undefined,
    remote: Remote,
    keypair: Keypair,
    payload: Uint8Array,
  ): Drop | undefined {
    if (payload.length === 0) return undefined;
    if (isControl(payload)) return this.#deliverControl(from, localAddress, remote, keypair, payload);
    this.#state.reports.of(remote).dataReceived = true;
    const length = innerLength(payload, 0, payload.length);
    if (length < 0) return innerDrop(length);
    const version = versionAt(payload, 0);
    const owner = this.#state.routes.lookupAt(payload, sourceOffset(version), addressSize(version));
    if (owner !== remote.id) return 'source-not-allowed';
    const bytes = length === payload.length ? payload : payload.subarray(0, length);
    this.#state.outputs.push({ kind: 'packet', peer: remote.id, bytes });
    return undefined;
  }

  /** §3.5. The payload is copied: it waits for the engine, while the datagram's memory goes back to its owner. */
  #deliverControl(
    from: Endpoint,
    localAddress: LocalAddress | undefined,
    remote: Remote,
    keypair: Keypair,
    payload: Uint8Array,
  ): Drop | undefined {
    if (keypair.kind === 'classical') return 'control-on-classical';
    const control = parseControl(payload);
    if (typeof control === 'string') return control;
    if (!this.#state.reports.hasRoom('control')) return 'queue-full';
    this.#state.reports.push({
      kind: 'control',
      peer: remote.id,
      from,
      localAddress,
      payload: payload.slice(),
    });
    return undefined;
  }
}
