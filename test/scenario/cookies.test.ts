/** Under load: who must prove its address, how, for how long. protocol.md §3.3, §5.2 N3, §6; faults 14, 18 and 20. */
import { endpoint } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import { addressee, Forger, mac1Of, tai64n } from '../kit/forger.ts';
import {
  Audit,
  beforeMac2,
  type Datagram,
  gatewayAndHub,
  type Host,
  hasMac2,
  initiationsIn,
  ip,
  kindOf,
  newYear2026,
  paperSuite,
  receiverIndexOf,
  seededSuite,
  senderIndexOf,
  sentSince,
  World,
} from '../kit/index.ts';
import { at, freshIdentity, Target, typesOf } from '../kit/target.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in virtual time; how fast the machine is must not matter

const second = 1000;
const minute = 60 * second;
const suite = 1;

const node = (seed = 1) => seededSuite(seed, 'node');

/** More event-loop delay than any device should show. */
function overload(...hosts: readonly Host[]): void {
  for (const { tunnel } of hosts) tunnel.engine.setLoopDelay(1000);
}
function relieve(...hosts: readonly Host[]): void {
  for (const { tunnel } of hosts) tunnel.engine.setLoopDelay(0);
}

function pair(options: Parameters<typeof gatewayAndHub>[1] = {}, crypto = node()) {
  const all = gatewayAndHub(crypto, options);
  return { ...all, audit: new Audit(all.world) };
}

describe('faults 18 and 20: honest peers under load', () => {
  it.each([1, 2] as const)('suite %i: the hub alone: connected after one exchange of cookies', (id) => {
    const { world, gateway, hub, audit } = pair({ gateway: { suite: id }, hub: { suite: id } });
    overload(hub);
    const serial = audit.send(gateway, hub);
    world.run(second);
    expect(audit.arrivedAt(serial)).toBe(50);
    expect(sentSince(world, 0, { kind: 'cookie' }).map(({ bytes }) => bytes.length)).toEqual([64]);
    expect(hub.tunnel.engine.cookieRepliesSent).toBe(1);
    expect(hub.tunnel.engine.drops.of('under-load')).toBe(id === 1 ? 2 : 3);
  });

  it('the gateway alone: a response needs no cookie, mac1 under m2 says enough', () => {
    const { world, gateway, hub, audit } = pair();
    overload(gateway);
    const serial = audit.send(gateway, hub);
    world.run(second);
    expect(audit.arrivedAt(serial)).toBe(30);
    expect(sentSince(world, 0, { kind: 'cookie' })).toEqual([]);
  });

  it.each([
    ['hybrid', false],
    ['classical', true],
  ] as const)('both at once, either or both beginning: %s', (_kind, classical) => {
    for (const beginners of ['gateway', 'hub', 'both'] as const) {
      const { world, gateway, hub, audit } = pair({
        gateway: { classical },
        hub: { classical, knowsEndpoint: true },
      });
      overload(gateway, hub);
      const serials = [
        ...(beginners === 'hub' ? [] : [audit.send(gateway, hub)]),
        ...(beginners === 'gateway' ? [] : [audit.send(hub, gateway)]),
      ];
      world.run(26 * second);
      expect([beginners, serials.map((serial) => audit.arrived(serial))]).toEqual([
        beginners,
        serials.map(() => true),
      ]);
      // And on: an hour of rekeys
      for (let i = 0; i < 180; i++) {
        world.runFor(20 * second);
        audit.send(i % 2 === 0 ? gateway : hub, i % 2 === 0 ? hub : gateway);
      }
      world.runFor(26 * second);
      expect([beginners, audit.missing()]).toEqual([beginners, []]);
      expect(audit.violations).toEqual([]);
    }
  });

  it('classical: a response is asked for a cookie as an initiation is, from the address it came to, and the next carries it', () => {
    const { world, gateway, hub, audit } = pair({ gateway: { classical: true }, hub: { classical: true } });
    overload(gateway);
    gateway.local = { ip: ip('192.0.2.1'), interfaceIndex: 3 };
    audit.send(gateway, hub);
    world.run(8 * second);
    const responses = sentSince(world, 0, { kind: 'response' });
    const cookies = sentSince(world, 0, { kind: 'cookie', by: gateway });
    expect(cookies.length).toBe(gateway.tunnel.engine.cookieRepliesSent);
    expect(cookies.every(({ localAddress }) => localAddress === gateway.local)).toBe(true);
    // The answer to the first initiation and its copies stays the same (C3); that to the second is proven
    expect(responses.map(hasMac2)).toEqual([false, false, false, true]);
    expect(gateway.eventsOf('peer-established')).toHaveLength(1);
    const before = hub.tunnel.plane.fingerprint();
    for (const { from, to, bytes } of cookies) world.inject(from, to, bytes);
    world.runFor(50);
    expect(hub.tunnel.engine.drops.of('unexpected-cookie')).toBeGreaterThanOrEqual(cookies.length);
    expect(hub.tunnel.plane.fingerprint()).toBe(before);
  });

  it('fifty gateways, with loss: all connected in time', () => {
    const world = new World(3);
    const crypto = paperSuite(3);
    const hub = world.addHost({ name: 'hub', address: '198.51.100.1', crypto });
    const audit = new Audit(world);
    overload(hub);
    const gateways = Array.from({ length: 50 }, (_, i) => {
      const gateway = world.addHost({ name: `gateway ${i}`, address: `192.0.2.${i + 1}`, crypto });
      gateway.addPeer(hub, { allowed: [`${hub.inner}/32`] });
      hub.addPeer(gateway, { knowsEndpoint: false, allowed: [`${gateway.inner}/32`] });
      return gateway;
    });
    world.conditions = { ...world.conditions, loss: 0.1 };
    for (const gateway of gateways) audit.send(gateway, hub);
    world.run(minute);
    expect(hub.eventsOf('peer-established').length).toBeGreaterThanOrEqual(50);
    expect(new Set(hub.eventsOf('peer-established').map(({ peer }) => peer)).size).toBe(50);
  });

  it('a rekey under load meets a cookie once in 115 s, and no packet is lost', () => {
    const { world, gateway, hub, audit } = pair();
    overload(hub);
    for (let i = 0; i < 100; i++) {
      audit.send(gateway, hub);
      world.runFor(10 * second);
      audit.send(hub, gateway);
    }
    world.runFor(second);
    expect(audit.missing()).toEqual([]);
    expect(hub.tunnel.engine.cookieRepliesSent).toBe(gateway.eventsOf('peer-established').length);
  });
});

