/** When sessions are renewed, kept alive, given up and forgotten, on virtual time. protocol.md §5.3 T1–T6. */
import { type limits, limits as protocol } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import {
  Audit,
  connected,
  gatewayAndHub,
  initiationsIn,
  kindOf,
  newestSession,
  paperSuite,
  payloadLengthOf,
  Random,
  seededSuite,
  sentSince,
  type World,
} from '../kit/index.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in virtual time; how fast the machine is must not matter

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;
const oneWay = 10;

const node = (seed = 1) => seededSuite(seed, 'node');

/**
 * Handshakes of a gateway that asks at `times` and is answered at once: T1, T2, T6 in their plainest form. It sends nothing
 * but its questions and, 10 s after an answer that no question followed, a keepalive.
 */
function handshakesExpected(times: readonly number[], profile: limits.RekeyProfile): number {
  const { rekeyAfterTime, rejectAfterTime, rekeyOnReceiveAfter } = protocol.sessionLimits(profile);
  let bornAt = Number.NEGATIVE_INFINITY;
  let handshakes = 0;
  const shake = (at: number): void => {
    bornAt = at + 2 * oneWay;
    handshakes++;
  };
  for (const [i, at] of times.entries()) {
    const age = at - bornAt;
    const staged = age >= rejectAfterTime;
    if (age > rekeyAfterTime) shake(at);
    const answeredAt = (staged ? bornAt : at) + 2 * oneWay;
    // The answer was sent before the hub had the new session confirmed, so it comes under the old one: T1, "or previous"
    if (!staged && age + 2 * oneWay > rekeyOnReceiveAfter) shake(at + 5 * second);
    const keepaliveAt = answeredAt + 10 * second;
    const next = times[i + 1] ?? Number.POSITIVE_INFINITY;
    if (next > keepaliveAt && keepaliveAt - bornAt > rekeyAfterTime && keepaliveAt - bornAt < rejectAfterTime)
      shake(keepaliveAt);
  }
  return handshakes;
}

describe('two days of questions and answers', () => {
  it.each([
    ['standard', 400],
    ['metered', 6000],
  ] as const)('with the %s profile lose nothing and renew keys no more than T1 asks', (profile, gap) => {
    const crypto = node();
    const { world, gateway, hub } = gatewayAndHub(crypto, { gateway: { profile }, hub: { profile } });
    world.recording = false;
    const audit = new Audit(world, profile);
    const questions = new Random(7);
    const times: number[] = [];
    for (let at = 1000; at < 2 * day; at += questions.between(second, gap * second)) {
      world.run(at);
      times.push(at);
      const question = audit.send(gateway, hub);
      expect(world.runUntil(() => audit.arrived(question), 100)).toBe(true);
      audit.send(hub, gateway);
    }
    world.runFor(20 * second);
    expect(audit.missing()).toEqual([]);
    expect(audit.violations).toEqual([]);
    const established = gateway.eventsOf('peer-established');
    expect(established.length).toBe(handshakesExpected(times, profile));
    expect(established.every(({ role }) => role === 'initiator')).toBe(true);
    expect(hub.eventsOf('peer-established').every(({ role }) => role === 'responder')).toBe(true);
  });
});

