/** One hub and two hundred gateways, some of them coming and going under traffic. */
import { type PeerId, Secret } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import { Audit, type Host, initiationsIn, paperSuite, Random, World } from '../kit/index.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in virtual time; how fast the machine is must not matter

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

function star(gateways: number, seed = 1) {
  const world = new World(seed);
  world.recording = false;
  const crypto = paperSuite(seed);
  const hub = world.addHost({ name: 'hub', address: '198.51.100.1', crypto });
  const all = Array.from({ length: gateways }, (_, i) => {
    const gateway = world.addHost({
      name: `gateway ${i}`,
      address: `192.${i >> 8}.${i & 0xff}.1`,
      crypto,
    });
    join(gateway, hub);
    return gateway;
  });
  return { world, hub, gateways: all, audit: new Audit(world), random: new Random(seed) };
}
type Star = ReturnType<typeof star>;

function join(gateway: Host, hub: Host, presharedKey?: Uint8Array): PeerId {
  const psk = presharedKey === undefined ? {} : { presharedKey: Secret.copyOf(presharedKey) };
  gateway.addPeer(hub, { allowed: [`${hub.inner}/32`], ...psk });
  return hub.addPeer(gateway, { knowsEndpoint: false, allowed: [`${gateway.inner}/32`], ...psk });
}

/** For `length` ms each gateway asks about once in `gap` ms, and the hub answers what arrives. */
function traffic(
  { world, hub, audit, random }: Star,
  gateways: readonly Host[],
  length: number,
  gap: number,
): number[] {
  const byInner = new Map(gateways.map((gateway) => [gateway.inner, gateway]));
  const serials: number[] = [];
  let toAnswer: string[] = [];
  const observer = {
    onDelivered(receiver: Host, _peer: PeerId, bytes: Uint8Array) {
      if (receiver === hub) toAnswer.push(bytes.subarray(12, 16).join('.'));
    },
  };
  world.observers.push(observer);
  for (const end = world.now + length; world.now < end; ) {
    serials.push(audit.send(random.pick(gateways), hub, 60));
    world.runFor((2 * random.fraction() * gap) / gateways.length);
    const asked = toAnswer;
    toAnswer = [];
    for (const inner of asked) {
      const gateway = byInner.get(inner);
      if (gateway !== undefined) serials.push(audit.send(hub, gateway, 60));
    }
  }
  world.observers.splice(world.observers.indexOf(observer), 1);
  return serials;
}

const established = (host: Host) => host.eventsOf('peer-established').length;

describe('a hub with 200 gateways', () => {
  it('connects all, also when they all begin in one second, and renews keys for an hour without losing a packet', () => {
    const all = star(200);
    const { world, hub, gateways, audit } = all;
    for (const gateway of gateways) {
      audit.send(gateway, hub);
      world.runFor(5);
    }
    world.runFor(10 * second);
    expect(audit.missing()).toEqual([]);
    expect(hub.tunnel.engine.cookieRepliesSent).toBe(0);
    traffic(all, gateways, hour, 90 * second);
    world.runFor(20 * second);
    // The two ends of a session are born and end one flight apart: what leaves in its last 10 ms comes too late. Nothing else
    const tooLate = [hub, ...gateways].reduce(
      (sum, { tunnel }) => sum + tunnel.engine.drops.of('profile-mismatch'),
      0,
    );
    expect(audit.missing().length).toBe(tooLate);
    expect(tooLate).toBeLessThanOrEqual(3);
    expect(audit.violations).toEqual([]);
    for (const gateway of gateways) {
      const times = gateway.eventsOf('peer-established').map(({ at }) => at);
      expect(times.length).toBeGreaterThanOrEqual(8);
      expect(times.length).toBeLessThanOrEqual(31);
    }
    expect(hub.tunnel.engine.cookieRepliesSent).toBe(0);
    // I13: a current and a previous session a gateway, nothing kept of what is over
    const sizes = hub.tunnel.engine.sizes();
    expect(sizes.indices).toBeLessThanOrEqual(2 * gateways.length);
    expect(sizes.slots).toBe(0);
    expect(sizes.sources).toBeLessThanOrEqual(gateways.length);
    world.runFor(hour);
    expect(hub.tunnel.engine.sizes()).toEqual({ indices: 0, answered: 0, slots: 0, sources: 0 });
  });

  it('all begin in the same millisecond: some are asked for a cookie, all are connected within 10 s', () => {
    const { world, hub, gateways, audit } = star(400, 2);
    for (const gateway of gateways) audit.send(gateway, hub);
    world.runFor(10 * second);
    expect(audit.missing()).toEqual([]);
    expect(established(hub)).toBe(400);
    expect(hub.tunnel.engine.cookieRepliesSent).toBeGreaterThan(0);
  });

  it('restarted under traffic, has all of them back within 30 s', () => {
    const all = star(200, 3);
    const { world, hub, gateways, audit } = all;
    traffic(all, gateways, minute, 5 * second);
    hub.restart(true);
    for (const gateway of gateways)
      hub.addPeer(gateway, { knowsEndpoint: false, allowed: [`${gateway.inner}/32`] });
    const since = world.now;
    hub.events.length = 0;
    // Ten seconds in which each of them speaks, and twenty more
    traffic(all, gateways, 10 * second, 1 * second);
    world.run(since + 30 * second);
    const back = new Set(hub.eventsOf('peer-established').map(({ peer }) => peer));
    expect(back.size).toBe(gateways.length);
    const serials = gateways.flatMap((gateway) => [audit.send(gateway, hub), audit.send(hub, gateway)]);
    world.runFor(second);
    expect(serials.every((serial) => audit.arrived(serial))).toBe(true);
    expect(audit.violations).toEqual([]);
  });
});

