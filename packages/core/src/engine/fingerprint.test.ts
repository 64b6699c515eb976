/** Tests of hostile input compare fingerprints, so here each thing that a datagram could change is shown to be in one. */
import { describe, expect, it } from 'vitest';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import { DropCounters } from '../drop.ts';
import { createClassicalInitiation } from '../handshake/classical.ts';
import { macKeys } from '../handshake/cookie.ts';
import { Identity, peerKeys } from '../handshake/identity.ts';
import { TimestampClock } from '../handshake/timestamp.ts';
import { type Outstanding, Peer, type SessionRecord } from '../peer/peer.ts';
import type { PendingEntry } from '../peer/pending.ts';
import { PortablePlane } from '../plane/portable-plane.ts';
import { defaultPolicy } from '../policy.ts';
import { endpoint, instant, millis, peerId, sessionIndex, unixMillis } from '../types.ts';
import { Reassembly } from '../wire/fragment.ts';
import type { EngineContext } from './context.ts';
import { fingerprint } from './fingerprint.ts';
import { Gate } from './gate.ts';
import { IndexTable } from './index-table.ts';
import { PeerTable } from './peer-table.ts';
import { Probing } from './probing.ts';
import { ReassemblyPools } from './reassembly.ts';

const crypto = nodeSuite();
const identity = new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
const keys = peerKeys(crypto, identity, crypto.dhPrivate().publicKey);
if (keys.kind !== 'classical') throw new Error('not classical');
const made = createClassicalInitiation(
  crypto,
  identity,
  keys,
  new Uint8Array(32),
  sessionIndex(5),
  new Uint8Array(12),
);
if (typeof made === 'string') throw new Error(made);
const { state } = made;
const start = instant(0);
const [here, there] = [
  endpoint(Uint8Array.of(192, 0, 2, 1), 1000),
  endpoint(Uint8Array.of(192, 0, 2, 2), 1000),
];

const newPeer = (): Peer =>
  new Peer(peerId(1), keys, macKeys(crypto, keys.id, new Uint8Array(0)), () => 0, {
    presharedKey: undefined,
    profile: 'standard',
  });

/** An engine's state with one peer, of parts. */
class State {
  readonly peer = newPeer();
  readonly pools = new ReassemblyPools();
  readonly gate = new Gate(start, crypto, defaultPolicy, identity);
  readonly probing = new Map([[peerId(1), new Probing(crypto)]]);
  readonly peers = new PeerTable();
  readonly context: EngineContext = {
    crypto,
    plane: new PortablePlane({ suite: crypto }),
    policy: defaultPolicy,
    identity,
    timestamps: new TimestampClock(
      undefined,
      () => true,
      () => {},
    ),
    wallClock: () => unixMillis(0),
    drops: new DropCounters(),
    indices: new IndexTable(crypto),
    peers: this.peers,
    probing: this.probing,
    answered: new Map(),
    emit: () => {},
    sendExpecting: () => {},
    onCookieSent: () => {},
  };

  constructor() {
    this.peers.add(this.peer);
  }

  at(now: number): string {
    return fingerprint(instant(now), this.context, this.gate, this.pools);
  }
}

const entry: PendingEntry = {
  key: 'k',
  prefix: 'p',
  proven: false,
  timestamp: new Uint8Array(12),
  createdAt: start,
  session: sessionIndex(1),
  response: [new Uint8Array(1)],
  copiesAnswered: 0,
};
const outstanding: Outstanding = {
  index: sessionIndex(5),
  state,
  datagrams: [new Uint8Array(1)],
  mac1: new Uint8Array(16),
  to: here,
  localAddress: undefined,
  timestamp: new Uint8Array(12),
  sentAt: start,
  actedOnCookie: false,
  reassemblies: new Map(),
};
const session: SessionRecord = {
  index: sessionIndex(7),
  role: 'initiator',
  bornAt: start,
  expiresAt: instant(180_000),
  confirmedAt: undefined,
};

type Change = readonly [what: string, make: (state: State) => unknown];
const put = (changes: Partial<Peer>) => (state: State) => Object.assign(state.peer, changes);
const open = (changes: Partial<Outstanding> = {}) => put({ outstanding: { ...outstanding, ...changes } });
const holds = (changes: Partial<SessionRecord>) => (state: State) =>
  state.peer.sessions.set(sessionIndex(7), { ...session, ...changes });
const partly = (...indices: number[]) => {
  const reassembly = Reassembly.response(1, 2);
  for (const index of indices) reassembly.add(index, new Uint8Array(1112));
  return new Map([['k', reassembly]]);
};

