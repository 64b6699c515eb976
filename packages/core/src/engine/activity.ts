/** What the plane reports of a peer, and what follows from it. protocol.md §5.2 C1, C5, §5.3, §5.4. */
import type { Peer } from '../peer/peer.ts';
import type { PeerActivity } from '../plane/plane.ts';
import { type Endpoint, type Instant, type LocalAddress, type SessionIndex, sameEndpoint } from '../types.ts';
import type { EngineContext } from './context.ts';
import { confirmPending, forgetSession } from './responding.ts';

/** One peer's share of the plane's reports: sessions confirmed and gone, where it is now, and what its timers have to know. */
export function handleActivity(context: EngineContext, now: Instant, report: PeerActivity): void {
  const peer = context.peers.find(report.peer);
  if (peer === undefined) return; // removed since
  const hadSession = peer.hasSession;
  for (const { index, endpoint, localAddress, timestamp } of report.confirmed) {
    onConfirmed(context, now, peer, index, timestamp);
    moveEndpoint(context, peer, endpoint, localAddress);
  }
  for (const index of report.retired) forgetSession(context, peer, index);
  if (report.roamed !== undefined)
    moveEndpoint(context, peer, report.roamed.endpoint, report.roamed.localAddress);
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
  if (hadSession && !peer.hasSession) onLastSessionGone(context, now, peer);
  context.peers.touch(peer);
}

/** C1, C5: the plane has confirmed a `next`; only now do timestamp and endpoint change. */
function onConfirmed(
  context: EngineContext,
  now: Instant,
  peer: Peer,
  index: SessionIndex,
  timestamp: Uint8Array,
): void {
  const session = peer.sessions.get(index);
  if (session === undefined) return;
  session.confirmedAt = now;
  peer.storedTimestamp = timestamp.slice();
  confirmPending(context, peer, index);
  peer.sequence.end(); // N3; a response still outstanding is taken
  peer.failedAttempts = 0;
  peer.handshakesCompleted += 1;
  peer.lastHandshakeAt = now;
  peer.timers.onSessionBegun();
  context.emit({ kind: 'peer-established', peer: peer.id, role: 'responder', duration: undefined });
}

function moveEndpoint(
  context: EngineContext,
  peer: Peer,
  endpoint: Endpoint,
  localAddress: LocalAddress | undefined,
): void {
  const moved = peer.endpoint === undefined || !sameEndpoint(peer.endpoint, endpoint);
  peer.endpoint = endpoint;
  peer.localAddress = localAddress;
  if (moved) context.emit({ kind: 'peer-roamed', peer: peer.id, endpoint });
}

/** T6 counts from here on. */
export function onLastSessionGone(context: EngineContext, now: Instant, peer: Peer): void {
  peer.timers.onLastSessionGone(now, peer.profile);
  context.emit({ kind: 'peer-expired', peer: peer.id });
}
