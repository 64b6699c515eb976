/** Who moves a peer's endpoint, and who does not. protocol.md §5.4 roaming; C1, C5, N1; I6. */
import { type Endpoint, endpoint, type LocalAddress, limits, sameEndpoint } from '@pqtun/core';
import { describe, expect, it } from 'vitest';
import {
  connected,
  type Datagram,
  gatewayAndHub,
  type Host,
  initiationsIn,
  ip,
  kindOf,
  seededSuite,
  senderIndexOf,
  sentSince,
  type World,
} from '../kit/index.ts';

const second = 1000;

const node = (seed = 1) => seededSuite(seed, 'node');
const at = (address: string, port = 51820): Endpoint => endpoint(ip(address), port);

const elsewhere = at('203.0.113.77', 4444);

const endpointOf = (host: Host, other: Host, world: World): Endpoint | undefined =>
  host.tunnel.engine.status(world.now, host.peer(other)).endpoint;

/** Where `host` would send its next packet: what counts in the end. */
function sendsTo(
  { world, audit }: ReturnType<typeof connected>,
  host: Host,
  other: Host,
): Endpoint | undefined {
  const before = world.wire.length;
  audit.send(host, other);
  return world.wire.slice(before).find((datagram) => kindOf(datagram) === 'transport')?.to;
}

/** Holds back what `host` sends next. */
function holdBack(world: World, call: () => void): Datagram[] {
  const held: Datagram[] = [];
  world.interceptor = (datagram) => {
    held.push(datagram);
    return [];
  };
  call();
  world.interceptor = undefined;
  return held;
}

describe('a gateway that changes its address', () => {
  it.each([
    ['another address', at('203.0.113.1')],
    ['another port: a NAT that forgot', at('192.0.2.1', 40_000)],
    ['the other family', at('2001:db8::99', 51820)],
  ] as const)('while sending is followed at the first packet: %s', (_what, moved) => {
    const { world, gateway, hub, audit } = connected(node());
    world.run(5 * second);
    gateway.address = moved;
    audit.send(gateway, hub);
    world.runFor(10);
    expect(endpointOf(hub, gateway, world)).toEqual(moved);
    audit.send(hub, gateway);
    world.runFor(second);
    expect(audit.missing()).toEqual([]);
    expect(hub.eventsOf('peer-roamed').map((event) => event.endpoint)).toEqual([at('192.0.2.1'), moved]);
    expect(initiationsIn(sentSince(world, 600))).toEqual([]);
  });

  it('while idle is found by PersistentKeepalive', () => {
    const { world, gateway, hub, audit } = connected(node(), {
      gateway: { persistentKeepalive: limits.keepaliveTimeout },
    });
    world.run(15 * second);
    gateway.address = elsewhere;
    world.run(26 * second);
    expect(endpointOf(hub, gateway, world)).toEqual(elsewhere);
    audit.send(hub, gateway);
    world.runFor(second);
    expect(audit.missing()).toEqual([]);
  });

  it('while idle and silent is not found, until it speaks', () => {
    const { world, gateway, hub, audit } = connected(node());
    world.run(30 * second);
    gateway.address = elsewhere;
    const lost = audit.send(hub, gateway);
    world.run(40 * second);
    expect(audit.arrived(lost)).toBe(false);
    const found = audit.send(gateway, hub);
    const after = audit.send(hub, gateway);
    world.runFor(second);
    const later = audit.send(hub, gateway);
    world.runFor(second);
    expect([found, after, later].map((serial) => audit.arrived(serial))).toEqual([true, false, true]);
  });

  it('is followed within one flight from place to place, both ends moving', () => {
    const { world, gateway, hub, audit } = connected(node());
    for (let i = 1; i <= 40; i++) {
      world.runFor(700);
      const host = i % 2 === 0 ? hub : gateway;
      host.address = i % 4 < 2 ? at(`203.0.113.${i}`, 1000 + i) : at(`2001:db8:${i}::1`, 1000 + i);
      audit.send(host, host === hub ? gateway : hub);
      world.runFor(50);
      audit.send(host === hub ? gateway : hub, host);
    }
    world.runFor(second);
    expect(audit.missing()).toEqual([]);
    expect(audit.violations).toEqual([]);
  });

  it('is known under one name as IPv4 and as IPv4-mapped IPv6', () => {
    const { world, gateway, hub, audit } = connected(node());
    world.run(2 * second);
    gateway.address = endpoint(ip('::ffff:c000:201'), 51820);
    audit.send(gateway, hub);
    world.runFor(second);
    expect(endpointOf(hub, gateway, world)?.ip.length).toBe(4);
    expect(hub.eventsOf('peer-roamed')).toHaveLength(1);
  });
});

