/** What the parts of the engine share: configuration, tables, counters, the plane. Owned by `engine.ts`. */
import type { Suite } from '../crypto/suite.ts';
import type { Drop, DropCounters } from '../drop.ts';
import type { Identity } from '../handshake/identity.ts';
import type { TimestampClock } from '../handshake/timestamp.ts';
import type { Peer } from '../peer/peer.ts';
import type { PendingEntry } from '../peer/pending.ts';
import type { DataPlane, OutgoingDatagram } from '../plane/plane.ts';
import type { Policy } from '../policy.ts';
import {
  compareBytes,
  type Endpoint,
  type Millis,
  type PeerId,
  type Role,
  type UnixMillis,
} from '../types.ts';
import type { IndexTable } from './index-table.ts';
import type { PeerTable } from './peer-table.ts';
import type { Probing } from './probing.ts';

/** What happened, for whoever embeds the engine. Nothing per packet. */
export type EngineEvent =
  | {
      readonly kind: 'peer-established';
      readonly peer: PeerId;
      readonly role: Role;
      /** From the first initiation to S1; `undefined` as responder. */
      readonly duration: Millis | undefined;
    }
  | { readonly kind: 'peer-expired'; readonly peer: PeerId }
  | { readonly kind: 'peer-roamed'; readonly peer: PeerId; readonly endpoint: Endpoint }
  | { readonly kind: 'handshake-gave-up'; readonly peer: PeerId }
  /** A second attempt has failed: a name behind the endpoint deserves a new look-up. */
  | { readonly kind: 'path-stale'; readonly peer: PeerId }
  | { readonly kind: 'pong'; readonly peer: PeerId; readonly token: Uint8Array; readonly roundTrip: Millis }
  /** C6: the ceiling could not be kept; going on in memory. */
  | { readonly kind: 'timestamp-not-kept' };

/** An answered initiation, found again by HASH(hdr1 ‖ body1). */
export interface Answered {
  readonly peer: Peer;
  readonly entry: PendingEntry;
}

export interface EngineContext {
  readonly crypto: Suite;
  readonly plane: DataPlane;
  readonly policy: Policy;
  readonly identity: Identity;
  readonly timestamps: TimestampClock;
  readonly wallClock: () => UnixMillis;
  readonly drops: DropCounters;
  readonly indices: IndexTable;
  readonly peers: PeerTable;
  /** Of each peer. */
  readonly probing: ReadonlyMap<PeerId, Probing>;
  readonly answered: Map<string, Answered>;
  emit(event: EngineEvent): void;
  /** Sends what may be answered, not before the plane's gate has heard of `indices.expected`. */
  sendExpecting(datagrams: readonly OutgoingDatagram[]): void;
  /** Counts a cookie reply. */
  onCookieSent(): void;
}

/** Counts a refusal and says so; the one way for a datagram to die in the engine. */
export function refuse(context: EngineContext, reason: Drop): undefined {
  context.drops.count(reason);
  return undefined;
}

/** N4: whether a session whose initiator is `initiator` stays current where it crosses one begun by `responder`. */
export function initiatorWins(initiator: Uint8Array, responder: Uint8Array): boolean {
  return compareBytes(initiator, responder) < 0;
}
