/** Two ends with one rekey profile, and two ends with two. protocol.md §5.3. */
import type { RekeyProfile } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import {
  Audit,
  connected,
  gatewayAndHub,
  initiationsIn,
  kindOf,
  paperSuite,
  Random,
  seededSuite,
  sentSince,
} from '../kit/index.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in virtual time; how fast the machine is must not matter

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('metered on both ends', () => {
  it('renews keys 2 × 24 times in two days of a packet a minute, and loses none', () => {
    const profile = 'metered' as const;
    const { world, gateway, hub } = gatewayAndHub(paperSuite(5), { gateway: { profile }, hub: { profile } });
    world.recording = false;
    const audit = new Audit(world, profile);
    const random = new Random(2);
    while (world.now < 2 * day) {
      world.runFor(random.between(1, 120) * second);
      if (random.chance(0.5)) audit.send(gateway, hub);
      else if (world.now > 10 * minute) audit.send(hub, gateway);
    }
    world.runFor(20 * second);
    expect(audit.missing()).toEqual([]);
    expect(audit.violations).toEqual([]);
    const times = gateway.eventsOf('peer-established').map(({ at }) => at);
    expect(times.length).toBeGreaterThanOrEqual(46);
    expect(times.length).toBeLessThanOrEqual(48);
    for (const [i, at] of times.entries()) {
      if (i > 0) expect(at - (times[i - 1] ?? 0)).toBeGreaterThan(hour);
    }
  });

  it('is not for classical peers: refused, and nothing is changed', () => {
    const { world, gateway, hub } = gatewayAndHub(seededSuite(1, 'node'), { gateway: { classical: true } });
    const peer = gateway.peer(hub);
    expect(() => gateway.tunnel.engine.updatePeer(world.now, peer, { profile: 'metered' })).toThrow(/hybrid/);
    expect(gateway.tunnel.engine.status(world.now, peer).profile).toBe('standard');
    const third = world.addHost({ name: 'third', address: '192.0.2.3', crypto: gateway.crypto });
    expect(() => gateway.addPeer(third, { classical: true, profile: 'metered' })).toThrow(/hybrid/);
    expect(gateway.tunnel.engine.peerIds()).toEqual([peer]);
  });
});

describe('unequal profiles', () => {
  const pairs: readonly (readonly [RekeyProfile, RekeyProfile])[] = [
    ['metered', 'standard'],
    ['standard', 'metered'],
  ];

  it('a metered gateway: the standard hub forgets the session first, counts profile-mismatch, and T3 mends it', () => {
    const { world, gateway, hub, audit } = connected(seededSuite(1, 'node'), {
      gateway: { profile: 'metered' },
    });
    world.run(200 * second);
    const lost = audit.send(gateway, hub);
    world.runFor(second);
    expect(audit.arrived(lost)).toBe(false);
    expect(hub.tunnel.engine.drops.of('profile-mismatch')).toBe(1);
    world.runFor(16 * second);
    expect(gateway.eventsOf('peer-established')).toHaveLength(2);
    const after = [audit.send(gateway, hub), audit.send(hub, gateway)];
    world.runFor(second);
    expect(after.map((serial) => audit.arrived(serial))).toEqual([true, true]);
  });

  it('a metered hub: the standard gateway ends the session first, and what the hub sends on it counts there', () => {
    const { world, gateway, hub, audit } = connected(seededSuite(1, 'node'), { hub: { profile: 'metered' } });
    world.run(200 * second);
    const lost = audit.send(hub, gateway);
    world.runFor(second);
    expect(audit.arrived(lost)).toBe(false);
    expect(gateway.tunnel.engine.drops.of('profile-mismatch')).toBe(1);
    world.runFor(16 * second);
    const after = [audit.send(gateway, hub), audit.send(hub, gateway)];
    world.runFor(second);
    expect(after.map((serial) => audit.arrived(serial))).toEqual([true, true]);
    expect(hub.eventsOf('peer-established').at(-1)?.role).toBe('initiator');
  });

  it.each(pairs)(
    '%s to %s: the sign is seen, and data is never away for more than 26 s',
    (gatewayProfile, hubProfile) => {
      const { world, gateway, hub } = gatewayAndHub(paperSuite(6), {
        gateway: { profile: gatewayProfile },
        hub: { profile: hubProfile },
      });
      world.recording = false;
      const audit = new Audit(world, 'metered');
      const lastArrival = new Map([gateway, hub].map((host) => [host, 0]));
      let longest = 0;
      world.observers.push({
        onDelivered(receiver) {
          longest = Math.max(longest, world.now - (lastArrival.get(receiver) ?? 0));
          lastArrival.set(receiver, world.now);
        },
      });
      // Pauses long enough for one end to forget what the other still believes in
      for (let round = 0; round < 40; round++) {
        world.runFor(300 * second);
        for (const host of [gateway, hub]) lastArrival.set(host, world.now);
        for (let i = 0; i < 60; i++) {
          audit.send(gateway, hub);
          audit.send(hub, gateway);
          world.runFor(second);
        }
      }
      expect(longest).toBeLessThanOrEqual(26 * second);
      const mismatches = [gateway, hub].map((host) => host.tunnel.engine.drops.of('profile-mismatch'));
      expect(Math.max(...mismatches)).toBeGreaterThan(0);
      expect(audit.violations).toEqual([]);
    },
  );

  it('equal profiles show no such sign in hours of traffic', () => {
    const { world, gateway, hub, audit } = connected(paperSuite(7));
    for (let i = 0; i < 720; i++) {
      world.runFor(20 * second);
      audit.send(i % 2 === 0 ? gateway : hub, i % 2 === 0 ? hub : gateway);
    }
    for (const host of [gateway, hub]) expect(host.tunnel.engine.drops.of('profile-mismatch')).toBe(0);
    expect(audit.missing().length).toBeLessThanOrEqual(1);
  });

  it('a change of profile holds from the next session on', () => {
    const { world, gateway, hub, audit } = connected(seededSuite(1, 'node'));
    for (const [host, other] of [
      [gateway, hub],
      [hub, gateway],
    ] as const)
      host.act(({ engine }, now) => engine.updatePeer(now, host.peer(other), { profile: 'metered' }));
    world.run(125 * second);
    audit.send(gateway, hub);
    world.runFor(second);
    const before = world.now;
    for (let i = 0; i < 50; i++) {
      world.runFor(minute);
      audit.send(gateway, hub);
    }
    world.runFor(second);
    expect(initiationsIn(sentSince(world, before))).toEqual([]);
    expect(audit.missing()).toEqual([]);
    expect(sentSince(world, 600).filter((datagram) => kindOf(datagram) === 'initiation')).toHaveLength(2);
  });
});
