/** Every bit of every handshake datagram, flipped: nothing is answered, nothing changes, the genuine message still works. */
import type { Identity, SuiteId } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { describe, expect, it } from 'vitest';
import { addressee, Forger, flipped, mac1Of, readLe32, tai64n } from '../kit/forger.ts';
import { innerPacket } from '../kit/packets.ts';
import { Random } from '../kit/random.ts';
import { seededSuite } from '../kit/seeded-suite.ts';
import { at, freshIdentity, type Outcome, Target, typesOf } from '../kit/target.ts';

/** Set to try every bit of suite 2 too, and of response bodies through the engine: a minute more. */
const full = process.env['PQTUN_HOSTILE_FULL'] === '1';

const crypto = nodeSuite();
const forger = new Forger(crypto);
const here = at('192.0.2.1');
const there = at('198.51.100.1');
const packet = innerPacket('10.0.0.1', '10.0.0.2', 60);
const years = 56 * 365 * 86_400;

function responder(suite: SuiteId): { target: Target; other: Identity } {
  const target = new Target(seededSuite(`bits ${suite}`, 'node'));
  const other = freshIdentity(target.crypto);
  target.addPeer(other, { suite });
  return { target, other };
}

/** Bits to flip in `bytes`: all, or a seeded share of those in `thinned` (byte ranges). */
function bitsOf(bytes: Uint8Array, thinned: readonly [number, number][] = [], thinning = 0.1): number[] {
  const random = new Random(7);
  return Array.from({ length: bytes.length * 8 }, (_, bit) => bit).filter((bit) => {
    const byte = bit >> 3;
    return !thinned.some(([from, to]) => byte >= from && byte < to) || random.chance(thinning);
  });
}

const kemBytes = (suite: SuiteId): [number, number][] => [[32, suite === 1 ? 2304 : 3168]];

describe.each([1, 2] as const)('an initiation (0x11) of suite %i', (suite) => {
  const thin = suite === 2 && !full;
  const { target, other } = responder(suite);
  const to = addressee(target.identity, suite);
  const form = { as: other, to, suite, senderIndex: 0x01020304, timestamp: tai64n(years) };
  const { datagrams, body } = forger.initiation(form);

  it('C2: any bit of any datagram but of mac2: dropped at the gate, nothing kept, nothing said', () => {
    const state = target.state();
    let flips = 0;
    for (const [index, datagram] of datagrams.entries()) {
      for (const bit of bitsOf(datagram.subarray(0, -16), thin ? [[40, datagram.length - 32]] : [])) {
        const outcome = target.deliver(here, flipped(datagram, bit));
        const [reason, ...others] = Object.keys(outcome.drops);
        if (outcome.sent.length > 0 || others.length > 0 || !isGateDrop(reason))
          expect([index, bit, outcome]).toBe('silence and one drop of the gate');
        flips++;
      }
      expect(target.state()).toBe(state);
      expect(target.tunnel.engine.sizes()).toMatchObject({ slots: 0, answered: 0, indices: 0 });
    }
    expect(flips).toBeGreaterThan(thin ? 2_000 : 19_000);
  });

  it('C2: any bit of the body or of sender_index, mac1 repaired: dies in the key agreement, nothing kept, nothing said', () => {
    const { target: victim, other: peer } = responder(suite);
    const at = addressee(victim.identity, suite);
    const genuine = forger.initiation({ ...form, as: peer, to: at }).body;
    const seen = new Set<string>();
    const state = victim.state();
    const tryOne = (senderIndex: number, changed: Uint8Array, what: unknown): void => {
      victim.now = (victim.now + 1000) as typeof victim.now; // buckets full again
      const outcome = victim.deliverAll(here, forger.cutInitiation(at, suite, senderIndex, changed));
      const reasons = Object.entries(outcome.drops);
      if (outcome.sent.length > 0 || reasons.length !== 1 || reasons[0]?.[1] !== 1)
        expect([what, outcome]).toBe('silence and one drop');
      seen.add(reasons[0]?.[0] ?? '');
    };
    for (const bit of bitsOf(genuine, thin ? kemBytes(suite) : []))
      tryOne(form.senderIndex, flipped(genuine, bit), bit);
    for (let bit = 0; bit < 32; bit++) tryOne((form.senderIndex ^ (1 << bit)) >>> 0, genuine, `index ${bit}`);
    // enc_ts ends the body; all before it is in H, so that enc_id no longer opens
    expect(seen).toEqual(new Set(['bad-identity', 'bad-timestamp']));
    expect(JSON.parse(victim.state())[0]).toEqual(JSON.parse(state)[0]);
    expect(victim.tunnel.engine.sizes()).toMatchObject({ slots: 0, answered: 0, indices: 0 });
    victim.pass(5000);
    const answer = victim.deliverAll(here, forger.cutInitiation(at, suite, form.senderIndex, genuine));
    expect(new Set(typesOf(answer))).toEqual(new Set([0x12]));
  }, 180_000);

  it('§6: any bit of mac2 makes it one without mac2, no more and no less', () => {
    for (let bit = 0; bit < 128; bit++) {
      const victim = new Target(crypto, { identity: target.identity });
      victim.addPeer(other, { suite });
      const changed = datagrams.map((bytes) => flipped(bytes, (bytes.length - 16) * 8 + bit));
      expect(new Set(typesOf(victim.deliverAll(here, changed)))).toEqual(new Set([0x12]));
    }
  });

  it('the genuine one still works after all that', () => {
    target.pass(5000);
    expect(body.length).toBe(suite === 1 ? 2380 : 3244);
    expect(new Set(typesOf(target.deliverAll(here, datagrams)))).toEqual(new Set([0x12]));
  });
});

