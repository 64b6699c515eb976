/** protocol.md §6: what strangers may cost, and that they keep nobody out. */
import type { Endpoint, Identity } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { describe, expect, it } from 'vitest';
import { addressee, Forger, flipped, lowOrderPoints, mac1Of, readLe32, tai64n } from '../kit/forger.ts';
import { newYear2026 } from '../kit/host.ts';
import { innerPacket } from '../kit/packets.ts';
import { Random } from '../kit/random.ts';
import { seededSuite } from '../kit/seeded-suite.ts';
import { at, freshIdentity, Target, typesOf } from '../kit/target.ts';

/** Set to send a million failing handshakes instead of the number below. */
const full = process.env['PQTUN_HOSTILE_FULL'] === '1';
const failing = full ? 1_000_000 : 60_000;

const crypto = nodeSuite();
const forger = new Forger(crypto);
const here = at('192.0.2.1');
const there = at('198.51.100.1');
const packet = innerPacket('10.0.0.1', '10.0.0.2', 60);
const now = newYear2026 / 1000;
type Bytes = Uint8Array;
interface Shot {
  readonly from: Endpoint;
  readonly bytes: Bytes;
}

/** Fragments that cost a slot: mac1 right, body nonsense, never completed. */
function openers(server: Identity, count: number, gk?: Bytes): Bytes[] {
  const to = addressee(server, 1, gk);
  return Array.from({ length: count }, (_, i) => {
    const [first = new Uint8Array(0)] = forger.cutInitiation(to, 1, 0x5000 + i, new Uint8Array(2380).fill(i));
    return first;
  });
}

describe('a cookie reply', () => {
  const [first, second] = forger.initiation({
    as: freshIdentity(crypto),
    to: { dh: crypto.dhPrivate().publicKey, kem: crypto.kemPrivate(1).publicKey },
    suite: 1,
    senderIndex: 7,
    timestamp: tai64n(now),
  }).datagrams;

  function loaded(gk?: Bytes) {
    const target = new Target(crypto, gk === undefined ? {} : { deploymentKeys: [gk] });
    target.act(({ engine }) => engine.setLoopDelay(100));
    const to = addressee(target.identity, 1, gk);
    const key = forger.mac1Key(to, 1);
    return {
      target,
      to,
      fragments: [first, second].map((bytes) => forger.withMac1(key, bytes ?? new Uint8Array(40))),
    };
  }

  it('answers fragment 0 only, with 64 B, its index, and a cookie that its address can use', () => {
    const { target, to, fragments } = loaded();
    const [zero = new Uint8Array(0), one = new Uint8Array(0)] = fragments;
    expect(target.deliver(here, one)).toMatchObject({ sent: [], drops: { 'under-load': 1 } });
    const { sent, drops } = target.deliver(here, zero);
    expect(drops).toEqual({ 'under-load': 1 });
    const [reply] = sent;
    expect([reply?.to, reply?.bytes.length, reply && readLe32(reply.bytes, 4)]).toEqual([here, 64, 7]);
    const cookie = forger.openCookie(to, 1, reply?.bytes ?? zero, mac1Of(zero));
    // nonsense inside, but it goes as far as the key agreement now
    expect(
      target.deliverAll(
        here,
        fragments.map((bytes) => forger.withMac2(cookie, bytes)),
      ),
    ).toMatchObject({
      sent: [],
      drops: { 'bad-identity': 1 },
    });
    // at another port (fault 14) or with the cookie of another it does not
    const elsewhere = target.deliver(at('192.0.2.1', 51821), forger.withMac2(cookie, zero));
    expect(elsewhere).toMatchObject({ drops: { 'under-load': 1 } });
    expect(typesOf(elsewhere)).toEqual([3]);
  });

  it('is sealed under the gk that verified mac1', () => {
    const gk = crypto.random(32);
    const { target, to, fragments } = loaded(gk);
    const [zero = new Uint8Array(0)] = fragments;
    const [reply] = target.deliver(here, zero).sent;
    expect(forger.openCookie(to, 1, reply?.bytes ?? zero, mac1Of(zero))).toHaveLength(16);
    const { gk: _, ...without } = to;
    expect(() => forger.openCookie(without, 1, reply?.bytes ?? zero, mac1Of(zero))).toThrow();
    // and who does not know gk draws nothing at all
    const outside = forger.withMac1(forger.mac1Key(without, 1), zero);
    expect(target.deliver(here, outside)).toMatchObject({ sent: [], drops: { 'bad-mac1': 1 } });
  });

  it('also when the deployment keys were replaced between two fragments', () => {
    const [old, fresh] = [crypto.random(32), crypto.random(32)];
    const target = new Target(crypto, { deploymentKeys: [crypto.random(32), old] });
    const other = freshIdentity(crypto);
    target.addPeer(other);
    const make = (gk: Bytes, n: number) =>
      forger.initiation({
        as: other,
        to: addressee(target.identity, 1, gk),
        suite: 1,
        senderIndex: n,
        timestamp: tai64n(now + n),
      }).datagrams;
    target.deliverAll(here, make(old, 2)); // holds the prefix with a larger TS
    const [zero = new Uint8Array(0), one = new Uint8Array(0)] = make(old, 1);
    target.deliver(here, zero);
    target.act(({ engine }) => engine.setDeploymentKeys([old, fresh]));
    const { sent, drops } = target.deliver(here, one);
    expect(drops).toEqual({ 'pending-lost': 1 });
    const to = addressee(target.identity, 1, old);
    expect(forger.openCookie(to, 1, sent[0]?.bytes ?? zero, mac1Of(zero))).toHaveLength(16);
  });

  it('never goes to 0x12, to a wrong mac1, nor to a suite not served, whatever the load', () => {
    const { target, fragments } = loaded();
    const [zero = new Uint8Array(0)] = fragments;
    const silent = [
      flipped(zero, (zero.length - 32) * 8),
      forger.cutResponse(crypto.random(32), 1, 1, 2, new Uint8Array(2224))[0] ?? zero,
      forger.withMac1(crypto.random(32), zero),
    ];
    for (const bytes of silent) expect(target.deliver(here, bytes).sent).toEqual([]);
  });
});

