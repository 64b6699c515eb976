/** Nobody speaks without a reason: I11, fault 29, and what a dead hub or a keepalive costs in a day. protocol.md §5.2 N3, §5.3. */
import { limits, millis } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import {
  Audit,
  connected,
  gatewayAndHub,
  initiationsIn,
  kindOf,
  paperSuite,
  payloadLengthOf,
  seededSuite,
  sentSince,
  type World,
} from '../kit/index.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in virtual time; how fast the machine is must not matter

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const node = (seed = 1) => seededSuite(seed, 'node');

/** Outer bytes without UDP and IP headers. */
const bytesIn = (wire: World['wire']) => wire.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** Bytes of one whole handshake of suite 1: two and two fragments, and the keepalive that confirms. */
const initiationBytes = 2380 + 2 * 40;
const responseBytes = 2224 + 2 * 44;
const keepaliveBytes = 32;
const probeBytes = 48;

describe('an idle tunnel', () => {
  it.each([
    ['hybrid', false],
    ['classical', true],
  ] as const)(
    'fault 29: %s, sends nothing for ten minutes, nor for a day, after its one passive keepalive',
    (_kind, classical) => {
      const { world, audit } = connected(node(), { gateway: { classical }, hub: { classical } });
      world.run(11 * second);
      expect(sentSince(world, 500).map(payloadLengthOf)).toEqual([0]);
      world.run(11 * second + 10 * minute);
      expect(sentSince(world, 11 * second)).toEqual([]);
      world.run(day);
      expect(sentSince(world, 11 * second)).toEqual([]);
      expect(audit.violations).toEqual([]);
    },
  );

  it('never spoken in, stays silent from the first moment', () => {
    const { world } = gatewayAndHub(node());
    world.run(day);
    expect(world.wire).toEqual([]);
  });

  it('after questions and answers, falls silent within the passive keepalive', () => {
    const { world, gateway, hub, audit } = connected(node());
    for (let i = 0; i < 20; i++) {
      world.runFor(7 * second);
      audit.send(gateway, hub);
      world.runFor(20);
      audit.send(hub, gateway);
    }
    const last = world.now;
    world.run(day);
    const after = sentSince(world, last + 1, { kind: 'transport' });
    expect(after.filter((datagram) => payloadLengthOf(datagram) > 0)).toEqual([]);
    expect(Math.max(...sentSince(world, last + 1).map(({ at }) => at))).toBeLessThanOrEqual(
      last + 11 * second,
    );
  });

  it('I11: answers nothing to strangers that do not know it', () => {
    const { world, gateway, hub } = connected(node());
    world.run(minute);
    const before = world.now;
    for (const { to, bytes } of [...world.wire]) {
      const damaged = bytes.slice();
      damaged[9] = (damaged[9] ?? 0) ^ 0x80;
      world.inject(gateway.address, to, damaged);
      world.inject(hub.address, to, damaged);
    }
    world.runFor(hour);
    expect(sentSince(world, before)).toEqual([]);
  });
});

describe('a dead hub, for a day', () => {
  it('without traffic costs nothing', () => {
    const { world, hub } = connected(node());
    world.run(minute);
    hub.sleep();
    world.run(day);
    expect(sentSince(world, 11 * second)).toEqual([]);
  });

  it('with one packet costs one sequence of 90 s, and no more', () => {
    const { world, gateway, hub, audit } = connected(node());
    world.run(minute);
    hub.sleep();
    const since = world.now;
    audit.send(gateway, hub);
    world.run(day);
    const sequence = initiationsIn(sentSince(world, since));
    expect((sequence[0]?.at ?? 0) - since).toBeGreaterThanOrEqual(15 * second);
    expect((sequence.at(-1)?.at ?? 0) - (sequence[0]?.at ?? 0)).toBeLessThanOrEqual(90 * second);
    expect(gateway.eventsOf('handshake-gave-up')).toHaveLength(1);
    expect(Math.max(...sentSince(world, since).map(({ at }) => at))).toBeLessThanOrEqual(
      since + 16 * second + 90 * second,
    );
  });

  it.each([
    ['standard', 20],
    ['metered', 600],
  ] as const)('with constant traffic costs an initiation about every %s … %i s', (profile, wait) => {
    const { world, gateway, hub } = gatewayAndHub(paperSuite(2), { gateway: { profile }, hub: { profile } });
    const audit = new Audit(world, profile);
    hub.sleep();
    for (let at = 0; at < day; at += 30 * second) {
      world.run(at);
      audit.send(gateway, hub);
    }
    world.run(day);
    const sequence = initiationsIn(world.wire);
    // N3: each wait is one of the table's, ±20 %; so the sum has no other freedom
    const early = profile === 'standard' ? [5, 5, 10] : [5, 5, 10, 20, 40, 80, 160, 320];
    const last = (day / second - early.reduce((sum, s) => sum + s, 0)) / wait;
    expect(sequence.length).toBeGreaterThanOrEqual(early.length + Math.floor(last / 1.2));
    expect(sequence.length).toBeLessThanOrEqual(1 + early.length + Math.ceil(last / 0.8));
    expect(Math.abs(sequence.length - early.length - last)).toBeLessThan(0.03 * last + 5); // the jitter is centred
    for (const [i, { at }] of sequence.entries()) {
      if (i === 0) continue;
      const gap = (at - (sequence[i - 1]?.at ?? 0)) / second / (early[i - 1] ?? wait);
      expect(gap).toBeGreaterThanOrEqual(0.8);
      expect(gap).toBeLessThanOrEqual(1.2);
    }
    // Two attempts of two fragments with two copies each, one of six with two copies, then six fragments each
    const cautious = 2380 + 6 * 40;
    expect(bytesIn(world.wire)).toBe(
      2 * 3 * initiationBytes + 3 * cautious + (sequence.length - 3) * cautious,
    );
    expect(world.wire.every((datagram) => kindOf(datagram) === 'initiation')).toBe(true);
  });
});

