/** Who waits for a confirm, who gives way to whom, and that no forger keeps the genuine one out. protocol.md §5.1 C4, §8. */
import type { Endpoint } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import { addressee, Forger, tai64n } from '../kit/forger.ts';
import { Audit, gatewayAndHub, newYear2026, paperSuite } from '../kit/index.ts';
import { home, respondedBy, type Stage, stage } from '../kit/stage.ts';
import { at, typesOf } from '../kit/target.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in virtual time; how fast the machine is must not matter

const second = 1000;
const suite = 1;
const response = 0x12;
const cookie = 3;
const transport = 4;
const startOfYear = newYear2026 / second;

const prefixes = ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4'].map((address) => at(address));
const fifth = at('203.0.113.5');

describe('C4: one entry a source prefix', () => {
  /** An entry of `home` is there; then a contender comes from the same prefix, another port. */
  function contest(options: {
    readonly entry: { readonly ts: number; readonly proven: boolean };
    readonly contender: { readonly ts: number; readonly proven: boolean };
    readonly age?: number;
    readonly places?: readonly [Endpoint, Endpoint];
  }) {
    const all = stage();
    const [there, here] = options.places ?? [home, at('192.0.2.1', 7)];
    const made = (claim: { ts: number; proven: boolean }, from: Endpoint) => {
      const { datagrams } = all.forge(claim.ts);
      return claim.proven ? all.prove(datagrams, from) : datagrams;
    };
    const first = made(options.entry, there);
    const index = respondedBy(all.hub.deliverAll(there, first));
    expect(index).toBeDefined();
    const age = options.age ?? 1000;
    if (options.contender.proven) all.pass(age - 500); // the cookie is fetched shortly before
    const second_ = options.contender.proven ? made(options.contender, here) : [];
    all.pass(options.contender.proven ? 500 : age);
    const outcome = all.hub.deliverAll(
      here,
      options.contender.proven ? second_ : made(options.contender, here),
    );
    const winner = respondedBy(outcome);
    const { nexts } = all.view();
    return {
      outcome,
      won: winner !== undefined,
      displaced: !nexts.includes(index ?? -1),
      nexts: nexts.length,
    };
  }
  const won = { won: true, displaced: true, nexts: 1 };
  const lost = { won: false, displaced: false, nexts: 1 };

  it.each([
    [4999, lost],
    [5000, lost],
    [5001, won],
  ] as const)('an entry of %i ms gives way to a smaller TS without proof: %o', (age, result) => {
    expect(
      contest({ entry: { ts: 50, proven: false }, contender: { ts: 40, proven: false }, age }),
    ).toMatchObject(result);
  });

  it.each([
    [4999, lost],
    [5000, lost],
    [5001, won],
  ] as const)('a proven entry of %i ms gives way to an unproven one: %o', (age, result) => {
    expect(
      contest({ entry: { ts: 50, proven: true }, contender: { ts: 60, proven: false }, age }),
    ).toMatchObject(result);
  });

  it('proof wins over none, whatever the timestamps', () => {
    expect(contest({ entry: { ts: 50, proven: false }, contender: { ts: 40, proven: true } })).toMatchObject(
      won,
    );
    expect(contest({ entry: { ts: 50, proven: true }, contender: { ts: 60, proven: false } })).toMatchObject(
      lost,
    );
  });

  it.each([true, false])('with proof on both or neither (%s) the larger TS wins', (proven) => {
    expect(contest({ entry: { ts: 50, proven }, contender: { ts: 51, proven } })).toMatchObject(won);
    expect(contest({ entry: { ts: 50, proven }, contender: { ts: 50, proven } })).toMatchObject(lost);
    expect(contest({ entry: { ts: 50, proven }, contender: { ts: 49, proven } })).toMatchObject(lost);
  });

  it('a loser without proof draws a cookie, one with proof silence', () => {
    const unproven = contest({
      entry: { ts: 50, proven: false },
      contender: { ts: 49, proven: false },
    }).outcome;
    expect([typesOf(unproven), unproven.drops]).toEqual([[cookie], { 'pending-lost': 1 }]);
    const proven = contest({ entry: { ts: 50, proven: true }, contender: { ts: 49, proven: true } }).outcome;
    expect([typesOf(proven), proven.drops]).toEqual([[], { 'pending-lost': 1 }]);
  });

  it('a prefix is a /32 or a /64', () => {
    const claims = { entry: { ts: 50, proven: false }, contender: { ts: 49, proven: false } };
    const places = (a: string, b: string) => ({ ...claims, places: [at(a), at(b)] as const });
    const apart = { won: true, displaced: false, nexts: 2 };
    expect(contest(places('192.0.2.1', '192.0.2.2'))).toMatchObject(apart);
    expect(contest(places('2001:db8:0:1::1', '2001:db8:0:1:ffff::2'))).toMatchObject(lost);
    expect(contest(places('2001:db8:0:1::1', '2001:db8:0:2::1'))).toMatchObject(apart);
  });
});