it('load: the 201st initiation that reaches the key agreement within a second, not the 200th, nor copies of one', () => {
  const server = new Target(seededSuite('load', 'node'));
  const other = freshIdentity(crypto);
  server.addPeer(other);
  const to = addressee(server.identity, 1);
  const genuine = forger.initiation({
    as: other,
    to,
    suite: 1,
    senderIndex: 1,
    timestamp: tai64n(now),
  }).datagrams;
  const nonsense = forger.cutInitiation(to, 1, 2, new Uint8Array(2380).fill(9));
  const isUnderLoad = (): boolean => server.tunnel.engine.isUnderLoad(server.now);
  expect(typesOf(server.deliverAll(at('10.0.0.1'), genuine))).toEqual([0x12, 0x12]);
  for (let i = 0; i < 6; i++) server.deliverAll(at('10.0.0.1'), genuine);
  for (let i = 0; i < 199; i++) server.deliverAll(at(`10.0.1.${i}`), nonsense);
  expect(isUnderLoad()).toBe(false);
  server.now = (server.now + 999) as typeof server.now;
  server.deliverAll(at('10.0.2.1'), nonsense);
  expect(isUnderLoad()).toBe(true);
  const refused = server.deliverAll(at('10.0.2.2'), nonsense);
  expect([typesOf(refused), refused.drops]).toEqual([[3], { 'under-load': 2 }]);
  server.now = (server.now + 1) as typeof server.now;
  expect(isUnderLoad()).toBe(false);
});

/** An honest party and the one it calls, without a network between, while somebody fires at the latter. */
class Siege {
  readonly random: Random;
  readonly server: Target;
  readonly honest: Target;
  /** When a packet of the honest party was first delivered. */
  through: number | undefined;
  /** Where the honest party sits. */
  readonly home: Endpoint;

  constructor(seed: number, home = here) {
    this.random = new Random(seed);
    this.server = new Target(seededSuite(`siege server ${seed}`, 'node'));
    this.honest = new Target(seededSuite(`siege honest ${seed}`, 'node'));
    this.home = home;
    this.honest.addPeer(this.server.identity, { endpoint: there });
    this.server.addPeer(this.honest.identity);
  }

