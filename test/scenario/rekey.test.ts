/** When sessions are renewed, on virtual time. protocol.md §5.3 T1. */
import { type limits, limits as protocol } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import {
  Audit,
  connected,
  gatewayAndHub,
  initiationsIn,
  kindOf,
  Random,
  seededSuite,
  sentSince,
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

  it('counts an answer to a probe', () => {
    const { world, gateway, hub, session } = connected(node());
    world.run(session.bornAtGateway + 121 * second);
    const start = world.now;
    hub.act(({ engine }, now) => engine.ping(now, hub.peer(gateway)));
    world.runFor(second);
    expect(sentSince(world, start, { kind: 'initiation', by: gateway })).not.toEqual([]);
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
