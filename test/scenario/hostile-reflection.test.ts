/** Genuine messages in the wrong place: sent back, to somebody else, for another's index, mixed, uncalled for, or of an older kind. */
import type { Identity } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { describe, expect, it } from 'vitest';
import { addressee, Forger, mac1Of, readLe32, tai64n } from '../kit/forger.ts';
import { newYear2026 } from '../kit/host.ts';
import { innerPacket } from '../kit/packets.ts';
import { at, freshIdentity, Target, typesOf } from '../kit/target.ts';

const crypto = nodeSuite();
const forger = new Forger(crypto);
const here = at('192.0.2.1');
const there = at('198.51.100.1');
const elsewhere = at('203.0.113.66', 6666);
const packet = innerPacket('10.0.0.1', '10.0.0.2', 60);
const now = newYear2026 / 1000;
type Bytes = Uint8Array;

/** What `target` sends to begin a handshake. */
function begin(target: Target, inner = packet): Bytes[] {
  return [...target.send(inner).sent, ...target.pass(0).sent].map(({ bytes }) => bytes);
}
const bytesOf = ({ sent }: { sent: readonly { bytes: Bytes }[] }): Bytes[] => sent.map(({ bytes }) => bytes);
const indexOf = (datagrams: readonly Bytes[]): number => readLe32(datagrams[0] ?? new Uint8Array(8), 4);

/** Two parties that know each other's address, and a record of all that each sent until both have data. */
function pair() {
  const [a, b] = [new Target(crypto), new Target(crypto)];
  a.addPeer(b.identity, { endpoint: there });
  b.addPeer(a.identity, { endpoint: here });
  const initiation = begin(a);
  const response = bytesOf(b.deliverAll(here, initiation));
  const first = bytesOf(a.deliverAll(there, response));
  expect(b.deliverAll(here, first).delivered).toHaveLength(1);
  const answer = bytesOf(b.send(innerPacket('10.0.0.2', '10.0.0.1', 80)));
  expect(a.deliverAll(there, answer).delivered).toHaveLength(1);
  return { a, b, initiation, response, first, answer };
}

describe('reflection', () => {
  it('what a party sent, sent back to it, is dropped, silent, and changes nothing', () => {
    const { a, b, initiation, response, first, answer } = pair();
    for (const [target, from, own] of [
      [a, there, initiation],
      [a, there, first],
      [b, here, response],
      [b, here, answer],
    ] as const) {
      const state = target.state();
      for (const bytes of own) {
        const { sent, delivered, drops } = target.deliver(from, bytes);
        expect([sent, delivered, Object.values(drops)]).toEqual([[], [], [1]]);
      }
      expect(target.state()).toBe(state);
    }
  });

  it('while its own initiation is outstanding too', () => {
    const [a, b] = [new Target(crypto), new Target(crypto)];
    a.addPeer(b.identity, { endpoint: there });
    const initiation = begin(a);
    const state = a.state();
    expect(a.deliverAll(there, initiation)).toMatchObject({ sent: [], drops: { 'bad-mac1': 2 } });
    expect(a.state()).toBe(state);
  });

  it('an initiation to somebody else, though of a peer of ours, is not for us', () => {
    const [a, b, c] = [new Target(crypto), new Target(crypto), new Target(crypto)];
    a.addPeer(b.identity, { endpoint: there });
    c.addPeer(a.identity);
    const initiation = begin(a);
    expect(c.deliverAll(here, initiation)).toMatchObject({ sent: [], drops: { 'bad-mac1': 2 } });
    const key = forger.mac1Key(addressee(c.identity, 1), 1);
    const repaired = initiation.map((bytes) => forger.withMac1(key, bytes));
    expect(c.deliverAll(here, repaired)).toMatchObject({ sent: [], drops: { 'bad-identity': 1 } });
  });
});

/** A hub with two peers, an initiation outstanding to each. */
function hub() {
  const target = new Target(crypto);
  const [one, two] = [freshIdentity(crypto), freshIdentity(crypto)];
  target.addPeer(one, { endpoint: here, allowed: '10.1.0.0/16' });
  target.addPeer(two, { endpoint: there, allowed: '10.2.0.0/16' });
  const toOne = begin(target, innerPacket('10.0.0.1', '10.1.0.1', 60));
  const toTwo = begin(target, innerPacket('10.0.0.1', '10.2.0.1', 60));
  const own = addressee(target.identity, 1);
  const respond = (as: Identity, initiation: readonly Bytes[], more = {}): Bytes[] =>
    forger.response({ as, to: own, suite: 1, initiation, senderIndex: 77, ...more }).datagrams;
  return { target, one, two, toOne, toTwo, own, respond };
}