describe('C4: with four entries of other prefixes', () => {
  /** Fills the four places, one a second; proven where said, timestamps as given. */
  function filled(entries: readonly { readonly ts: number; readonly proven: boolean }[], seed = 1) {
    const all: Stage = stage(seed);
    const indices = entries.map(({ ts, proven }, i) => {
      const from = prefixes[i] ?? fifth;
      const { datagrams } = all.forge(ts);
      const index = respondedBy(all.hub.deliverAll(from, proven ? all.prove(datagrams, from) : datagrams));
      expect(index).toBeDefined();
      if (i < entries.length - 1) all.pass(second);
      return index ?? -1;
    });
    expect(all.view().nexts).toEqual(indices);
    const challenge = (ts: number, proven: boolean, wait = 0) => {
      const { datagrams } = all.forge(ts);
      const made = proven ? all.prove(datagrams, fifth) : datagrams;
      all.pass(wait);
      const outcome = all.hub.deliverAll(fifth, made);
      const { nexts } = all.view();
      expect(nexts.length).toBeLessThanOrEqual(4);
      return { outcome, gone: indices.flatMap((index, i) => (nexts.includes(index) ? [] : [i])) };
    };
    return { ...all, challenge };
  }
  const unproven = (ts: number) => ({ ts, proven: false });
  const proven = (ts: number) => ({ ts, proven: true });

  it('an unproven fifth loses, however large its TS and old the entries, and draws a cookie', () => {
    const { challenge } = filled([unproven(1), unproven(2), unproven(3), unproven(4)]);
    const { outcome, gone } = challenge(99, false, 60 * second);
    expect([typesOf(outcome), gone]).toEqual([[cookie], []]);
  });

  it('a proven fifth takes the place of the oldest unproven, though its own TS is the smallest', () => {
    const { challenge } = filled([proven(10), unproven(30), unproven(20), proven(40)]);
    const { outcome, gone } = challenge(1, true);
    expect([typesOf(outcome), gone]).toEqual([[response, response], [1]]);
  });

  it.each([
    [4999, []],
    [5000, []],
    [5001, [0]],
  ] as const)('where all are proven, of the oldest when it is %i ms old: %o gone', (age, gone) => {
    const { challenge } = filled([proven(10), proven(20), proven(30), proven(40)]);
    expect(challenge(5, true, age - 3 * second).gone).toEqual(gone);
  });

  it('where all are proven and young, of the smallest TS if its own is larger', () => {
    const entries = [proven(30), proven(10), proven(20), proven(40)];
    expect(filled(entries).challenge(11, true).gone).toEqual([1]);
    expect(filled(entries).challenge(10, true).gone).toEqual([]);
    const { outcome, gone } = filled(entries).challenge(9, true);
    expect([typesOf(outcome), outcome.drops, gone]).toEqual([[], { 'pending-lost': 1 }, []]);
  });

  it('an entry of the own prefix decides first: it is displaced or it stands, and no other is touched', () => {
    const { hub, forge, view, pass } = filled([unproven(10), unproven(20), unproven(30), unproven(40)]);
    const before = view().nexts;
    const place = prefixes[2] ?? fifth;
    pass(second);
    expect(typesOf(hub.deliverAll(place, forge(29).datagrams))).toEqual([cookie]);
    expect(view().nexts).toEqual(before);
    expect(typesOf(hub.deliverAll(place, forge(31).datagrams))).toEqual([response, response]);
    expect(view().nexts.filter((index) => before.includes(index))).toEqual([before[0], before[1], before[3]]);
  });

  it('what was displaced is gone: no copy is answered from memory, no packet of it opens', () => {
    const all = filled([unproven(1), unproven(2), unproven(3), unproven(4)]);
    const { gone } = all.challenge(50, true);
    expect(gone).toEqual([0]);
    expect(all.hub.tunnel.engine.sizes()).toMatchObject({ answered: 4, indices: 4 });
  });

  it('C2: nothing is displaced by an initiation whose KEM key turns out to be bad', () => {
    const all = filled([unproven(1), unproven(2), unproven(3), unproven(4)]);
    const before = all.view().nexts;
    const bad = all.forger.initiation({
      as: all.gateway.identity,
      to: all.to,
      suite,
      senderIndex: 77,
      timestamp: tai64n(startOfYear + 99),
      kemKey: new Uint8Array(1184).fill(0xff),
    });
    const outcome = all.hub.deliverAll(fifth, all.prove(bad.datagrams, fifth));
    expect([outcome.sent, outcome.drops]).toEqual([[], { 'bad-kem-key': 1 }]);
    expect(all.view().nexts).toEqual(before);
  });
});

