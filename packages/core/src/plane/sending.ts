/**
 * The way of a packet out:
 *  1. true length and destination of the inner packet, and whose that is
 *  2. does it fit the path
 *  3. is there a session to send under; if not, it is staged
 *  4. counter, padding, seal in place, out
 *  5. what the engine must hear: activity, and T1
 * protocol.md §3.4, §5.3.
 */
import type { Drop } from '../drop.ts';
import type { Endpoint, Instant, LocalAddress } from '../types.ts';
import { tooBigReply } from '../wire/icmp.ts';
import { addressSize, destinationOffset, innerDrop, innerLength, versionAt } from '../wire/ip.ts';
import type { Keypair } from './keypairs.ts';
import { PacketBuffer } from './packet-buffer.ts';
import type { PeerActivity } from './plane.ts';
import type { PlaneState } from './plane-state.ts';
import { paddedLength, payloadWithin, sealRecord } from './record.ts';
import type { Remote } from './remote.ts';

export class Sending {
  readonly #state: PlaneState;

  constructor(state: PlaneState) {
    this.#state = state;
  }

  /** Sends or stages one inner packet, which is the plane's from here on. */
  handlePacket(now: Instant, packet: PacketBuffer): Drop | undefined {
    const { memory, offset } = packet;
    const length = innerLength(memory, offset, packet.length);
    if (length < 0) return innerDrop(length);
    packet.trim(length);
    const version = versionAt(memory, offset);
    const peer = this.#state.routes.lookupAt(
      memory,
      offset + destinationOffset(version),
      addressSize(version),
    );
    if (peer === undefined) return 'no-route';
    const remote = this.#state.remotes.get(peer);
    if (remote?.endpoint === undefined) return 'no-endpoint';
    if (length > largestPayload(remote)) return this.#tooBig(remote, packet);

    const current = this.#state.usable(now, remote);
    if (current !== undefined && remote.staged.size > 0) this.flush(now, remote, current); // what came first leaves first
    if (current === undefined || current.sendCounter.action === 'refuse') return this.#stage(remote, packet);
    this.#sendData(now, remote, current, packet);
    return undefined;
  }

  /** Sends what is staged under `keypair`, oldest first. Returns how many packets left. */
  flush(now: Instant, remote: Remote, keypair: Keypair): number {
    if (remote.endpoint === undefined) return 0;
    let sent = 0;
    while (remote.staged.size > 0 && keypair.sendCounter.action !== 'refuse') {
      const packet = remote.staged.shift();
      if (packet === undefined) break;
      if (packet.length > largestPayload(remote)) {
        this.#state.reports.drop(this.#tooBig(remote, packet));
      } else {
        this.#sendData(now, remote, keypair, packet);
        sent++;
      }
    }
    return sent;
  }

  /** N2: what is staged, else a keepalive, so that the responder learns at once that the session stands. */
  confirmToResponder(now: Instant, remote: Remote, keypair: Keypair): void {
    if (remote.endpoint === undefined || keypair.sendCounter.action === 'refuse') return;
    if (this.flush(now, remote, keypair) > 0) return;
    this.sendOwn(now, remote, keypair, new Uint8Array(0), remote.endpoint, remote.localAddress);
  }

  /** Sends a keepalive (empty payload) or control payload, which stays the caller's. It is not padded: its size is its meaning. */
  sendOwn(
    now: Instant,
    remote: Remote,
    keypair: Keypair,
    payload: Uint8Array,
    to: Endpoint,
    localAddress: LocalAddress | undefined,
  ): void {
    this.#send(now, remote, keypair, PacketBuffer.copyOf(payload), payload.length, to, localAddress);
    const activity = this.#state.reports.of(remote);
    activity.anySent = true;
    if (payload.length === 0) noteRecordSent(activity);
  }

  #sendData(now: Instant, remote: Remote, keypair: Keypair, packet: PacketBuffer): void {
    if (remote.endpoint === undefined) return; // both callers have asked
    const padded = paddedLength(packet.length, this.#state.mtu, largestPayload(remote));
    this.#send(now, remote, keypair, packet, padded, remote.endpoint, remote.localAddress);
    const activity = this.#state.reports.of(remote);
    activity.anySent = true;
    activity.dataSent = true;
    noteRecordSent(activity);
  }

  /** INVARIANT: the session is young enough and has a counter left; the counter has moved before anything is sealed. */
  #send(
    now: Instant,
    remote: Remote,
    keypair: Keypair,
    packet: PacketBuffer,
    padded: number,
    to: Endpoint,
    localAddress: LocalAddress | undefined,
  ): void {
    const mayGoOn = keypair.sendCounter.action === 'ok';
    const counter = keypair.sendCounter.take();
    const bytes = sealRecord(keypair.sendKey, keypair.remoteIndex, counter, packet, padded);
    this.#state.outputs.push({ kind: 'datagram', to, localAddress, bytes });
    remote.counters.bytesSent += bytes.length;
    remote.counters.packetsSent++;
    // T1: by messages either side, by time only the session's initiator
    const old = keypair.role === 'initiator' && keypair.age(now) > keypair.limits.rekeyAfterTime;
    if (old || !mayGoOn) this.#state.reports.of(remote).limitNear = keypair.localIndex;
  }

  #stage(remote: Remote, packet: PacketBuffer): Drop | undefined {
    this.#state.reports.of(remote).wantsKey = true;
    const lost = remote.staged.push(packet);
    if (lost > 0) this.#state.reports.drop('staging-full', lost);
    return undefined;
  }

  /** Tells the engine, and the packet's sender by ICMP where a packet may be answered at all. */
  #tooBig(remote: Remote, packet: PacketBuffer): Drop {
    this.#state.reports.of(remote).tooBig = packet.length;
    const reply = tooBigReply(packet.packet, Math.min(this.#state.mtu, largestPayload(remote)));
    if (reply !== undefined) this.#state.outputs.push({ kind: 'packet', peer: remote.id, bytes: reply });
    return 'too-big';
  }
}

/** T2 asks for data after which nothing was sent, so what came earlier in this report asks for nothing any more. */
function noteRecordSent(activity: PeerActivity): void {
  activity.recordSent = true;
  activity.dataReceived = false;
}

/** The most that the path takes as payload of one datagram; no bound while the path is not known. */
function largestPayload(remote: Remote): number {
  return remote.pathMtu === undefined ? Number.POSITIVE_INFINITY : payloadWithin(remote.pathMtu);
}
