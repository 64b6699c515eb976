/** The initiator's acts: send an initiation, its copies, act on cookie replies, take responses. protocol.md §5.2 N1–N3. */
import { consumeClassicalResponse, createClassicalInitiation } from '../handshake/classical.ts';
import { consumeResponse, createInitiation } from '../handshake/initiator.ts';
import type { SessionKeys } from '../handshake/session-keys.ts';
import { maxResponseReassemblies, rekeyAttemptTime, sessionLimits } from '../limits.ts';
import type { Outstanding, Peer } from '../peer/peer.ts';
import {
  type Endpoint,
  elapsed,
  type Instant,
  type LocalAddress,
  later,
  type SessionIndex,
  sessionIndex,
} from '../types.ts';
import type { ClassicalResponse, CookieReply, ResponseFragment } from '../wire/classify.ts';
import { cutInitiation, initiationCount, Reassembly } from '../wire/fragment.ts';
import { macsOf, setMac1, setMac2 } from '../wire/messages.ts';
import { type EngineContext, initiatorWins, refuse } from './context.ts';
import { replyWithCookie } from './cookie-replies.ts';
import type { Gate } from './gate.ts';

/** Call when the 'attempt' timer falls due: a new initiation, unless T5 postpones it. */
export function attempt(context: EngineContext, now: Instant, peer: Peer): void {
  const { sequence } = peer;
  const to = peer.endpoint;
  if (to === undefined) {
    sequence.end();
    refuse(context, 'no-endpoint');
    return;
  }
  if (sequence.postpone(now, peer.youngestNextAt)) return;
  if (sequence.attempts >= 1) countFailedAttempt(peer);
  endOutstanding(context, peer);
  if (sequence.attempts >= 1) context.emit({ kind: 'path-stale', peer: peer.id });
  const outstanding = createOutstanding(context, now, peer, to);
  if (outstanding === undefined) {
    sequence.end();
    return;
  }
  peer.outstanding = outstanding;
  context.indices.expectAnswer(outstanding.index);
  peer.timers.set('expire-initiation', later(now, rekeyAttemptTime));
  transmit(context, now, peer, outstanding);
  sequence.onInitiationSent(now, peer.profile);
}

/** Call when the 'copy' timer falls due. N3. */
export function sendCopy(context: EngineContext, now: Instant, peer: Peer): void {
  if (peer.outstanding === undefined || !peer.sequence.active) return;
  transmit(context, now, peer, peer.outstanding);
  peer.sequence.onCopySent();
}

/** Call when an attempt ended without a session: two over IPv4 make M cautious. §3.1. */
export function countFailedAttempt(peer: Peer): void {
  if (peer.outstanding?.to.ip.length === 4) peer.failedAttempts += 1;
}

/** Forgets the initiation in flight: with S1, the next initiation, or giving up. N1. */
export function endOutstanding(context: EngineContext, peer: Peer): void {
  if (peer.outstanding === undefined) return;
  context.indices.expectNothing(peer.outstanding.index);
  if (!peer.sessions.has(peer.outstanding.index)) context.indices.release(peer.outstanding.index);
  peer.dropOutstanding();
}

/** N3: acted on once per initiation; resent at once, now with mac2. */
export function handleCookieReply(context: EngineContext, now: Instant, message: CookieReply): void {
  const found = findOutstanding(context, message.receiverIndex);
  if (found === undefined) return handleCookieForAnswer(context, now, message);
  const { peer, outstanding } = found;
  if (outstanding.actedOnCookie || !peer.sequence.active) return refuse(context, 'unexpected-cookie');
  const cookie = context.crypto.xopen(peer.macKeys.cookie, message.nonce, outstanding.mac1, message.sealed);
  if (cookie === undefined) return refuse(context, 'bad-cookie');
  outstanding.actedOnCookie = true;
  peer.cookies.put(now, outstanding.to, cookie);
  transmit(context, now, peer, outstanding);
}

/**
 * A classical peer under load answers our response, too, by a cookie (§3.3, "exactly as WireGuard"). As there it is kept for
 * the next response and nothing is resent: the peer begins anew. Else two ends under load would never come together.
 */
