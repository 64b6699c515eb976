/**
 * The data plane in TypeScript, sans-IO: routes, stages, seals, opens and reports behind the port of `plane.ts`. Packets come
 * in by `handlePacket`, `handleTransport` and `handleOther`; after each of these and after each verb that may send,
 * `poll()` until it is empty. It is the twin of the native plane, and the plane where no addon can be had.
 *
 * The gate of §6 is left to the engine: every handshake datagram goes up `unchecked`.
 */
import type { DropCounters } from '../drop.ts';
import { invariant } from '../errors.ts';
import { paddingUnit } from '../limits.ts';
import {
  type Endpoint,
  elapsed,
  type Instant,
  type LocalAddress,
  type PeerId,
  type SessionIndex,
} from '../types.ts';
import { isControl } from '../wire/ip.ts';
import { transportOverhead } from '../wire/messages.ts';
import { fingerprint } from './fingerprint.ts';
import { Keypair, type RecordKeys } from './keypairs.ts';
import { PacketBuffer } from './packet-buffer.ts';
import type {
  DataPlane,
  OutgoingDatagram,
  PeerCounters,
  PeerSettings,
  PlaneReports,
  RouteChange,
  SessionInstall,
} from './plane.ts';
import { type PlaneOutput, PlaneState } from './plane-state.ts';
import { Receiving } from './receiving.ts';
import { Sending } from './sending.ts';

/** Tunnel MTU unless told otherwise: an Ethernet path of 1500 B less outer IPv6, UDP and our own 32 B. */
export const defaultTunnelMtu = 1420;

export interface PortablePlaneOptions {
  readonly suite: RecordKeys;
  /** Tunnel MTU in bytes. */
  readonly mtu?: number;
}

export class PortablePlane implements DataPlane {
  readonly #state: PlaneState;
  readonly #sending: Sending;
  readonly #receiving: Receiving;
  /** Outputs before this one have been polled. */
  #polled = 0;

  constructor(options: PortablePlaneOptions) {
    this.#state = new PlaneState(options.suite, options.mtu ?? defaultTunnelMtu);
    this.#sending = new Sending(this.#state);
    this.#receiving = new Receiving(this.#state, this.#sending);
  }

  /* packets */

  /**
   * One transport datagram (type 4); it validates all of it. `bytes` is the plane's until the outputs are polled: it is decrypted in
   * place, and a `packet` output is a view of it. `from` and `localAddress` are kept and must not change.
   */
  handleTransport(
    now: Instant,
    from: Endpoint,
    localAddress: LocalAddress | undefined,
    bytes: Uint8Array,
  ): void {
    const drop = this.#receiving.handleTransport(now, from, localAddress, bytes);
    if (drop !== undefined) this.#state.reports.drop(drop);
  }

  /** Any other datagram, for the engine. `bytes` stays the caller's: it is copied if there is room for it, else dropped. */
  handleOther(from: Endpoint, localAddress: LocalAddress | undefined, bytes: Uint8Array): void {
    const { reports } = this.#state;
    if (!reports.hasRoom('handshake')) {
      reports.drop('queue-full');
      return;
    }
    const verdict = { kind: 'unchecked' } as const;
    reports.push({ kind: 'handshake', from, localAddress, bytes: new Uint8Array(bytes), verdict });
  }

  /**
   * One inner packet from the TUN. A `PacketBuffer` is the plane's from here on and is sealed where it lies; bare bytes stay the
   * caller's and are copied.
   */
  handlePacket(now: Instant, packet: PacketBuffer | Uint8Array): void {
    const buffer = packet instanceof PacketBuffer ? packet : PacketBuffer.copyOf(packet);
    const drop = this.#sending.handlePacket(now, buffer);
    if (drop !== undefined) this.#state.reports.drop(drop);
  }

