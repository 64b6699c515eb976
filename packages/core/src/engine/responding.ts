/**
 * The responder's pipeline for initiations, cheapest and most telling first. protocol.md §5.1 C2:
 *
 *  1 length and geometry          wire/messages.ts `classify`
 *  2 suite enabled                `handleInitiationFragment`
 *  3 mac1, then §6 rate and load  gate.ts
 *  4 slot, complete               reassembly.ts
 *  5 pending look-up (C3, stop)   `answerCopyOf`
 *  6 DH, dec, enc_id              handshake/responder.ts `openInitiation`
 *  7 known ID, its suite          `respondTo`
 *  8 ss, enc_ts                   `authenticate`
 *  9 TS > stored (C3)             `acceptable`
 * 10 C4                           peer/pending.ts `place`
 * 11 check ek_i, respond          `respond`
 * 12 displace, install, send      `admitNext`: nothing is displaced until the response has been made
 */
import { invariant } from '../errors.ts';
import { authenticateClassical, openClassicalInitiation, respondClassical } from '../handshake/classical.ts';
import type { MacKeys } from '../handshake/cookie.ts';
import { authenticate, openInitiation, respond } from '../handshake/responder.ts';
import type { SessionKeys } from '../handshake/session-keys.ts';
import { pendingFresh, sessionLimits } from '../limits.ts';
import type { Peer } from '../peer/peer.ts';
import { answerCopy, type PendingEntry, place } from '../peer/pending.ts';
import type { GateVerdict } from '../plane/plane.ts';
import {
  compareBytes,
  type Endpoint,
  type Instant,
  ipKey,
  type LocalAddress,
  later,
  millis,
  prefixKey,
  type SessionIndex,
} from '../types.ts';
import type { ClassicalInitiation, InitiationFragment } from '../wire/classify.ts';
import { cutResponse, hdr1, responseCount } from '../wire/fragment.ts';
import { macsOf, setMac1, setMac2 } from '../wire/messages.ts';
import { type EngineContext, initiatorWins, refuse } from './context.ts';
import { type CookieRequest, replyWithCookie } from './cookie-replies.ts';
import type { Gate } from './gate.ts';
import { ownId } from './initiating.ts';
import type { ReassemblyPools, Slot } from './reassembly.ts';

/** Where an initiation came from, and all one needs to answer with a cookie instead. */
interface Origin extends CookieRequest {
  readonly proven: boolean;
  /** All bytes of it received. */
  readonly receivedBytes: number;
}

/** One 0x11 datagram, well-formed. `length` is that of the datagram. */
export function handleInitiationFragment(
  context: EngineContext,
  gate: Gate,
  pools: ReassemblyPools,
  now: Instant,
  from: Endpoint,
  localAddress: LocalAddress | undefined,
  fragment: InitiationFragment,
  length: number,
  verdict: GateVerdict,
): void {
  if (!gate.serves(fragment.suite)) return refuse(context, 'suite-disabled');
  const admission = gate.admit(now, fragment.suite, from, fragment, verdict);
  if (admission.kind === 'refused') return refuse(context, admission.reason);
  const sendCookie = (keys: MacKeys): void => {
    // Only fragment 0 draws one: a cookie reply refers to its mac1, and one answer to one initiation is enough
    if (fragment.index === 0) replyWithCookie(context, gate, now, { from, localAddress, ...fragment, keys });
  };
  if (admission.kind === 'wants-proof') {
    refuse(context, admission.reason);
    sendCookie(admission.keys);
    return;
  }
  const { keys, proven } = admission;
  const confirmedSource = context.peers.isLiveSource(from);
  const offer = pools.offer(now, { fragment, from, length, keys, proven, confirmedSource });
  const expired = pools.takeExpired();
  if (expired > 0) context.drops.count('reassembly-expired', expired);
  switch (offer.kind) {
    case 'stored':
      return;
    case 'refused':
      return refuse(context, offer.reason);
    case 'wants-proof':
      refuse(context, 'no-slot');
      sendCookie(keys);
      return;
    case 'complete':
      return handleInitiation(context, gate, now, from, localAddress, fragment, offer.slot);
    default:
      offer satisfies never;
  }
}