function handleCookieForAnswer(context: EngineContext, now: Instant, message: CookieReply): void {
  const owner = context.indices.owner(message.receiverIndex);
  const peer = owner === undefined ? undefined : context.peers.find(owner);
  const answer = peer?.classicalAnswer;
  if (peer === undefined || answer?.index !== message.receiverIndex)
    return refuse(context, 'unexpected-cookie');
  const cookie = context.crypto.xopen(peer.macKeys.cookie, message.nonce, answer.mac1, message.sealed);
  if (cookie === undefined) return refuse(context, 'bad-cookie');
  peer.classicalAnswer = undefined;
  context.indices.expectNothing(message.receiverIndex);
  peer.cookies.put(now, answer.to, cookie);
}

/** N1: needs an outstanding index and a valid mac1; where it came from does not matter and moves nothing. */
export function handleResponseFragment(
  context: EngineContext,
  now: Instant,
  message: ResponseFragment,
): void {
  const found = findOutstanding(context, message.receiverIndex);
  if (found === undefined) return refuse(context, 'unexpected-response');
  const { peer, outstanding } = found;
  const { state } = outstanding;
  if (state.kind !== 'awaiting-response' || state.suite !== message.suite) {
    return refuse(context, 'unexpected-response');
  }
  const expected = context.crypto.mac(state.responseMacKey.borrow(), message.mac1Input);
  if (!context.crypto.equal(expected, message.mac1)) return refuse(context, 'bad-mac1');

  const key = `${message.senderIndex}/${message.count}`;
  let reassembly = outstanding.reassemblies.get(key);
  if (reassembly === undefined) {
    if (outstanding.reassemblies.size >= maxResponseReassemblies) return refuse(context, 'no-response-slot');
    reassembly = Reassembly.response(message.suite, message.count);
    outstanding.reassemblies.set(key, reassembly);
  }
  const added = reassembly.add(message.index, message.slice);
  if (added === 'duplicate') return refuse(context, 'duplicate-fragment');
  if (added === 'added') return;
  const keys = consumeResponse(context.crypto, context.identity, state, message.senderIndex, reassembly.body);
  if (typeof keys === 'string') return refuse(context, keys);
  establish(context, now, peer, outstanding, message.senderIndex, keys);
}

/** Type 2. A peer with a KEM key never takes one, whatever index it names. */
export function handleClassicalResponse(
  context: EngineContext,
  gate: Gate,
  hasClassicalPeers: boolean,
  now: Instant,
  from: Endpoint,
  localAddress: LocalAddress | undefined,
  message: ClassicalResponse,
): void {
  const found = findOutstanding(context, message.receiverIndex);
  if (found === undefined) {
    return refuse(context, hasClassicalPeers ? 'unexpected-response' : 'classical-disabled');
  }
  const { peer, outstanding } = found;
  const { state } = outstanding;
  if (state.kind !== 'classical-awaiting-response') return refuse(context, 'downgrade-refused');
  const admission = gate.admitClassicalResponse(now, from, message);
  if (admission.kind === 'refused') return refuse(context, admission.reason);
  if (admission.kind === 'wants-proof') {
    refuse(context, admission.reason);
    const { senderIndex, mac1 } = message;
    replyWithCookie(context, gate, now, { from, localAddress, senderIndex, mac1, keys: admission.keys });
    return;
  }
  const keys = consumeClassicalResponse(context.identity, state, message);
  if (typeof keys === 'string') return refuse(context, keys);
  establish(context, now, peer, outstanding, message.senderIndex, keys);
}