describe('§5.4: what moves an endpoint', () => {
  const payloads: Record<string, { payload: Uint8Array; moves: boolean }> = {
    keepalive: { payload: new Uint8Array(0), moves: true },
    'probe (0x01)': { payload: Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 1 : 0)), moves: true },
    'answer (0x02)': { payload: Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 2 : 0)), moves: false },
    'path probe (0x03)': {
      payload: Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 3 : 0)),
      moves: false,
    },
    'unknown control message (0x0f)': {
      payload: Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 15 : 0)),
      moves: true,
    },
  };
  it.each(Object.entries(payloads))(
    '%s of the current session, highest counter',
    (_what, { payload, moves }) => {
      const all = connected(node());
      const { world, gateway, hub } = all;
      gateway.address = elsewhere;
      gateway.act(({ plane }, now) => plane.transmit(now, gateway.peer(hub), payload));
      world.runFor(100);
      const wanted = moves ? elsewhere : at('192.0.2.1');
      expect(endpointOf(hub, gateway, world)).toEqual(wanted);
      expect(sendsTo(all, hub, gateway)).toEqual(wanted);
    },
  );

  it('answers a path probe at the place it came from, a probe at the endpoint', () => {
    const { world, gateway, hub } = connected(node());
    const probe = (kind: number) => Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? kind : 0));
    for (const [kind, wanted] of [
      [3, elsewhere],
      [1, at('203.0.113.9')],
    ] as const) {
      gateway.address = wanted;
      const before = world.now;
      gateway.act(({ plane }, now) => plane.transmit(now, gateway.peer(hub), probe(kind)));
      world.runFor(100);
      expect(sentSince(world, before, { by: hub }).map(({ to }) => to)).toEqual([wanted]);
    }
  });

  it('not a packet behind the highest counter: held back and delivered late from elsewhere, it moves nothing', () => {
    const all = connected(node());
    const { world, gateway, hub, audit } = all;
    const held = holdBack(world, () => audit.send(gateway, hub));
    audit.send(gateway, hub);
    world.runFor(second);
    for (const { to, bytes } of held) world.inject(elsewhere, to, bytes);
    world.runFor(second);
    expect(audit.missing()).toEqual([]); // late, but genuine
    expect(sendsTo(all, hub, gateway)).toEqual(at('192.0.2.1'));
  });

  it('not a replay, nor a packet whose tag is wrong', () => {
    const all = connected(node());
    const { world, gateway, hub, audit } = all;
    const [genuine] = holdBack(world, () => audit.send(gateway, hub));
    if (genuine === undefined) throw new Error('nothing was sent');
    const damaged = genuine.bytes.slice();
    damaged[40] = (damaged[40] ?? 0) ^ 1;
    world.inject(elsewhere, hub.address, damaged);
    world.runFor(20);
    expect(endpointOf(hub, gateway, world)).toEqual(gateway.address);
    world.inject(gateway.address, hub.address, genuine.bytes);
    world.runFor(20);
    world.inject(elsewhere, hub.address, genuine.bytes);
    world.runFor(20);
    expect(hub.tunnel.engine.drops.of('replayed')).toBe(1);
    expect(sendsTo(all, hub, gateway)).toEqual(at('192.0.2.1'));
  });

  it('not a packet of the previous session, though its counter is the highest there', () => {
    const all = connected(node());
    const { world, gateway, hub, audit } = all;
    world.run(125 * second);
    const held = holdBack(world, () => audit.send(gateway, hub)); // the last under the old session: it asks for a new one
    world.runFor(second);
    expect(hub.eventsOf('peer-established')).toHaveLength(2);
    for (const { to, bytes } of held) world.inject(elsewhere, to, bytes);
    world.runFor(second);
    expect(audit.missing()).toEqual([]);
    expect(sendsTo(all, hub, gateway)).toEqual(at('192.0.2.1'));
  });

  it('C5: the packet that confirms a session does, also where N4 makes that session the previous one', () => {
    let lost = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const { world, gateway, hub } = gatewayAndHub(node(seed), { hub: { knowsEndpoint: true } });
      const start = (host: Host, other: Host) =>
        host.act(({ engine }, now) => engine.initiate(now, host.peer(other)));
      start(gateway, hub);
      start(hub, gateway);
      // The gateway's first transport packet, which confirms its session at the hub, comes from elsewhere
      world.interceptor = (datagram) =>
        kindOf(datagram) === 'transport' && sameEndpoint(datagram.from, gateway.address)
          ? [{ ...datagram, from: elsewhere }]
          : undefined;
      world.run(500);
      const roles = hub.events.flatMap((event) => (event.kind === 'peer-established' ? [event.role] : []));
      expect(roles.sort()).toEqual(['initiator', 'responder']);
      expect(endpointOf(hub, gateway, world)).toEqual(elsewhere);
      const [response] = sentSince(world, 0, { kind: 'response', by: hub });
      if (response !== undefined && previousIndex(hub) === senderIndexOf(response)) lost++;
    }
    expect(lost).toBeGreaterThan(0);
  });

  it('N1, C1: not an initiation, whole or recorded, and not a response', () => {
    const { world, gateway, hub } = gatewayAndHub(node(), { hub: { knowsEndpoint: true } });
    const moved = (datagram: Datagram) => [{ ...datagram, from: elsewhere }];
    world.interceptor = (datagram) => (kindOf(datagram) === 'initiation' ? moved(datagram) : undefined);
    gateway.act(({ engine }, now) => engine.initiate(now, gateway.peer(hub)));
    world.run(500);
    expect(endpointOf(hub, gateway, world)).toEqual(gateway.address);
    expect(hub.eventsOf('peer-roamed')).toEqual([]);
    // The response went to where the initiation seemed to come from: nobody is there
    expect(gateway.eventsOf('peer-established')).toEqual([]);
    world.interceptor = (datagram) => (kindOf(datagram) === 'response' ? moved(datagram) : undefined);
    world.run(10 * second);
    expect(gateway.eventsOf('peer-established')).toHaveLength(1);
    expect(gateway.eventsOf('peer-roamed')).toEqual([]);
    expect(endpointOf(gateway, hub, world)).toEqual(hub.address);
  });

  it('not a cookie reply', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    hub.tunnel.engine.setLoopDelay(1000);
    world.interceptor = (datagram) =>
      kindOf(datagram) === 'cookie' ? [{ ...datagram, from: elsewhere }] : undefined;
    gateway.act(({ engine }, now) => engine.initiate(now, gateway.peer(hub)));
    world.run(500);
    expect(gateway.eventsOf('peer-established')).toHaveLength(1);
    expect(gateway.eventsOf('peer-roamed')).toEqual([]);
    expect(endpointOf(gateway, hub, world)).toEqual(hub.address);
  });

  it('a hub that moves is followed by its gateway, handshakes included', () => {
    const { world, gateway, hub, audit } = connected(node());
    world.run(5 * second);
    hub.address = at('198.51.100.200', 500);
    audit.send(hub, gateway);
    world.run(130 * second);
    audit.send(gateway, hub);
    world.runFor(second);
    expect(audit.missing()).toEqual([]);
    expect(
      initiationsIn(sentSince(world, 600)).flatMap(({ transmissions }) => transmissions[0]?.datagrams[0]?.to),
    ).toEqual([hub.address]);
  });

  it('N3: copies of an initiation under way go where the first went, the next attempt to the new place', () => {
    const { world, gateway, hub, audit } = connected(node());
    const first = hub.address;
    world.run(121 * second);
    world.interceptor = (datagram) => (kindOf(datagram) === 'initiation' ? [] : undefined);
    const before = world.now;
    audit.send(gateway, hub);
    world.runFor(500);
    hub.address = elsewhere;
    audit.send(hub, gateway);
    world.runFor(8 * second);
    const targets = initiationsIn(sentSince(world, before, { by: gateway })).map(({ transmissions }) =>
      transmissions.map(({ datagrams }) => datagrams[0]?.to),
    );
    expect(targets[0]).toEqual([first, first, first]);
    expect(targets[1]?.[0]).toEqual(elsewhere);
  });
});

