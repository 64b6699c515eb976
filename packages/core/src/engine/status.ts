/** What can be shown of a peer, but what the plane counts. */
import { fingerprint } from '../handshake/identity.ts';
import type { RekeyProfile, SuiteId } from '../limits.ts';
import type { Peer } from '../peer/peer.ts';
import {
  type Endpoint,
  elapsed,
  type Instant,
  type Millis,
  type PeerId,
  type Role,
  type SessionKind,
} from '../types.ts';

export interface PeerStatus {
  readonly id: PeerId;
  readonly publicKey: Uint8Array;
  readonly kind: SessionKind;
  readonly suite: SuiteId | undefined;
  readonly fingerprint: string | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly profile: RekeyProfile;
  readonly persistentKeepalive: Millis | undefined;
  /** Of the newest confirmed session. */
  readonly sessionAge: Millis | undefined;
  readonly role: Role | undefined;
  readonly lastHandshakeAt: Instant | undefined;
  readonly handshakeDuration: Millis | undefined;
  readonly handshakesCompleted: number;
  readonly roundTrip: Millis | undefined;
  /** A handshake sequence (N3) is running. */
  readonly initiating: boolean;
}

export function statusOf(now: Instant, peer: Peer): PeerStatus {
  const { keys } = peer;
  const session = peer.newestSession;
  return {
    id: peer.id,
    publicKey: keys.dhPublic,
    kind: keys.kind,
    suite: keys.kind === 'hybrid' ? keys.suite : undefined,
    fingerprint: keys.kind === 'hybrid' ? fingerprint(keys.id) : undefined,
    endpoint: peer.endpoint,
    profile: peer.profile,
    persistentKeepalive: peer.persistentKeepalive,
    sessionAge: session && elapsed(session.bornAt, now),
    role: session?.role,
    lastHandshakeAt: peer.lastHandshakeAt,
    handshakeDuration: peer.handshakeDuration,
    handshakesCompleted: peer.handshakesCompleted,
    roundTrip: peer.roundTrip,
    initiating: peer.sequence.active,
  };
}
