/** A network that loses, doubles, reorders and damages, and what an initiator does about it. protocol.md §5.2 N3; I1–I3, I10. */
import { endpoint, limits, Secret } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import {
  Audit,
  beforeMac2,
  type Conditions,
  connected,
  gatewayAndHub,
  goodNetwork,
  initiationsIn,
  ip,
  kindOf,
  paperSuite,
  Random,
  type SentInitiation,
  seededSuite,
  sentSince,
  World,
} from '../kit/index.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in virtual time; how fast the machine is must not matter

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** I10. */
const livenessBound = limits.keepaliveTimeout + 3 * limits.rekeyTimeout + second;

const node = (seed = 1) => seededSuite(seed, 'node');

/** Both ends send about once a second for `length` ms. */
function converse(
  { world, gateway, hub, audit }: ReturnType<typeof connected>,
  random: Random,
  length: number,
): void {
  for (const end = world.now + length; world.now < end; ) {
    world.runFor(random.between(1, second));
    if (random.chance(0.5)) audit.send(gateway, hub, random.between(28, 1420));
    if (random.chance(0.5)) audit.send(hub, gateway, random.between(28, 1420));
  }
}

describe('I10: once the faults stop, data flows both ways within 26 s', () => {
  const faults: Record<string, Partial<Conditions>> = {
    'loss of 0 %': {},
    'loss of 10 %': { loss: 0.1 },
    'loss of 20 %': { loss: 0.2 },
    'loss of 30 %': { loss: 0.3 },
    'loss of 40 %': { loss: 0.4 },
    'loss of everything': { loss: 1 },
    'reordering by up to 3 s': { jitter: 3 * second },
    'every second datagram twice': { duplicate: 0.5, jitter: 100 },
    'every fifth datagram damaged': { corrupt: 0.2 },
    'a path of 1,200 B': { mtu: 1200 },
    'all of it': { loss: 0.2, duplicate: 0.2, corrupt: 0.1, jitter: 3 * second },
  };
  it.each(Object.entries(faults))('after some minutes with %s', (_name, conditions) => {
    for (let seed = 1; seed <= 16; seed++) {
      const all = connected(paperSuite(seed), { seed });
      const { world, gateway, hub, audit } = all;
      world.recording = false;
      const random = new Random(1000 + seed);
      world.conditions = { ...goodNetwork, ...conditions };
      converse(all, random, random.between(1 * minute, 10 * minute));
      world.conditions = goodNetwork;
      const since = world.now;
      const packets = [gateway, hub].map((from) => ({
        from,
        to: from === gateway ? hub : gateway,
        serials: [] as number[],
      }));
      const flows = () => packets.every(({ serials }) => serials.some((serial) => audit.arrived(serial)));
      while (!flows() && world.now - since <= livenessBound) {
        for (const { from, to, serials } of packets) serials.push(audit.send(from, to));
        world.runFor(500);
      }
      expect([seed, flows(), world.now - since <= livenessBound]).toEqual([seed, true, true]);
      converse(all, random, minute);
      expect([seed, audit.violations]).toEqual([seed, []]);
    }
  });

  it('also when both ends lost their session in a cut of a day', () => {
    const all = connected(paperSuite(3));
    const { world, gateway, hub, audit } = all;
    world.recording = false;
    world.conditions = { ...goodNetwork, loss: 1 };
    for (let i = 0; i < 24 * 6; i++) {
      world.runFor(10 * minute);
      audit.send(i % 2 === 0 ? gateway : hub, i % 2 === 0 ? hub : gateway);
    }
    world.conditions = goodNetwork;
    world.runFor(10);
    const serials = [audit.send(gateway, hub), audit.send(hub, gateway)];
    world.runFor(livenessBound);
    expect(serials.map((serial) => audit.arrived(serial))).toEqual([true, true]);
    expect(audit.violations).toEqual([]);
  });
});

