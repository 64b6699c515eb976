/**
 * The port between engine and data plane: verbs down, reports up. Types only; `portable-plane.ts` implements it in
 * TypeScript, the addon in C++. Verbs are synchronous, and those that set state are idempotent. Every verb that can send or
 * expire something takes `now` first. docs/data-plane.md.
 */
import type { Secret } from '../crypto/secret.ts';
import type { Drop } from '../drop.ts';
import type { SessionLimits, SuiteId } from '../limits.ts';
import type { Endpoint, Instant, LocalAddress, PeerId, Role, SessionIndex, SessionKind } from '../types.ts';

/** One new keypair. As initiator it is confirmed at once (S1); as responder it is a `next` until a packet verifies (C1). */
export interface SessionInstall {
  readonly peer: PeerId;
  readonly role: Role;
  readonly localIndex: SessionIndex;
  readonly remoteIndex: SessionIndex;
  /** 32 B each. Ownership moves to the plane, which destroys them. */
  readonly sendKey: Secret;
  readonly receiveKey: Secret;
  /** TS of the initiation, 12 B; orders `next`s (C5). The initiator's own sessions carry it too but are not ordered by it. */
  readonly timestamp: Uint8Array;
  readonly bornAt: Instant;
  readonly limits: SessionLimits;
  readonly kind: SessionKind;
  /** N4: whether this session's initiator has the smaller ID, so that it stays current where two sessions cross. */
  readonly winsCrossing: boolean;
}

export interface PeerSettings {
  /** `undefined` leaves the value, `null` clears it. */
  readonly endpoint?: Endpoint | null;
  readonly localAddress?: LocalAddress | null;
  /** Largest outer UDP payload known to pass, in bytes. */
  readonly pathMtu?: number;
  readonly kind?: SessionKind;
}

/** One change to allowed IPs. `prefix` is 4 or 16 B with host bits zero. A prefix belongs to one peer at a time: last wins. */
export type RouteChange =
  | { readonly kind: 'add'; readonly peer: PeerId; readonly prefix: Uint8Array; readonly bits: number }
  | { readonly kind: 'remove'; readonly peer: PeerId; readonly prefix: Uint8Array; readonly bits: number }
  | { readonly kind: 'clear'; readonly peer: PeerId };

export interface OutgoingDatagram {
  readonly to: Endpoint;
  readonly localAddress: LocalAddress | undefined;
  readonly bytes: Uint8Array;
}

/** A mac1 key, HASH("mac1----" ‖ ID_r ‖ gk), and the cookie key beside it; 32 B each. §3.1, §3.3. */
export interface GateKey {
  /** Names the key in a verdict, 32-bit; no other key ever has the same. */
  readonly id: number;
  readonly mac1: Uint8Array;
  readonly cookie: Uint8Array;
}

/**
 * What a stranger must pass before the engine sees its datagram, as a plane must know it to do the whole of protocol.md §6 but the
 * slots. All of it stays the engine's: a plane copies what it keeps.
 */
export interface GateSettings {
  /** Keys of initiation fragments, 1 … 8 each; a suite that is not here is not served. */
  readonly suites: ReadonlyMap<SuiteId, readonly GateKey[]>;
  /** Key of classical initiations. */
  readonly classical: GateKey;
  /** Whether there are classical peers; without, types 1 and 2 die here. §3. */
  readonly hasClassicalPeers: boolean;
  /** R, 32 B each, which holds from `since` on for 120 s; then `next` does, as long. Later than that, ask the engine. §3.3. */
  readonly cookieSecrets: {
    readonly since: Instant;
    readonly previous: Uint8Array | undefined;
    readonly current: Uint8Array;
    readonly next: Uint8Array;
  };
  /** Receiver indices that responses and cookie replies may have; one with another is unexpected. */
  readonly expectedIndices: ReadonlySet<SessionIndex>;
  /** Under load before this, not from it on; may be −∞ and ∞. */
  readonly underLoadUntil: Instant;
}

/** What a plane's gate found out; `unchecked` leaves the whole of protocol.md §6 to the engine. */
export type GateVerdict =
  | { readonly kind: 'unchecked' }
  /** An initiation: mac1 is right under the key of this `id`, mac2 too if `proven`; rate and load let it pass and are charged. */
  | { readonly kind: 'passed'; readonly key: number; readonly proven: boolean };

