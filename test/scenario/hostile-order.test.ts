/**
 * protocol.md §5.1 C2: the order of checks. Messages that fail two of them die by the earlier one, whatever else is wrong with
 * them; none is answered with more than a cookie, and none changes a thing.
 */
import { type Drop, type Identity, limits, type SuiteId } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { describe, expect, it } from 'vitest';
import {
  addressee,
  Forger,
  flipped,
  type InitiationForm,
  lowOrderPoints,
  mac1Of,
  tai64n,
} from '../kit/forger.ts';
import { newYear2026 } from '../kit/host.ts';
import { innerPacket } from '../kit/packets.ts';
import { at, freshIdentity, Target, typesOf } from '../kit/target.ts';

const crypto = nodeSuite();
const forger = new Forger(crypto);
const here = at('192.0.2.1');
const there = at('198.51.100.1');
const packet = innerPacket('10.0.0.1', '10.0.0.2', 60);
const now = newYear2026 / 1000;

/** A responder with one hybrid peer, which is connected, and a classical one. */
interface Scene {
  readonly target: Target;
  readonly other: Identity;
  readonly classical: Identity;
}

interface Fault {
  readonly drop: Drop;
  /** What has happened before. */
  readonly before?: (scene: Scene) => void;
  readonly form?: (scene: Scene) => Partial<InitiationForm>;
  /** Done to each finished datagram, after which mac1 is right again … */
  readonly datagram?: (bytes: Uint8Array) => Uint8Array;
  /** … unless this says otherwise. */
  readonly breakMac1?: true;
}

/** In the order of C2. */
const faults: readonly Fault[] = [
  { drop: 'bad-geometry', datagram: (bytes) => bytes.slice(0, -1) },
  { drop: 'suite-disabled', form: () => ({ suite: 2 }) },
  { drop: 'bad-mac1', breakMac1: true },
  {
    drop: 'rate-limited',
    before({ target }) {
      const [fragment = new Uint8Array(0)] = junk(target, 1);
      for (let i = 0; i < 40; i++) target.deliver(here, fragment);
    },
  },
  { drop: 'under-load', before: ({ target }) => target.act(({ engine }) => engine.setLoopDelay(21)) },
  {
    drop: 'no-slot',
    before({ target }) {
      const fragments = junk(target, 8);
      for (let i = 0; i < 32; i++)
        target.deliver(at(`203.0.113.${i >> 2}`), fragments[i % 8] ?? new Uint8Array(0));
    },
  },
  { drop: 'bad-dh', form: () => ({ ephemeral: lowOrderPoints[2] ?? new Uint8Array(32) }) },
  { drop: 'bad-identity', form: () => ({ encId: (bytes) => flipped(bytes, 3) }) },
  { drop: 'unknown-peer', form: () => ({ id: crypto.random(32) }) },
  { drop: 'bad-timestamp', form: () => ({ encTs: (bytes) => flipped(bytes, 3) }) },
  { drop: 'stale-timestamp', form: () => ({ timestamp: tai64n(now - 10) }) },
  {
    drop: 'pending-lost',
    before({ target, other }) {
      const to = addressee(target.identity, 1);
      const timestamp = tai64n(now + 100_000);
      const { datagrams } = forger.initiation({ as: other, to, suite: 1, senderIndex: 9, timestamp });
      expect(new Set(typesOf(target.deliverAll(at('192.0.2.1', 7), datagrams)))).toEqual(new Set([0x12]));
    },
  },
  { drop: 'bad-kem-key', form: () => ({ kemKey: new Uint8Array(1184).fill(0xff) }) },
];

/** First fragments of initiations that never go on, mac1 right. */
function junk(target: Target, count: number): Uint8Array[] {
  const to = addressee(target.identity, 1);
  return Array.from({ length: count }, (_, i) => {
    const [first = new Uint8Array(0)] = forger.cutInitiation(to, 1, 1000 + i, new Uint8Array(2380));
    return first;
  });
}

