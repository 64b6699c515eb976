/**
 * Core's data plane over the addon's, which has the same verbs with plain numbers and bytes: borrows secrets for the length of a
 * call and destroys them, brands what comes up, and keeps the numbers of one engine's peers apart from the next one's.
 */
import {
  type DataPlane,
  type Drop,
  type Endpoint,
  type GateSettings,
  type Instant,
  type LocalAddress,
  type OutgoingDatagram,
  type PeerActivity,
  type PeerCounters,
  type PeerId,
  type PeerSettings,
  type PlaneMessage,
  type PlaneReports,
  peerId,
  type RouteChange,
  type SessionIndex,
  type SessionInstall,
} from '@pqtun/core';

/** Takes brands away, all the way down: what the addon knows of core's types. */
type Plain<T> = T extends Uint8Array | ReadonlySet<unknown> | ReadonlyMap<unknown, unknown>
  ? T
  : T extends number
    ? number
    : T extends readonly (infer Item)[]
      ? readonly Plain<Item>[]
      : T extends object
        ? { readonly [Key in keyof T]: Plain<T[Key]> }
        : T;

/** The verbs of the addon's plane: core's `DataPlane`, argument by argument, with keys as bytes. */
export interface PlaneVerbs {
  install(
    now: number,
    session: Plain<Omit<SessionInstall, 'sendKey' | 'receiveKey'>> & {
      /** 32 B each, copied. */
      readonly sendKey: Uint8Array;
      readonly receiveKey: Uint8Array;
    },
  ): void;
  retire(now: number, index: number): void;
  wipeKeys(now: number, peer: number): void;
  removePeer(now: number, peer: number): void;
  setPeer(peer: number, settings: PeerSettings): void;
  resetTimestamp(peer: number): void;
  setRoutes(changes: readonly Plain<RouteChange>[]): void;
  transmit(now: number, peer: number, payload: Uint8Array, to?: Destination): boolean;
  flushStaged(now: number, peer: number): void;
  purgeStaged(peer: number): void;
  sendDatagrams(datagrams: readonly OutgoingDatagram[]): void;
  /** Absent where the engine is the only gate. */
  setGate?(settings: GateSettings): void;
  /** State all at once; of each lane of messages `mostOfLane`, peers before strangers. */
  takeReports(mostOfLane: number): PlainReports;
  peerCounters(peers: readonly number[]): PeerCounters[];
}

export interface PlainReports {
  readonly activity: readonly Plain<PeerActivity>[];
  readonly messages: readonly Plain<PlaneMessage>[];
  /** By the names of `dropReasons`. */
  readonly drops: ReadonlyMap<string, number>;
  readonly cookieReplies?: number;
  /** Whether messages are left. */
  readonly more: boolean;
}

interface Destination {
  readonly endpoint: Endpoint;
  readonly localAddress: LocalAddress | undefined;
}

/** Of each lane: an initiation costs some 50 µs, or a key agreement, so a turn stays well within some milliseconds. */
export const messagesPerTurn = 8;

export class NativePlane implements DataPlane {
  readonly #verbs: PlaneVerbs;
  /** What is added to a peer's number: an engine counts from one, the addon's plane sees several of them in its life. */
  readonly #base: number;
  #lastPeer: number;
  /** Whether this turn has had its share of messages, and whether there are others. */
  #handedOut = false;
  #hasMore = false;
  /** As the port has it: absent where there is no gate. */
  readonly setGate?: (settings: GateSettings) => void;

  /** `after`: the plane that the engine before this one had over the same verbs. */
  constructor(verbs: PlaneVerbs, after?: NativePlane) {
    this.#verbs = verbs;
    this.#base = after === undefined ? 0 : after.#lastPeer;
    this.#lastPeer = this.#base;
    if (verbs.setGate !== undefined) this.setGate = (settings) => verbs.setGate?.(settings);
  }

  /* a turn's share of messages */

  /**
   * Call when a turn begins. In a turn messages are handed out once: a flood of initiations must not keep the event loop. The others
   * wait in the addon, in bounded queues that put peers before strangers.
   */
  beginTurn(): void {
    this.#handedOut = false;
  }

  /** Whether messages wait for another turn. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  takeReports(): PlaneReports {
    const most = this.#handedOut ? 0 : messagesPerTurn;
    const { activity, messages, drops, cookieReplies, more } = this.#verbs.takeReports(most);
    this.#handedOut ||= messages.length > 0;
    this.#hasMore = more;
    return {
      activity: activity.flatMap((report) => this.#activityUp(report) ?? []),
      messages: messages.flatMap((message) => this.#messageUp(message) ?? []),
      drops: drops as ReadonlyMap<Drop, number>, // the addon's reasons are dropReasons: test/repo compares them
      ...(cookieReplies === undefined ? {} : { cookieReplies }),
    };
  }

  /* verbs */

  install(now: Instant, session: SessionInstall): void {
    const { sendKey, receiveKey } = session;
    try {
      this.#verbs.install(now, {
        ...session,
        peer: this.#down(session.peer),
        sendKey: sendKey.borrow(),
        receiveKey: receiveKey.borrow(),
      });
    } finally {
      sendKey.destroy();
      receiveKey.destroy();
    }
  }

  retire(now: Instant, index: SessionIndex): void {
    this.#verbs.retire(now, index);
  }

  wipeKeys(now: Instant, peer: PeerId): void {
    this.#verbs.wipeKeys(now, this.#down(peer));
  }

  removePeer(now: Instant, peer: PeerId): void {
    this.#verbs.removePeer(now, this.#down(peer));
  }

  setPeer(peer: PeerId, settings: PeerSettings): void {
    const number = this.#down(peer);
    this.#lastPeer = Math.max(this.#lastPeer, number);
    this.#verbs.setPeer(number, settings);
  }

  resetTimestamp(peer: PeerId): void {
    this.#verbs.resetTimestamp(this.#down(peer));
  }

  setRoutes(changes: readonly RouteChange[]): void {
    this.#verbs.setRoutes(changes.map((change) => ({ ...change, peer: this.#down(change.peer) })));
  }

  transmit(now: Instant, peer: PeerId, payload: Uint8Array, to?: Destination): boolean {
    return this.#verbs.transmit(now, this.#down(peer), payload, to);
  }

  flushStaged(now: Instant, peer: PeerId): void {
    this.#verbs.flushStaged(now, this.#down(peer));
  }

  purgeStaged(peer: PeerId): void {
    this.#verbs.purgeStaged(this.#down(peer));
  }

  sendDatagrams(datagrams: readonly OutgoingDatagram[]): void {
    this.#verbs.sendDatagrams(datagrams);
  }

  peerCounters(peers: readonly PeerId[]): PeerCounters[] {
    return this.#verbs.peerCounters(peers.map((peer) => this.#down(peer)));
  }

  /* numbers of peers */

  #down(peer: PeerId): number {
    return this.#base + peer;
  }

  /** `undefined` for a peer of an engine that is no more. */
  #up(peer: number): PeerId | undefined {
    return peer > this.#base ? peerId(peer - this.#base) : undefined;
  }

  #activityUp(report: Plain<PeerActivity>): PeerActivity | undefined {
    const peer = this.#up(report.peer);
    // Its other numbers are indices, which core has drawn itself: 32 bits, as the brand wants them
    return peer && ({ ...report, peer } as PeerActivity);
  }

  #messageUp(message: Plain<PlaneMessage>): PlaneMessage | undefined {
    if (message.kind === 'handshake') return message;
    const peer = this.#up(message.peer);
    return peer && { ...message, peer };
  }
}