describe('§8: a forger that cannot read the answers', () => {
  /**
   * For minutes, ten times a second, well-made initiations of the gateway with times in the future arrive from `place(n)`,
   * while the genuine gateway connects, talks and renews its keys.
   */
  function flood(place: (n: number, gateway: Endpoint) => Endpoint, minutes: number) {
    const crypto = paperSuite(11);
    const { world, gateway, hub } = gatewayAndHub(crypto);
    const audit = new Audit(world);
    world.recording = false;
    const forger = new Forger(crypto);
    const to = addressee(hub.identity, suite);
    const delays: number[] = [];
    const waiting: { serial: number; at: number }[] = [];
    let answeredBytes = 0;
    let sentBytes = 0;
    world.observers.push({
      onSent(sender, { bytes, to: target }) {
        if (sender === hub && target !== gateway.address && bytes[0] !== transport)
          answeredBytes += bytes.length;
      },
    });
    for (let n = 0; n < minutes * 600; n++) {
      const { datagrams } = forger.initiation({
        as: gateway.identity,
        to,
        suite,
        senderIndex: n,
        timestamp: tai64n(startOfYear + 3600 + n),
      });
      for (const datagram of datagrams) {
        sentBytes += datagram.length;
        world.inject(place(n, gateway.address), hub.address, datagram);
      }
      world.runFor(100);
      if (n % 20 !== 10) continue;
      waiting.push({
        serial: n % 40 === 10 ? audit.send(gateway, hub) : audit.send(hub, gateway),
        at: world.now,
      });
    }
    world.runFor(20 * second);
    for (const { serial, at: sentAt } of waiting)
      delays.push((audit.arrivedAt(serial) ?? Number.POSITIVE_INFINITY) - sentAt);
    return { world, gateway, hub, audit, delays, answeredBytes, sentBytes };
  }
  const scattered = (n: number) => at(`203.0.${n % 113}.${1 + (n % 250)}`, 1024 + n);

  it.each([
    ['from everywhere', scattered],
    ["from the gateway's own address", (_n: number, gateway: Endpoint) => gateway],
    ['from four prefixes', (n: number) => prefixes[n % 4] ?? fifth],
    ['from all of these', (n: number, gateway: Endpoint) => (n % 2 === 0 ? gateway : scattered(n))],
  ] as const)('keeps nobody out: %s', (_what, place) => {
    const { gateway, hub, audit, delays, answeredBytes, sentBytes } = flood(place, 5);
    // The first answers may be lost to the hub's not knowing an endpoint yet, no more than that
    const late = delays.filter((delay) => delay > 100);
    expect(late.filter((delay) => delay > 16 * second).length).toBeLessThanOrEqual(1);
    expect(late.length).toBeLessThanOrEqual(4);
    expect(audit.violations).toEqual([]);
    expect(hub.eventsOf('peer-roamed').map(({ endpoint }) => endpoint)).toEqual([gateway.address]);
    const rekeys = gateway.eventsOf('peer-established');
    expect(rekeys.length).toBeGreaterThanOrEqual(3);
    expect(rekeys.length).toBeLessThanOrEqual(6);
    expect(answeredBytes).toBeLessThanOrEqual(sentBytes);
    expect(hub.tunnel.engine.sizes().answered).toBeLessThanOrEqual(4 + 1);
  });
});