/** S1 reached: the session is current at once, or previous where N4 says so; the plane sends under it now (N2). */
function establish(
  context: EngineContext,
  now: Instant,
  peer: Peer,
  outstanding: Outstanding,
  remoteIndex: SessionIndex,
  keys: SessionKeys,
): void {
  const limits = sessionLimits(peer.profile);
  peer.sessions.set(outstanding.index, {
    index: outstanding.index,
    role: 'initiator',
    bornAt: now,
    expiresAt: later(now, limits.rejectAfterTime),
    confirmedAt: now,
  });
  keys.exporter?.destroy();
  context.plane.install(now, {
    peer: peer.id,
    role: 'initiator',
    localIndex: outstanding.index,
    remoteIndex,
    sendKey: keys.send,
    receiveKey: keys.receive,
    timestamp: outstanding.timestamp,
    bornAt: now,
    limits,
    kind: peer.keys.kind,
    winsCrossing: initiatorWins(ownId(context, peer), peer.keys.id),
  });
  const duration = elapsed(peer.sequence.firstAt ?? outstanding.sentAt, now);
  endOutstanding(context, peer);
  peer.sequence.end();
  peer.failedAttempts = 0;
  peer.handshakesCompleted += 1;
  peer.lastHandshakeAt = now;
  peer.handshakeDuration = duration;
  peer.timers.onAnyReceived();
  peer.timers.onSessionBegun();
  peer.armExpiry();
  context.emit({ kind: 'peer-established', peer: peer.id, role: 'initiator', duration });
  context.peers.touch(peer);
}

function createOutstanding(
  context: EngineContext,
  now: Instant,
  peer: Peer,
  to: Endpoint,
): Outstanding | undefined {
  const { crypto, identity, indices } = context;
  const index = indices.allocate(peer.id);
  const timestamp = context.timestamps.next(context.wallClock());
  const made = makeDatagrams();
  if (typeof made === 'string') {
    indices.release(index);
    return refuse(context, made);
  }
  for (const datagram of made.datagrams) {
    setMac1(datagram, crypto.mac(peer.macKeys.mac1, macsOf(datagram).mac1Input));
  }
  const [first] = made.datagrams;
  return {
    ...made,
    index,
    mac1: first === undefined ? new Uint8Array(0) : macsOf(first).mac1.slice(),
    to,
    localAddress: peer.localAddress,
    timestamp,
    sentAt: now,
    actedOnCookie: false,
    reassemblies: new Map(),
  };

  function makeDatagrams() {
    const presharedKey = peer.presharedKey.borrow();
    if (peer.keys.kind === 'classical') {
      const classical = createClassicalInitiation(
        crypto,
        identity,
        peer.keys,
        presharedKey,
        index,
        timestamp,
      );
      return typeof classical === 'string'
        ? classical
        : { state: classical.state, datagrams: [classical.message] };
    }
    const created = createInitiation({
      crypto,
      self: identity,
      peer: peer.keys,
      presharedKey,
      senderIndex: index,
      timestamp,
    });
    if (typeof created === 'string') return created;
    const { suite } = peer.keys;
    const count = initiationCount(suite, peer.maxDatagram(context.policy.maxDatagram));
    return {
      state: created.state,
      datagrams: cutInitiation({ suite, senderIndex: index, body: created.body, count }),
    };
  }
}

/** Sends every datagram of the initiation; while a cookie for its address is held, with mac2. N3. */
function transmit(context: EngineContext, now: Instant, peer: Peer, outstanding: Outstanding): void {
  const cookie = peer.cookies.take(now, outstanding.to);
  context.sendExpecting(
    outstanding.datagrams.map((datagram) => {
      const bytes = datagram.slice(); // the plane owns what it sends; ours stays without mac2
      if (cookie !== undefined) setMac2(bytes, context.crypto.mac(cookie, macsOf(bytes).mac2Input));
      return { to: outstanding.to, localAddress: outstanding.localAddress, bytes };
    }),
  );
}

function findOutstanding(
  context: EngineContext,
  index: SessionIndex,
): { peer: Peer; outstanding: Outstanding } | undefined {
  const owner = context.indices.owner(sessionIndex(index));
  const peer = owner === undefined ? undefined : context.peers.find(owner);
  const outstanding = peer?.outstanding;
  return peer !== undefined && outstanding?.index === index ? { peer, outstanding } : undefined;
}

/** Our ID as this peer knows it: that of its suite, or the X25519 key for a classical peer. */
export function ownId(context: EngineContext, peer: Peer): Uint8Array {
  const { keys } = peer;
  const id = keys.kind === 'hybrid' ? context.identity.id(keys.suite) : undefined;
  return id ?? context.identity.dh.publicKey;
}
