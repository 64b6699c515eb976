/**
 * One remote party: its configuration, its handshake in flight, its sessions, its timers. State only; the rules that move it
 * stand in `timers.ts`, `sequence.ts`, `pending.ts`, and what they ask for is done by the engine.
 */
import { Secret } from '../crypto/secret.ts';
import type { ClassicalAwaitingResponse } from '../handshake/classical.ts';
import { CookieJar, type MacKeys } from '../handshake/cookie.ts';
import type { PeerKeys } from '../handshake/identity.ts';
import type { AwaitingResponse } from '../handshake/initiator.ts';
import { attemptsBeforeCautious, cautiousMaxDatagram, keySize, type RekeyProfile } from '../limits.ts';
import type { Endpoint, Instant, LocalAddress, Millis, PeerId, Role, SessionIndex } from '../types.ts';
import type { Reassembly } from '../wire/fragment.ts';
import type { PendingEntry } from './pending.ts';
import { InitiationSequence } from './sequence.ts';
import { Timers } from './timers.ts';

/** An initiation sent and not yet answered, §5.2. */
export interface Outstanding {
  readonly index: SessionIndex;
  readonly state: AwaitingResponse | ClassicalAwaitingResponse;
  /** As sent, mac1 set, mac2 zero: copies are these, with mac2 as it is then. */
  readonly datagrams: readonly Uint8Array[];
  /** mac1 of fragment 0: what a cookie reply must refer to. */
  readonly mac1: Uint8Array;
  /** Copies go where the first went. */
  readonly to: Endpoint;
  readonly localAddress: LocalAddress | undefined;
  readonly timestamp: Uint8Array;
  readonly sentAt: Instant;
  /** A cookie reply is acted on once per initiation. */
  actedOnCookie: boolean;
  /** N1: at most four, by (sender_r, count). */
  readonly reassemblies: Map<string, Reassembly>;
}

/** Our last response to a classical initiation: as in WireGuard, it too may be answered by a cookie reply. §3.3. */
export interface ClassicalAnswer {
  /** The `next` it offers; `receiver_index` of a cookie reply to it. */
  readonly index: SessionIndex;
  readonly mac1: Uint8Array;
  readonly to: Endpoint;
}

/** A keypair the plane holds, as far as the engine needs to know it. */
export interface SessionRecord {
  readonly index: SessionIndex;
  readonly role: Role;
  readonly bornAt: Instant;
  readonly expiresAt: Instant;
  confirmedAt: Instant | undefined;
}

export class Peer {
  readonly id: PeerId;
  readonly keys: PeerKeys;
  readonly timers: Timers;
  readonly sequence: InitiationSequence;
  readonly cookies = new CookieJar();
  readonly sessions = new Map<SessionIndex, SessionRecord>();
  /** mac1 and cookie keys towards this peer, with its own deployment key. */
  macKeys: MacKeys;
  presharedKey: Secret;
  profile: RekeyProfile;
  persistentKeepalive: Millis | undefined;
  endpoint: Endpoint | undefined;
  localAddress: LocalAddress | undefined;
  outstanding: Outstanding | undefined;
  /** Until a cookie reply to it was acted on. */
  classicalAnswer: ClassicalAnswer | undefined;
  /** Entries whose session is still a `next`. C4. */
  pending: PendingEntry[] = [];
  /** Entries whose response bytes are still kept for copies, oldest first. C3. */
  answered: PendingEntry[] = [];
  /** C3: of the last initiation confirmed. In memory only. */
  storedTimestamp: Uint8Array | undefined;
  /** Attempts over IPv4 that brought no session, since the last that did. §3.1. */
  failedAttempts = 0;
  /** Map key under which the engine counts this peer's confirmed endpoint, while it has a session. §6 pool A. */
  liveSource: string | undefined;

  /* what `stats` shows */
  handshakesCompleted = 0;
  lastHandshakeAt: Instant | undefined;
  handshakeDuration: Millis | undefined;
  roundTrip: Millis | undefined;

  constructor(
    id: PeerId,
    keys: PeerKeys,
    macKeys: MacKeys,
    uniform: () => number,
    settings: { presharedKey: Secret | undefined; profile: RekeyProfile },
  ) {
    this.id = id;
    this.keys = keys;
    this.macKeys = macKeys;
    this.presharedKey = settings.presharedKey ?? new Secret(new Uint8Array(keySize));
    this.profile = settings.profile;
    this.timers = new Timers(uniform);
    this.sequence = new InitiationSequence(this.timers, uniform);
  }

  /** The newest confirmed session: the one shown, and the one whose role and age count. */
  get newestSession(): SessionRecord | undefined {
    let newest: SessionRecord | undefined;
    for (const session of this.sessions.values()) {
      if (session.confirmedAt === undefined) continue;
      if (newest?.confirmedAt === undefined || session.confirmedAt >= newest.confirmedAt) newest = session;
    }
    return newest;
  }

  get hasSession(): boolean {
    return this.newestSession !== undefined;
  }

  /** When the youngest `next` was made. T5. */
  get youngestNextAt(): Instant | undefined {
    let youngest: Instant | undefined;
    for (const { confirmedAt, bornAt } of this.sessions.values()) {
      if (confirmedAt === undefined && (youngest === undefined || bornAt > youngest)) youngest = bornAt;
    }
    return youngest;
  }

  /** M towards this peer: the policy's, or 508 after two failed attempts over IPv4. §3.1. */
  maxDatagram(configured: number): number {
    const cautious = this.endpoint?.ip.length === 4 && this.failedAttempts >= attemptsBeforeCautious;
    return cautious ? cautiousMaxDatagram : configured;
  }

  /** Forgets the handshake in flight and wipes its secrets. */
  dropOutstanding(): void {
    this.outstanding?.state.destroy();
    this.outstanding = undefined;
    this.timers.clear('copy', 'expire-initiation');
  }

  /** Sets the timer of the session that expires first. T6. */
  armExpiry(): void {
    let first: Instant | undefined;
    for (const { expiresAt } of this.sessions.values())
      if (first === undefined || expiresAt < first) first = expiresAt;
    if (first === undefined) this.timers.clear('expire-session');
    else this.timers.set('expire-session', first);
  }
}