describe('T1: the initiator, sending', () => {
  it.each([
    ['one below', -1, false],
    ['at', 0, false],
    ['one above', 1, true],
  ] as const)('%s REKEY_AFTER_TIME', (_where, offset, rekeys) => {
    const { world, gateway, hub, audit, session } = connected(node());
    world.run(session.bornAtGateway + 120 * second + offset);
    const before = world.now;
    audit.send(gateway, hub);
    world.runFor(3 * second);
    expect(sentSince(world, before, { kind: 'initiation' }).length > 0).toBe(rekeys);
    expect(audit.missing()).toEqual([]);
  });

  it('counts any transport packet, a passive keepalive too', () => {
    const { world, hub, gateway, audit, session } = connected(node());
    world.run(session.bornAtGateway + 115 * second);
    audit.send(hub, gateway);
    world.runFor(20 * second);
    const [first] = initiationsIn(sentSince(world, session.bornAtGateway));
    expect(first?.at).toBe(session.bornAtGateway + 115 * second + oneWay + 10 * second);
  });

  it.each([16, 1024])('counts a probe of %i B, answered or not', (length) => {
    const { world, gateway, hub, session } = connected(node());
    world.run(session.bornAtGateway + 121 * second);
    hub.sleep();
    const before = world.now;
    gateway.act(({ engine }, now) => engine.ping(now, gateway.peer(hub), length));
    world.runFor(0);
    expect(initiationsIn(sentSince(world, before))).toHaveLength(1);
  });

  it('rekeys with the metered limit under the metered profile', () => {
    const profile = { profile: 'metered' } as const;
    const { world, gateway, hub, audit, session } = connected(node(), { gateway: profile, hub: profile });
    for (const [offset, count] of [
      [-1, 0],
      [0, 0],
      [1, 1],
    ] as const) {
      world.run(session.bornAtGateway + 3600 * second + offset);
      audit.send(gateway, hub);
      world.runFor(0);
      expect(initiationsIn(sentSince(world, 600)).length).toBe(count);
    }
    world.runFor(second);
    expect(audit.missing()).toEqual([]);
  });
});

describe('T1: the initiator, only receiving', () => {
  it.each([
    ['one below', -1, false],
    ['at', 0, false],
    ['one above', 1, true],
  ] as const)('%s REJECT − KEEPALIVE − REKEY_TIMEOUT (165 s)', (_where, offset, rekeys) => {
    const { world, gateway, hub, audit, session } = connected(node());
    world.run(session.bornAtGateway + 165 * second + offset - oneWay);
    const before = world.now;
    audit.send(hub, gateway);
    world.runFor(2 * oneWay);
    expect(sentSince(world, before, { kind: 'initiation', by: gateway }).length > 0).toBe(rekeys);
  });

  it('rekeys too where the session it receives under has become the previous one', () => {
    const { world, gateway, hub, audit, session } = connected(node());
    world.run(session.bornAtGateway + 125 * second);
    // The gateway has a new session, but the hub hears nothing of it and goes on under the old one
    world.interceptor = ({ from, bytes }) => (from === gateway.address && bytes[0] === 4 ? [] : undefined);
    audit.send(gateway, hub);
    world.runFor(second);
    expect(gateway.eventsOf('peer-established')).toHaveLength(2);
    for (const [at, count] of [
      [164, 1],
      [166, 2],
    ] as const) {
      world.run(session.bornAtGateway + at * second);
      hub.act(({ plane }, now) => plane.transmit(now, hub.peer(gateway), new Uint8Array(0)));
      world.runFor(2 * oneWay);
      expect(initiationsIn(sentSince(world, 500, { by: gateway })).length).toBe(count);
    }
  });
});

describe('T1: the responder', () => {
  it('never renews by time: it sends under its session to the end and begins one only when it has none', () => {
    const { world, gateway, hub, audit, session } = connected(node());
    world.interceptor = (datagram) =>
      kindOf(datagram) === 'initiation' && datagram.from === gateway.address ? [] : undefined;
    for (let at = 1; at <= 200; at++) {
      world.run(session.bornAtHub + at * second);
      audit.send(hub, gateway);
      if (world.now - session.bornAtGateway < 180 * second) audit.send(gateway, hub);
    }
    const [first] = initiationsIn(sentSince(world, 500, { by: hub }));
    expect(first?.at).toBe(session.bornAtHub + 180 * second);
    world.runFor(second);
    expect(audit.violations).toEqual([]);
    expect(hub.eventsOf('peer-established').at(-1)?.role).toBe('initiator');
  });
});