  /**
   * 10 ms at a time: shots first, so that they are always before the honest one, who is quiet until `quiet` ms are over.
   */
  run(milliseconds: number, shots: (step: number) => readonly Shot[], quiet = 1500): void {
    for (let step = 0; step * 10 < milliseconds; step++) {
      for (const { from, bytes } of shots(step)) this.#toHonest(this.server.deliver(from, bytes).sent);
      if (step * 10 >= quiet && (step * 10) % 500 === 0)
        this.#toServer(this.honest.send(packet).sent.map(({ bytes }) => bytes));
      this.#toServer(this.honest.pass(10).sent.map(({ bytes }) => bytes));
      this.#toHonest(this.server.pass(10).sent);
    }
  }

  #toServer(datagrams: readonly Bytes[]): void {
    for (const bytes of datagrams) {
      const { sent, delivered } = this.server.deliver(this.home, bytes);
      if (delivered.length > 0) this.through ??= this.server.now;
      this.#toHonest(sent);
    }
  }

  #toHonest(sent: readonly { to: Endpoint; bytes: Bytes }[]): void {
    for (const { to, bytes } of sent) {
      if (to.port !== this.home.port || Buffer.compare(to.ip, this.home.ip) !== 0) continue;
      const answer = this.honest.deliver(there, bytes);
      this.#toServer(answer.sent.map((each) => each.bytes));
    }
  }
}

