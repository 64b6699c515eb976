/**
 * The control plane: who may talk, with which keys, when to rekey. Sans-IO: it never sees a user's packet, a socket or a clock.
 *
 * One `handle*` call, then `pollEvent` until it is empty, then the next; what it sends goes through the plane. After each
 * call `nextDeadline` says when `handleTimeout` is wanted at the latest. protocol.md §5.
 */
import { Secret } from '../crypto/secret.ts';
import type { Suite } from '../crypto/suite.ts';
import { DropCounters } from '../drop.ts';
import { invariant, PqtunError } from '../errors.ts';
import { macKeys } from '../handshake/cookie.ts';
import { type Identity, type PeerKeys, peerKeys } from '../handshake/identity.ts';
import { TimestampClock } from '../handshake/timestamp.ts';
import {
  keySize,
  maxDeploymentKeys,
  maxMaxDatagram,
  minMaxDatagram,
  type RekeyProfile,
  rekeyAttemptTime,
  timestampSize,
} from '../limits.ts';
import { Peer } from '../peer/peer.ts';
import type { TimerName } from '../peer/timers.ts';
import type { DataPlane, GateVerdict, PeerActivity, PlaneMessage } from '../plane/plane.ts';
import { defaultPolicy, type Policy } from '../policy.ts';
import {
  type Endpoint,
  endpointKey,
  type Instant,
  type LocalAddress,
  later,
  type Millis,
  type PeerId,
  peerId,
  type SessionIndex,
  sameBytes,
  sameEndpoint,
  type UnixMillis,
} from '../types.ts';
import { classify } from '../wire/classify.ts';
import { messageType } from '../wire/messages.ts';
import { type Answered, type EngineContext, type EngineEvent, identityKey, refuse } from './context.ts';
import { Deadlines } from './deadlines.ts';
import { fingerprint } from './fingerprint.ts';
import { Gate } from './gate.ts';
import { GateSync } from './gate-sync.ts';
import { IndexTable } from './index-table.ts';
import {
  attempt,
  countFailedAttempt,
  endOutstanding,
  handleClassicalResponse,
  handleCookieReply,
  handleResponseFragment,
  sendCopy,
} from './initiating.ts';
import { Probing } from './probing.ts';
import { ReassemblyPools } from './reassembly.ts';
import {
  confirmPending,
  forgetResponses,
  forgetSession,
  handleClassicalInitiation,
  handleInitiationFragment,
} from './responding.ts';
import { type PeerStatus, statusOf } from './status.ts';

export interface EngineOptions {
  readonly crypto: Suite;
  readonly plane: DataPlane;
  /** Our static keys; the engine uses them and leaves their destruction to the caller. */
  readonly identity: Identity;
  readonly policy?: Partial<Policy>;
  /** Wall clock, read for one thing: the timestamp of an initiation. */
  readonly wallClock: () => UnixMillis;
  /** gk accepted from initiators, each 32 B or empty; 1 … 8. Default: only the empty one. Copied. */
  readonly deploymentKeys?: readonly Uint8Array[];
  /** C6: ceiling found at start, 12 B. */
  readonly timestampFloor?: Uint8Array;
  /** C6: keeps a ceiling across restarts before it returns; `false` when it could not. Default: memory only, always `true`. */
  readonly saveTimestampCeiling?: (ceiling: Uint8Array) => boolean;
}

export interface PeerOptions {
  /** X25519 public key, 32 B. */
  readonly publicKey: Uint8Array;
  /** ML-KEM public key, 1184 or 1568 B. With it the peer is hybrid and never falls back; without, it is classical. */
  readonly kemPublicKey?: Uint8Array;
  /** Q, 32 B. Copied. */
  readonly presharedKey?: Secret;
  /** gk towards this peer, 32 B. Copied into the keys made of it. */
  readonly deploymentKey?: Secret;
  readonly endpoint?: Endpoint;
  /** T4: at least a second; absent means none. */
  readonly persistentKeepalive?: Millis;
  readonly profile?: RekeyProfile;
}

/** What can change without ending the peer's sessions; `null` clears. */
export interface PeerUpdate {
  readonly presharedKey?: Secret | null;
  readonly deploymentKey?: Secret | null;
  readonly endpoint?: Endpoint | null;
  readonly persistentKeepalive?: Millis | null;
  readonly profile?: RekeyProfile;
}

