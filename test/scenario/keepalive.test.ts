/** Who owes whom a sign of life, and what its absence means. protocol.md §5.3 T2–T4, §3.5. */
import { limits as protocol } from '@pqtun/core';
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
const hour = 3600 * second;
const oneWay = 10;

const node = (seed = 1) => seededSuite(seed, 'node');

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