describe('T1: by messages, either side', () => {
  it.each([
    ['gateway', 'hub'],
    ['hub', 'gateway'],
  ] as const)('the %s asks for new keys at REKEY_AFTER_MESSAGES, not before', (name, otherName) => {
    const all = connected(node());
    const { world, audit, session } = all;
    const [sender, receiver] = [all[name], all[otherName]];
    const index = name === 'gateway' ? session.gatewayIndex : session.hubIndex;
    world.run(10 * second);
    sender.act(({ plane }) => plane.advanceSendCounter(index, protocol.portableRekeyAfterMessages - 1));
    audit.send(sender, receiver);
    world.runFor(second);
    expect(initiationsIn(sentSince(world, 500))).toHaveLength(0);
    const before = world.now;
    audit.send(sender, receiver);
    world.runFor(second);
    expect(initiationsIn(sentSince(world, before, { by: sender }))).toHaveLength(1);
    audit.send(sender, receiver);
    audit.send(receiver, sender);
    world.runFor(second);
    expect(audit.missing()).toEqual([]);
    expect(audit.violations).toEqual([]);
    expect(sender.eventsOf('peer-established').at(-1)?.role).toBe('initiator');
  });

  it.each([
    ['gateway', 'hub'],
    ['hub', 'gateway'],
  ] as const)(
    'the %s sends nothing from REJECT_AFTER_MESSAGES on: what comes then waits for new keys',
    (name, otherName) => {
      const all = connected(node());
      const { world, audit, session } = all;
      const [sender, receiver] = [all[name], all[otherName]];
      const index = name === 'gateway' ? session.gatewayIndex : session.hubIndex;
      const limit = protocol.portableRejectAfterMessages;
      sender.act(({ plane }) => plane.advanceSendCounter(index, limit - 1));
      world.interceptor = (datagram) => (kindOf(datagram) === 'initiation' ? [] : undefined);
      const last = audit.send(sender, receiver);
      const beyond = audit.send(sender, receiver);
      world.runFor(second);
      expect([audit.arrived(last), audit.arrived(beyond)]).toEqual([true, false]);
      world.interceptor = undefined;
      world.runFor(10 * second);
      expect(audit.missing()).toEqual([]);
      expect(audit.violations).toEqual([]);
    },
  );

  it.each([
    [-1, 'bad-tag'],
    [0, 'counter-limit'],
    [1, 'counter-limit'],
  ] as const)(
    'receives nothing from REJECT_AFTER_MESSAGES on: the limit and %i dies of %s',
    (offset, drop) => {
      const { world, gateway, hub, session } = connected(node());
      const forged = new Uint8Array(48);
      const view = new DataView(forged.buffer);
      view.setUint32(0, 4, true);
      view.setUint32(4, session.hubIndex, true);
      view.setBigUint64(8, BigInt(protocol.portableRejectAfterMessages + offset), true);
      world.inject(gateway.address, hub.address, forged);
      world.runFor(second);
      expect(hub.tunnel.engine.drops.of(drop)).toBe(1);
    },
  );
});