function scene(): Scene {
  const other = freshIdentity(crypto);
  const classical = freshIdentity(crypto);
  const target = new Target(crypto, { policy: { suites: [1] } });
  const peer = new Target(crypto, { identity: other });
  target.addPeer(other);
  target.addPeer(classical, { classical: true, allowed: '10.9.0.0/16' });
  peer.addPeer(target.identity, { endpoint: there });
  // a genuine session, so that there is a stored timestamp and an endpoint to lose
  const initiation = [...peer.send(packet).sent, ...peer.pass(0).sent].map(({ bytes }) => bytes);
  const response = target.deliverAll(at('192.0.2.77'), initiation).sent.map(({ bytes }) => bytes);
  const first = peer.deliverAll(there, response).sent.map(({ bytes }) => bytes);
  expect(target.deliverAll(at('192.0.2.77'), first).delivered).toHaveLength(1);
  target.pass(2000);
  return { target, other, classical };
}

function attack(applied: readonly Fault[]) {
  const made = scene();
  const { target, other } = made;
  for (const { before } of applied) before?.(made);
  const forms = applied.map(({ form }) => form?.(made) ?? {});
  const suite: SuiteId = Object.assign({}, ...forms).suite ?? 1;
  const to = addressee(target.identity, suite);
  const form: InitiationForm = {
    as: other,
    to,
    suite,
    senderIndex: 5,
    timestamp: tai64n(now + 1000),
    ...Object.assign({}, ...forms),
  };
  const kemKey = form.kemKey && new Uint8Array(limits.suites[suite].kemPublicSize).fill(0xff);
  const { datagrams } = forger.initiation({ ...form, ...(kemKey === undefined ? {} : { kemKey }) });
  const key = applied.some(({ breakMac1 }) => breakMac1) ? crypto.random(32) : forger.mac1Key(to, suite);
  const sent = datagrams.map((bytes) => {
    const changed = applied.reduce((each, { datagram }) => datagram?.(each) ?? each, bytes);
    return forger.withMac1(key, changed);
  });
  const state = target.state();
  const outcome = target.deliverAll(here, sent);
  return { ...made, outcome, unchanged: target.state() === state };
}