describe('responses', () => {
  it('for another peer’s index (fault 39): mac1 is of another m2', () => {
    const { target, one, toOne, toTwo, own, respond } = hub();
    const genuine = respond(one, toOne);
    const state = target.state();
    const moved = genuine.map((bytes) => {
      const copy = bytes.slice();
      copy.set((toTwo[0] ?? copy).subarray(4, 8), 8);
      return copy;
    });
    expect(target.deliverAll(here, moved)).toMatchObject({ sent: [], drops: { 'bad-mac1': 2 } });
    const m2 = forger.response({ as: one, to: own, suite: 1, initiation: toOne, senderIndex: 77 }).m2;
    const repaired = moved.map((bytes) => forger.withMac1(m2, bytes));
    expect(target.deliverAll(here, repaired)).toMatchObject({ sent: [], drops: { 'bad-mac1': 2 } });
    expect(target.state()).toBe(state);
    expect(typesOf(target.deliverAll(here, genuine))).toEqual([4]);
  });

  it('without an outstanding initiation, of another suite, after the session stands: unexpected', () => {
    const { target, one, toOne, respond } = hub();
    const genuine = respond(one, toOne);
    const wrongIndex = genuine.map((bytes) => {
      const copy = bytes.slice();
      copy[8] = (copy[8] ?? 0) ^ 1;
      return copy;
    });
    const suite2 = forger.cutResponse(new Uint8Array(32), 2, 77, indexOf(toOne), new Uint8Array(3184));
    const state = target.state();
    expect(target.deliverAll(here, wrongIndex).drops).toEqual({ 'unexpected-response': 2 });
    expect(target.deliverAll(here, suite2).drops).toEqual({ 'unexpected-response': 3 });
    expect(target.state()).toBe(state);
    target.deliverAll(here, genuine);
    expect(target.deliverAll(here, genuine)).toMatchObject({ sent: [], drops: { 'unexpected-response': 2 } });
  });

  it('N1: from another address is taken, and moves nothing', () => {
    const { target, one, toOne, respond } = hub();
    const { sent } = target.deliverAll(elsewhere, respond(one, toOne));
    expect(sent.map(({ to, bytes }) => [to, bytes[0]])).toEqual([[here, 4]]);
    const [peer] = target.tunnel.engine.peerIds();
    expect(peer && target.tunnel.engine.status(target.now, peer).endpoint).toEqual(here);
  });

  it('N1: fragments of two responses never make one; each is whole under its own sender_r and count', () => {
    const { target, one, toOne, respond } = hub();
    const [a, b] = [respond(one, toOne, { senderIndex: 1 }), respond(one, toOne, { senderIndex: 2 })];
    const c = respond(one, toOne, { senderIndex: 1, count: 3 });
    const pick = (from: Bytes[], i: number): Bytes => from[i] ?? new Uint8Array(0);
    for (const bytes of [pick(a, 0), pick(b, 1), pick(c, 2), pick(c, 1)])
      expect(target.deliver(here, bytes)).toEqual({ sent: [], delivered: [], drops: {} });
    expect(target.deliver(here, pick(a, 0)).drops).toEqual({ 'duplicate-fragment': 1 });
    expect(typesOf(target.deliver(here, pick(b, 0)))).toEqual([4]);
  });

  it('N1: the same sender_r with mixed bodies dies by the AEAD, and a fresh one still passes', () => {
    const { target, one, toOne, respond } = hub();
    const [a, b] = [respond(one, toOne), respond(one, toOne)];
    target.deliver(here, a[0] ?? new Uint8Array(0));
    expect(target.deliver(here, b[1] ?? new Uint8Array(0)).drops).toEqual({ 'bad-response': 1 });
    expect(target.deliverAll(here, a).drops).toEqual({ 'duplicate-fragment': 2 });
    expect(typesOf(target.deliverAll(here, respond(one, toOne, { senderIndex: 3 })))).toEqual([4]);
  });

  it('N1: at most 4 reassemblies for one initiation, until it ends; the next has its own', () => {
    const { target, one, toOne, respond } = hub();
    for (let i = 0; i < 4; i++)
      expect(
        target.deliver(here, respond(one, toOne, { senderIndex: i })[0] ?? new Uint8Array(0)).drops,
      ).toEqual({});
    const fifth = respond(one, toOne, { senderIndex: 9 });
    expect(target.deliverAll(here, fifth)).toMatchObject({ sent: [], drops: { 'no-response-slot': 2 } });
    const wider = respond(one, toOne, { senderIndex: 0, count: 3 });
    expect(target.deliverAll(here, wider)).toMatchObject({ sent: [], drops: { 'no-response-slot': 3 } });
    // 2.5 s later the four are still held; with the next initiation they are gone
    const later = bytesOf(target.pass(7000)).filter((bytes) => bytes[0] === 0x11);
    const next = later.filter((bytes) => mac1Key(one, bytes) && indexOf([bytes]) !== indexOf(toOne));
    expect(next.length).toBeGreaterThanOrEqual(2);
    expect(typesOf(target.deliverAll(here, respond(one, next.slice(0, 2), { senderIndex: 9 })))).toEqual([4]);
  });

  it('are not answered by a cookie whatever the load, nor limited by rate', () => {
    const { target, one, toOne, respond } = hub();
    target.act(({ engine }) => engine.setLoopDelay(1000));
    const junk = respond(one, toOne, { m2: new Uint8Array(32) });
    for (let i = 0; i < 200; i++) expect(target.deliverAll(here, junk).sent).toEqual([]);
    expect(typesOf(target.deliverAll(here, respond(one, toOne)))).toEqual([4]);
    expect(target.tunnel.engine.cookieRepliesSent).toBe(0);
  });

  it('a response body of another initiation of the same peer dies by mac1', () => {
    const { target, one, toOne, respond } = hub();
    const old = respond(one, toOne);
    const next = bytesOf(target.pass(7000)).filter((bytes) => bytes[0] === 0x11 && mac1Key(one, bytes));
    const newer = next.filter((bytes) => indexOf([bytes]) !== indexOf(toOne));
    expect(newer.length).toBeGreaterThanOrEqual(2);
    expect(target.deliverAll(here, old).drops).toEqual({ 'unexpected-response': 2 });
    const moved = old.map((bytes) => {
      const copy = bytes.slice();
      copy.set((newer[0] ?? copy).subarray(4, 8), 8);
      return copy;
    });
    expect(target.deliverAll(here, moved).drops).toEqual({ 'bad-mac1': 2 });
  });
});