describe('nobody is shut out', () => {
  const shotsPerStep = 4; // 400 fragments a second

  it('pool B: by a forger of his very address and port, who begins an initiation all the time', () => {
    const siege = new Siege(1);
    const fragments = openers(siege.server.identity, 400);
    siege.run(3000, (step) =>
      Array.from({ length: shotsPerStep }, (_, i) => ({
        from: siege.home,
        bytes: fragments[(step * shotsPerStep + i) % 400] ?? new Uint8Array(0),
      })),
    );
    expect(siege.through).toBeLessThanOrEqual(1520);
  });

  it('pool B: by thousands of other addresses, which keep it half full', () => {
    const siege = new Siege(2);
    const fragments = openers(siege.server.identity, 50);
    siege.run(3000, () =>
      Array.from({ length: shotsPerStep }, () => ({
        from: at(`203.0.${siege.random.between(0, 255)}.${siege.random.between(1, 254)}`),
        bytes: siege.random.pick(fragments),
      })),
    );
    expect(siege.through).toBeLessThanOrEqual(1520);
    expect(siege.server.dropsOf('no-slot')).toBeGreaterThan(100);
  });

  it('pool B: by sixteen others who prove their addresses and hold all of its slots (fault 19)', () => {
    const siege = new Siege(8);
    const { server } = siege;
    const to = addressee(server.identity, 1);
    const fragments = openers(server.identity, 400);
    const farmers = Array.from({ length: 16 }, (_, i) => at(`203.0.113.${i + 1}`));
    const cookies = farmers.map((farmer) => {
      // its fifth slot is over the quota of a prefix
      for (const opener of fragments.slice(0, 4)) server.deliver(farmer, opener);
      const asked = fragments[4] ?? new Uint8Array(0);
      const [reply] = server.deliver(farmer, asked).sent;
      return forger.openCookie(to, 1, reply?.bytes ?? asked, mac1Of(asked));
    });
    server.pass(3000);
    siege.honest.pass(3000);
    siege.run(3000, (step) =>
      Array.from({ length: shotsPerStep }, (_, i) => {
        const n = step * shotsPerStep + i; // each farmer 25 a second, half of what he may
        const from = farmers[n % 16] ?? here;
        return {
          from,
          bytes: forger.withMac2(cookies[n % 16] ?? tai64n(0), fragments[n % 400] ?? tai64n(0)),
        };
      }),
    );
    expect(siege.through).toBeLessThanOrEqual(3000 + 1520);
    expect(server.tunnel.engine.sizes().slots).toBeGreaterThanOrEqual(64); // it was full all the time
  });

  it('by both, under load (faults 15, 18, 20)', () => {
    const siege = new Siege(3);
    for (const party of [siege.server, siege.honest]) party.act(({ engine }) => engine.setLoopDelay(1000));
    const fragments = openers(siege.server.identity, 50);
    siege.run(3000, () =>
      Array.from({ length: shotsPerStep }, (_, i) => ({
        from: i % 2 === 0 ? siege.home : at(`203.0.113.${siege.random.between(1, 254)}`),
        bytes: siege.random.pick(fragments),
      })),
    );
    expect(siege.through).toBeLessThanOrEqual(1520);
    expect(siege.server.dropsOf('under-load')).toBeGreaterThan(100);
  });

  it('pool A: a connected peer rekeys at 120 s, though its address is forged without end', () => {
    const siege = new Siege(4);
    siege.run(1000, () => [], 0);
    const [peer] = siege.server.tunnel.engine.peerIds();
    const handshakes = (): number =>
      (peer && siege.server.tunnel.engine.status(siege.server.now, peer).handshakesCompleted) ?? 0;
    expect(handshakes()).toBe(1);
    siege.server.pass(116_000);
    siege.honest.pass(116_000);
    const fragments = openers(siege.server.identity, 400);
    siege.run(10_000, (step) =>
      Array.from({ length: 2 }, (_, i) => ({
        from: siege.home,
        bytes: fragments[(step * 2 + i) % 400] ?? new Uint8Array(0),
      })),
    );
    expect(handshakes()).toBe(2);
  });

  it('pool A: is for the confirmed endpoint of a live session, exempt from the half-full rule, 2 slots', () => {
    const siege = new Siege(7);
    const { server } = siege;
    const fragments = openers(server.identity, 40);
    const opener = (i: number): Bytes => fragments[i] ?? new Uint8Array(0);
    const halfFull = (): void => {
      server.pass(3000);
      for (let i = 0; i < 32; i++) server.deliver(at(`203.0.113.${i >> 2}`), opener(i));
      expect(server.tunnel.engine.sizes().slots).toBe(32);
    };
    const ask = (from: Endpoint, i: number): string =>
      Object.keys(server.deliver(from, opener(i)).drops).join();
    const [peer] = server.tunnel.engine.peerIds();
    if (peer === undefined) throw new Error('no peer');
    server.act(({ engine }) => engine.updatePeer(server.now, peer, { endpoint: siege.home }));
    halfFull();
    expect(ask(siege.home, 32)).toBe('no-slot'); // known by configuration only, no session yet

    server.pass(4000);
    siege.honest.pass(server.now - siege.honest.now);
    siege.run(600, () => [], 0);
    expect(siege.through).toBeDefined();
    halfFull();
    expect(ask(at('192.0.2.1', 51821), 32)).toBe('no-slot'); // his address, another port
    expect([33, 34].map((i) => ask(siege.home, i))).toEqual(['', '']);
    expect(ask(siege.home, 35)).toBe('no-slot');

    server.pass(180_000);
    halfFull();
    expect(ask(siege.home, 36)).toBe('no-slot'); // the session has ended
  });

  it('C4: by who can write his message 1 (X25519 broken) with timestamps of the future, from his own prefix', () => {
    const siege = new Siege(5);
    const to = addressee(siege.server.identity, 1);
    const forged = Array.from(
      { length: 20 },
      (_, i) =>
        forger.initiation({
          as: siege.honest.identity,
          to,
          suite: 1,
          senderIndex: 0x7000 + i,
          timestamp: tai64n(now + 1_000_000 + i),
        }).datagrams,
    );
    siege.run(3000, (step) => {
      const from = at('192.0.2.1', 1024 + step);
      // slow enough to stay within the rate of the prefix, which the honest party shares
      return step % 15 === 0 ? (forged[step / 15] ?? []).map((bytes) => ({ from, bytes })) : [];
    });
    expect(siege.through).toBeLessThanOrEqual(1520);
    expect(siege.server.dropsOf('pending-lost')).toBeGreaterThan(0);
  });

  it('C4: from many prefixes at once, which hold all four entries', () => {
    const siege = new Siege(6);
    const to = addressee(siege.server.identity, 1);
    const forge = (i: number): Bytes[] =>
      forger.initiation({
        as: siege.honest.identity,
        to,
        suite: 1,
        senderIndex: 0x7000 + i,
        timestamp: tai64n(now + 1_000_000 + i),
      }).datagrams;
    for (let i = 0; i < 4; i++) {
      const answer = siege.server.deliverAll(at(`203.0.113.${i + 1}`), forge(i));
      expect(typesOf(answer)).toEqual([0x12, 0x12]);
    }
    siege.run(2000, (step) => {
      const from = at(`203.0.113.${(step % 200) + 1}`);
      return step % 10 === 0 ? forge(10 + step).map((bytes) => ({ from, bytes })) : [];
    });
    expect(siege.through).toBeLessThanOrEqual(1520);
  });
});