  /** The next output in order, `undefined` when there is none. Its bytes are the caller's. */
  poll(): PlaneOutput | undefined {
    const { outputs } = this.#state;
    const output = outputs[this.#polled];
    if (output !== undefined) {
      this.#polled++;
    } else {
      outputs.length = 0;
      this.#polled = 0;
    }
    return output;
  }

  /* the port */

  install(now: Instant, session: SessionInstall): void {
    const known = this.#state.sessions.find(session.localIndex) !== undefined;
    const expired = elapsed(session.bornAt, now) >= session.limits.rejectAfterTime;
    if (known || expired) {
      session.sendKey.destroy();
      session.receiveKey.destroy();
      if (!known) this.#state.reports.of(this.#state.remote(session.peer)).retired.push(session.localIndex);
      return;
    }
    const remote = this.#state.remote(session.peer);
    this.#state.eraseExpired(now, remote);
    const keypair = new Keypair(this.#state.suite, session);
    this.#state.sessions.add(keypair);
    const initiated = session.role === 'initiator';
    const erased = initiated
      ? remote.keypairs.addInitiated(now, keypair).erased
      : remote.keypairs.addNext(keypair);
    for (const fallen of erased) this.#state.eraseReported(now, remote, fallen);
    if (initiated) this.#sending.confirmToResponder(now, remote, keypair);
  }

  retire(now: Instant, index: SessionIndex): void {
    const keypair = this.#state.sessions.find(index);
    const remote = keypair && this.#state.remotes.get(keypair.peer);
    if (keypair !== undefined && remote !== undefined) this.#state.erase(now, remote, keypair);
  }

  wipeKeys(now: Instant, peer: PeerId): void {
    const remote = this.#state.remotes.get(peer);
    for (const keypair of remote?.keypairs.all() ?? []) if (remote) this.#state.erase(now, remote, keypair);
  }

  removePeer(now: Instant, peer: PeerId): void {
    const remote = this.#state.remotes.get(peer);
    this.#state.routes.apply([{ kind: 'clear', peer }]);
    if (remote === undefined) return;
    this.wipeKeys(now, peer);
    remote.staged.clear();
    this.#state.reports.forget(remote);
    this.#state.remotes.delete(peer);
  }

  setPeer(peer: PeerId, settings: PeerSettings): void {
    const { pathMtu } = settings;
    invariant(
      pathMtu === undefined || pathMtu > transportOverhead,
      'a path must take more than an empty record',
    );
    this.#state.remote(peer).configure(settings);
  }

  resetTimestamp(peer: PeerId): void {
    this.#state.remotes.get(peer)?.keypairs.forgetTimestamp();
  }

  setRoutes(changes: readonly RouteChange[]): void {
    this.#state.routes.apply(changes);
  }

  transmit(
    now: Instant,
    peer: PeerId,
    payload: Uint8Array,
    to?: { endpoint: Endpoint; localAddress: LocalAddress | undefined },
  ): boolean {
    const ours = payload.length === 0 || (isControl(payload) && payload.length % paddingUnit === 0);
    invariant(ours, 'only keepalives and whole control payloads are transmitted');
    const remote = this.#state.remotes.get(peer);
    const keypair = remote && this.#state.usable(now, remote);
    const endpoint = to?.endpoint ?? remote?.endpoint;
    if (remote === undefined || keypair === undefined || endpoint === undefined) return false;
    this.#sending.sendOwn(
      now,
      remote,
      keypair,
      payload,
      endpoint,
      to ? to.localAddress : remote.localAddress,
    );
    return true;
  }

  flushStaged(now: Instant, peer: PeerId): void {
    const remote = this.#state.remotes.get(peer);
    const current = remote && this.#state.usable(now, remote);
    if (remote !== undefined && current !== undefined) this.#sending.flush(now, remote, current);
  }

  purgeStaged(peer: PeerId): void {
    this.#state.remotes.get(peer)?.staged.clear();
  }

  sendDatagrams(datagrams: readonly OutgoingDatagram[]): void {
    for (const { to, localAddress, bytes } of datagrams) {
      this.#state.outputs.push({ kind: 'datagram', to, localAddress, bytes });
    }
  }

  takeReports(): PlaneReports {
    return this.#state.reports.take();
  }

  peerCounters(peers: readonly PeerId[]): PeerCounters[] {
    const zeros = { bytesReceived: 0, bytesSent: 0, packetsReceived: 0, packetsSent: 0 };
    return peers.map((peer) => ({ ...(this.#state.remotes.get(peer)?.counters ?? zeros) }));
  }

  /* beyond the port */

  /** Drops since the plane was made, by reason. */
  get drops(): DropCounters {
    return this.#state.reports.totals;
  }

  get mtu(): number {
    return this.#state.mtu;
  }

  /** Sets the tunnel MTU in bytes, where padding stops. */
  setMtu(mtu: number): void {
    this.#state.mtu = mtu;
  }

  /** Everything the plane's behaviour depends on but keys and drop counters, as text. For tests: a rejected packet leaves it equal. */
  fingerprint(): string {
    return fingerprint(this.#state);
  }

  /** Skips a session's send counter to `next`, forward only, so that tests reach the limits. */
  advanceSendCounter(index: SessionIndex, next: number): void {
    this.#state.sessions.find(index)?.sendCounter.advanceTo(next);
  }
}
