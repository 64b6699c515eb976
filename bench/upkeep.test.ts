/** What the bench reckons a tunnel's upkeep to cost, against engines that are left alone for a day and whose bytes are counted. */
import { millis, type RekeyProfile } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import { Audit, gatewayAndHub, kindOf, paperSuite, payloadLengthOf } from '../test/kit/index.ts';
import { bytesOf, cycleOf, cyclesADay, type PeerKind, type Upkeep } from './src/rekey/schedule.ts';

vi.setConfig({ testTimeout: 600_000 }); // bounded in virtual time

const second = 1000;
const day = 86_400;
const roundTrip = 0.05;
const headers = { 4: 28, 6: 48 } as const; // IP and UDP

const cases: readonly (readonly [PeerKind, RekeyProfile])[] = [
  [1, 'standard'],
  [2, 'standard'],
  [1, 'metered'],
  [2, 'metered'],
  ['classical', 'standard'],
];

/** A world that runs for `seconds` from the first moment of a cycle on; what is not data, as the wire shows it. */
function measured(upkeep: Upkeep, seconds: number): { handshakes: number; bytes: Record<4 | 6, number> } {
  const { peer, profile, traffic } = upkeep;
  const hybrid = peer === 'classical' ? { classical: true } : { suite: peer };
  const { world, gateway, hub } = gatewayAndHub(paperSuite(7), {
    gateway: {
      ...hybrid,
      profile,
      ...(traffic.kind === 'idle' ? { persistentKeepalive: millis(traffic.keepalive * second) } : {}),
    },
    hub: { ...hybrid, profile },
  });
  world.conditions = { ...world.conditions, delay: (roundTrip / 2) * second };
  world.recording = false;
  const audit = new Audit(world, profile);
  const found = { handshakes: 0, bytes: { 4: 0, 6: 0 } };
  let counts = false;
  world.observers.push({
    onSent: (_sender, datagram) => {
      if (!counts || (kindOf(datagram) === 'transport' && payloadLengthOf(datagram) > 16)) return; // data
      for (const ip of [4, 6] as const) found.bytes[ip] += headers[ip] + datagram.bytes.length;
      if (kindOf(datagram) === 'response' && (datagram.bytes[0] === 2 || datagram.bytes[2] === 0))
        found.handshakes += 1;
    },
  });
  const talk = (until: number): void => {
    if (traffic.kind !== 'busy') return world.run(until * second);
    const gap = traffic.gap * second;
    for (let at = Math.ceil(world.now / gap) * gap; at < until * second; at += gap) {
      world.run(at);
      audit.send(gateway, hub);
      audit.send(hub, gateway);
    }
    world.run(until * second - 1);
  };
  if (traffic.kind === 'silent') {
    audit.send(gateway, hub);
    world.run(15 * second); // until its passive keepalive is over
  } else {
    // A moment after the first handshake, and all that belongs to it, cycles begin
    const { seconds: cycle } = cycleOf(upkeep);
    talk(traffic.kind === 'busy' ? cycle : 1);
  }
  counts = true;
  talk(world.now / second + seconds);
  expect(audit.violations).toEqual([]);
  return found;
}

describe('upkeep as the bench reckons it is what engines send', () => {
  it.each(cases)(
    '%s, %s: with PersistentKeepalive = 25, over whole cycles of about a day',
    (peer, profile) => {
      const upkeep: Upkeep = { peer, profile, roundTrip, traffic: { kind: 'idle', keepalive: 25 } };
      const cycle = cycleOf(upkeep);
      const cycles = Math.round(cyclesADay(cycle));
      const { handshakes, bytes } = measured(upkeep, cycles * cycle.seconds);
      expect(handshakes).toBe(cycles);
      expect(bytes).toEqual({ 4: cycles * bytesOf(cycle, peer, 4), 6: cycles * bytesOf(cycle, peer, 6) });
    },
  );

  it.each(cases)(
    '%s, %s: with a packet every five seconds both ways, over whole cycles of about a day',
    (peer, profile) => {
      const upkeep: Upkeep = { peer, profile, roundTrip, traffic: { kind: 'busy', gap: 5 } };
      const cycle = cycleOf(upkeep);
      const cycles = Math.round(cyclesADay(cycle));
      const { handshakes, bytes } = measured(upkeep, cycles * cycle.seconds);
      expect(handshakes).toBe(cycles);
      expect(bytes).toEqual({ 4: cycles * bytesOf(cycle, peer, 4), 6: cycles * bytesOf(cycle, peer, 6) });
    },
  );

  it.each(cases)('%s, %s: without traffic and PersistentKeepalive nothing, for a day', (peer, profile) => {
    const upkeep: Upkeep = { peer, profile, roundTrip, traffic: { kind: 'silent' } };
    expect(bytesOf(cycleOf(upkeep), peer, 4)).toBe(0);
    expect(measured(upkeep, day)).toEqual({ handshakes: 0, bytes: { 4: 0, 6: 0 } });
  });

  it('a steady stream is the limit of packets that come ever closer', () => {
    const at = (gap: number): number =>
      cycleOf({ peer: 1, profile: 'standard', roundTrip, traffic: { kind: 'busy', gap } }).seconds;
    for (const gap of [1, 0.1, 0.01, 0.001]) {
      expect(at(gap) - at(0)).toBeGreaterThan(0);
      expect(at(gap) - at(0)).toBeLessThan(gap + 1e-9);
    }
  });

  it('classical peers are refused a profile they cannot have', () => {
    expect(() =>
      cycleOf({ peer: 'classical', profile: 'metered', roundTrip, traffic: { kind: 'silent' } }),
    ).toThrow(/standard profile/);
  });
});