describe.each([1, 2] as const)('a response (0x12) of suite %i', (suite) => {
  const server = freshIdentity(crypto);

  function initiator() {
    const target = new Target(seededSuite(`bits response ${suite}`, 'node'));
    target.addPeer(server, { suite, endpoint: there });
    const initiation = [...target.send(packet).sent, ...target.pass(0).sent].map(({ bytes }) => bytes);
    const own = addressee(target.identity, suite);
    const made = forger.response({ as: server, to: own, suite, initiation, senderIndex: 0x0a0b0c0d });
    return { target, initiation, ...made };
  }

  it('N1: any bit of any datagram but of mac2: dropped by mac1 or before, nothing kept, nothing said', () => {
    const { target, datagrams } = initiator();
    const state = target.state();
    const thin = suite === 2 && !full;
    for (const datagram of datagrams) {
      for (const bit of bitsOf(datagram.subarray(0, -16), thin ? [[60, datagram.length - 32]] : [])) {
        const outcome = target.deliver(there, flipped(datagram, bit));
        const [reason, ...others] = Object.keys(outcome.drops);
        if (
          outcome.sent.length > 0 ||
          others.length > 0 ||
          !(isGateDrop(reason) || reason === 'unexpected-response')
        )
          expect([bit, outcome]).toBe('silence and one drop');
      }
    }
    expect(target.state()).toBe(state);
    expectSession(target.deliverAll(there, datagrams));
  });

  it('R8: any bit of the body or of sender_r, mac1 repaired: refused in silence, and the genuine one is still taken', () => {
    const whole = bitsOf(
      new Uint8Array(suite === 1 ? 2224 : 3184),
      full ? [] : [[32, suite === 1 ? 2208 : 3168]],
      suite === 1 ? 0.1 : 0.03,
    );
    for (let start = 0; start < whole.length; start += 3) {
      const { target, initiation, body, datagrams, m2 } = initiator();
      const index = readLe32(initiation[0] ?? new Uint8Array(8), 4);
      const state = target.state();
      for (const [i, bit] of whole.slice(start, start + 3).entries()) {
        const changed = forger.cutResponse(m2, suite, 77 + i, index, flipped(body, bit));
        const outcome = target.deliverAll(there, changed);
        if (outcome.sent.length > 0 || outcome.drops['bad-response'] !== 1)
          expect([bit, outcome]).toBe('silence and bad-response');
      }
      if (target.state() !== state) expect([start, target.state()]).toBe(state);
      if (start % 99 === 0) expectSession(target.deliverAll(there, datagrams));
    }
    const { target, initiation, body, m2 } = initiator();
    const index = readLe32(initiation[0] ?? new Uint8Array(8), 4);
    // sender_r is in hdr2: the same body under another index is another message
    const moved = forger.cutResponse(m2, suite, 0x0a0b0c0c, index, body);
    expect(target.deliverAll(there, moved).drops).toEqual({ 'bad-response': 1 });
  }, 180_000);

  it('§3.1: mac2 of a response is ignored', () => {
    for (let bit = 0; bit < 128; bit += 5) {
      const { target, datagrams } = initiator();
      const changed = datagrams.map((bytes) => flipped(bytes, (bytes.length - 16) * 8 + bit));
      expectSession(target.deliverAll(there, changed));
    }
  });
});