describe('a network out of order', () => {
  it('reorders by more than 2,000 packets, and none is lost for it', () => {
    const { world, gateway, hub, audit } = connected(node(), { seed: 5 });
    world.recording = false;
    world.conditions = { ...goodNetwork, jitter: 3 * second };
    const arrivals: number[] = [];
    world.observers.push({
      onDelivered: (_host, _peer, bytes) =>
        arrivals.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(20)),
    });
    for (let i = 0; i < 6000; i++) {
      audit.send(gateway, hub, 60);
      world.runFor(1);
    }
    world.runFor(10 * second);
    let highest = 0;
    let deepest = 0;
    for (const serial of arrivals) {
      highest = Math.max(highest, serial);
      deepest = Math.max(deepest, highest - serial);
    }
    expect(deepest).toBeGreaterThan(2000);
    expect(audit.missing()).toEqual([]);
    expect(audit.violations).toEqual([]);
    expect(hub.tunnel.engine.drops.of('replayed')).toBe(0);
  });

  it('I2: delivers each packet once though every datagram comes three times, the last much later', () => {
    const { world, gateway, hub, audit } = connected(node());
    const recorded: Uint8Array[] = [];
    world.interceptor = (datagram) => {
      recorded.push(datagram.bytes);
      return [datagram, datagram];
    };
    const sent = Array.from({ length: 50 }, () => audit.send(gateway, hub));
    world.runFor(second);
    world.interceptor = undefined;
    expect(recorded).toHaveLength(sent.length);
    for (const bytes of recorded) world.inject(gateway.address, hub.address, bytes);
    world.runFor(second);
    expect(sent.every((serial) => audit.arrived(serial))).toBe(true);
    expect(audit.violations).toEqual([]);
    expect(hub.tunnel.engine.drops.of('replayed')).toBe(2 * sent.length);
  });
});

/** Checks one sequence against N3's timetable; `base` are the waits before jitter. */
function expectTimetable(sequence: readonly SentInitiation[], base: readonly number[]): void {
  for (const [i, initiation] of sequence.entries()) {
    const offsets = initiation.transmissions.map(({ at }) => at - initiation.at);
    const next = sequence[i + 1];
    const wanted = i < limits.attemptsWithCopies ? [0, 1000, 2500] : [0];
    if (next !== undefined) expect([i, offsets]).toEqual([i, wanted]);
    const [first] = initiation.transmissions;
    for (const copy of initiation.transmissions) {
      expect(copy.datagrams.map(beforeMac2)).toEqual(first?.datagrams.map(beforeMac2));
      expect(copy.datagrams.map(({ to }) => to)).toEqual(first?.datagrams.map(({ to }) => to));
    }
    if (next === undefined) continue;
    const wait = (next.at - initiation.at) / (base[Math.min(i, base.length - 1)] ?? 0);
    expect(wait).toBeGreaterThanOrEqual(0.8);
    expect(wait).toBeLessThanOrEqual(1.2);
  }
}

