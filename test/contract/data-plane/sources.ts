/** Whose packet, and whose it may be: nested prefixes of three peers in both directions (§5.4; faults 4, 5). */
import { type PeerId, peerId } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { Bench, ipv4, ipv6, padded, place, v6 } from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

type Address = readonly number[];

export function sourceContract(maker: PlaneMaker): void {
  /** A owns 10.0.0.0/8 and fd00::/16, B 10.1.0.0/16 and fd00:1::/32 in it, C 10.1.2.0/24 and fd00:1:…:200/120 in that. */
  function nested() {
    const bench = new Bench(maker);
    const peers = [1, 2, 3].map((n) => peerId(n));
    const [a, b, c] = peers;
    if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable');
    for (const peer of peers) bench.plane.setPeer(peer, { endpoint: place(peer) });
    bench.plane.setRoutes([
      { kind: 'add', peer: c, prefix: Uint8Array.of(10, 1, 2, 0), bits: 24 },
      { kind: 'add', peer: a, prefix: Uint8Array.of(10, 0, 0, 0), bits: 8 },
      { kind: 'add', peer: b, prefix: Uint8Array.of(10, 1, 0, 0), bits: 16 },
      { kind: 'add', peer: b, prefix: v6(1), bits: 32 },
      { kind: 'add', peer: c, prefix: v6(1, 0x200), bits: 120 },
      { kind: 'add', peer: a, prefix: v6(0), bits: 16 },
    ]);
    const sessions = new Map(peers.map((peer) => [peer, bench.established(peer, 'initiator')]));
    return { bench, a, b, c, peers, sessions };
  }
  type World = ReturnType<typeof nested>;

  const v4Owners = ({ a, b, c }: World): [Address, PeerId | undefined][] => [
    [[10, 0, 0, 0], a],
    [[10, 0, 255, 255], a],
    [[10, 1, 0, 0], b],
    [[10, 1, 1, 255], b],
    [[10, 1, 2, 0], c],
    [[10, 1, 2, 255], c],
    [[10, 1, 3, 0], b],
    [[10, 1, 255, 255], b],
    [[10, 2, 0, 0], a],
    [[10, 255, 255, 255], a],
    [[9, 255, 255, 255], undefined],
    [[11, 0, 0, 0], undefined],
  ];
  const v6Owners = ({ a, b, c }: World): [Address, PeerId | undefined][] => [
    [[...v6(0, 1)], a],
    [[...v6(2, 1)], a],
    [[...v6(1, 1)], b],
    [[...v6(1, 0x1ff)], b],
    [[...v6(1, 0x200)], c],
    [[...v6(1, 0x2ff)], c],
    [[...v6(1, 0x300)], b],
    [[0xfc, ...v6(1, 0x200).subarray(1)], undefined],
    [[0xfd, 1, ...v6(1, 0x200).subarray(2)], undefined],
  ];
  const packetOf = (source: Address, destination: Address) =>
    source.length === 4
      ? ipv4(source, destination)
      : ipv6(Uint8Array.from(source), Uint8Array.from(destination));

  describe.each([
    ['IPv4', v4Owners],
    ['IPv6', v6Owners],
  ] as const)('three nested peers, %s', (_, ownersOf) => {
    test('in: a source passes from its longest prefix’s peer alone, whatever the destination', () => {
      const world = nested();
      const { bench, sessions } = world;
      const owners = ownersOf(world);
      for (const [peer, far] of sessions) {
        for (const [source, owner] of owners) {
          for (const [destination] of owners) {
            const packet = packetOf(source, destination);
            bench.udp(far.seal(padded(packet)), place(peer));
            const allowed = owner === peer;
            expect([source, destination, bench.drain()]).toEqual([
              source,
              destination,
              allowed ? [{ kind: 'packet', peer, bytes: packet }] : [],
            ]);
            expect(bench.report().drops).toEqual(allowed ? {} : { 'source-not-allowed': 1 });
          }
        }
      }
    });

    test('out: a destination goes to its longest prefix’s peer alone, whatever the source', () => {
      const world = nested();
      const { bench, sessions } = world;
      const owners = ownersOf(world);
      for (const [source] of owners) {
        for (const [destination, owner] of owners) {
          bench.tun(packetOf(source, destination));
          const sent = bench.records();
          expect([destination, sent.map(({ to }) => to)]).toEqual([
            destination,
            owner === undefined ? [] : [place(owner)],
          ]);
          expect(sent.every(({ bytes }) => owner !== undefined && sessions.get(owner)?.owns(bytes))).toBe(
            true,
          );
          expect(bench.report().drops).toEqual(owner === undefined ? { 'no-route': 1 } : {});
        }
      }
    });
  });

  test('a prefix given to another peer is at once that peer’s, in both directions', () => {
    const { bench, a, b, sessions } = nested();
    bench.plane.setRoutes([{ kind: 'add', peer: a, prefix: Uint8Array.of(10, 1, 0, 0), bits: 16 }]);
    const packet = ipv4([10, 1, 0, 1], [10, 1, 0, 1]);
    bench.udp(sessions.get(b)?.seal(padded(packet)) ?? packet, place(b));
    expect(bench.report().drops).toEqual({ 'source-not-allowed': 1 });
    bench.udp(sessions.get(a)?.seal(padded(packet)) ?? packet, place(a));
    expect(bench.packets()).toEqual([packet]);
    bench.tun(packet);
    expect(bench.records().map(({ to }) => to)).toEqual([place(a)]);
  });

  test('removing and clearing uncover the wider prefix beneath', () => {
    const { bench, a, b, c } = nested();
    const ownerOf = (destination: Address) => {
      bench.tun(ipv4([1, 1, 1, 1], destination));
      return bench.records()[0]?.to;
    };
    bench.plane.setRoutes([{ kind: 'remove', peer: c, prefix: Uint8Array.of(10, 1, 2, 0), bits: 24 }]);
    expect(ownerOf([10, 1, 2, 1])).toEqual(place(b));
    bench.plane.setRoutes([{ kind: 'remove', peer: a, prefix: Uint8Array.of(10, 1, 0, 0), bits: 16 }]); // not a's
    expect(ownerOf([10, 1, 2, 1])).toEqual(place(b));
    bench.plane.setRoutes([{ kind: 'clear', peer: b }]);
    expect(ownerOf([10, 1, 2, 1])).toEqual(place(a));
    bench.plane.removePeer(bench.now, a);
    expect(ownerOf([10, 1, 2, 1])).toBeUndefined();
  });

  test('an ill-formed change throws and none of its list is applied', () => {
    const { bench, a, b } = nested();
    const bad = [
      { prefix: Uint8Array.of(10, 1, 0, 1), bits: 16 },
      { prefix: Uint8Array.of(10, 1, 0, 0), bits: 33 },
      { prefix: Uint8Array.of(10, 1, 0, 0), bits: -1 },
      { prefix: Uint8Array.of(10, 1, 0), bits: 16 },
      { prefix: v6(0), bits: 129 },
    ];
    for (const change of bad) {
      const changes = [
        { kind: 'add', peer: a, prefix: Uint8Array.of(10, 1, 0, 0), bits: 16 },
        { kind: 'clear', peer: b },
        { kind: 'add', peer: a, ...change },
      ] as const;
      expect(() => bench.plane.setRoutes(changes)).toThrow();
    }
    bench.tun(ipv4([1, 1, 1, 1], [10, 1, 0, 1]));
    expect(bench.records().map(({ to }) => to)).toEqual([place(b)]);
  });
}