describe('C2', () => {
  it('an initiation without a fault is answered', () => {
    const { outcome } = attack([]);
    expect(typesOf(outcome)).toEqual([0x12, 0x12]);
    expect(outcome.drops).toEqual({});
  });

  it.each(faults.map((fault) => [fault.drop, fault] as const))('%s: alone', (drop, fault) => {
    const { outcome, unchanged } = attack([fault]);
    expect(Object.keys(outcome.drops)).toEqual([drop]);
    expect(typesOf(outcome).every((type) => type === 3)).toBe(true);
    expect(outcome.sent.length).toBe(answeredByCookie.has(drop) ? 1 : 0);
    expect(unchanged).toBe(true);
  });

  const pairs = faults.flatMap((earlier, i) => faults.slice(i + 1).map((later) => [earlier, later] as const));
  it.each(pairs.map(([earlier, later]) => [earlier.drop, later.drop, earlier, later] as const))(
    '%s comes before %s',
    (drop, _, earlier, later) => {
      const { outcome, unchanged } = attack([later, earlier]);
      expect(Object.keys(outcome.drops)).toEqual([drop]);
      expect(outcome.sent.length).toBe(answeredByCookie.has(drop) ? 1 : 0);
      expect(unchanged).toBe(true);
    },
  );

  it('mode-mismatch: the ID of a classical peer in a hybrid initiation', () => {
    const { target, other, classical } = scene();
    const to = addressee(target.identity, 1);
    const id = classical.dh.publicKey;
    const { datagrams } = forger.initiation({
      as: other,
      to,
      suite: 1,
      senderIndex: 5,
      timestamp: tai64n(now + 9),
      id,
    });
    expect(target.deliverAll(here, datagrams)).toMatchObject({ sent: [], drops: { 'mode-mismatch': 1 } });
  });

  it('C4: a displaced entry is gone with its session: the packet that would have confirmed it finds no index', () => {
    const target = new Target(crypto);
    const identity = freshIdentity(crypto);
    target.addPeer(identity);
    const [slow, quick] = [0, 1000].map((start) => {
      const party = new Target(crypto, { identity }, start);
      party.addPeer(target.identity, { endpoint: there });
      return party;
    }) as [Target, Target]; // two of two
    const confirming = (party: Target): Uint8Array[] => {
      const initiation = [...party.send(packet).sent, ...party.pass(0).sent].map(({ bytes }) => bytes);
      const response = target.deliverAll(here, initiation).sent.map(({ bytes }) => bytes);
      return party.deliverAll(there, response).sent.map(({ bytes }) => bytes);
    };
    const late = confirming(slow);
    const first = confirming(quick); // its TS is a second larger, from the same prefix
    expect(target.tunnel.engine.sizes().indices).toBe(1);
    expect(target.deliverAll(here, late)).toMatchObject({ delivered: [], drops: { 'unknown-index': 1 } });
    expect(target.deliverAll(here, first).delivered).toEqual([packet]);
    // I14: what lives keeps its index, on both sides
    expect([target, slow, quick].map(({ tunnel }) => tunnel.engine.sizes().indices)).toEqual([1, 1, 1]);
  });

  it('C4: a loser with mac2 is dropped in silence, one without draws a cookie to fragment 0’s mac1', () => {
    const { target, other } = scene();
    const to = addressee(target.identity, 1);
    const make = (senderIndex: number, seconds: number): Uint8Array[] =>
      forger.initiation({ as: other, to, suite: 1, senderIndex, timestamp: tai64n(now + seconds) }).datagrams;
    target.act(({ engine }) => engine.setLoopDelay(100));
    const [asked = new Uint8Array(40)] = make(1, 1);
    const [reply] = target.deliver(here, asked).sent;
    const cookie = forger.openCookie(to, 1, reply?.bytes ?? asked, mac1Of(asked));
    target.act(({ engine }) => engine.setLoopDelay(0));
    const proven = (datagrams: readonly Uint8Array[]) =>
      datagrams.map((bytes) => forger.withMac2(cookie, bytes));
    expect(typesOf(target.deliverAll(here, proven(make(2, 9))))).toEqual([0x12, 0x12]);
    const state = target.state();
    expect(target.deliverAll(here, proven(make(3, 8)))).toEqual({
      sent: [],
      delivered: [],
      drops: { 'pending-lost': 1 },
    });
    const unproven = make(4, 99);
    const loser = target.deliverAll(here, unproven);
    expect(loser.drops).toEqual({ 'pending-lost': 1 });
    expect(forger.openCookie(to, 1, loser.sent[0]?.bytes ?? asked, mac1Of(unproven[0] ?? asked))).toEqual(
      cookie,
    );
    expect(target.state()).toBe(state);
  });

  it('C3: a timestamp equal to the stored one is stale, the next above it is not', () => {
    const { target, other } = scene();
    const to = addressee(target.identity, 1);
    const stored = tai64n(now); // of the genuine session, made when the wall clock began
    const grain = stored.slice();
    new DataView(grain.buffer).setUint32(8, 2 ** 24);
    const below = tai64n(now - 1);
    for (const [timestamp, drops] of [
      [below, { 'stale-timestamp': 1 }],
      [stored, { 'stale-timestamp': 1 }],
      [grain, {}],
    ] as const) {
      const { datagrams } = forger.initiation({ as: other, to, suite: 1, senderIndex: 5, timestamp });
      expect(target.deliverAll(here, datagrams).drops).toEqual(drops);
    }
  });

  it('C3 comes before the key agreement: a copy is known by its bytes, once answered', () => {
    const { target, other } = scene();
    const to = addressee(target.identity, 1);
    const form = { as: other, to, suite: 1, senderIndex: 5, timestamp: tai64n(now + 9) } as const;
    const { datagrams } = forger.initiation(form);
    const first = target.deliverAll(here, datagrams);
    target.now = (target.now + limits.pendingFresh + 1) as typeof target.now;
    // too late for a copy; were it to go on, its timestamp would lose against its own entry: pending-lost
    expect(target.deliverAll(here, datagrams)).toMatchObject({ sent: [], drops: { 'copy-refused': 1 } });
    expect(first.sent).toHaveLength(2);
  });

  it('nothing is displaced by an initiation whose ek_i is bad, however good its timestamp', () => {
    const { target, other } = scene();
    const to = addressee(target.identity, 1);
    const form = { as: other, to, suite: 1, senderIndex: 5, timestamp: tai64n(now + 9) } as const;
    const genuine = forger.initiation(form).datagrams;
    const response = target.deliverAll(here, genuine);
    const state = target.state();
    const bad = forger.initiation({ ...form, timestamp: tai64n(now + 10), kemKey: badKemKey(1) }).datagrams;
    expect(target.deliverAll(here, bad)).toMatchObject({ sent: [], drops: { 'bad-kem-key': 1 } });
    expect(target.state()).toBe(state);
    expect(target.deliverAll(here, genuine)).toEqual(response); // C3: the entry is there, and gives the same bytes
  });
});