describe('cookie replies', () => {
  it.each([
    ['for no index of ours', 'unexpected-cookie', (i: number) => (i ^ 1) >>> 0, (m: Bytes) => m, 0],
    ['for another mac1', 'bad-cookie', (i: number) => i, () => new Uint8Array(16), 0],
    ['under another responder’s key', 'bad-cookie', (i: number) => i, (m: Bytes) => m, 1],
  ] as const)('%s: %s, nothing is sent, the genuine one still counts', (_name, drop, index, mac1, other) => {
    const { target, one, two, toOne } = hub();
    const first = toOne[0] ?? new Uint8Array(40);
    const cookie = crypto.random(16);
    const key = addressee(other === 1 ? two : one, 1);
    const state = target.state();
    const bad = forger.cookieReply(key, 1, index(indexOf(toOne)), mac1(mac1Of(first)), cookie);
    expect(target.deliver(here, bad)).toMatchObject({ sent: [], drops: { [drop]: 1 } });
    expect(target.state()).toBe(state);
    const good = forger.cookieReply(addressee(one, 1), 1, indexOf(toOne), mac1Of(first), cookie);
    const again = bytesOf(target.deliver(elsewhere, good));
    expect(again).toEqual(toOne.map((bytes) => forger.withMac2(cookie, bytes)));
  });

  it('for mac1 of another fragment than the first', () => {
    const { target, one, toOne } = hub();
    const second = toOne[1] ?? new Uint8Array(40);
    const bad = forger.cookieReply(addressee(one, 1), 1, indexOf(toOne), mac1Of(second), crypto.random(16));
    expect(target.deliver(here, bad)).toMatchObject({ sent: [], drops: { 'bad-cookie': 1 } });
  });

  it('for a session that stands, or a party that asked nothing', () => {
    const { a, b, first } = pair();
    const index = indexOf(first); // b's index
    const reply = forger.cookieReply(
      addressee(a.identity, 1),
      1,
      index,
      new Uint8Array(16),
      crypto.random(16),
    );
    const state = b.state();
    expect(b.deliver(here, reply)).toMatchObject({ sent: [], drops: { 'unexpected-cookie': 1 } });
    expect(b.state()).toBe(state);
  });
});