/** Local index of the previous session of a host's one peer, as its plane's fingerprint shows it. */
function previousIndex(host: Host): number | undefined {
  return JSON.parse(host.tunnel.plane.fingerprint()).peers[0]?.previous?.index;
}

describe('the local address', () => {
  const local = (address: string, interfaceIndex = 2): LocalAddress => ({ ip: ip(address), interfaceIndex });

  it('sticks: answers leave from where the last packet that moves came to', () => {
    const all = connected(node());
    const { world, gateway, hub, audit } = all;
    const [eth0, eth1] = [local('198.51.100.1'), local('198.51.100.2', 3)];
    const leavesFrom = () => {
      const before = world.wire.length;
      audit.send(hub, gateway);
      return world.wire[before]?.localAddress;
    };
    expect(leavesFrom()).toBeUndefined();
    for (const address of [eth0, eth1]) {
      hub.local = address;
      audit.send(gateway, hub);
      world.runFor(second);
      expect(leavesFrom()).toEqual(address);
    }
    hub.local = eth0;
    const held = holdBack(world, () => audit.send(gateway, hub));
    hub.local = eth1;
    audit.send(gateway, hub);
    world.runFor(second);
    hub.local = eth0;
    for (const { from, to, bytes } of held) world.inject(from, to, bytes);
    world.runFor(second);
    expect(leavesFrom()).toEqual(eth1); // a late packet moves neither address
  });

  it('is that of the confirming packet, and a handshake leaves from it too', () => {
    const { world, gateway, hub, audit } = connected(node());
    const eth1 = local('198.51.100.2', 3);
    hub.local = eth1;
    world.run(20 * second);
    audit.send(gateway, hub);
    world.run(400 * second); // all sessions are over
    const before = world.now;
    audit.send(hub, gateway);
    world.runFor(second);
    const [own] = initiationsIn(sentSince(world, before, { by: hub }));
    expect(own?.transmissions[0]?.datagrams.map(({ localAddress }) => localAddress)).toEqual([eth1, eth1]);
  });

  it('answers an initiation from the address it came to, before anything is confirmed', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    hub.local = local('198.51.100.2', 3);
    gateway.act(({ engine }, now) => engine.initiate(now, gateway.peer(hub)));
    world.run(11);
    expect(sentSince(world, 0, { kind: 'response' }).map(({ localAddress }) => localAddress)).toEqual([
      hub.local,
      hub.local,
    ]);
  });

  it('is forgotten at a change of the network', () => {
    const { world, gateway, hub, audit } = connected(node());
    hub.local = local('198.51.100.2', 3);
    audit.send(gateway, hub);
    world.runFor(second);
    hub.act(({ engine }, now) => engine.handleNetworkChange(now));
    const before = world.wire.length;
    audit.send(hub, gateway);
    expect(world.wire[before]?.localAddress).toBeUndefined();
    hub.act(({ engine }, now) => engine.initiate(now, hub.peer(gateway)));
    world.runFor(1);
    const initiation = world.wire.slice(before).find((datagram) => kindOf(datagram) === 'initiation');
    expect(initiation).toMatchObject({ from: hub.address, localAddress: undefined });
  });
});

it('I6: under a storm of everything recorded from other places, no endpoint moves', () => {
  const all = connected(node());
  const { world, gateway, hub, audit } = all;
  for (let i = 0; i < 30; i++) {
    world.runFor(10 * second);
    audit.send(gateway, hub);
    audit.send(hub, gateway);
  }
  world.runFor(second);
  const recorded = [...world.wire];
  const roamed = hub.eventsOf('peer-roamed').length;
  for (const { to, bytes } of recorded) {
    world.inject(elsewhere, to, bytes);
    world.runFor(20);
  }
  world.runFor(second);
  expect(hub.eventsOf('peer-roamed').length).toBe(roamed);
  expect(gateway.eventsOf('peer-roamed')).toEqual([]);
  expect(sendsTo(all, hub, gateway)).toEqual(gateway.address);
  expect(audit.violations).toEqual([]);
});