describe.each([1, 2] as const)('suite %i', (suite) => {
  it('a KEM key with any one coefficient ≥ q is refused, one below q passes', () => {
    const target = new Target(crypto);
    const other = freshIdentity(crypto);
    target.addPeer(other, { suite });
    const to = addressee(target.identity, suite);
    const form = { as: other, to, suite, senderIndex: 5, timestamp: tai64n(now) };
    const fresh = crypto.kemPrivate(suite).publicKey;
    const coefficients = ((fresh.length - 32) * 2) / 3;
    for (const [at, value, drop] of [
      [0, 3329, 'bad-kem-key'],
      [1, 3329, 'bad-kem-key'],
      [coefficients - 1, 3329, 'bad-kem-key'],
      [coefficients - 2, 4095, 'bad-kem-key'],
      [17, 3328, undefined],
    ] as const) {
      target.pass(6000);
      const kemKey = withCoefficient(fresh, at, value);
      const { sent, drops } = target.deliverAll(here, forger.initiation({ ...form, kemKey }).datagrams);
      expect([at, value, drops, sent.length > 0]).toEqual([at, value, drop ? { [drop]: 1 } : {}, !drop]);
    }
  });

  it.each(lowOrderPoints.map((point) => [Buffer.from(point).toString('hex').slice(0, 8), point] as const))(
    'low order %s: E_i is bad-dh, E_r is bad-response, a static key is refused when configured',
    (_, point) => {
      const target = new Target(crypto);
      const other = freshIdentity(crypto);
      target.addPeer(other, { suite, endpoint: there });
      const to = addressee(target.identity, suite);
      for (const changed of [point, withTopBit(point)]) {
        target.pass(2000);
        const form = { as: other, to, suite, senderIndex: 5, timestamp: tai64n(now), ephemeral: changed };
        expect(target.deliverAll(here, forger.initiation(form).datagrams)).toMatchObject({
          sent: [],
          drops: { 'bad-dh': 1 },
        });
      }
      const initiation = [...target.send(packet).sent, ...target.pass(0).sent].map(({ bytes }) => bytes);
      const state = target.state();
      const { datagrams } = forger.response({
        as: other,
        to,
        suite,
        initiation,
        senderIndex: 7,
        ephemeral: point,
      });
      expect(target.deliverAll(there, datagrams)).toMatchObject({ sent: [], drops: { 'bad-response': 1 } });
      expect(target.state()).toBe(state);

      for (const kemPublicKey of [other.kem(suite)?.publicKey, undefined])
        expect(() =>
          target.tunnel.engine.addPeer(target.now, {
            publicKey: point,
            ...(kemPublicKey === undefined ? {} : { kemPublicKey }),
          }),
        ).toThrow(expect.objectContaining({ code: 'PQTUN_BAD_KEY' }));
    },
  );

  it('bad ct1x, ct2, ct3x, enc_id, enc_0 die alike: one drop of the AEAD, silence', () => {
    const target = new Target(crypto);
    const other = freshIdentity(crypto);
    target.addPeer(other, { suite, endpoint: there });
    const to = addressee(target.identity, suite);
    const last = limits.suites[suite].kemCiphertextSize * 8 - 1;
    const form = { as: other, to, suite, senderIndex: 5, timestamp: tai64n(now) };
    for (const change of [
      { ct1: (bytes: Uint8Array) => flipped(bytes, 0) },
      { ct1: (bytes: Uint8Array) => flipped(bytes, last) },
      { encId: (bytes: Uint8Array) => flipped(bytes, 0) },
    ]) {
      target.pass(2000);
      expect(target.deliverAll(here, forger.initiation({ ...form, ...change }).datagrams)).toMatchObject({
        sent: [],
        drops: { 'bad-identity': 1 },
      });
    }
    for (const change of [
      { ct2: (bytes: Uint8Array) => flipped(bytes, 0) },
      { ct2: (bytes: Uint8Array) => flipped(bytes, last) },
      { ct3: (bytes: Uint8Array) => flipped(bytes, 0) },
      { ct3: (bytes: Uint8Array) => flipped(bytes, last) },
      { enc0: (bytes: Uint8Array) => flipped(bytes, 0) },
    ]) {
      const initiator = new Target(crypto);
      initiator.addPeer(other, { suite, endpoint: there });
      const initiation = [...initiator.send(packet).sent, ...initiator.pass(0).sent].map(
        ({ bytes }) => bytes,
      );
      const own = addressee(initiator.identity, suite);
      const { datagrams } = forger.response({
        as: other,
        to: own,
        suite,
        initiation,
        senderIndex: 7,
        ...change,
      });
      expect(initiator.deliverAll(there, datagrams)).toMatchObject({
        sent: [],
        drops: { 'bad-response': 1 },
      });
    }
  });
});

