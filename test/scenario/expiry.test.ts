/** How a handshake waits for another, and how a session ends. protocol.md §5.3 T5, T6. */
import { limits as protocol } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import {
  Audit,
  connected,
  gatewayAndHub,
  initiationsIn,
  kindOf,
  newestSession,
  paperSuite,
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

  it('counts no time without a session while there is one that the other side began', () => {
    const { world, gateway, hub, audit } = connected(node());
    // the hub has been there for 540 s when it owes the gateway a keepalive
    world.run(535 * second);
    audit.send(gateway, hub);
    world.run(544 * second);
    expect(sentSince(world, 540 * second, { kind: 'transport', by: hub })).toEqual([]);
    world.run(546 * second);
    expect(sentSince(world, 544 * second, { kind: 'transport', by: hub })).toHaveLength(1);
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