export class Engine {
  readonly #context: EngineContext;
  readonly #gate: Gate;
  /** Where the plane has a gate of its own. */
  readonly #gateSync: GateSync | undefined;
  readonly #pools = new ReassemblyPools();
  readonly #deadlines = new Deadlines();
  readonly #peers = new Map<PeerId, Peer>();
  readonly #byIdentity = new Map<string, Peer>();
  readonly #byPublicKey = new Map<string, Peer>();
  readonly #probing = new Map<PeerId, Probing>();
  readonly #liveSources = new Map<string, number>();
  readonly #events: EngineEvent[] = [];
  #classicalPeers = 0;
  #nextPeer = 1;
  #cookieRepliesSent = 0;

  /** Throws `PQTUN_BAD_CONFIG` for options out of range. */
  constructor(now: Instant, options: EngineOptions) {
    const { crypto, plane, identity } = options;
    const policy = checkedPolicy(options.policy);
    if (options.timestampFloor !== undefined && options.timestampFloor.length !== timestampSize) {
      throw new PqtunError('PQTUN_BAD_CONFIG', `a timestamp ceiling has ${timestampSize} bytes`);
    }
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
      peersByIdentity: this.#byIdentity,
      peersByPublicKey: this.#byPublicKey,
      answered: new Map<string, Answered>(),
      liveSources: this.#liveSources,
      emit: (event) => this.#events.push(event),
      onCookieSent: () => {
        this.#cookieRepliesSent += 1;
      },
      touch: (peer) => this.#touch(peer),
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
    if (keys.length < 1 || keys.length > maxDeploymentKeys) {
      throw new PqtunError(
        'PQTUN_BAD_KEY',
        `between 1 and ${maxDeploymentKeys} deployment keys are possible`,
      );
    }
    if (keys.some((key) => key.length !== 0 && key.length !== keySize)) {
      throw new PqtunError('PQTUN_BAD_KEY', `a deployment key has ${keySize} bytes`);
    }
    const { identity, policy } = this.#context;
    this.#gate.setDeploymentKeys(identity, policy.suites, keys);
    this.#gateSync?.sync();
  }

  /** Adds a peer. Throws `PQTUN_BAD_KEY` for its keys, `PQTUN_BAD_CONFIG` for a contradiction; nothing is changed then. */
  addPeer(now: Instant, options: PeerOptions): PeerId {
    const { crypto, identity, plane } = this.#context;
    const keys = peerKeys(crypto, identity, options.publicKey, options.kemPublicKey);
    this.#checkNewPeer(keys, options);
    const id = peerId(this.#nextPeer++);
    const uniform = (): number => new DataView(crypto.random(4).buffer).getUint32(0) / 2 ** 32;
    const peer = new Peer(id, keys, this.#macKeysFor(keys, options.deploymentKey), uniform, {
      presharedKey: options.presharedKey && Secret.copyOf(options.presharedKey.borrow()),
      profile: options.profile ?? 'standard',
    });
    peer.endpoint = options.endpoint;
    this.#peers.set(id, peer);
    this.#byIdentity.set(identityKey(keys.id), peer);
    this.#byPublicKey.set(identityKey(keys.dhPublic), peer);
    this.#probing.set(id, new Probing(crypto));
    if (keys.kind === 'classical') this.#classicalPeers += 1;
    plane.setPeer(id, { kind: keys.kind, endpoint: options.endpoint ?? null });
    if (options.persistentKeepalive !== undefined)
      this.#setPersistentKeepalive(now, peer, options.persistentKeepalive);
    peer.timers.onLastSessionGone(now, peer.profile); // T6 counts the time without a session, the first one too
    this.#touch(peer);
    this.#gateSync?.sync(now);
    return id;
  }

  /**
   * Changes what is given. A new pre-shared key ends handshakes in flight made with the old one, not the sessions; a running
   * sequence begins anew with it. Throws like `addPeer`, before anything is changed.
   */
  updatePeer(now: Instant, id: PeerId, update: PeerUpdate): void {
    const peer = this.#peer(id);
    checkKeyLength(update.presharedKey, 'a pre-shared key');
    checkKeyLength(update.deploymentKey, 'a deployment key');
    checkKeepalive(update.persistentKeepalive);
    if (peer.keys.kind === 'classical') {
      if (update.profile === 'metered') throw meteredClassical();
      if (update.deploymentKey != null) throw classicalDeploymentKey();
    }
    if (update.presharedKey !== undefined) this.#changePresharedKey(now, peer, update.presharedKey);
    if (update.deploymentKey !== undefined) {
      peer.macKeys = this.#macKeysFor(peer.keys, update.deploymentKey ?? undefined);
      peer.cookies.clear();
      peer.sequence.restart(now); // nobody reads what went out under the old one
    }
    if (update.endpoint !== undefined) this.#changeEndpoint(now, peer, update.endpoint ?? undefined);
    if (update.profile !== undefined) peer.profile = update.profile;
    if (update.persistentKeepalive !== undefined) {
      this.#setPersistentKeepalive(now, peer, update.persistentKeepalive ?? undefined);
    }
    this.#touch(peer);
    this.#gateSync?.sync(now);
  }