it.each(lowOrderPoints.map((point) => [Buffer.from(point).toString('hex').slice(0, 8), point] as const))(
  'low order %s as ephemeral of types 1 and 2: dropped in silence, the genuine message still works',
  (_, point) => {
    const alice = new Target(crypto);
    const bob = new Target(crypto);
    alice.addPeer(bob.identity, { classical: true, endpoint: there });
    bob.addPeer(alice.identity, { classical: true });
    const mac1 = (of: Target): Uint8Array =>
      crypto.hash(new TextEncoder().encode('mac1----'), of.identity.dh.publicKey);
    const [initiation = new Uint8Array(0)] = [...alice.send(packet).sent, ...alice.pass(0).sent].map(
      ({ bytes }) => bytes,
    );
    const bad = initiation.slice();
    bad.set(point, 8);
    expect(bob.deliver(here, forger.withMac1(mac1(bob), bad))).toMatchObject({
      sent: [],
      drops: { 'bad-dh': 1 },
    });
    const [response = new Uint8Array(0)] = bob.deliver(here, initiation).sent.map(({ bytes }) => bytes);
    const worse = response.slice();
    worse.set(point, 12);
    expect(alice.deliver(there, forger.withMac1(mac1(alice), worse))).toMatchObject({
      sent: [],
      drops: { 'bad-response': 1 },
    });
    expect(typesOf(alice.deliver(there, response))).toEqual([4]);
  },
);

/** §6: these are never a plain drop for fragment 0 without mac2. C4: nor is a loser. */
const answeredByCookie = new Set<Drop>(['rate-limited', 'under-load', 'no-slot', 'pending-lost']);

function badKemKey(suite: SuiteId): Uint8Array {
  return new Uint8Array(limits.suites[suite].kemPublicSize).fill(0xff);
}

/** A KEM key with coefficient `at` (12 bits each, little-endian) set. */
function withCoefficient(key: Uint8Array, at: number, value: number): Uint8Array {
  const copy = key.slice();
  const byte = (at >> 1) * 3;
  const [a = 0, b = 0, c = 0] = copy.subarray(byte);
  if (at % 2 === 0) copy.set([value & 0xff, (b & 0xf0) | (value >> 8), c], byte);
  else copy.set([a, (b & 0x0f) | ((value & 0x0f) << 4), value >> 4], byte);
  return copy;
}

/** The same point to X25519, which ignores the highest bit. */
function withTopBit(point: Uint8Array): Uint8Array {
  const copy = point.slice();
  copy[31] = (copy[31] ?? 0) ^ 0x80;
  return copy;
}