describe('N3: an initiator nobody answers', () => {
  it('sends copies at 1 s and 2.5 s of the first three attempts, new ones after 5, 5, 10, 20, 20 s, and gives up after 90 s', () => {
    const waits: number[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const { world, gateway, hub } = gatewayAndHub(paperSuite(seed));
      const audit = new Audit(world);
      hub.sleep();
      world.run(second);
      audit.send(gateway, hub);
      world.run(10 * minute);
      const sequence = initiationsIn(world.wire);
      expectTimetable(
        sequence,
        [5, 5, 10, 20].map((s) => s * second),
      );
      for (const [i, { at }] of sequence.entries())
        waits.push(((sequence[i + 1]?.at ?? Number.NaN) - at) / second);
      expect(gateway.eventsOf('handshake-gave-up').map(({ at }) => at)).toEqual([second + 90 * second]);
      expect(sequence.at(-1)?.at).toBeLessThanOrEqual(second + 90 * second);
      expect(91 * second - (sequence.at(-1)?.at ?? 0)).toBeLessThanOrEqual(24 * second);
      expect(world.wire.length).toBe(
        sequence.flatMap(({ transmissions }) => transmissions.flatMap(({ datagrams }) => datagrams)).length,
      );
    }
    const long = waits.filter((wait) => wait > 15);
    expect(Math.min(...long)).toBeLessThan(17.5); // the jitter is used on both sides
    expect(Math.max(...long)).toBeGreaterThan(22.5);
  });

  it('begins each attempt with a new index, new keys and a larger timestamp', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    hub.sleep();
    new Audit(world).send(gateway, hub);
    world.run(2 * minute);
    const sequence = initiationsIn(world.wire);
    expect(new Set(sequence.map(({ index }) => index)).size).toBe(sequence.length);
    const ephemerals = sequence.map(({ transmissions }) =>
      transmissions[0]?.datagrams[0]?.bytes.slice(8, 40).join(),
    );
    expect(new Set(ephemerals).size).toBe(sequence.length);
  });

  it('goes on for 90 s after the last outgoing data, staged or not', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    const audit = new Audit(world);
    hub.sleep();
    audit.send(gateway, hub);
    for (const at of [40, 80, 120]) {
      world.run(at * second);
      audit.send(gateway, hub);
    }
    world.run(10 * minute);
    expect(gateway.eventsOf('handshake-gave-up').map(({ at }) => at)).toEqual([210 * second]);
    expectTimetable(
      initiationsIn(world.wire),
      [5, 5, 10, 20].map((s) => s * second),
    );
  });

  it('counts data sent under a session still alive as outgoing data, too', () => {
    const { world, gateway, hub, audit } = connected(node());
    world.interceptor = (datagram) => (kindOf(datagram) === 'initiation' ? [] : undefined);
    for (const at of [121, 140, 175]) {
      world.run(at * second);
      audit.send(gateway, hub);
    }
    world.run(10 * minute);
    expect(audit.missing()).toEqual([]);
    expect(gateway.eventsOf('handshake-gave-up').map(({ at }) => at)).toEqual([265 * second]);
  });

  it('loses what was staged when it gives up, and begins anew with the next packet', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    const audit = new Audit(world);
    hub.sleep();
    const lost = audit.send(gateway, hub);
    world.run(5 * minute);
    hub.wake();
    const fresh = audit.send(gateway, hub);
    world.runFor(second);
    expect([audit.arrived(lost), audit.arrived(fresh)]).toEqual([false, true]);
  });

  it('metered: waits 5, 5, 10, 20, 40 … 600 s', () => {
    for (let seed = 1; seed <= 4; seed++) {
      const { world, hub } = gatewayAndHub(paperSuite(seed), {
        gateway: { profile: 'metered', persistentKeepalive: limits.keepaliveTimeout },
      });
      hub.sleep();
      world.run(3 * hour);
      const sequence = initiationsIn(world.wire);
      expect(sequence.length).toBeGreaterThan(15);
      expectTimetable(
        sequence,
        [5, 5, 10, 20, 40, 80, 160, 320, 600].map((s) => s * second),
      );
    }
  });

  it('ends the sequence with S1: no copy and no attempt after it', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    const audit = new Audit(world);
    world.conditions = { ...goodNetwork, delay: 700 }; // S1 after the first copy, before the second
    audit.send(gateway, hub);
    world.run(15 * second);
    expect(initiationsIn(world.wire).map(({ transmissions }) => transmissions.length)).toEqual([2]);
    expect(gateway.eventsOf('peer-established')).toHaveLength(1);
  });

  it('ends it with a confirm as responder too, sends what was staged, and still takes an outstanding response', () => {
    const { world, gateway, hub } = gatewayAndHub(node(), { hub: { knowsEndpoint: true } });
    const audit = new Audit(world);
    const held: Parameters<World['inject']>[] = [];
    world.interceptor = (datagram) => {
      if (kindOf(datagram) !== 'response' || datagram.to !== gateway.address) return undefined;
      held.push([datagram.from, datagram.to, datagram.bytes]);
      return [];
    };
    const staged = audit.send(gateway, hub);
    world.run(6 * second); // beyond T5
    audit.send(hub, gateway);
    world.runUntil(() => gateway.eventsOf('peer-established').length > 0, 10 * second);
    expect(gateway.eventsOf('peer-established').map(({ role }) => role)).toEqual(['responder']);
    world.runFor(20);
    expect(audit.arrived(staged)).toBe(true);
    const before = world.now;
    world.runFor(8 * second);
    expect(sentSince(world, before, { kind: 'initiation', by: gateway })).toEqual([]);
    for (const args of held.slice(-6)) world.inject(...args); // a third attempt: six fragments
    world.runFor(second);
    expect(gateway.eventsOf('peer-established').map(({ role }) => role)).toEqual(['responder', 'initiator']);
    expect(audit.missing()).toEqual([]);
    expect(audit.violations).toEqual([]);
  });

  it('a new pre-shared key ends an initiation whose sequence was ended by the other side', () => {
    const { world, gateway, hub } = gatewayAndHub(node(), { hub: { knowsEndpoint: true } });
    const audit = new Audit(world);
    const held: Parameters<World['inject']>[] = [];
    world.interceptor = (datagram) => {
      if (kindOf(datagram) !== 'response' || datagram.to !== gateway.address) return undefined;
      held.push([datagram.from, datagram.to, datagram.bytes]);
      return [];
    };
    audit.send(gateway, hub);
    world.run(6 * second); // beyond T5
    audit.send(hub, gateway);
    world.runUntil(() => gateway.eventsOf('peer-established').length > 0, 10 * second);
    const presharedKey = new Secret(new Uint8Array(32).fill(7));
    gateway.act(({ engine }, now) => engine.updatePeer(now, gateway.peer(hub), { presharedKey }));
    for (const args of held) world.inject(...args);
    world.runFor(second);
    expect(gateway.eventsOf('peer-established').map(({ role }) => role)).toEqual(['responder']);
    expect(gateway.tunnel.engine.drops.of('unexpected-response')).toBe(held.length);
  });

  it('N1: forgets an initiation nobody answers though its sequence was ended by the other side', () => {
    const profile = 'metered' as const;
    const { world, gateway, hub } = gatewayAndHub(node(), {
      gateway: { profile },
      hub: { profile, knowsEndpoint: true },
    });
    const audit = new Audit(world, profile);
    hub.sleep();
    for (let at = 0; at <= 480; at += 60) {
      world.run(at * second);
      audit.send(gateway, hub);
    }
    world.run(500 * second); // more than 90 s after the last initiation
    world.interceptor = (datagram) =>
      kindOf(datagram) === 'initiation' && datagram.from === gateway.address ? [] : undefined;
    hub.wake();
    audit.send(hub, gateway);
    world.runFor(second);
    expect(gateway.eventsOf('peer-established').map(({ role }) => role)).toEqual(['responder']);
    world.runFor(95 * second);
    expect(gateway.tunnel.engine.sizes().indices).toBe(1); // the session's
    world.runFor(3 * hour);
    expect(gateway.tunnel.engine.sizes().indices).toBe(0);
  });

  it('starts anew at a change of the local address', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    hub.sleep();
    new Audit(world).send(gateway, hub);
    world.run(40 * second);
    gateway.act(({ engine }, now) => engine.handleNetworkChange(now));
    world.run(10 * minute);
    const sequence = initiationsIn(sentSince(world, 40 * second));
    expect(sequence[0]?.at).toBe(40 * second);
    expectTimetable(
      sequence,
      [5, 5, 10, 20].map((s) => s * second),
    );
    expect(gateway.eventsOf('handshake-gave-up').map(({ at }) => at)).toEqual([130 * second]);
  });
});