describe('N3: a cookie reply', () => {
  /** The gateway has begun, the hub is under load; what the hub answers is held. */
  function asked() {
    const all = pair();
    const { world, gateway, hub, audit } = all;
    overload(hub);
    const held: Datagram[] = [];
    world.interceptor = (datagram) => {
      if (kindOf(datagram) !== 'cookie') return undefined;
      held.push(datagram);
      return [];
    };
    audit.send(gateway, hub);
    world.run(100);
    const [reply] = held;
    if (reply === undefined) throw new Error('no cookie reply was sent');
    const transmissions = () => initiationsIn(world.wire)[0]?.transmissions ?? [];
    return { ...all, reply, transmissions };
  }

  it('is acted on at once, and the copies to come carry mac2 as well; all bytes before it stay', () => {
    const { world, hub, reply, transmissions } = asked();
    world.interceptor = (datagram) => (datagram.from === hub.address ? [] : undefined);
    world.inject(reply.from, reply.to, reply.bytes);
    world.run(4 * second);
    expect(transmissions().map(({ at: sentAt, datagrams }) => [sentAt, datagrams.map(hasMac2)])).toEqual([
      [0, [false, false]],
      [110, [true, true]],
      [1000, [true, true]],
      [2500, [true, true]],
    ]);
    const [first] = transmissions();
    for (const { datagrams } of transmissions())
      expect(datagrams.map(beforeMac2)).toEqual(first?.datagrams.map(beforeMac2));
  });

  it('is acted on once per initiation', () => {
    const { world, gateway, hub, reply, transmissions } = asked();
    world.interceptor = (datagram) => (datagram.from === hub.address ? [] : undefined);
    for (let i = 0; i < 5; i++) world.inject(reply.from, reply.to, reply.bytes);
    world.run(900);
    expect(transmissions()).toHaveLength(2);
    expect(gateway.tunnel.engine.drops.of('unexpected-cookie')).toBe(4);
  });

  it('may come from anywhere: it is known by fragment 0, not by its source', () => {
    const { world, gateway, hub, reply } = asked();
    world.interceptor = undefined;
    world.inject(at('203.0.113.7'), reply.to, reply.bytes);
    world.run(second);
    expect(gateway.eventsOf('peer-established')).toHaveLength(1);
    expect(gateway.tunnel.engine.status(world.now, gateway.peer(hub)).endpoint).toEqual(hub.address);
  });

  it('that does not open changes nothing, and the right one still counts', () => {
    const { world, gateway, reply, transmissions } = asked();
    const peer = gateway.tunnel.engine.peerIds()[0];
    const state = () =>
      peer && [
        gateway.tunnel.engine.status(world.now, peer),
        gateway.tunnel.plane.fingerprint(),
        gateway.tunnel.nextDeadline(),
      ];
    const before = state();
    for (const position of [8, 31, 32, 47, 48, 63]) {
      const wrong = reply.bytes.slice();
      wrong[position] = (wrong[position] ?? 0) ^ 1;
      world.inject(reply.from, reply.to, wrong);
    }
    world.run(200);
    expect(gateway.tunnel.engine.drops.of('bad-cookie')).toBe(6);
    expect(state()).toEqual(before);
    expect(transmissions()).toHaveLength(1);
    world.interceptor = undefined;
    world.inject(reply.from, reply.to, reply.bytes);
    world.run(400);
    expect(gateway.eventsOf('peer-established')).toHaveLength(1);
  });

  it('to another index, to an earlier initiation or after S1 is not expected', () => {
    const { world, gateway, reply } = asked();
    const unexpected = () => gateway.tunnel.engine.drops.of('unexpected-cookie');
    const stranger = reply.bytes.slice();
    stranger[4] = (stranger[4] ?? 0) ^ 1;
    world.inject(reply.from, reply.to, stranger);
    world.run(200);
    expect(unexpected()).toBe(1);
    world.run(7 * second); // a new initiation is out
    expect(initiationsIn(world.wire).length).toBe(2);
    world.inject(reply.from, reply.to, reply.bytes);
    world.runFor(100);
    expect(unexpected()).toBe(2);
    const newest = world.wire.findLast((datagram) => kindOf(datagram) === 'cookie');
    world.interceptor = undefined;
    if (newest === undefined) throw new Error('no second cookie reply');
    world.inject(newest.from, newest.to, newest.bytes);
    world.runFor(100);
    expect(gateway.eventsOf('peer-established')).toHaveLength(1);
    world.inject(newest.from, newest.to, newest.bytes);
    world.runFor(100);
    expect(unexpected()).toBe(3);
  });

  it('refers to fragment 0: one made for the mac1 of fragment 1 does not open', () => {
    const { world, gateway, hub, transmissions } = asked();
    const forger = new Forger(gateway.crypto);
    const to = addressee(hub.identity, suite);
    const [zero, one] = transmissions()[0]?.datagrams ?? [];
    if (zero === undefined || one === undefined) throw new Error('two fragments should have been sent');
    for (const fragment of [one, zero]) {
      const reply = forger.cookieReply(
        to,
        suite,
        senderIndexOf(zero),
        mac1Of(fragment.bytes),
        new Uint8Array(16).fill(1),
      );
      world.inject(hub.address, gateway.address, reply);
      world.runFor(20);
    }
    expect(gateway.tunnel.engine.drops.of('bad-cookie')).toBe(1);
    expect(transmissions()).toHaveLength(2);
  });

  it('from a liar costs one transmission and no more: its cookie is wrong, the next one from the hub is right', () => {
    const { world, gateway, hub, transmissions, audit } = asked();
    const forger = new Forger(gateway.crypto);
    const [first] = transmissions()[0]?.datagrams ?? [];
    if (first === undefined) throw new Error('nothing was sent');
    const lie = forger.cookieReply(
      addressee(hub.identity, suite),
      suite,
      senderIndexOf(first),
      mac1Of(first.bytes),
      new Uint8Array(16),
    );
    world.interceptor = undefined;
    world.inject(hub.address, gateway.address, lie);
    world.run(26 * second);
    expect(audit.missing()).toEqual([]);
  });
});

