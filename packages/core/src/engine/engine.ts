/**
 * The control plane: who may talk, with which keys, when to rekey. Sans-IO: it never sees a user's packet, a socket or a clock.
 *
 * One `handle*` call, then `pollEvent` until it is empty, then the next; what it sends goes through the plane. After each
 * call `nextDeadline` says when `handleTimeout` is wanted at the latest. protocol.md §5.
 */
import { Secret } from '../crypto/secret.ts';
import { DropCounters } from '../drop.ts';
import { invariant } from '../errors.ts';
import { peerKeys } from '../handshake/identity.ts';
import { TimestampClock } from '../handshake/timestamp.ts';
import { Peer } from '../peer/peer.ts';
import type { TimerName } from '../peer/timers.ts';
import type { DataPlane, GateVerdict, PeerCounters, PlaneMessage } from '../plane/plane.ts';
import type { Endpoint, Instant, LocalAddress, PeerId } from '../types.ts';
import { classify } from '../wire/classify.ts';
import { messageType } from '../wire/messages.ts';
import { handleActivity } from './activity.ts';
import { type Answered, type EngineContext, type EngineEvent, refuse } from './context.ts';
import { onTimer } from './due.ts';
import { fingerprint } from './fingerprint.ts';
import { Gate } from './gate.ts';
import { GateSync } from './gate-sync.ts';
import { IndexTable } from './index-table.ts';
import {
  endOutstanding,
  handleClassicalResponse,
  handleCookieReply,
  handleResponseFragment,
} from './initiating.ts';
import {
  checkDeploymentKeys,
  checkedPolicy,
  checkNewPeer,
  checkTimestampFloor,
  checkUpdate,
  type EngineOptions,
  type PeerOptions,
  type PeerUpdate,
} from './options.ts';
import { changePeer, macKeysFor, setPersistentKeepalive } from './peer-changes.ts';
import { PeerTable } from './peer-table.ts';
import { Probing } from './probing.ts';
import { ReassemblyPools } from './reassembly.ts';
import { forgetSession, handleClassicalInitiation, handleInitiationFragment } from './responding.ts';
import { type PeerStatus, statusOf } from './status.ts';

export class Engine {
  readonly #context: EngineContext;
  readonly #gate: Gate;
  /** Where the plane has a gate of its own. */
  readonly #gateSync: GateSync | undefined;
  readonly #pools = new ReassemblyPools();
  readonly #peers = new PeerTable();
  readonly #probing = new Map<PeerId, Probing>();
  readonly #events: EngineEvent[] = [];
  #cookieRepliesSent = 0;