describe('I15: peers that come and go', () => {
  it('do not touch the others: not a packet lost, not a handshake more', () => {
    const all = star(40, 4);
    const { world, hub, gateways, audit, random } = all;
    const staying = gateways.slice(0, 20);
    const moving = gateways.slice(20);
    traffic(all, gateways, minute, 2 * second);
    const serials: number[] = [];
    for (let round = 0; round < 60; round++) {
      const gateway = random.pick(moving);
      const peer = hub.tunnel.engine.peerByPublicKey(gateway.identity.dh.publicKey);
      if (peer === undefined)
        hub.addPeer(gateway, { knowsEndpoint: false, allowed: [`${gateway.inner}/32`] });
      else hub.act(({ engine }, now) => engine.removePeer(now, peer));
      serials.push(...traffic(all, staying, 10 * second, 2 * second));
    }
    world.runFor(second);
    expect(serials.filter((serial) => !audit.arrived(serial))).toEqual([]);
    expect(audit.violations).toEqual([]);
    for (const gateway of staying) {
      const times = gateway.eventsOf('peer-established').map(({ at }) => at);
      for (const [i, at] of times.entries()) {
        if (i > 0) expect(at - (times[i - 1] ?? 0)).toBeGreaterThan(120 * second);
      }
    }
  });

  it('leave nothing behind: sizes after the last is gone are as before the first', () => {
    const all = star(30, 5);
    const { world, hub, gateways } = all;
    traffic(all, gateways, 5 * minute, 2 * second);
    for (const gateway of gateways) hub.act(({ engine }, now) => engine.removePeer(now, hub.peer(gateway)));
    expect(hub.tunnel.engine.sizes()).toEqual({ indices: 0, answered: 0, slots: 0, sources: 0 });
    expect(hub.tunnel.nextDeadline()).toBeUndefined();
    expect(JSON.parse(hub.tunnel.plane.fingerprint())).toMatchObject({
      peers: [],
      sessions: 0,
      stagedBytes: 0,
    });
    const before = hub.tunnel.engine.drops.of('unknown-index');
    const [gateway] = gateways;
    if (gateway === undefined) throw new Error('no gateway');
    gateway.send(new Uint8Array(0));
    traffic(all, gateways, second, second);
    world.runFor(second);
    expect(hub.tunnel.engine.drops.of('unknown-index')).toBeGreaterThan(before);
  });

  it('removed and added again, shake hands at once', () => {
    const all = star(1, 6);
    const { world, hub, gateways, audit } = all;
    const [gateway] = gateways;
    if (gateway === undefined) throw new Error('no gateway');
    for (let round = 0; round < 100; round++) {
      for (const [host, other] of [
        [gateway, hub],
        [hub, gateway],
      ] as const)
        host.act(({ engine }, now) => engine.removePeer(now, host.peer(other)));
      join(gateway, hub);
      const serial = audit.send(gateway, hub);
      world.runFor(200);
      expect([round, audit.arrived(serial)]).toEqual([round, true]);
    }
    expect(audit.violations).toEqual([]);
  });
});