describe('a cookie at its holder', () => {
  /** A cookie came to the gateway at 20 ms; then it begins again, `age` ms after that. */
  function beginsWithCookieOf(age: number, prepare: (all: ReturnType<typeof pair>) => void = () => {}) {
    const all = pair();
    const { world, gateway, hub, audit } = all;
    overload(hub);
    audit.send(gateway, hub);
    world.run(second);
    relieve(hub);
    prepare(all);
    world.run(20 + age);
    gateway.act(({ engine }, now) => engine.initiate(now, gateway.peer(hub)));
    world.runFor(0);
    const [begun] = initiationsIn(sentSince(world, 20 + age));
    return { ...all, begun, mac2: begun?.transmissions[0]?.datagrams.map(hasMac2) };
  }

  it.each([
    [10 * second, [true, true]],
    [115 * second - 1, [true, true]],
    [115 * second, [false, false]],
    [115 * second + 1, [false, false]],
  ] as const)('is used up to 115 s: after %i ms %o', (age, mac2) => {
    expect(beginsWithCookieOf(age).mac2).toEqual(mac2);
  });

  it('is for the address it came in answer to', () => {
    const elsewhere = endpoint(ip('198.51.100.2'), 51820);
    const { begun, mac2 } = beginsWithCookieOf(10 * second, ({ world, gateway, hub, audit }) => {
      hub.address = elsewhere;
      audit.send(hub, gateway);
      world.runFor(100);
    });
    expect(begun?.transmissions[0]?.datagrams[0]?.to).toEqual(elsewhere);
    expect(mac2).toEqual([false, false]);
  });

  it('is for that address though the peer has moved before the cookie came', () => {
    const { world, gateway, hub, audit } = pair();
    audit.send(gateway, hub);
    world.run(121 * second);
    overload(hub);
    const held: Datagram[] = [];
    world.interceptor = (datagram) => {
      if (kindOf(datagram) !== 'cookie') return undefined;
      held.push(datagram);
      return [];
    };
    audit.send(gateway, hub); // asks for new keys
    world.runFor(100);
    hub.address = endpoint(ip('198.51.100.2'), 51820);
    audit.send(hub, gateway);
    world.runFor(100);
    for (const { from, to, bytes } of held) world.inject(from, to, bytes);
    world.runFor(8 * second);
    const sequence = initiationsIn(sentSince(world, 121 * second));
    // Resent at once to where it was sent first, with mac2; the next attempt goes to the new place, without
    expect(sequence[0]?.transmissions[1]?.datagrams.map(hasMac2)).toEqual([true, true]);
    expect(sequence[1]?.transmissions[0]?.datagrams.map(({ to }) => to)).toEqual([hub.address, hub.address]);
    expect(sequence[1]?.transmissions[0]?.datagrams.map(hasMac2)).toEqual([false, false]);
  });

  it('is good for the next handshake under load without another exchange', () => {
    const { world, gateway, hub } = beginsWithCookieOf(10 * second, ({ hub: loaded }) => overload(loaded));
    world.runFor(second);
    expect(gateway.eventsOf('peer-established')).toHaveLength(2);
    expect(hub.tunnel.engine.cookieRepliesSent).toBe(1);
  });

  it.each([
    ['port', endpoint(ip('192.0.2.1'), 51821)],
    ['address', endpoint(ip('192.0.2.2'), 51820)],
  ] as const)(
    'fault 14: proves nothing from another %s: it draws a new one there, and that works',
    (_what, moved) => {
      const { world, gateway, hub } = beginsWithCookieOf(10 * second, ({ gateway: roamer, hub: loaded }) => {
        overload(loaded);
        roamer.address = moved;
      });
      world.runFor(second);
      expect(hub.tunnel.engine.cookieRepliesSent).toBe(2);
      expect(sentSince(world, second, { kind: 'cookie' }).map(({ to }) => to)).toEqual([moved]);
      expect(gateway.eventsOf('peer-established')).toHaveLength(2);
    },
  );
});