describe('T2: passive keepalive', () => {
  const keepalivesOf = (world: World, since: number) =>
    sentSince(world, since, { kind: 'transport' }).filter((datagram) => payloadLengthOf(datagram) === 0);

  it('comes 10 s after the first data nothing was sent after, once', () => {
    const { world, gateway, hub, audit } = connected(node());
    world.run(20 * second);
    audit.send(hub, gateway);
    world.run(25 * second);
    audit.send(hub, gateway);
    world.run(100 * second);
    expect(keepalivesOf(world, 20 * second).map(({ at, from }) => [at, from === gateway.address])).toEqual([
      [20 * second + oneWay + 10 * second, true],
    ]);
  });

  it('is not owed when something was sent meanwhile', () => {
    const { world, gateway, hub, audit } = connected(node());
    world.run(20 * second);
    audit.send(hub, gateway);
    world.run(29 * second);
    audit.send(gateway, hub);
    world.run(38 * second); // before the hub owes its own
    expect(keepalivesOf(world, 20 * second)).toEqual([]);
  });

  it('is neither started nor stopped by probes and answers', () => {
    const { world, gateway, hub, audit } = connected(node());
    world.run(20 * second);
    hub.act(({ engine }, now) => engine.ping(now, hub.peer(gateway), 128));
    world.run(40 * second);
    expect(keepalivesOf(world, 20 * second)).toEqual([]);
    audit.send(hub, gateway);
    world.run(45 * second);
    gateway.act(({ engine }, now) => engine.ping(now, gateway.peer(hub), 128));
    world.run(60 * second);
    expect(keepalivesOf(world, 40 * second).map(({ at }) => at)).toEqual([50 * second + oneWay]);
  });

  it('is not owed by a hub whose staged data left in answer to the packet that confirmed the session', () => {
    const { world, gateway, hub } = gatewayAndHub(node(), { hub: { knowsEndpoint: true } });
    const audit = new Audit(world);
    world.interceptor = (datagram) =>
      kindOf(datagram) === 'initiation' && datagram.from === hub.address ? [] : undefined;
    audit.send(hub, gateway);
    audit.send(gateway, hub);
    world.run(30 * second);
    expect(audit.missing()).toEqual([]);
    expect(keepalivesOf(world, 0).map(({ from }) => from === gateway.address)).toEqual([true]);
  });
});

describe('T3: data sent and nothing heard', () => {
  it.each([
    ['gateway', 'hub'],
    ['hub', 'gateway'],
  ] as const)('makes the %s initiate after 15 s and up to 1 s of jitter', (name, otherName) => {
    const delays = Array.from({ length: 24 }, (_, seed) => {
      const all = connected(paperSuite(seed));
      const { world, audit } = all;
      const sender = all[name];
      world.run(20 * second);
      all[otherName].sleep();
      audit.send(sender, all[otherName]);
      world.run(30 * second);
      audit.send(sender, all[otherName]); // later data does not put it off
      world.run(60 * second);
      return (initiationsIn(sentSince(world, 500))[0]?.at ?? 0) - 20 * second;
    });
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(15 * second);
    expect(Math.max(...delays)).toBeLessThanOrEqual(16 * second);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(500); // it is spread, not fixed
  });

  it('is put off by anything authenticated, a keepalive or an answer, up to the last moment', () => {
    for (const help of ['keepalive', 'answer'] as const) {
      const { world, gateway, hub, audit } = connected(node());
      world.run(20 * second);
      hub.sleep();
      audit.send(gateway, hub);
      world.run(35 * second - 2 * oneWay - 1);
      hub.wake();
      if (help === 'keepalive')
        hub.act(({ plane }, now) => plane.transmit(now, hub.peer(gateway), new Uint8Array(0)));
      else gateway.act(({ engine }, now) => engine.ping(now, gateway.peer(hub), 128));
      world.run(100 * second);
      expect(initiationsIn(sentSince(world, 500)), help).toHaveLength(0);
    }
  });

  it.each([
    [16, true],
    [64, true],
    [80, false],
    [1280, false],
  ] as const)('T4: a probe of %i B counts as data sent: %s', (length, counts) => {
    const { world, gateway, hub } = connected(node());
    world.run(20 * second);
    hub.sleep();
    gateway.act(({ engine }, now) => engine.ping(now, gateway.peer(hub), length));
    world.run(50 * second);
    expect(initiationsIn(sentSince(world, 500)).length > 0).toBe(counts);
  });

  it('T4: a path probe (0x03) counts for nothing', () => {
    const { world, gateway, hub } = connected(node());
    world.run(20 * second);
    hub.sleep();
    const probe = Uint8Array.from([3, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0]);
    gateway.act(({ plane }, now) => plane.transmit(now, gateway.peer(hub), probe));
    world.run(50 * second);
    expect(initiationsIn(sentSince(world, 500))).toHaveLength(0);
  });
});