describe('fault 30: a pre-shared key changed under traffic', () => {
  const psk = (n: number) => new Secret(new Uint8Array(32).fill(n));

  it('is the one used from the next handshake on; sessions and packets survive the change', () => {
    const all = star(4, 7);
    const { world, hub, gateways, audit } = all;
    traffic(all, gateways, minute, second);
    for (let n = 1; n <= 10; n++) {
      for (const gateway of gateways) {
        const [first, then] = n % 2 === 0 ? [hub, gateway] : [gateway, hub];
        for (const host of [first, then]) {
          const peer = host.peer(host === hub ? gateway : hub);
          host.act(({ engine }, now) => engine.updatePeer(now, peer, { presharedKey: psk(n) }));
          world.runFor(37);
        }
      }
      traffic(all, gateways, 150 * second, second);
    }
    world.runFor(30 * second);
    expect(audit.missing()).toEqual([]);
    expect(audit.violations).toEqual([]);
    for (const gateway of gateways) expect(established(gateway)).toBeGreaterThan(10);
  });

  it('on one end only: the sessions live to their end, then nothing is agreed until the other follows', () => {
    const all = star(1, 8);
    const { world, hub, gateways, audit } = all;
    const [gateway] = gateways;
    if (gateway === undefined) throw new Error('no gateway');
    traffic(all, gateways, minute, second);
    const handshakes = established(gateway);
    gateway.act(({ engine }, now) => engine.updatePeer(now, gateway.peer(hub), { presharedKey: psk(1) }));
    const bornAt = gateway.eventsOf('peer-established').at(-1)?.at ?? 0;
    while (world.now < bornAt + 179 * second) {
      const serial = audit.send(gateway, hub);
      world.runFor(second);
      expect(audit.arrived(serial)).toBe(true);
    }
    traffic(all, gateways, 2 * minute, second);
    expect(established(gateway)).toBe(handshakes);
    expect(hub.tunnel.engine.drops.of('bad-timestamp')).toBeGreaterThan(0);
    hub.act(({ engine }, now) => engine.updatePeer(now, hub.peer(gateway), { presharedKey: psk(1) }));
    world.runFor(26 * second);
    const serials = [audit.send(gateway, hub), audit.send(hub, gateway)];
    world.runFor(second);
    expect(serials.map((serial) => audit.arrived(serial))).toEqual([true, true]);
  });

  it('in the midst of a handshake: what was made with the old one ends, the new one is used at once', () => {
    const all = star(1, 9);
    const { world, hub, gateways, audit } = all;
    world.recording = true;
    const [gateway] = gateways;
    if (gateway === undefined) throw new Error('no gateway');
    hub.act(({ engine }, now) => engine.updatePeer(now, hub.peer(gateway), { presharedKey: psk(1) }));
    const serial = audit.send(gateway, hub);
    world.runFor(500);
    gateway.act(({ engine }, now) => engine.updatePeer(now, gateway.peer(hub), { presharedKey: psk(1) }));
    world.runFor(100);
    expect(audit.arrived(serial)).toBe(true);
    expect(initiationsIn(world.wire)).toHaveLength(2);
  });
});

it('fault 16: ten thousand handshakes at a normal rate never meet a cookie', () => {
  const { world, hub, gateways, audit } = star(100, 10);
  // Each gateway is restarted and speaks once: the shortest way to a handshake; a hundred a second, well below load
  let handshakes = 0;
  for (let round = 0; round < 100; round++) {
    for (const gateway of gateways) {
      gateway.restart(true);
      gateway.addPeer(hub, { allowed: [`${hub.inner}/32`] });
      audit.send(gateway, hub, 60);
      world.runFor(10);
      handshakes++;
    }
  }
  world.runFor(second);
  expect(handshakes).toBe(10_000);
  expect(established(hub)).toBe(handshakes);
  expect(hub.tunnel.engine.cookieRepliesSent).toBe(0);
  expect(audit.missing()).toEqual([]);
  expect(audit.violations).toEqual([]);
  // I13: I2 and I3 hold, and what ten thousand handshakes leave behind is two sessions a gateway
  expect(hub.tunnel.engine.sizes().indices).toBeLessThanOrEqual(2 * gateways.length);
});