  /** Throws `PQTUN_BAD_CONFIG` for options out of range. */
  constructor(now: Instant, options: EngineOptions) {
    const { crypto, plane, identity } = options;
    const policy = checkedPolicy(options.policy);
    checkTimestampFloor(options.timestampFloor);
    const timestamps = new TimestampClock(
      options.timestampFloor?.slice(),
      options.saveTimestampCeiling ?? (() => true),
      () => this.#events.push({ kind: 'timestamp-not-kept' }),
    );
    this.#context = {
      crypto,
      plane,
      policy,
      identity,
      timestamps,
      wallClock: options.wallClock,
      drops: new DropCounters(),
      indices: new IndexTable(crypto),
      peers: this.#peers,
      probing: this.#probing,
      answered: new Map<string, Answered>(),
      emit: (event) => this.#events.push(event),
      onCookieSent: () => {
        this.#cookieRepliesSent += 1;
      },
      sendExpecting: (datagrams) =>
        this.#gateSync === undefined ? plane.sendDatagrams(datagrams) : this.#gateSync.hold(datagrams),
    };
    this.#gate = new Gate(now, crypto, policy, identity);
    this.#gateSync = this.#gateSyncWith(now, plane);
    this.setDeploymentKeys(options.deploymentKeys ?? [new Uint8Array(0)]);
  }

  /* configuration */

  /** Replaces the deployment keys accepted from initiators: 1 … 8, each 32 B or empty. Throws `PQTUN_BAD_KEY`. */
  setDeploymentKeys(keys: readonly Uint8Array[]): void {
    checkDeploymentKeys(keys);
    const { identity, policy } = this.#context;
    this.#gate.setDeploymentKeys(identity, policy.suites, keys);
    this.#gateSync?.sync();
  }

  /** Adds a peer. Throws `PQTUN_BAD_KEY` for its keys, `PQTUN_BAD_CONFIG` for a contradiction; nothing is changed then. */
  addPeer(now: Instant, options: PeerOptions): PeerId {
    const { crypto, identity, plane } = this.#context;
    const keys = peerKeys(crypto, identity, options.publicKey, options.kemPublicKey);
    checkNewPeer(this.#context, keys, options);
    const id = this.#peers.newId();
    const uniform = (): number => new DataView(crypto.random(4).buffer).getUint32(0) / 2 ** 32;
    const peer = new Peer(id, keys, macKeysFor(crypto, keys, options.deploymentKey), uniform, {
      presharedKey: options.presharedKey && Secret.copyOf(options.presharedKey.borrow()),
      profile: options.profile ?? 'standard',
    });
    peer.endpoint = options.endpoint;
    this.#peers.add(peer);
    this.#probing.set(id, new Probing(crypto));
    plane.setPeer(id, { kind: keys.kind, endpoint: options.endpoint ?? null });
    if (options.persistentKeepalive !== undefined)
      setPersistentKeepalive(now, peer, options.persistentKeepalive);
    peer.timers.onLastSessionGone(now, peer.profile); // T6 counts the time without a session, the first one too
    this.#peers.touch(peer);
    this.#gateSync?.sync(now);
    return id;
  }

  /**
   * Changes what is given. A new pre-shared key ends handshakes in flight made with the old one, not the sessions; a running
   * sequence begins anew with it. Throws like `addPeer`, before anything is changed.
   */
  updatePeer(now: Instant, id: PeerId, update: PeerUpdate): void {
    const peer = this.#peers.get(id);
    checkUpdate(peer, update);
    changePeer(this.#context, now, peer, update);
    this.#peers.touch(peer);
    this.#gateSync?.sync(now);
  }

  /** Ends all of a peer at once, keys wiped. Harmless for an unknown one. */
  removePeer(now: Instant, id: PeerId): void {
    const peer = this.#peers.find(id);
    if (peer === undefined) return;
    endOutstanding(this.#context, peer);
    for (const index of [...peer.sessions.keys()]) forgetSession(this.#context, peer, index);
    for (const entry of peer.answered) this.#context.answered.delete(entry.key);
    this.#context.plane.removePeer(now, id);
    peer.presharedKey.destroy();
    this.#peers.remove(peer);
    this.#probing.delete(id);
    this.#gateSync?.sync(now);
  }

  /** The peer with this X25519 public key. */
  peerByPublicKey(publicKey: Uint8Array): PeerId | undefined {
    return this.#peers.byPublicKey(publicKey)?.id;
  }

  /** Forgets the stored timestamp of C3, so that a peer whose clock went back is heard again. */
  resetTimestamp(id: PeerId): void {
    this.#peers.get(id).storedTimestamp = undefined;
    this.#context.plane.resetTimestamp(id);
  }

  /* inputs */

  /**
   * One datagram that is no transport message, and what the plane's gate found out about it. `bytes` may be reused by the caller when
   * this returns.
   */
  handleDatagram(
    now: Instant,
    from: Endpoint,
    localAddress: LocalAddress | undefined,
    bytes: Uint8Array,
    verdict: GateVerdict = { kind: 'unchecked' },
  ): void {
    this.#handleDatagram(now, from, localAddress, bytes, verdict);
    this.#gateSync?.sync(now);
  }

  #handleDatagram(
    now: Instant,
    from: Endpoint,
    localAddress: LocalAddress | undefined,
    bytes: Uint8Array,
    verdict: GateVerdict,
  ): void {
    const context = this.#context;
    const message = classify(bytes);
    if (typeof message === 'string') return refuse(context, message);
    switch (message.kind) {
      case 'initiation-fragment':
        handleInitiationFragment(
          context,
          this.#gate,
          this.#pools,
          now,
          from,
          localAddress,
          message,
          bytes.length,
          verdict,
        );
        break;
      case 'response-fragment':
        handleResponseFragment(context, now, message);
        break;
      case 'cookie-reply':
        handleCookieReply(context, now, message);
        break;
      case 'classical-initiation':
        handleClassicalInitiation(
          context,
          this.#gate,
          this.#peers.hasClassical,
          now,
          from,
          localAddress,
          message,
          bytes.length,
          verdict,
        );
        break;
      case 'classical-response':
        handleClassicalResponse(
          context,
          this.#gate,
          this.#peers.hasClassical,
          now,
          from,
          localAddress,
          message,
        );
        break;
      case 'transport':
        return refuse(context, 'unknown-index'); // the plane's; one that comes here has no session
      default:
        message satisfies never;
    }
  }

  /**
   * Whether a datagram is a well-formed initiation, which costs us before anybody is authenticated, and whose: `peer`, if `from` is
   * the confirmed endpoint of a live session (anybody may forge that), else `stranger`. For whoever lets initiations wait.
   */
  initiationOf(from: Endpoint, bytes: Uint8Array): 'peer' | 'stranger' | undefined {
    if (bytes[0] === messageType.transport) return undefined; // per packet: as cheap as can be
    const message = classify(bytes);
    if (typeof message === 'string') return undefined;
    if (message.kind !== 'initiation-fragment' && message.kind !== 'classical-initiation') return undefined;
    return this.#peers.isLiveSource(from) ? 'peer' : 'stranger';
  }

  /** Takes what the plane has to report; call after every input to the plane. */
  handleReports(now: Instant): void {
    const { activity, messages, drops, cookieReplies = 0 } = this.#context.plane.takeReports();
    for (const [reason, times] of drops) this.#context.drops.count(reason, times);
    this.#cookieRepliesSent += cookieReplies;
    for (const report of activity) handleActivity(this.#context, now, report);
    for (const message of messages) this.#handleMessage(now, message);
    this.#gateSync?.sync(now);
    // What a message brought about is reported, too: an answer is a packet sent (T1, T4), and must not wait for the next input
    if (messages.length > 0) this.handleReports(now);
  }

  /** Does what is due at `now`. */
  handleTimeout(now: Instant): void {
    for (let due = this.#peers.nextDue(); due !== undefined && due.at <= now; due = this.#peers.nextDue()) {
      const { peer } = due;
      const timer = peer.timers.takeDue(now);
      invariant(timer !== undefined, 'a deadline without its timer');
      onTimer(this.#context, now, peer, timer);
      this.#peers.touch(peer);
    }
    this.#gateSync?.sync(now);
  }

  /** A local address or route changed: running sequences start anew, and M is the configured one again. N3, §3.1. */
  handleNetworkChange(now: Instant): void {
    for (const peer of this.#peers.all()) {
      peer.failedAttempts = 0;
      peer.localAddress = undefined;
      this.#context.plane.setPeer(peer.id, { localAddress: null });
      peer.sequence.restart(now);
      this.#peers.touch(peer);
    }
  }

  /** Event-loop delay in milliseconds, as the device measures it. §6. */
  setLoopDelay(milliseconds: number): void {
    this.#gate.load.onLoopDelay(milliseconds);
    this.#gateSync?.sync();
  }

  /** Begins a handshake with a peer whose endpoint is known, unless one runs. */
  initiate(now: Instant, id: PeerId): void {
    const peer = this.#peers.get(id);
    if (peer.endpoint === undefined) return;
    peer.sequence.want(now);
    this.#peers.touch(peer);
  }

  /** Sends one probe (a multiple of 16 B, 16 … 65504); its token, to be met in a `pong`, or `undefined` without a session. */
  ping(now: Instant, id: PeerId, length?: number): Uint8Array | undefined {
    const peer = this.#peers.get(id);
    const token = this.#probing.get(id)?.send(this.#context, now, peer, length);
    this.handleReports(now); // T1 asks for a rekey when a probe is sent, be there an answer or not
    this.#peers.touch(peer);
    return token;
  }

  /** Orderly stop: exact timestamp kept (C6), every peer ended, keys wiped. The engine is not used afterwards. */
  stop(now: Instant): void {
    this.#context.timestamps.stop();
    for (const { id } of this.#peers.all()) this.removePeer(now, id);
  }

  /* outputs */

  pollEvent(): EngineEvent | undefined {
    return this.#events.shift();
  }

  /** When `handleTimeout` is wanted at the latest, for which peer and why; `undefined`: never. */
  nextDeadline(): { at: Instant; peer: PeerId; timer: TimerName } | undefined {
    const due = this.#peers.nextDue();
    const timer = due?.peer.timers.next();
    return due && timer && { at: due.at, peer: due.peer.id, timer: timer.name };
  }

  get drops(): DropCounters {
    return this.#context.drops;
  }

  get cookieRepliesSent(): number {
    return this.#cookieRepliesSent;
  }

  isUnderLoad(now: Instant): boolean {
    return this.#gate.load.isUnderLoad(now);
  }

  /** What there is to show of a peer, but what the plane counts. */
  status(now: Instant, id: PeerId): PeerStatus {
    return statusOf(now, this.#peers.get(id));
  }

  /** What the plane counts of each of these peers, in their order. */
  peerCounters(ids: readonly PeerId[]): PeerCounters[] {
    return this.#context.plane.peerCounters(ids);
  }

  /** Peers in the order they were added. */
  peerIds(): PeerId[] {
    return this.#peers.all().map(({ id }) => id);
  }

  /** Sizes of all that grows with traffic, for tests of boundedness. */
  sizes(): { indices: number; answered: number; slots: number; sources: number } {
    return {
      indices: this.#context.indices.size,
      answered: this.#context.answered.size,
      slots: this.#pools.size,
      sources: this.#peers.liveSources,
    };
  }

  /**
   * Everything the engine's behaviour depends on but keys, statistics and drop counters, as text; times relative to `now`. For
   * tests: a message that is refused leaves `peers` equal, and two states with equal texts go on alike.
   */
  fingerprint(now: Instant): string {
    return fingerprint(now, this.#context, this.#gate, this.#pools);
  }

  #handleMessage(now: Instant, message: PlaneMessage): void {
    if (message.kind === 'handshake') {
      const { from, localAddress, bytes, verdict } = message;
      this.#handleDatagram(now, from, localAddress, bytes, verdict);
      return;
    }
    const peer = this.#peers.find(message.peer);
    if (peer === undefined) return;
    this.#probing.get(message.peer)?.handle(this.#context, now, peer, message);
    this.#peers.touch(peer);
  }

  /* upkeep */

  #gateSyncWith(now: Instant, plane: DataPlane): GateSync | undefined {
    if (plane.setGate === undefined) return undefined;
    const source = {
      gate: this.#gate,
      indices: this.#context.indices,
      hasClassicalPeers: () => this.#peers.hasClassical,
    };
    return new GateSync(now, source, plane.setGate.bind(plane), plane.sendDatagrams.bind(plane));
  }
}