describe('M: the largest datagram of an initiation', () => {
  const sizesOf = (initiation: SentInitiation | undefined) =>
    initiation?.transmissions[0]?.datagrams.map(({ bytes }) => bytes.length);

  it.each([
    [1, [1230, 1230], [437, 437, 437, 437, 437, 435]],
    [2, [1122, 1122, 1120], [504, 504, 504, 504, 504, 504, 500]],
  ] as const)(
    'suite %i: is 508 B after two failed attempts over IPv4, until a handshake succeeds',
    (suite, usual, cautious) => {
      const { world, gateway, hub } = gatewayAndHub(node(), { gateway: { suite }, hub: { suite } });
      const audit = new Audit(world);
      hub.sleep();
      audit.send(gateway, hub);
      world.run(35 * second);
      const sequence = initiationsIn(world.wire);
      expect(sequence.map(sizesOf)).toEqual(sequence.map((_, i) => (i < 2 ? usual : cautious)));
      expect(sequence.length).toBeGreaterThanOrEqual(4);
      hub.wake();
      world.run(90 * second);
      expect(gateway.eventsOf('peer-established')).toHaveLength(1);
      world.run(400 * second);
      audit.send(gateway, hub);
      world.runFor(second);
      expect(sizesOf(initiationsIn(world.wire).at(-1))).toEqual(usual);
      expect(audit.missing()).toEqual([]);
    },
  );

  it('stays cautious over giving up, and the response fits the path too', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    const audit = new Audit(world);
    world.conditions = { ...goodNetwork, mtu: 508 };
    audit.send(gateway, hub);
    expect(world.runUntil(() => audit.missing().length === 0, 30 * second)).toBe(true);
    expect(gateway.eventsOf('peer-established')).toHaveLength(1);
    const response = sentSince(world, 0, { kind: 'response' });
    expect(Math.max(...response.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(508);
  });

  it('is the configured one again after a change of the local address', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    hub.sleep();
    new Audit(world).send(gateway, hub);
    world.run(35 * second);
    gateway.act(({ engine }, now) => engine.handleNetworkChange(now));
    world.run(37 * second);
    expect(sizesOf(initiationsIn(world.wire).at(-1))).toEqual([1230, 1230]);
  });

  it('is the configured one again once the other side has begun a session', () => {
    const { world, gateway, hub } = gatewayAndHub(node(), { hub: { knowsEndpoint: true } });
    const audit = new Audit(world);
    world.interceptor = (datagram) =>
      kindOf(datagram) === 'initiation' && datagram.from === gateway.address ? [] : undefined;
    audit.send(gateway, hub);
    world.run(35 * second);
    expect(sizesOf(initiationsIn(sentSince(world, 0, { by: gateway })).at(-1))).toHaveLength(6);
    audit.send(hub, gateway);
    world.runFor(second);
    expect(gateway.eventsOf('peer-established').map(({ role }) => role)).toEqual(['responder']);
    world.run(400 * second); // the session is over
    audit.send(gateway, hub);
    world.runFor(100);
    expect(sizesOf(initiationsIn(sentSince(world, 400 * second, { by: gateway })).at(-1))).toEqual([
      1230, 1230,
    ]);
  });

  it('never shrinks over IPv6', () => {
    const world = new World(1);
    const crypto = node();
    const gateway = world.addHost({ name: 'gateway', address: '2001:db8::1', crypto });
    const hub = world.addHost({ name: 'hub', address: '2001:db8:1::1', crypto });
    gateway.addPeer(hub);
    hub.addPeer(gateway, { knowsEndpoint: false });
    hub.sleep();
    new Audit(world).send(gateway, hub);
    world.run(90 * second);
    const sequence = initiationsIn(world.wire);
    expect(sequence.length).toBeGreaterThanOrEqual(6);
    expect(sequence.map(sizesOf)).toEqual(sequence.map(() => [1230, 1230]));
  });

  it('counts attempts over IPv4 only: failures over IPv6 do not make a later IPv4 attempt cautious', () => {
    const world = new World(1);
    const crypto = node();
    const gateway = world.addHost({ name: 'gateway', address: '2001:db8::1', crypto });
    const hub = world.addHost({ name: 'hub', address: '2001:db8:1::1', crypto });
    const peer = gateway.addPeer(hub);
    hub.addPeer(gateway, { knowsEndpoint: false });
    hub.sleep();
    new Audit(world).send(gateway, hub);
    world.run(50 * second);
    const v4 = endpoint(ip('198.51.100.1'), 51820);
    gateway.act(({ engine }, now) => engine.updatePeer(now, peer, { endpoint: v4 }));
    world.run(89 * second);
    const later = initiationsIn(sentSince(world, 50 * second)).filter(
      ({ transmissions }) => transmissions[0]?.datagrams[0]?.to.ip.length === 4,
    );
    expect(sizesOf(later[0])).toEqual([1230, 1230]);
  });
});
