/** The first minutes of a tunnel on virtual time: handshake, data, silence. */
import { nobleSuite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';
import { describe, expect, it } from 'vitest';
import { gatewayAndHub, innerPacket } from '../kit/index.ts';

const toHub = innerPacket('10.0.0.1', '10.0.0.2', 120);
const toGateway = innerPacket('10.0.0.2', '10.0.0.1', 300);

describe.each([
  ['node', nodeSuite],
  ['noble', nobleSuite],
])('with the %s back end', (_name, suite) => {
  it.each([1, 2] as const)(
    'S1 N2: a packet opens a hybrid session of suite %i and arrives with its first flight',
    (id) => {
      const { world, gateway, hub } = gatewayAndHub(suite(), { gateway: { suite: id }, hub: { suite: id } });
      gateway.send(toHub);
      world.run(100);
      expect(hub.received.map(({ bytes }) => bytes)).toEqual([toHub]);
      hub.send(toGateway);
      world.run(200);
      expect(gateway.received.map(({ bytes }) => bytes)).toEqual([toGateway]);
      expect(new Set(world.wire.map(({ bytes }) => bytes[0]))).toEqual(new Set([0x11, 0x12, 4]));
    },
  );

  it('speaks WireGuard with a classical peer, types 1, 2 and 4 only', () => {
    const { world, gateway, hub } = gatewayAndHub(suite(), {
      gateway: { classical: true },
      hub: { classical: true },
    });
    gateway.send(toHub);
    world.run(100);
    hub.send(toGateway);
    world.run(200);
    expect(hub.received.map(({ bytes }) => bytes)).toEqual([toHub]);
    expect(gateway.received.map(({ bytes }) => bytes)).toEqual([toGateway]);
    expect(world.wire.map(({ bytes }) => [bytes[0], bytes.length])).toEqual([
      [1, 148],
      [2, 92],
      [4, 160],
      [4, 336],
    ]);
  });
});

it('T2: data received and nothing sent is answered by one keepalive after 10 s, then there is silence', () => {
  const { world, gateway, hub } = gatewayAndHub(nodeSuite());
  gateway.send(toHub);
  world.run(1000);
  const before = world.wire.length;
  world.run(100_000);
  const later = world.wire.slice(before);
  expect(later.map(({ bytes, from }) => [from === hub.address, bytes[0], bytes.length])).toEqual([
    [true, 4, 32],
  ]);
});