describe('PersistentKeepalive of 25 s, for a day', () => {
  const interval = 25 * second;

  it('hybrid: one probe and one answer each time, a handshake about every 125 s, nothing else', () => {
    const { world, gateway, hub } = gatewayAndHub(paperSuite(3), {
      gateway: { persistentKeepalive: millis(interval) },
    });
    world.run(day);
    const since = second; // without the first handshake
    const transport = sentSince(world, since, { kind: 'transport' });
    const probes = transport.filter(
      (datagram) => datagram.from === gateway.address && payloadLengthOf(datagram) === 16,
    );
    const answers = transport.filter((datagram) => datagram.from === hub.address);
    const handshakes = gateway.eventsOf('peer-established').length - 1;
    // The interval begins anew with whatever passes, the answer 20 ms later being the last
    expect(probes.length).toBe(Math.floor(day / (interval + 20)));
    expect(answers.length).toBe(probes.length);
    expect(answers.every((datagram) => payloadLengthOf(datagram) === 16)).toBe(true);
    // T1: the first probe older than 120 s is the fifth, at 125.1 s
    expect(Math.abs(handshakes - probes.length / 5)).toBeLessThanOrEqual(1);
    expect(transport.length).toBe(probes.length + answers.length + handshakes); // each handshake is confirmed by a keepalive
    expect(bytesIn(sentSince(world, since))).toBe(
      2 * probes.length * probeBytes + handshakes * (initiationBytes + responseBytes + keepaliveBytes),
    );
  });

  it('hybrid, metered: a handshake about every hour', () => {
    const profile = 'metered' as const;
    const { world, gateway } = gatewayAndHub(paperSuite(3), {
      gateway: { persistentKeepalive: millis(interval), profile },
      hub: { profile },
    });
    world.run(day);
    const handshakes = gateway.eventsOf('peer-established').length;
    expect(handshakes).toBeGreaterThanOrEqual(23);
    expect(handshakes).toBeLessThanOrEqual(24);
    const probes = Math.floor((day - second) / (interval + 20));
    expect(
      Math.abs(
        bytesIn(world.wire) -
          2 * probes * probeBytes -
          handshakes * (initiationBytes + responseBytes + keepaliveBytes),
      ),
    ).toBeLessThanOrEqual(4 * probeBytes);
  });

  it('classical: one empty packet each time, no answer, a handshake about every 125 s', () => {
    const { world, gateway, hub } = gatewayAndHub(paperSuite(3), {
      gateway: { classical: true, persistentKeepalive: millis(interval) },
      hub: { classical: true },
    });
    world.run(day);
    const transport = sentSince(world, second, { kind: 'transport' });
    expect(
      transport.every((datagram) => datagram.from === gateway.address && payloadLengthOf(datagram) === 0),
    ).toBe(true);
    expect(sentSince(world, 0, { by: hub }).every((datagram) => kindOf(datagram) === 'response')).toBe(true);
    const handshakes = gateway.eventsOf('peer-established').length - 1;
    expect(Math.abs(transport.length - handshakes - day / interval)).toBeLessThanOrEqual(2);
    expect(bytesIn(sentSince(world, second))).toBe(
      transport.length * keepaliveBytes + handshakes * (148 + 92),
    );
  });

  it('is put off by traffic that passes anyway, either way', () => {
    const { world, gateway, hub, audit } = connected(node(), {
      gateway: { persistentKeepalive: millis(interval) },
    });
    world.run(5 * second);
    for (let i = 0; i < 40; i++) {
      world.runFor(9 * second);
      audit.send(i % 2 === 0 ? gateway : hub, i % 2 === 0 ? hub : gateway);
    }
    world.runFor(second);
    const probes = sentSince(world, second, { kind: 'transport' }).filter(
      (datagram) => payloadLengthOf(datagram) === 16,
    );
    expect(probes).toEqual([]);
    expect(audit.missing()).toEqual([]);
  });

  it('stops when it is taken away, begins at once when it is given', () => {
    const { world, gateway, hub } = connected(node());
    world.run(minute);
    const peer = gateway.peer(hub);
    gateway.act(({ engine }, now) =>
      engine.updatePeer(now, peer, { persistentKeepalive: limits.keepaliveTimeout }),
    );
    world.runFor(500);
    expect(sentSince(world, minute).length).toBe(2);
    gateway.act(({ engine }, now) => engine.updatePeer(now, peer, { persistentKeepalive: null }));
    world.runFor(day);
    expect(sentSince(world, minute).length).toBe(2);
  });
});