describe('a cookie reply (0x03)', () => {
  it('N3: any bit flipped is refused, nothing is sent, and the genuine one is still acted on, once', () => {
    const server = freshIdentity(crypto);
    const target = new Target(seededSuite('bits cookie', 'node'));
    target.addPeer(server, { endpoint: there });
    const initiation = [...target.send(packet).sent, ...target.pass(0).sent].map(({ bytes }) => bytes);
    const first = initiation[0] ?? new Uint8Array(40);
    const reply = forger.cookieReply(
      addressee(server, 1),
      1,
      readLe32(first, 4),
      mac1Of(first),
      crypto.random(16),
    );
    const state = target.state();
    const reasons = new Set<string>();
    for (const bit of bitsOf(reply)) {
      const { sent, drops } = target.deliver(there, flipped(reply, bit));
      if (sent.length > 0 || Object.keys(drops).length !== 1)
        expect([bit, sent, drops]).toBe('silence and one drop');
      for (const reason of Object.keys(drops)) reasons.add(reason);
    }
    // the type byte's bits lead to other types, all of which have another length
    expect(reasons).toEqual(
      new Set(['bad-cookie', 'unexpected-cookie', 'reserved-bytes', 'unknown-type', 'bad-length']),
    );
    expect(target.state()).toBe(state);
    expect(typesOf(target.deliver(there, reply))).toEqual([0x11, 0x11]);
    expect(target.deliver(there, reply)).toMatchObject({ sent: [], drops: { 'unexpected-cookie': 1 } });
  });
});

describe('classical messages', () => {
  it('type 1: any bit but of mac2: never an answer, nothing changes, the genuine one still works', () => {
    const alice = new Target(seededSuite('classical a', 'node'));
    const bob = new Target(seededSuite('classical b', 'node'));
    alice.addPeer(bob.identity, { classical: true, endpoint: there });
    bob.addPeer(alice.identity, { classical: true });
    const [initiation = new Uint8Array(0)] = [...alice.send(packet).sent, ...alice.pass(0).sent].map(
      ({ bytes }) => bytes,
    );
    const state = bob.state();
    const key = crypto.hash(new TextEncoder().encode('mac1----'), bob.identity.dh.publicKey);
    for (const bit of bitsOf(initiation.subarray(0, -16))) {
      for (const bytes of [flipped(initiation, bit), forger.withMac1(key, flipped(initiation, bit))]) {
        // mac1 flipped and repaired is the genuine message; with another sender_index, which WireGuard's hash leaves out, it is as good
        if (equal(bytes, initiation) || (isSenderIndex(bit) && !equal(bytes, flipped(initiation, bit))))
          continue;
        bob.now = (bob.now + 1000) as typeof bob.now;
        const { sent, drops } = bob.deliver(here, bytes);
        if (sent.length > 0 || Object.keys(drops).length !== 1)
          expect([bit, sent, drops]).toBe('silence and one drop');
      }
    }
    expect(JSON.parse(bob.state())[0]).toEqual(JSON.parse(state)[0]);
    const answer = bob.deliver(here, initiation);
    expect(typesOf(answer)).toEqual([2]);

    const [response = new Uint8Array(0)] = answer.sent.map(({ bytes }) => bytes);
    const before = alice.state();
    const mac1 = crypto.hash(new TextEncoder().encode('mac1----'), alice.identity.dh.publicKey);
    for (const bit of bitsOf(response.subarray(0, -16))) {
      for (const bytes of [flipped(response, bit), forger.withMac1(mac1, flipped(response, bit))]) {
        if (equal(bytes, response) || (isSenderIndex(bit) && !equal(bytes, flipped(response, bit)))) continue;
        const { sent, drops } = alice.deliver(there, bytes);
        if (sent.length > 0 || Object.keys(drops).length !== 1)
          expect([bit, sent, drops]).toBe('silence and one drop');
      }
    }
    expect(alice.state()).toBe(before);
    expect(typesOf(alice.deliver(there, response))).toEqual([4]);
  });
});

/** Bits of `sender_index` of a classical message. */
function isSenderIndex(bit: number): boolean {
  return bit >= 32 && bit < 64;
}

function isGateDrop(reason: string | undefined): boolean {
  return [
    'bad-mac1',
    'bad-geometry',
    'suite-disabled',
    'unknown-type',
    'bad-length',
    'reserved-bytes',
  ].includes(reason ?? '');
}

/** The session stands: its first transport message left at once (N2). */
function expectSession(outcome: Outcome): void {
  expect(typesOf(outcome)).toEqual([4]);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