  /** Ends all of a peer at once, keys wiped. Harmless for an unknown one. */
  removePeer(now: Instant, id: PeerId): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    endOutstanding(this.#context, peer);
    for (const index of [...peer.sessions.keys()]) forgetSession(this.#context, peer, index);
    for (const entry of peer.answered) this.#context.answered.delete(entry.key);
    this.#context.plane.removePeer(now, id);
    this.#setLiveSource(peer, undefined);
    peer.presharedKey.destroy();
    this.#deadlines.set(id, undefined);
    this.#peers.delete(id);
    this.#byIdentity.delete(identityKey(peer.keys.id));
    this.#byPublicKey.delete(identityKey(peer.keys.dhPublic));
    this.#probing.delete(id);
    if (peer.keys.kind === 'classical') this.#classicalPeers -= 1;
    this.#gateSync?.sync(now);
  }

  /** The peer with this X25519 public key. */
  peerByPublicKey(publicKey: Uint8Array): PeerId | undefined {
    return this.#byPublicKey.get(identityKey(publicKey))?.id;
  }

  /** Forgets the stored timestamp of C3, so that a peer whose clock went back is heard again. */
  resetTimestamp(id: PeerId): void {
    this.#peer(id).storedTimestamp = undefined;
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
          this.#classicalPeers > 0,
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
          this.#classicalPeers > 0,
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
    return this.#liveSources.has(endpointKey(from)) ? 'peer' : 'stranger';
  }

  /** Takes what the plane has to report; call after every input to the plane. */
  handleReports(now: Instant): void {
    const { activity, messages, drops, cookieReplies = 0 } = this.#context.plane.takeReports();
    for (const [reason, times] of drops) this.#context.drops.count(reason, times);
    this.#cookieRepliesSent += cookieReplies;
    for (const report of activity) this.#handleActivity(now, report);
    for (const message of messages) this.#handleMessage(now, message);
    this.#gateSync?.sync(now);
    // What a message brought about is reported, too: an answer is a packet sent (T1, T4), and must not wait for the next input
    if (messages.length > 0) this.handleReports(now);
  }

  /** Does what is due at `now`. */
  handleTimeout(now: Instant): void {
    for (let due = this.#deadlines.next(); due !== undefined && due.at <= now; due = this.#deadlines.next()) {
      const peer = this.#peer(due.peer);
      const timer = peer.timers.takeDue(now);
      invariant(timer !== undefined, 'a deadline without its timer');
      this.#onTimer(now, peer, timer);
      this.#touch(peer);
    }
    this.#gateSync?.sync(now);
  }

  /** A local address or route changed: running sequences start anew, and M is the configured one again. N3, §3.1. */
  handleNetworkChange(now: Instant): void {
    for (const peer of this.#peers.values()) {
      peer.failedAttempts = 0;
      peer.localAddress = undefined;
      this.#context.plane.setPeer(peer.id, { localAddress: null });
      peer.sequence.restart(now);
      this.#touch(peer);
    }
  }

  /** Event-loop delay in milliseconds, as the device measures it. §6. */
  setLoopDelay(milliseconds: number): void {
    this.#gate.load.onLoopDelay(milliseconds);
    this.#gateSync?.sync();
  }

  /** Begins a handshake with a peer whose endpoint is known, unless one runs. */
  initiate(now: Instant, id: PeerId): void {
    const peer = this.#peer(id);
    if (peer.endpoint === undefined) return;
    peer.sequence.want(now);
    this.#touch(peer);
  }

  /** Sends one probe (a multiple of 16 B, 16 … 65504); its token, to be met in a `pong`, or `undefined` without a session. */
  ping(now: Instant, id: PeerId, length?: number): Uint8Array | undefined {
    const peer = this.#peer(id);
    const token = this.#probing.get(id)?.send(this.#context, now, peer, length);
    this.handleReports(now); // T1 asks for a rekey when a probe is sent, be there an answer or not
    this.#touch(peer);
    return token;
  }

  /** Orderly stop: exact timestamp kept (C6), every peer ended, keys wiped. The engine is not used afterwards. */
  stop(now: Instant): void {
    this.#context.timestamps.stop();
    for (const id of [...this.#peers.keys()]) this.removePeer(now, id);
  }

  /* outputs */

  pollEvent(): EngineEvent | undefined {
    return this.#events.shift();
  }

  /** When `handleTimeout` is wanted at the latest, for which peer and why; `undefined`: never. */
  nextDeadline(): { at: Instant; peer: PeerId; timer: TimerName } | undefined {
    const due = this.#deadlines.next();
    const timer = due && this.#peer(due.peer).timers.next();
    return due && timer && { ...due, timer: timer.name };
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

  /** What there is to show of a peer. */
  status(now: Instant, id: PeerId): PeerStatus {
    return statusOf(this.#context, now, this.#peer(id));
  }

  /** Peers in the order they were added. */
  peerIds(): PeerId[] {
    return [...this.#peers.keys()];
  }

  /** Sizes of all that grows with traffic, for tests of boundedness. */
  sizes(): { indices: number; answered: number; slots: number; sources: number } {
    return {
      indices: this.#context.indices.size,
      answered: this.#context.answered.size,
      slots: this.#pools.size,
      sources: this.#liveSources.size,
    };
  }

  /**
   * Everything the engine's behaviour depends on but keys, statistics and drop counters, as text; times relative to `now`. For
   * tests: a message that is refused leaves `peers` equal, and two states with equal texts go on alike.
   */
  fingerprint(now: Instant): string {
    return fingerprint(now, this.#context, this.#gate, this.#pools, this.#probing);
  }

  /* what the plane reports */

  #handleActivity(now: Instant, report: PeerActivity): void {
    const peer = this.#peers.get(report.peer);
    if (peer === undefined) return; // removed since
    const hadSession = peer.hasSession;
    for (const { index, endpoint, localAddress, timestamp } of report.confirmed) {
      this.#onConfirmed(now, peer, index, timestamp);
      this.#moveEndpoint(peer, endpoint, localAddress);
    }
    for (const index of report.retired) forgetSession(this.#context, peer, index);
    if (report.roamed !== undefined)
      this.#moveEndpoint(peer, report.roamed.endpoint, report.roamed.localAddress);
    if (report.anyReceived) peer.timers.onAnyReceived();
    if (report.recordSent) peer.timers.onRecordSent();
    if (report.dataReceived) peer.timers.onDataReceived(now);
    if (report.dataSent) {
      peer.timers.onDataSent(now);
      peer.sequence.onOutgoing(now);
    }
    if (report.anySent || report.anyReceived) peer.timers.onTraversal(now, peer.persistentKeepalive);
    // T1: the plane names the session; one already gone asks for nothing
    if (report.limitNear !== undefined && peer.sessions.has(report.limitNear)) peer.sequence.want(now);
    if (report.wantsKey) {
      peer.sequence.onOutgoing(now);
      peer.sequence.want(now);
    }
    if (hadSession && !peer.hasSession) this.#onLastSessionGone(now, peer);
    this.#touch(peer);
  }

  #handleMessage(now: Instant, message: PlaneMessage): void {
    if (message.kind === 'handshake') {
      const { from, localAddress, bytes, verdict } = message;
      this.#handleDatagram(now, from, localAddress, bytes, verdict);
      return;
    }
    const peer = this.#peers.get(message.peer);
    if (peer === undefined) return;
    this.#probing.get(message.peer)?.handle(this.#context, now, peer, message);
    this.#touch(peer);
  }

  /** C1, C5: the plane has confirmed a `next`; only now do timestamp and endpoint change. */
  #onConfirmed(now: Instant, peer: Peer, index: SessionIndex, timestamp: Uint8Array): void {
    const session = peer.sessions.get(index);
    if (session === undefined) return;
    session.confirmedAt = now;
    peer.storedTimestamp = timestamp.slice();
    confirmPending(this.#context, peer, index);
    peer.sequence.end(); // N3; a response still outstanding is taken
    peer.failedAttempts = 0;
    peer.handshakesCompleted += 1;
    peer.lastHandshakeAt = now;
    peer.timers.onSessionBegun();
    this.#context.emit({ kind: 'peer-established', peer: peer.id, role: 'responder', duration: undefined });
  }

  #moveEndpoint(peer: Peer, endpoint: Endpoint, localAddress: LocalAddress | undefined): void {
    const moved = peer.endpoint === undefined || !sameEndpoint(peer.endpoint, endpoint);
    peer.endpoint = endpoint;
    peer.localAddress = localAddress;
    if (moved) this.#context.emit({ kind: 'peer-roamed', peer: peer.id, endpoint });
  }

  /* what falls due */

  #onTimer(now: Instant, peer: Peer, timer: TimerName): void {
    const context = this.#context;
    switch (timer) {
      case 'attempt':
        return attempt(context, now, peer);
      case 'copy':
        return sendCopy(context, now, peer);
      case 'give-up':
        countFailedAttempt(peer);
        endOutstanding(context, peer);
        peer.sequence.end();
        context.plane.purgeStaged(peer.id);
        context.emit({ kind: 'handshake-gave-up', peer: peer.id });
        return;
      case 'expire-initiation':
        // A sequence that runs takes care of its own; it may be ended later by the other side, so look again
        if (peer.sequence.active) peer.timers.set('expire-initiation', later(now, rekeyAttemptTime));
        else endOutstanding(context, peer);
        return;
      case 'passive-keepalive': // T2
        context.plane.transmit(now, peer.id, new Uint8Array(0));
        return;
      case 'silence': // T3
        return peer.endpoint === undefined ? undefined : peer.sequence.want(now);
      case 'persistent-keepalive':
        return this.#onPersistentKeepalive(now, peer);
      case 'expire-session':
        return this.#expireSessions(now, peer);
      case 'forget-response':
        return forgetResponses(context, now, peer);
      case 'erase': // T6
        context.plane.purgeStaged(peer.id);
        peer.cookies.clear();
        peer.timers.clear('passive-keepalive', 'silence');
        return;
      default:
        timer satisfies never;
    }
  }

  /** T4: a probe to a hybrid peer, an empty packet to a classical one; without a session it counts as outgoing data (N3). */
  #onPersistentKeepalive(now: Instant, peer: Peer): void {
    peer.timers.onTraversal(now, peer.persistentKeepalive);
    peer.sequence.onOutgoing(now);
    const sent =
      peer.keys.kind === 'hybrid'
        ? this.#probing.get(peer.id)?.send(this.#context, now, peer) !== undefined
        : this.#context.plane.transmit(now, peer.id, new Uint8Array(0));
    if (!sent && peer.endpoint !== undefined) peer.sequence.want(now);
  }

  /** T6: past REJECT_AFTER_TIME a session neither sends nor receives, and is erased. */
  #expireSessions(now: Instant, peer: Peer): void {
    const hadSession = peer.hasSession;
    for (const session of [...peer.sessions.values()]) {
      if (session.expiresAt > now) continue;
      this.#context.plane.retire(now, session.index);
      forgetSession(this.#context, peer, session.index);
    }
    if (hadSession && !peer.hasSession) this.#onLastSessionGone(now, peer);
  }

  #onLastSessionGone(now: Instant, peer: Peer): void {
    peer.timers.onLastSessionGone(now, peer.profile);
    this.#context.emit({ kind: 'peer-expired', peer: peer.id });
  }

  /* upkeep */

  #gateSyncWith(now: Instant, plane: DataPlane): GateSync | undefined {
    if (plane.setGate === undefined) return undefined;
    const source = {
      gate: this.#gate,
      indices: this.#context.indices,
      hasClassicalPeers: () => this.#classicalPeers > 0,
    };
    return new GateSync(now, source, plane.setGate.bind(plane), plane.sendDatagrams.bind(plane));
  }

  #setPersistentKeepalive(now: Instant, peer: Peer, interval: Millis | undefined): void {
    peer.persistentKeepalive = interval;
    if (interval === undefined) peer.timers.clear('persistent-keepalive');
    else peer.timers.set('persistent-keepalive', now); // the first at once: what it is for may be gone already
  }