describe('T4: PersistentKeepalive and probes', () => {
  it('is a probe of 16 B to a hybrid peer, which answers with 16 B', () => {
    const { world, gateway, hub } = connected(node(), {
      gateway: { persistentKeepalive: protocol.keepaliveTimeout },
    });
    const since = 15 * second; // the hub's passive keepalive for the first packet is over
    world.run(80 * second);
    const sent = sentSince(world, since, { kind: 'transport' });
    expect(sent.length).toBeGreaterThanOrEqual(12);
    expect(new Set(sent.map(payloadLengthOf))).toEqual(new Set([16]));
    expect(
      sent.map(({ from }) => (from === gateway.address ? 'gateway' : from === hub.address ? 'hub' : '?')),
    ).toEqual(sent.map((_, i) => (i % 2 === 0 ? 'gateway' : 'hub')));
    expect(gateway.eventsOf('pong').length).toBeGreaterThanOrEqual(Math.floor(sent.length / 2));
    expect(gateway.eventsOf('pong').every(({ roundTrip }) => roundTrip === 2 * oneWay)).toBe(true);
  });

  it('is an empty packet to a classical peer, which answers nothing', () => {
    const { world, gateway } = connected(node(), {
      gateway: { classical: true, persistentKeepalive: protocol.keepaliveTimeout },
      hub: { classical: true },
    });
    world.run(80 * second);
    const sent = sentSince(world, 15 * second, { kind: 'transport' });
    expect(sent.map((datagram) => [datagram.from === gateway.address, payloadLengthOf(datagram)])).toEqual(
      Array.from({ length: 6 }, () => [true, 0]),
    );
  });

  it('counts for N3 as outgoing data: a sequence to a dead hub never gives up', () => {
    const { world, gateway, hub } = gatewayAndHub(paperSuite(1), {
      gateway: { persistentKeepalive: protocol.keepaliveTimeout },
    });
    hub.sleep();
    world.run(hour);
    expect(gateway.eventsOf('handshake-gave-up')).toEqual([]);
    const last = initiationsIn(world.wire).at(-1);
    expect(hour - (last?.at ?? 0)).toBeLessThanOrEqual(24 * second);
  });

  it('answers at most 16 probes in any second', () => {
    const { world, gateway, hub } = connected(node());
    /** A probe that reaches the hub at `at`. */
    const pingFor = (at: number) => {
      world.run(at - oneWay);
      gateway.act(({ engine }, now) => engine.ping(now, gateway.peer(hub), 32));
    };
    for (let i = 0; i < 16; i++) pingFor(2 * second);
    for (const at of [2.5 * second, 3 * second - 1, 3 * second, 3 * second + 1]) pingFor(at);
    world.runFor(second);
    expect(sentSince(world, second, { kind: 'transport', by: hub }).map(({ at }) => at)).toEqual([
      ...Array.from({ length: 16 }, () => 2 * second),
      3 * second,
      3 * second + 1,
    ]);
    expect(hub.tunnel.engine.drops.of('answer-limit')).toBe(2);
  });

  it('says in the answer how long the probe was, and ignores kinds it does not know', () => {
    const { world, gateway, hub } = connected(node());
    const unknown = new Uint8Array(16).fill(0, 1);
    unknown[0] = 0x0f;
    gateway.act(({ plane }, now) => plane.transmit(now, gateway.peer(hub), unknown));
    world.run(2 * second);
    expect(hub.tunnel.engine.drops.of('unknown-control')).toBe(1);
    expect(sentSince(world, 600, { by: hub })).toEqual([]);
  });

  it('drops every control message on a classical session', () => {
    const { world, gateway, hub } = connected(node(), {
      gateway: { classical: true },
      hub: { classical: true },
    });
    const probe = new Uint8Array(16);
    for (const kind of [0, 1, 2, 3, 15]) {
      probe[0] = kind;
      gateway.act(({ plane }, now) => plane.transmit(now, gateway.peer(hub), probe));
    }
    world.run(2 * second);
    expect(hub.tunnel.engine.drops.of('control-on-classical')).toBe(5);
    expect(sentSince(world, 600, { by: hub })).toEqual([]);
  });
});