/** A hub under load and somebody who writes well-made initiations to it. */
function examiner() {
  const crypto = node();
  const gateway = freshIdentity(crypto);
  const hub = new Target(crypto);
  hub.addPeer(gateway);
  hub.act(({ engine }) => engine.setLoopDelay(1000));
  const forger = new Forger(crypto);
  const to = addressee(hub.identity, suite);
  let n = 0;
  const initiation = () =>
    forger.initiation({
      as: gateway,
      to,
      suite,
      senderIndex: ++n,
      timestamp: tai64n(newYear2026 / second + n),
    }).datagrams;
  return {
    hub,
    forger,
    initiation,
    /** The cookie the hub gives at `from` now. */
    cookieAt(from: ReturnType<typeof at>): Uint8Array {
      const [first = new Uint8Array(0)] = initiation();
      const reply = hub.deliver(from, first).sent[0]?.bytes;
      if (reply === undefined) throw new Error('no cookie was given');
      return forger.openCookie(to, suite, reply, mac1Of(first));
    },
    /** Whether the hub takes this cookie for a proof at `from` now. */
    proves(from: ReturnType<typeof at>, cookie: Uint8Array): boolean {
      const outcome = hub.deliverAll(
        from,
        initiation().map((datagram) => forger.withMac2(cookie, datagram)),
      );
      const types = typesOf(outcome);
      expect(types.every((type) => type === (types[0] ?? -1))).toBe(true);
      return types[0] === 0x12;
    },
  };
}