  /** A running sequence begins anew at the new address: nobody may be listening at the old one. */
  #changeEndpoint(now: Instant, peer: Peer, at: Endpoint | undefined): void {
    const same = at !== undefined && peer.endpoint !== undefined && sameEndpoint(at, peer.endpoint);
    if (same) return;
    peer.endpoint = at;
    peer.localAddress = undefined;
    this.#context.plane.setPeer(peer.id, { endpoint: at ?? null, localAddress: null });
    if (at === undefined) peer.sequence.end();
    else peer.sequence.restart(now);
  }

  #changePresharedKey(now: Instant, peer: Peer, presharedKey: Secret | null): void {
    peer.presharedKey.destroy();
    peer.presharedKey =
      presharedKey === null ? new Secret(new Uint8Array(keySize)) : Secret.copyOf(presharedKey.borrow());
    for (const entry of [...peer.pending]) {
      this.#context.plane.retire(now, entry.session);
      forgetSession(this.#context, peer, entry.session);
    }
    endOutstanding(this.#context, peer);
    peer.sequence.restart(now);
  }

  #checkNewPeer(keys: PeerKeys, options: PeerOptions): void {
    const { identity, policy } = this.#context;
    checkKeyLength(options.presharedKey, 'a pre-shared key');
    checkKeyLength(options.deploymentKey, 'a deployment key');
    checkKeepalive(options.persistentKeepalive);
    if (this.#byPublicKey.has(identityKey(keys.dhPublic))) {
      throw new PqtunError('PQTUN_BAD_CONFIG', 'a peer with this public key is there already');
    }
    if (sameBytes(keys.dhPublic, identity.dh.publicKey)) {
      throw new PqtunError('PQTUN_BAD_CONFIG', 'this public key is our own');
    }
    if (keys.kind === 'classical') {
      if (options.profile === 'metered') throw meteredClassical();
      if (options.deploymentKey !== undefined) throw classicalDeploymentKey();
      return;
    }
    if (identity.kem(keys.suite) === undefined) {
      throw new PqtunError('PQTUN_BAD_CONFIG', 'a peer with a KEM key needs a KEM seed of our own');
    }
    if (!policy.suites.includes(keys.suite)) {
      throw new PqtunError(
        'PQTUN_BAD_CONFIG',
        `the peer's KEM key is of suite ${keys.suite}, which is switched off`,
      );
    }
  }

  #macKeysFor(keys: PeerKeys, deploymentKey: Secret | undefined) {
    return macKeys(this.#context.crypto, keys.id, deploymentKey?.borrow() ?? new Uint8Array(0));
  }

  /** Keeps the deadline heap and the table of confirmed sources in step with a peer. */
  #touch(peer: Peer): void {
    if (!this.#peers.has(peer.id)) return;
    this.#deadlines.set(peer.id, peer.timers.next()?.at);
    const live = peer.hasSession && peer.endpoint !== undefined ? endpointKey(peer.endpoint) : undefined;
    if (live !== peer.liveSource) this.#setLiveSource(peer, live);
  }

  #setLiveSource(peer: Peer, source: string | undefined): void {
    if (peer.liveSource !== undefined) {
      const left = (this.#liveSources.get(peer.liveSource) ?? 1) - 1;
      if (left > 0) this.#liveSources.set(peer.liveSource, left);
      else this.#liveSources.delete(peer.liveSource);
    }
    if (source !== undefined) this.#liveSources.set(source, (this.#liveSources.get(source) ?? 0) + 1);
    peer.liveSource = source;
  }

  #peer(id: PeerId): Peer {
    const peer = this.#peers.get(id);
    invariant(peer !== undefined, 'a peer that was never added, or is gone');
    return peer;
  }
}