const changes: readonly Change[] = [
  ['nothing', () => {}],
  ['an endpoint', put({ endpoint: here })],
  ['another address', put({ endpoint: there })],
  ['another port', put({ endpoint: endpoint(here.ip, 1001) })],
  ['a local address', put({ localAddress: { ip: here.ip, interfaceIndex: 1 } })],
  ['another local address', put({ localAddress: { ip: there.ip, interfaceIndex: 1 } })],
  ['another interface', put({ localAddress: { ip: here.ip, interfaceIndex: 2 } })],
  ['a profile', put({ profile: 'metered' })],
  ['a keepalive', put({ persistentKeepalive: millis(25_000) })],
  ['a failed attempt', put({ failedAttempts: 1 })],
  ['a stored timestamp', put({ storedTimestamp: new Uint8Array(12) })],
  ['another stored timestamp', put({ storedTimestamp: new Uint8Array(12).fill(1) })],
  ['a live source', put({ liveSource: 'x' })],
  [
    'a live source in the table',
    ({ peers }) => {
      const twin = newPeer(); // as the peer would be in session, so that nothing but the table is other
      twin.endpoint = here;
      twin.sessions.set(sessionIndex(7), { ...session, confirmedAt: start });
      peers.touch(twin);
    },
  ],
  ['an index', ({ context }) => context.indices.allocate(peerId(1))],
  ['an answer remembered', ({ context, peer }) => context.answered.set('k', { peer, entry })],
  ['an outstanding initiation', open()],
  ['another index', open({ index: sessionIndex(6) })],
  ['another number of fragments', open({ datagrams: [] })],
  ['another port of it', open({ to: endpoint(here.ip, 1001) })],
  ['another timestamp', open({ timestamp: new Uint8Array(12).fill(1) })],
  ['sent later', open({ sentAt: instant(1) })],
  ['its cookie acted on', open({ actedOnCookie: true })],
  ['a reassembly of its response', open({ reassemblies: partly() })],
  ['with a slice', open({ reassemblies: partly(0) })],
  ['with another slice', open({ reassemblies: partly(1) })],
  [
    'a classical answer',
    put({ classicalAnswer: { index: sessionIndex(1), mac1: new Uint8Array(16), to: here } }),
  ],
  ['a session', holds({})],
  ['of another index', holds({ index: sessionIndex(8) })],
  ['of the other role', holds({ role: 'responder' })],
  ['made later', holds({ bornAt: instant(1) })],
  ['confirmed at once', holds({ confirmedAt: start })],
  ['confirmed later', holds({ confirmedAt: instant(1) })],
  ['a pending entry', put({ pending: [entry] })],
  ['of another session', put({ pending: [{ ...entry, session: sessionIndex(2) }] })],
  ['that is proven', put({ pending: [{ ...entry, proven: true }] })],
  ['made later', put({ pending: [{ ...entry, createdAt: instant(1) }] })],
  ['with a copy answered', put({ pending: [{ ...entry, copiesAnswered: 1 }] })],
  ['with its response forgotten', put({ pending: [{ ...entry, response: [] }] })],
  ['an answered entry', put({ answered: [entry] })],
  ['of another session answered', put({ answered: [{ ...entry, session: sessionIndex(2) }] })],
  ['a cookie', ({ peer }) => peer.cookies.put(start, here, new Uint8Array(16))],
  ['a sequence', ({ peer }) => peer.sequence.want(start)],
  ['a timer', ({ peer }) => peer.timers.set('silence', instant(1))],
  ['a later timer', ({ peer }) => peer.timers.set('silence', instant(2))],
  ['another timer', ({ peer }) => peer.timers.set('erase', instant(1))],
  ['a busy event loop', ({ gate }) => gate.load.onLoopDelay(50)],
  ['a handshake that cost us', ({ gate }) => gate.load.onHandshake(start)],
];

describe('the fingerprint of an engine', () => {
  it('holds every difference that a datagram could make', () => {
    const seen = new Map<string, string>();
    for (const [what, make] of changes) {
      const state = new State();
      make(state);
      const text = state.at(10);
      expect(seen.get(text), `${what} looks as the other`).toBeUndefined();
      seen.set(text, what);
    }
  });

  it('is equal for equal states at equal ages', () => {
    for (const [what, make] of changes) {
      const [one, other] = [new State(), new State()];
      for (const state of [one, other]) make(state);
      if (what !== 'an index') expect([what, one.at(10)]).toEqual([what, other.at(10)]);
      expect(one.at(10)).toBe(one.at(10));
    }
  });
});