it('I12: no unproven source is ever sent more than it sent, over a long hostile run', () => {
  const server = new Target(seededSuite('I12', 'node'));
  const random = new Random(12);
  const peers = [1, 1, 2].map((suite, i) => {
    const identity = freshIdentity(server.crypto);
    server.addPeer(identity, { suite: suite as 1 | 2, allowed: `10.${i}.0.0/16` });
    return { identity, suite: suite as 1 | 2 };
  });
  server.addPeer(freshIdentity(server.crypto), { classical: true, allowed: '10.9.0.0/16' });
  const sources = Array.from({ length: 40 }, (_, i) =>
    i % 4 === 0 ? at(`2001:db8:0:${(i % 3) + 1}::${i + 1}`) : at(`203.0.113.${(i % 9) + 1}`, 1000 + i),
  );
  const books = new Map(
    sources.map((source) => [source, { received: 0, sent: 0, cookie: undefined as Bytes | undefined }]),
  );
  const flights: { datagrams: Bytes[]; suite: 1 | 2 }[] = [];
  let responses = 0;
  let cookies = 0;
  for (let step = 0; step < 6000; step++) {
    if (step % 3 === 0) server.pass(random.between(1, 60));
    if (random.chance(0.002)) server.act(({ engine }) => engine.setLoopDelay(random.pick([0, 0, 30])));
    if (flights.length < 30 || random.chance(0.1)) {
      const { identity, suite } = random.pick(peers);
      const count = random.chance(0.5) ? undefined : random.between(suite === 1 ? 2 : 3, suite === 1 ? 6 : 7);
      const form = {
        as: identity,
        to: addressee(server.identity, suite),
        suite,
        senderIndex: random.next(),
        timestamp: tai64n(now + random.between(0, 10_000)),
        ...(count === undefined ? {} : { count }),
      };
      const bad = random.chance(0.3) ? { encTs: (bytes: Bytes) => flipped(bytes, 1) } : {};
      flights.push({ datagrams: forger.initiation({ ...form, ...bad }).datagrams, suite });
      if (flights.length > 60) flights.shift();
    }
    const source = random.pick(sources);
    const book = books.get(source);
    if (book === undefined) throw new Error('no book');
    const { datagrams, suite } = random.pick(flights);
    const whole = random.chance(0.7) ? datagrams : [random.pick(datagrams)];
    for (const datagram of whole) {
      let bytes = datagram;
      if (book.cookie !== undefined && random.chance(0.5)) bytes = forger.withMac2(book.cookie, bytes);
      if (random.chance(0.03)) bytes = flipped(bytes, random.between(0, bytes.length * 8 - 1));
      book.received += bytes.length;
      for (const { to, bytes: answer } of server.deliver(source, bytes).sent) {
        expect(to).toEqual(source);
        book.sent += answer.length;
        if (answer[0] === 0x12) responses++;
        if (answer[0] !== 3) continue;
        cookies++;
        if (random.chance(0.3) && datagram[2] === 0)
          book.cookie = forger.openCookie(addressee(server.identity, suite), suite, answer, mac1Of(bytes));
      }
      expect(book.sent).toBeLessThanOrEqual(book.received);
    }
  }
  // the run was worth it
  expect(responses).toBeGreaterThan(100);
  expect(cookies).toBeGreaterThan(100);
}, 120_000);