describe('transport', () => {
  it('of one peer under the index of another (fault 39) is bad-tag and changes nothing', () => {
    const hubTarget = new Target(crypto);
    const peers = [new Target(crypto), new Target(crypto)] as const;
    for (const [i, peer] of peers.entries()) {
      hubTarget.addPeer(peer.identity, { allowed: `10.${i + 1}.0.0/16` });
      peer.addPeer(hubTarget.identity, { endpoint: there });
    }
    const from = [here, elsewhere] as const;
    const packets = peers.map((peer, i) => {
      const at = from[i] ?? here;
      const inner = innerPacket(`10.${i + 1}.0.1`, '10.0.0.1', 60);
      const response = bytesOf(hubTarget.deliverAll(at, begin(peer, inner)));
      const first = bytesOf(peer.deliverAll(there, response));
      expect(hubTarget.deliverAll(at, first).delivered).toHaveLength(1);
      return peer.send(inner).sent[0]?.bytes ?? new Uint8Array(0);
    });
    const [p = new Uint8Array(0), q = new Uint8Array(0)] = packets;
    const state = hubTarget.state();
    for (const [mine, theirs] of [
      [p, q],
      [q, p],
    ] as const) {
      const crossed = mine.slice();
      crossed.set(theirs.subarray(4, 8), 4);
      for (const at of from)
        expect(hubTarget.deliver(at, crossed)).toMatchObject({
          sent: [],
          delivered: [],
          drops: { 'bad-tag': 1 },
        });
    }
    expect(hubTarget.state()).toBe(state);
    expect(hubTarget.deliver(here, p).delivered).toHaveLength(1);
    expect(hubTarget.deliver(elsewhere, q).delivered).toHaveLength(1);
  });
});