describe('T5: a young next postpones an own initiation', () => {
  /** The hub has answered at 510 ms, but its response was lost; at 1 s it has data of its own. */
  const halfOpen = () => {
    const { world, gateway, hub } = gatewayAndHub(node(), { hub: { knowsEndpoint: true } });
    const audit = new Audit(world);
    world.interceptor = (datagram) => (kindOf(datagram) === 'response' ? [] : undefined);
    world.run(500);
    audit.send(gateway, hub);
    world.run(second);
    audit.send(hub, gateway);
    return { world, gateway, hub, audit };
  };
  const firstOf = (world: World, host: Parameters<typeof sentSince>[2]) =>
    initiationsIn(sentSince(world, 0, host))[0]?.at;

  it('until that next is 5 s old', () => {
    const { world, hub, gateway } = halfOpen();
    gateway.sleep();
    world.run(20 * second);
    expect(firstOf(world, { by: hub })).toBe(510 + 5 * second);
  });

  it('once, though another next came meanwhile', () => {
    const { world, hub, gateway } = halfOpen();
    world.run(3 * second);
    gateway.act(({ engine }, now) => engine.handleNetworkChange(now));
    world.runFor(20);
    gateway.sleep();
    world.run(20 * second);
    expect(sentSince(world, 3 * second, { kind: 'response' }).length).toBeGreaterThan(0);
    expect(firstOf(world, { by: hub })).toBe(510 + 5 * second);
  });

  it('not at all when it is 5 s old already', () => {
    const { world, gateway, hub } = gatewayAndHub(node(), { hub: { knowsEndpoint: true } });
    const audit = new Audit(world);
    world.interceptor = (datagram) => (kindOf(datagram) === 'response' ? [] : undefined);
    audit.send(gateway, hub);
    world.run(100);
    gateway.sleep();
    world.run(oneWay + 5 * second);
    audit.send(hub, gateway);
    world.runFor(0);
    expect(firstOf(world, { by: hub })).toBe(oneWay + 5 * second);
  });
});

