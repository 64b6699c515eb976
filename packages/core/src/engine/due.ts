/** What falls due: a timer of a peer, and what then is done. protocol.md §5.2, §5.3. */
import { rekeyAttemptTime } from '../limits.ts';
import type { Peer } from '../peer/peer.ts';
import type { TimerName } from '../peer/timers.ts';
import { type Instant, later } from '../types.ts';
import { onLastSessionGone } from './activity.ts';
import type { EngineContext } from './context.ts';
import { attempt, countFailedAttempt, endOutstanding, sendCopy } from './initiating.ts';
import { forgetResponses, forgetSession } from './responding.ts';

/** Does what `timer` of `peer` is for, which is due and no longer set. */
export function onTimer(context: EngineContext, now: Instant, peer: Peer, timer: TimerName): void {
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
      return onPersistentKeepalive(context, now, peer);
    case 'expire-session':
      return expireSessions(context, now, peer);
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
function onPersistentKeepalive(context: EngineContext, now: Instant, peer: Peer): void {
  peer.timers.onTraversal(now, peer.persistentKeepalive);
  peer.sequence.onOutgoing(now);
  const sent =
    peer.keys.kind === 'hybrid'
      ? context.probing.get(peer.id)?.send(context, now, peer) !== undefined
      : context.plane.transmit(now, peer.id, new Uint8Array(0));
  if (!sent && peer.endpoint !== undefined) peer.sequence.want(now);
}

/** T6: past REJECT_AFTER_TIME a session neither sends nor receives, and is erased. */
function expireSessions(context: EngineContext, now: Instant, peer: Peer): void {
  const hadSession = peer.hasSession;
  for (const session of [...peer.sessions.values()]) {
    if (session.expiresAt > now) continue;
    context.plane.retire(now, session.index);
    forgetSession(context, peer, session.index);
  }
  if (hadSession && !peer.hasSession) onLastSessionGone(context, now, peer);
}