/** A whole initiation, its mac1 and quota checked. */
function handleInitiation(
  context: EngineContext,
  gate: Gate,
  now: Instant,
  from: Endpoint,
  localAddress: LocalAddress | undefined,
  { suite, senderIndex, count }: InitiationFragment,
  slot: Slot,
): void {
  const { crypto, identity } = context;
  invariant(slot.first !== undefined, 'a whole initiation without its first fragment');
  const origin: Origin = {
    from,
    localAddress,
    senderIndex,
    proven: slot.proven,
    receivedBytes: slot.receivedBytes,
    ...slot.first,
  };
  const { body } = slot.reassembly;
  const key = ipKey(crypto.hash(hdr1(suite, senderIndex), body));
  if (answerCopyOf(context, now, key, origin)) return;

  gate.load.onHandshake(now);
  const claim = openInitiation(crypto, identity, suite, senderIndex, body);
  if (typeof claim === 'string') return refuse(context, claim);
  const peer = context.peers.byIdentity(claim.claimedId);
  if (peer === undefined || peer.keys.kind !== 'hybrid' || peer.keys.suite !== suite) {
    claim.destroy();
    return refuse(context, peer === undefined ? 'unknown-peer' : 'mode-mismatch');
  }
  const presharedKey = peer.presharedKey.borrow();
  const initiation = authenticate(crypto, identity, claim, peer.keys, presharedKey);
  if (typeof initiation === 'string') return refuse(context, initiation);
  const { timestamp } = initiation;
  const displaces = acceptable(context, gate, now, peer, timestamp, origin);
  if (displaces === 'refused') return initiation.destroy();

  const session = context.indices.allocate(peer.id);
  const response = respond(crypto, initiation, presharedKey, session);
  if (typeof response === 'string') {
    context.indices.release(session);
    return refuse(context, response);
  }
  const fragments = responseCount(suite, context.policy.maxDatagram, slot.largestDatagram, count);
  const datagrams = cutResponse({
    suite,
    senderIndex: session,
    receiverIndex: senderIndex,
    body: response.body,
    count: fragments,
  });
  for (const datagram of datagrams) {
    setMac1(datagram, crypto.mac(response.macKey.borrow(), macsOf(datagram).mac1Input));
  }
  response.macKey.destroy();
  admitNext(context, now, peer, origin, displaces, {
    key,
    session,
    timestamp,
    keys: response.keys,
    datagrams,
  });
}

/** Type 1, for classical peers only. The same rules C1–C5 hold; a peer with a KEM key is refused whatever it sends. */
export function handleClassicalInitiation(
  context: EngineContext,
  gate: Gate,
  hasClassicalPeers: boolean,
  now: Instant,
  from: Endpoint,
  localAddress: LocalAddress | undefined,
  message: ClassicalInitiation,
  length: number,
  verdict: GateVerdict,
): void {
  if (!hasClassicalPeers) {
    // Whoever gets mac1 right writes to us, and here nobody may in this way. No rate is spent on it: a forger would spend
    // that of a peer, to whom a deployment key could otherwise keep him from writing anything that counts
    const toUs = gate.verifiesClassicalMac1(message);
    return refuse(context, toUs ? 'downgrade-refused' : 'classical-disabled');
  }
  const admission = gate.admitClassical(now, from, message, verdict);
  if (admission.kind === 'refused') return refuse(context, admission.reason);
  const { senderIndex } = message;
  if (admission.kind === 'wants-proof') {
    refuse(context, admission.reason);
    replyWithCookie(context, gate, now, {
      from,
      localAddress,
      senderIndex,
      mac1: message.mac1,
      keys: admission.keys,
    });
    return;
  }
  const { crypto, identity } = context;
  const origin: Origin = {
    from,
    localAddress,
    senderIndex,
    proven: admission.proven,
    receivedBytes: length,
    mac1: message.mac1.slice(),
    keys: admission.keys,
  };
  const key = ipKey(crypto.hash(message.mac1Input));
  if (answerCopyOf(context, now, key, origin)) return;

  gate.load.onHandshake(now);
  const claim = openClassicalInitiation(crypto, identity, message);
  if (typeof claim === 'string') return refuse(context, claim);
  const peer = context.peers.byIdentity(claim.claimedKey);
  if (peer?.keys.kind !== 'classical') {
    const isHybrid = context.peers.byPublicKey(claim.claimedKey) !== undefined;
    claim.destroy();
    return refuse(context, isHybrid ? 'downgrade-refused' : 'unknown-peer');
  }
  const timestamp = authenticateClassical(identity, claim);
  if (typeof timestamp === 'string') return refuse(context, timestamp);
  const displaces = acceptable(context, gate, now, peer, timestamp, origin);
  if (displaces === 'refused') return claim.destroy();

  const session = context.indices.allocate(peer.id);
  const response = respondClassical(crypto, claim, peer.presharedKey.borrow(), session);
  if (typeof response === 'string') {
    context.indices.release(session);
    return refuse(context, response);
  }
  const datagram = response.message;
  setMac1(datagram, crypto.mac(peer.macKeys.mac1, macsOf(datagram).mac1Input));
  if (peer.classicalAnswer !== undefined) context.indices.expectNothing(peer.classicalAnswer.index);
  peer.classicalAnswer = { index: session, mac1: macsOf(datagram).mac1.slice(), to: from };
  context.indices.expectAnswer(session);
  const cookie = peer.cookies.take(now, from);
  if (cookie !== undefined) setMac2(datagram, crypto.mac(cookie, macsOf(datagram).mac2Input));
  admitNext(context, now, peer, origin, displaces, {
    key,
    session,
    timestamp,
    keys: response.keys,
    datagrams: [datagram],
  });
}

/** C3: a copy of an initiation already answered gets the same bytes, or nothing; `true` when it was one. */
function answerCopyOf(context: EngineContext, now: Instant, key: string, origin: Origin): boolean {
  const answered = context.answered.get(key);
  if (answered === undefined) return false;
  const response = answerCopy(now, answered.entry, origin.receivedBytes);
  if (response === undefined) refuse(context, 'copy-refused');
  else {
    const { from: to, localAddress } = origin;
    context.plane.sendDatagrams(response.map((bytes) => ({ to, localAddress, bytes })));
  }
  return true;
}