describe('downgrade', () => {
  const classicalMac1 = (of: Identity): Bytes =>
    crypto.hash(new TextEncoder().encode('mac1----'), of.dh.publicKey);

  /** A genuine type 1 of `as` to `to`: a party that believes its peer classical. */
  function classicalInitiation(as: Identity, to: Identity): Bytes {
    const party = new Target(crypto, { identity: as });
    party.addPeer(to, { classical: true, endpoint: there });
    return begin(party)[0] ?? new Uint8Array(0);
  }

  it.each([
    ['no classical peer', false],
    ['a classical peer beside it', true],
  ])('type 1 of a hybrid peer, with %s: downgrade-refused and silence', (_name, beside) => {
    const target = new Target(crypto);
    const peer = freshIdentity(crypto);
    target.addPeer(peer);
    const classical = freshIdentity(crypto);
    if (beside) target.addPeer(classical, { classical: true, allowed: '10.9.0.0/16' });
    const state = target.state();
    const initiation = classicalInitiation(peer, target.identity);
    expect(target.deliver(here, initiation)).toEqual({
      sent: [],
      delivered: [],
      drops: { 'downgrade-refused': 1 },
    });
    expect(target.state()).toBe(state);
    // a stranger's is not the same thing, nor is what is not for us
    const stranger = classicalInitiation(freshIdentity(crypto), target.identity);
    expect(Object.keys(target.deliver(here, stranger).drops)).toEqual([
      beside ? 'unknown-peer' : 'downgrade-refused',
    ]);
    const unreadable = forger.withMac1(crypto.random(32), initiation);
    expect(Object.keys(target.deliver(here, unreadable).drops)).toEqual([
      beside ? 'bad-mac1' : 'classical-disabled',
    ]);
    if (beside)
      expect(typesOf(target.deliver(here, classicalInitiation(classical, target.identity)))).toEqual([2]);
  });

  it('type 1 where nobody is classical is silent whatever the load, and takes nothing of the source’s rate', () => {
    const target = new Target(crypto);
    const peer = freshIdentity(crypto);
    target.addPeer(peer);
    const initiation = classicalInitiation(peer, target.identity);
    for (let i = 0; i < 100; i++)
      expect(target.deliver(here, initiation)).toEqual({
        sent: [],
        delivered: [],
        drops: { 'downgrade-refused': 1 },
      });
    const to = addressee(target.identity, 1);
    const genuine = forger.initiation({
      as: peer,
      to,
      suite: 1,
      senderIndex: 5,
      timestamp: tai64n(now),
    }).datagrams;
    expect(typesOf(target.deliverAll(here, genuine))).toEqual([0x12, 0x12]);
    target.act(({ engine }) => engine.setLoopDelay(1000));
    expect(target.deliver(here, initiation)).toEqual({
      sent: [],
      delivered: [],
      drops: { 'downgrade-refused': 1 },
    });
  });

  it('type 2 in answer to a hybrid initiation: downgrade-refused, silence, and the genuine response still counts', () => {
    const { target, one, toOne, respond } = hub();
    // a type 2 of the right peer for the right index, mac1 right
    const type2 = new Uint8Array(92);
    type2[0] = 2;
    type2.set((toOne[0] ?? type2).subarray(4, 8), 8);
    type2.set(crypto.random(48), 12);
    const bytes = forger.withMac1(classicalMac1(target.identity), type2);
    const state = target.state();
    expect(target.deliver(here, bytes)).toEqual({
      sent: [],
      delivered: [],
      drops: { 'downgrade-refused': 1 },
    });
    target.act(({ engine }) => engine.setLoopDelay(1000));
    expect(target.deliver(here, bytes)).toEqual({
      sent: [],
      delivered: [],
      drops: { 'downgrade-refused': 1 },
    });
    expect(target.state()).toBe(state);
    expect(typesOf(target.deliverAll(here, respond(one, toOne)))).toEqual([4]);
  });

  it('type 2 that nobody asked for: classical-disabled where nobody is classical, else unexpected', () => {
    for (const beside of [false, true]) {
      const target = new Target(crypto);
      target.addPeer(freshIdentity(crypto));
      if (beside) target.addPeer(freshIdentity(crypto), { classical: true });
      const type2 = forger.withMac1(classicalMac1(target.identity), Uint8Array.of(2, ...new Uint8Array(91)));
      expect(target.deliver(here, type2).drops).toEqual(
        beside ? { 'unexpected-response': 1 } : { 'classical-disabled': 1 },
      );
    }
  });

  it('0x11 and 0x12 from a classical peer change nothing: it has no ID', () => {
    const target = new Target(crypto);
    const classical = freshIdentity(crypto);
    target.addPeer(classical, { classical: true, endpoint: there });
    const to = addressee(target.identity, 1);
    const { datagrams } = forger.initiation({
      as: classical,
      to,
      suite: 1,
      senderIndex: 5,
      timestamp: tai64n(now),
    });
    expect(target.deliverAll(here, datagrams)).toMatchObject({ sent: [], drops: { 'unknown-peer': 1 } });
    const [initiation = new Uint8Array(8)] = begin(target);
    expect(initiation[0]).toBe(1);
    const response = forger.cutResponse(
      new Uint8Array(32),
      1,
      9,
      indexOf([initiation]),
      new Uint8Array(2224),
    );
    expect(target.deliverAll(there, response)).toMatchObject({
      sent: [],
      drops: { 'unexpected-response': 2 },
    });
  });

  it('a suite is never negotiated: suite 2 of a peer configured for suite 1 is unknown, with its ID of suite 1 a mismatch', () => {
    const target = new Target(crypto);
    const peer = freshIdentity(crypto);
    target.addPeer(peer, { suite: 1 });
    const to = addressee(target.identity, 2);
    const form = { as: peer, to, suite: 2, senderIndex: 5, timestamp: tai64n(now) } as const;
    expect(target.deliverAll(here, forger.initiation(form).datagrams)).toMatchObject({
      sent: [],
      drops: { 'unknown-peer': 1 },
    });
    const id = peer.id(1) ?? new Uint8Array(32);
    expect(target.deliverAll(here, forger.initiation({ ...form, id }).datagrams)).toMatchObject({
      sent: [],
      drops: { 'mode-mismatch': 1 },
    });
  });
});

/** Whether an initiation datagram is for this party. */
function mac1Key(of: Identity, datagram: Bytes): boolean {
  const expected = forger.withMac1(forger.mac1Key(addressee(of, 1), 1), datagram);
  return Buffer.compare(mac1Of(expected), mac1Of(datagram)) === 0;
}