export interface DataPlane {
  /**
   * Puts a keypair in effect before it returns. A known `localIndex` is a no-op and never resets a counter. As initiator it
   * flushes the staged packets under the new session, else sends one keepalive (N2), also where N4 makes it the previous one.
   */
  install(now: Instant, session: SessionInstall): void;
  /** Erases one keypair, if it is there. */
  retire(now: Instant, index: SessionIndex): void;
  /** Erases every keypair of a peer; staged packets and the stored timestamp stay. */
  wipeKeys(now: Instant, peer: PeerId): void;
  /** Erases all of a peer: keys, staging, routes, stored timestamp. */
  removePeer(now: Instant, peer: PeerId): void;
  /** Makes the peer known if it is not; sets what is given. */
  setPeer(peer: PeerId, settings: PeerSettings): void;
  /** Forgets the stored timestamp of C3/C5 (an operator's act: `pqtun set … reset-timestamp`). */
  resetTimestamp(peer: PeerId): void;
  /** Applies all changes in order or, when one is ill-formed, throws and applies none. */
  setRoutes(changes: readonly RouteChange[]): void;
  /**
   * Seals and sends one keepalive (empty payload) or control payload (§3.5, multiple of 16 B) under the current session, to
   * `to` or else to the peer's endpoint. `false` when there is no current session to send under or no endpoint: nothing is staged.
   */
  transmit(
    now: Instant,
    peer: PeerId,
    payload: Uint8Array,
    to?: { endpoint: Endpoint; localAddress: LocalAddress | undefined },
  ): boolean;
  /** Sends what is staged under the current session, if there is one (N3: after a confirm as responder). */
  flushStaged(now: Instant, peer: PeerId): void;
  purgeStaged(peer: PeerId): void;
  /** Handshake and cookie datagrams: the plane owns the socket. Bytes are the plane's from here on. */
  sendDatagrams(datagrams: readonly OutgoingDatagram[]): void;
  /** Absent where a plane leaves all of §6 to the engine. Until it is called, every datagram is `unchecked`. */
  setGate?(settings: GateSettings): void;
  /** Takes every report since the last call; state reports are coalesced per peer. */
  takeReports(): PlaneReports;
  /** Counters of each of these peers, in their order; zeros for one that is unknown. Of many in one call: a native plane waits for its thread. */
  peerCounters(peers: readonly PeerId[]): PeerCounters[];
}

export interface PeerCounters {
  /** Outer bytes of transport datagrams, as `wg show` counts them. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
}

/** State of one peer since the last report: coalesced, never lost, at most late. Raised only after a tag has verified. */
export interface PeerActivity {
  readonly peer: PeerId;
  /** A packet was staged because no session can send. */
  wantsKey: boolean;
  /** Sessions confirmed as responder (C1), oldest first. */
  readonly confirmed: Confirmation[];
  /** Indices the plane erased by itself (displaced previous, stale or superseded next, expired). */
  readonly retired: SessionIndex[];
  /** An inner packet was sent (T3). */
  dataSent: boolean;
  /** A non-empty, non-control payload was received, and neither data nor a keepalive sent since (T2). */
  dataReceived: boolean;
  /** A data packet or keepalive was sent: stops T2. Probes and answers do not. */
  recordSent: boolean;
  /** Any transport packet was sent. */
  anySent: boolean;
  /** Any transport packet was authenticated and received, but for what C1 keeps from counting. */
  anyReceived: boolean;
  /** The endpoint moved (§5.4): the last place it moved to. */
  roamed: { readonly endpoint: Endpoint; readonly localAddress: LocalAddress | undefined } | undefined;
  /** T1 or a counter limit asks for a rekey of this session. */
  limitNear: SessionIndex | undefined;
  /** An inner packet did not fit the path: its length in bytes. */
  tooBig: number | undefined;
}

export interface Confirmation {
  readonly index: SessionIndex;
  readonly endpoint: Endpoint;
  readonly localAddress: LocalAddress | undefined;
  /** C5: the timestamp now stored, 12 B. */
  readonly timestamp: Uint8Array;
  /** Whether it became current, or previous by N4. */
  readonly became: 'current' | 'previous';
}

/** What goes to the engine as it came; a bounded queue that may drop and count. */
export type PlaneMessage =
  | {
      readonly kind: 'handshake';
      readonly from: Endpoint;
      readonly localAddress: LocalAddress | undefined;
      readonly bytes: Uint8Array;
      readonly verdict: GateVerdict;
    }
  /** A control payload (§3.5) of a hybrid session, authenticated. */
  | {
      readonly kind: 'control';
      readonly peer: PeerId;
      readonly from: Endpoint;
      readonly localAddress: LocalAddress | undefined;
      readonly payload: Uint8Array;
    };

export interface PlaneReports {
  readonly activity: readonly PeerActivity[];
  readonly messages: readonly PlaneMessage[];
  /** Drops since the last call. */
  readonly drops: ReadonlyMap<Drop, number>;
  /** Cookie replies that the plane's own gate sent since the last call; absent means none. */
  readonly cookieReplies?: number;
}