describe('T6: the end of a session', () => {
  it.each([
    ['standard', 180],
    ['metered', 5400],
  ] as const)('comes at REJECT_AFTER_TIME of the %s profile, for sending', (profile, seconds) => {
    for (const offset of [-1, 0, 1]) {
      const { world, gateway, hub, session } = connected(node(), { gateway: { profile }, hub: { profile } });
      world.run(session.bornAtGateway + seconds * second + offset);
      const before = world.now;
      const audit = new Audit(world, profile);
      audit.send(gateway, hub);
      const kinds = sentSince(world, before).map(kindOf);
      if (offset < 0) expect(kinds).toContain('transport');
      else expect(kinds).not.toContain('transport');
      world.runFor(second);
      // The hub's end was born one flight earlier: what left in the last 10 ms comes too late there
      expect(audit.missing().length).toBe(offset < 0 ? 1 : 0);
      expect(gateway.eventsOf('peer-expired').map(({ at }) => at)).toEqual([
        session.bornAtGateway + seconds * second,
      ]);
    }
  });

  it('comes at REJECT_AFTER_TIME for receiving too, and then data is a profile-mismatch for an hour', () => {
    const { world, gateway, hub, audit, session } = connected(node());
    world.run(session.bornAtGateway + 110 * second);
    const held: Uint8Array[] = [];
    world.interceptor = ({ bytes }) => {
      held.push(bytes);
      return [];
    };
    const serials = [
      audit.send(gateway, hub),
      audit.send(gateway, hub),
      audit.send(gateway, hub),
      audit.send(gateway, hub),
    ];
    const [inTime = new Uint8Array(), late = inTime, hourLater = inTime, tooLate = inTime] = held;
    world.interceptor = () => [];
    const end = session.bornAtHub + 180 * second;
    const mismatches = () => hub.tunnel.engine.drops.of('profile-mismatch');
    const arrivals = [
      [end - 1, inTime],
      [end, late],
      [end + hour, hourLater],
      [end + hour + 1, tooLate],
    ] as const;
    for (const [at, bytes] of arrivals) {
      world.run(at - oneWay);
      world.inject(gateway.address, hub.address, bytes);
    }
    world.runFor(second);
    expect(serials.map((serial) => audit.arrivedAt(serial))).toEqual([
      end - 1,
      undefined,
      undefined,
      undefined,
    ]);
    expect([mismatches(), hub.tunnel.engine.drops.of('unknown-index')]).toEqual([2, 1]);
    expect(audit.violations).toEqual([]);
  });

  it('erases what is staged once 3 × REJECT_AFTER_TIME have passed without a session, but not a running N3', () => {
    const { world, gateway, hub, session } = connected(node());
    const audit = new Audit(world);
    world.run(20 * second);
    hub.sleep();
    const gone = session.bornAtGateway + 180 * second;
    const serials: { serial: number; at: number }[] = [];
    for (let at = gone + 5 * second; at < gone + 560 * second; at += 60 * second) {
      world.run(at);
      serials.push({ serial: audit.send(gateway, hub), at });
    }
    expect(gateway.eventsOf('handshake-gave-up')).toEqual([]);
    hub.wake();
    world.runFor(30 * second);
    for (const { serial, at } of serials)
      expect([at, audit.arrived(serial)]).toEqual([at, at > gone + 540 * second]);
  });

  it('erases what is staged for a peer that never had a session, too', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    const audit = new Audit(world);
    hub.sleep();
    const serials: { serial: number; at: number }[] = [];
    for (let at = 0; at < 560 * second; at += 60 * second) {
      world.run(at);
      serials.push({ serial: audit.send(gateway, hub), at });
    }
    world.run(545 * second);
    serials.push({ serial: audit.send(gateway, hub), at: 545 * second });
    hub.wake();
    world.runFor(30 * second);
    for (const { serial, at } of serials)
      expect([at, audit.arrived(serial)]).toEqual([at, at >= 540 * second]);
  });

  it('keeps stored timestamp, endpoint and PersistentKeepalive beyond that, and owes nothing any more', () => {
    const { world, gateway, hub } = connected(node());
    const [initiation] = initiationsIn(world.wire);
    world.run(180 * second + 540 * second + hour);
    expect(gateway.tunnel.nextDeadline()).toBeUndefined();
    expect(hub.tunnel.nextDeadline()).toBeUndefined();
    expect(hub.tunnel.engine.status(world.now, hub.peer(gateway)).endpoint).toEqual(gateway.address);
    const before = world.now;
    for (const { bytes } of initiation?.transmissions[0]?.datagrams ?? [])
      world.inject(gateway.address, hub.address, bytes);
    world.runFor(second);
    expect(hub.tunnel.engine.drops.of('stale-timestamp')).toBe(1);
    expect(sentSince(world, before)).toEqual([]);
  });

  it('lets PersistentKeepalive bring the session back days later', () => {
    const { world, gateway, hub } = connected(paperSuite(1), {
      gateway: { persistentKeepalive: protocol.keepaliveTimeout },
    });
    hub.sleep();
    world.run(day);
    hub.wake();
    expect(world.runUntil(() => hub.eventsOf('peer-established').length === 2, 30 * second)).toBe(true);
    expect(newestSession(world, gateway).bornAtGateway).toBeGreaterThan(day);
  });
});