function checkedPolicy(given: Partial<Policy> | undefined): Policy {
  const policy: Policy = { ...defaultPolicy, ...given };
  if (!(policy.maxDatagram >= minMaxDatagram && policy.maxDatagram <= maxMaxDatagram)) {
    throw new PqtunError(
      'PQTUN_BAD_CONFIG',
      `the largest handshake datagram lies between ${minMaxDatagram} and ${maxMaxDatagram}`,
    );
  }
  return policy;
}

function checkKeyLength(key: Secret | null | undefined, what: string): void {
  if (key != null && key.length !== keySize)
    throw new PqtunError('PQTUN_BAD_KEY', `${what} has ${keySize} bytes`);
}

/** A timer that falls due again at once would never let go of the event loop. */
function checkKeepalive(interval: Millis | null | undefined): void {
  if (interval == null || (interval >= 1000 && Number.isFinite(interval))) return;
  throw new PqtunError('PQTUN_BAD_CONFIG', 'a persistent keepalive comes at most once a second');
}

const meteredClassical = (): PqtunError =>
  new PqtunError('PQTUN_BAD_CONFIG', 'the metered profile needs a hybrid peer: WireGuard has no such timers');
const classicalDeploymentKey = (): PqtunError =>
  new PqtunError('PQTUN_BAD_CONFIG', 'a deployment key needs a hybrid peer: WireGuard has none');