/** C3 and C4: what it displaces (`undefined`: nothing), or `refused`, counted, a loser without proof answered by a cookie. */
function acceptable(
  context: EngineContext,
  gate: Gate,
  now: Instant,
  peer: Peer,
  timestamp: Uint8Array,
  origin: Origin,
): PendingEntry | undefined | 'refused' {
  if (peer.storedTimestamp !== undefined && compareBytes(timestamp, peer.storedTimestamp) <= 0) {
    refuse(context, 'stale-timestamp');
    return 'refused';
  }
  const { proven, from } = origin;
  const placement = place(now, peer.pending, { prefix: prefixKey(from.ip), proven, timestamp });
  if (placement.kind === 'accepted') return placement.displaces;
  refuse(context, 'pending-lost');
  if (!proven) replyWithCookie(context, gate, now, origin);
  return 'refused';
}

/** The response exists: now the displaced entry goes, the `next` is installed, and only then the response leaves. */
function admitNext(
  context: EngineContext,
  now: Instant,
  peer: Peer,
  { from, localAddress, senderIndex, proven }: Origin,
  displaced: PendingEntry | undefined,
  made: {
    readonly key: string;
    readonly session: SessionIndex;
    readonly timestamp: Uint8Array;
    readonly keys: SessionKeys;
    readonly datagrams: readonly Uint8Array[];
  },
): void {
  const { key, session, timestamp, keys, datagrams } = made;
  if (displaced !== undefined) {
    context.plane.retire(now, displaced.session);
    forgetSession(context, peer, displaced.session);
  }
  const limits = sessionLimits(peer.profile);
  const entry: PendingEntry = {
    key,
    prefix: prefixKey(from.ip),
    proven,
    timestamp,
    createdAt: now,
    session,
    response: datagrams.map((datagram) => datagram.slice()),
    copiesAnswered: 0,
  };
  peer.pending.push(entry);
  peer.answered.push(entry);
  context.answered.set(key, { peer, entry });
  peer.sessions.set(session, {
    index: session,
    role: 'responder',
    bornAt: now,
    expiresAt: later(now, limits.rejectAfterTime),
    confirmedAt: undefined,
  });
  peer.armExpiry();
  if (peer.timers.at('forget-response') === undefined) {
    peer.timers.set('forget-response', responseForgottenAt(entry));
  }
  keys.exporter?.destroy();
  context.plane.install(now, {
    peer: peer.id,
    role: 'responder',
    localIndex: session,
    remoteIndex: senderIndex,
    sendKey: keys.send,
    receiveKey: keys.receive,
    timestamp,
    bornAt: now,
    limits,
    kind: peer.keys.kind,
    winsCrossing: initiatorWins(peer.keys.id, ownId(context, peer)),
  });
  const outgoing = datagrams.map((bytes) => ({ to: from, localAddress, bytes }));
  // A classical response may be answered by a cookie reply
  if (peer.keys.kind === 'classical') context.sendExpecting(outgoing);
  else context.plane.sendDatagrams(outgoing);
  context.peers.touch(peer);
}

/** Call when the 'forget-response' timer falls due: response bytes older than 5 s go, and with them what is confirmed. C3. */
export function forgetResponses(context: EngineContext, now: Instant, peer: Peer): void {
  const isDue = (entry: PendingEntry): boolean => responseForgottenAt(entry) <= now;
  for (const entry of peer.answered.filter(isDue)) {
    entry.response = [];
    if (!peer.pending.includes(entry)) context.answered.delete(entry.key);
  }
  peer.answered = peer.answered.filter((entry) => !isDue(entry));
  const [oldest] = peer.answered; // in the order they were made
  if (oldest !== undefined) peer.timers.set('forget-response', responseForgottenAt(oldest));
}

/** "Within 5 s" includes the fifth second itself. */
function responseForgottenAt(entry: PendingEntry): Instant {
  return later(entry.createdAt, millis(pendingFresh + 1));
}

/**
 * Forgets a session the plane no longer holds: its index is free, its pending entry gone. A pending entry confirmed within
 * 5 s stays known for copies (C3) until its response is forgotten.
 */
export function forgetSession(context: EngineContext, peer: Peer, index: SessionIndex): void {
  peer.sessions.delete(index);
  context.indices.release(index);
  const entry = peer.pending.find(({ session }) => session === index);
  if (entry !== undefined) {
    peer.pending = peer.pending.filter((other) => other !== entry);
    peer.answered = peer.answered.filter((other) => other !== entry);
    context.answered.delete(entry.key);
  }
  peer.armExpiry();
}

/** Call when a `next` was confirmed: it is pending no more. C1, C5. */
export function confirmPending(context: EngineContext, peer: Peer, index: SessionIndex): void {
  const entry = peer.pending.find(({ session }) => session === index);
  if (entry === undefined) return;
  peer.pending = peer.pending.filter((other) => other !== entry);
  if (entry.response.length === 0) context.answered.delete(entry.key);
}