describe('a cookie at its giver', () => {
  const home = at('192.0.2.1');

  it('R is replaced every 120 s', () => {
    const { hub, cookieAt } = examiner();
    const first = cookieAt(home);
    hub.pass(120 * second - 1);
    expect(cookieAt(home)).toEqual(first);
    hub.pass(1);
    const next = cookieAt(home);
    expect(next).not.toEqual(first);
    hub.pass(120 * second - 1);
    expect(cookieAt(home)).toEqual(next);
    hub.pass(1);
    expect(cookieAt(home)).not.toEqual(next);
  });

  it.each([
    [-1, true],
    [0, true],
    [4999, true],
    [5000, false],
    [5001, false],
    [120 * second, false],
  ] as const)('the previous R still verifies for 5 s: %i ms after the change %s', (after, verifies) => {
    const { hub, cookieAt, proves } = examiner();
    hub.pass(119 * second);
    const cookie = cookieAt(home);
    hub.pass(second + after);
    expect(proves(home, cookie)).toBe(verifies);
  });

  it('a hub that slept through several changes takes no old one, not even for 5 s', () => {
    const { hub, cookieAt, proves } = examiner();
    const cookie = cookieAt(home);
    hub.pass(241 * second);
    expect(proves(home, cookie)).toBe(false);
  });

  it('is bound to address and port; IPv4 and IPv4-mapped are one', () => {
    const { cookieAt, proves } = examiner();
    const cookie = cookieAt(home);
    expect(proves(at('192.0.2.1', 51821), cookie)).toBe(false);
    expect(proves(at('192.0.2.2'), cookie)).toBe(false);
    expect(proves(at('2001:db8::1'), cookie)).toBe(false);
    expect(proves(endpoint(ip('::ffff:c000:201'), 51820), cookie)).toBe(true);
    const six = cookieAt(at('2001:db8::1'));
    expect(proves(at('2001:db8::2'), six)).toBe(false);
    expect(proves(at('2001:db8::1'), six)).toBe(true);
  });

  it('a wrong mac2 counts as none: fragment 0 draws a cookie, the others are dropped', () => {
    const { hub, forger, initiation } = examiner();
    const [first = new Uint8Array(0), then = new Uint8Array(0)] = initiation().map((datagram) =>
      forger.withMac2(new Uint8Array(16), datagram),
    );
    expect(typesOf(hub.deliver(home, then))).toEqual([]);
    expect(typesOf(hub.deliver(home, first))).toEqual([3]);
    expect(hub.dropsOf('under-load')).toBe(2);
  });

  it('another gives another: a hub that restarted takes none of its former cookies', () => {
    const { hub, cookieAt, initiation, forger } = examiner();
    const cookie = cookieAt(home);
    const restarted = new Target(hub.crypto, { identity: hub.identity });
    restarted.act(({ engine }) => engine.setLoopDelay(1000));
    const [first = new Uint8Array(0)] = initiation();
    const outcome = restarted.deliver(home, forger.withMac2(cookie, first));
    expect(typesOf(outcome)).toEqual([3]);
    expect(receiverIndexOf({ bytes: outcome.sent[0]?.bytes ?? new Uint8Array(8) })).toBe(
      senderIndexOf({ bytes: first }),
    );
  });
});