it(`faults 3, 32: ${failing} failing handshakes leave nothing behind, and then a good one passes`, () => {
  const server = new Target(seededSuite('failing', 'node'));
  const random = new Random(32);
  const honest = new Target(crypto);
  honest.addPeer(server.identity, { endpoint: there });
  const peer = server.addPeer(honest.identity);
  const other = freshIdentity(crypto);
  server.addPeer(other, { endpoint: at('203.0.113.200'), allowed: '10.2.0.0/16' });
  server.addPeer(freshIdentity(crypto), { classical: true, allowed: '10.9.0.0/16' });
  // a session, so that there is a stored timestamp
  server.now = honest.now;
  const begun = [...honest.send(packet).sent, ...honest.pass(0).sent].map(({ bytes }) => bytes);
  const response = server.deliverAll(here, begun).sent.map(({ bytes }) => bytes);
  for (const { bytes } of honest.deliverAll(there, response).sent) server.deliver(here, bytes);

  const to = addressee(server.identity, 1);
  const form = { as: honest.identity, to, suite: 1, senderIndex: 1, timestamp: tai64n(now + 99) } as const;
  const kinds = [
    {},
    { encId: (bytes: Bytes) => flipped(bytes, 3) },
    { encTs: (bytes: Bytes) => flipped(bytes, 3) },
    { timestamp: tai64n(now - 99) },
    { id: crypto.random(32) },
    { kemKey: new Uint8Array(1184).fill(0xff) },
    { ephemeral: lowOrderPoints[1] ?? new Uint8Array(32) },
    { ct1: (bytes: Bytes) => flipped(bytes, 9) },
  ];
  // the first kind is made to fail by never being completed
  const ammunition = kinds.flatMap((kind, i) =>
    Array.from({ length: 8 }, (_, n) => {
      const { datagrams } = forger.initiation({ ...form, ...kind, senderIndex: 100 * i + n });
      return i === 0 ? datagrams.slice(0, 1) : datagrams;
    }),
  );
  const junk = [
    forger.cutResponse(crypto.random(32), 1, 1, 2, new Uint8Array(2224)),
    [Uint8Array.of(3, 0, 0, 0, ...crypto.random(60))],
    [Uint8Array.of(1, 0, 0, 0, ...crypto.random(144))],
    [Uint8Array.of(2, 0, 0, 0, ...crypto.random(88))],
    [Uint8Array.of(4, 0, 0, 0, ...crypto.random(60))],
    [crypto.random(1230)],
  ];
  const { indices, answered } = server.tunnel.engine.sizes();
  const state = JSON.parse(server.state())[0].map((each: object) => ({ ...each, sessionAge: 0 }));
  let events = 0;
  for (let i = 0; i < failing; i++) {
    const flight = i % 4 === 3 ? random.pick(junk) : random.pick(ammunition);
    const from = at(`${random.between(1, 99)}.${random.between(0, 255)}.${random.between(0, 255)}.7`);
    for (const bytes of flight) server.tunnel.handleDatagram(server.now, from, undefined, bytes.slice());
    for (let output = server.tunnel.poll(); output !== undefined; output = server.tunnel.poll()) {
      if (output.kind === 'packet' || output.bytes[0] !== 3) expect(output).toBe('a cookie reply at most');
    }
    if (server.tunnel.pollEvent() !== undefined) events++;
    if (i % 100 === 0) server.now = (server.now + 1) as typeof server.now;
  }
  expect(events).toBe(0);
  const after = JSON.parse(server.state())[0].map((each: object) => ({ ...each, sessionAge: 0 }));
  expect(after).toEqual(state);
  expect(server.tunnel.engine.sizes()).toMatchObject({ indices, answered });
  expect(server.tunnel.engine.sizes().slots).toBeLessThanOrEqual(256);

  server.pass(4000);
  honest.pass(server.now - honest.now);
  honest.act(({ engine }) => {
    const [id] = engine.peerIds();
    if (id !== undefined) engine.initiate(honest.now, id);
  });
  const completed = (): number => server.tunnel.engine.status(server.now, peer).handshakesCompleted;
  const before = completed();
  for (let round = 0; round < 40 && completed() === before; round++) {
    const out = honest.pass(100).sent.map(({ bytes }) => bytes);
    server.pass(100);
    const back = server.deliverAll(here, out).sent.map(({ bytes }) => bytes);
    for (const { bytes } of honest.deliverAll(there, back).sent)
      for (const answer of server.deliver(here, bytes).sent) honest.deliver(there, answer.bytes);
  }
  expect(completed()).toBe(before + 1);
  expect(server.deliver(here, honest.send(packet).sent[0]?.bytes ?? new Uint8Array(0)).delivered).toEqual([
    packet,
  ]);
}, 600_000);
