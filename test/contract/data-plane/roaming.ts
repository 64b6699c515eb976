/** §5.4: which packets move a peer's endpoint, and what follows it. */
import { type Endpoint, endpoint, type LocalAddress, type PeerId } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { Bench, control, from, header, idle, local, none, padded, place, to } from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

export function roamingContract(maker: PlaneMaker): void {
  function established() {
    const bench = new Bench(maker);
    const peer = bench.peer(1);
    const previous = bench.established(peer, 'initiator');
    const current = bench.established(peer, 'initiator');
    current.next = 10;
    bench.udp(current.seal(none));
    bench.report();
    return { bench, peer, previous, current };
  }
  /** Where the plane sends to, and from. */
  function whereTo(
    bench: Bench,
    peer: PeerId,
  ): { to: Endpoint; localAddress: LocalAddress | undefined } | undefined {
    bench.drain();
    bench.plane.transmit(bench.now, peer, none);
    const [sent] = bench.records();
    return sent && { to: sent.to, localAddress: sent.localAddress };
  }

  describe('roaming (§5.4)', () => {
    const moving: readonly [string, Uint8Array][] = [
      ['a keepalive', none],
      ['a packet', padded(from(1))],
      ['a packet whose source is not allowed', padded(from(2))],
      ['a probe', control(0x01)],
      ['an unknown control message', control(0x00)],
    ];
    test.each(moving)('%s with the highest counter yet, on the current session, moves', (_, payload) => {
      const { bench, peer, current } = established();
      bench.udp(current.seal(payload), place(9), local(5));
      expect(bench.report().of(peer).roamed).toEqual({ endpoint: place(9), localAddress: local(5) });
      expect(whereTo(bench, peer)).toEqual({ to: place(9), localAddress: local(5) });
    });

    test.each(moving)('%s that was overtaken does not', (_, payload) => {
      const { bench, peer, current } = established();
      bench.udp(current.seal(payload, 9), place(9), local(5));
      expect(bench.report().of(peer)).toMatchObject({ anyReceived: true, roamed: undefined });
      expect(whereTo(bench, peer)).toEqual({ to: place(1), localAddress: undefined });
    });

    test.each([0x02, 0x03])('%d never moves, but its counter counts as received', (kind) => {
      const { bench, peer, current } = established();
      bench.udp(current.seal(control(kind), 20), place(9), local(5));
      expect(bench.report().of(peer)).toEqual({ ...idle, anyReceived: true });
      bench.udp(current.seal(none, 19), place(9), local(5));
      expect(bench.report().of(peer).roamed).toBeUndefined();
      bench.udp(current.seal(none, 21), place(9), local(5));
      expect(bench.report().of(peer).roamed).toEqual({ endpoint: place(9), localAddress: local(5) });
    });

    test.each(moving)('%s on the previous session does not', (_, payload) => {
      const { bench, peer, previous } = established();
      bench.udp(previous.seal(payload, 1_000), place(9), local(5));
      expect(bench.report().of(peer)).toMatchObject({ anyReceived: true, roamed: undefined });
      expect(whereTo(bench, peer)).toEqual({ to: place(1), localAddress: undefined });
    });

    test('nothing that is not authenticated moves: forged, replayed, stale, a handshake or cookie message', () => {
      const { bench, peer, current } = established();
      const forged = Uint8Array.of(...header(current.index, 50), ...new Uint8Array(32));
      bench.udp(forged, place(9));
      bench.udp(current.seal(none, 10), place(9));
      for (const type of [0x01, 0x02, 0x03, 0x11, 0x12])
        bench.udp(new Uint8Array(148).fill(type, 0, 1), place(9));
      const report = bench.report();
      expect([report.of(peer), report.drops]).toEqual([idle, { 'bad-tag': 1, replayed: 1 }]);
      expect(whereTo(bench, peer)?.to).toEqual(place(1));
    });

    test('is reported only where something changed, and as the last place', () => {
      const { bench, peer, current } = established();
      bench.udp(current.seal(none), place(1));
      expect(bench.report().of(peer).roamed).toBeUndefined();
      for (const n of [7, 8, 9]) bench.udp(current.seal(none), place(n), local(n));
      expect(bench.report().of(peer).roamed).toEqual({ endpoint: place(9), localAddress: local(9) });
      bench.udp(current.seal(none), place(9), local(9));
      expect(bench.report().of(peer).roamed).toBeUndefined();
    });

    test('address, port and scope each make another endpoint; equal bytes do not', () => {
      const { bench, peer, current } = established();
      const places = [place(2), place(2, 1), endpoint(Uint8Array.of(192, 0, 2, 2), 1, 3)];
      for (const at of places) {
        bench.udp(current.seal(none), at);
        expect(bench.report().of(peer).roamed?.endpoint).toEqual(at);
        bench.udp(current.seal(none), endpoint(at.ip.slice(), at.port, at.scope));
        expect(bench.report().of(peer).roamed).toBeUndefined();
      }
    });

    test('our own address moves alike, by address or interface; a socket that cannot tell it leaves it', () => {
      const { bench, peer, current } = established();
      for (const at of [local(1), local(2), local(2, 7)]) {
        bench.udp(current.seal(none), place(1), at);
        expect(bench.report().of(peer).roamed).toEqual({ endpoint: place(1), localAddress: at });
        expect(whereTo(bench, peer)).toEqual({ to: place(1), localAddress: at });
      }
      bench.report();
      bench.udp(current.seal(none), place(1));
      expect(bench.report().of(peer).roamed).toBeUndefined();
      expect(whereTo(bench, peer)?.localAddress).toEqual(local(2, 7));
      bench.udp(current.seal(none), place(3));
      expect(whereTo(bench, peer)).toEqual({ to: place(3), localAddress: undefined });
    });

    test('a peer without an endpoint gets one by the confirming packet', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1, null);
      bench.tun(to(1));
      expect(bench.report().drops).toEqual({ 'no-endpoint': 1 });
      bench.udp(bench.session(peer, 'responder').seal(none), place(5));
      bench.tun(to(1));
      expect(bench.records().map(({ to }) => to)).toEqual([place(5)]);
    });

    test('the engine sets and clears endpoint and local address', () => {
      const { bench, peer } = established();
      bench.plane.setPeer(peer, { endpoint: place(4), localAddress: local(4) });
      expect(whereTo(bench, peer)).toEqual({ to: place(4), localAddress: local(4) });
      bench.plane.setPeer(peer, { localAddress: null });
      expect(whereTo(bench, peer)).toEqual({ to: place(4), localAddress: undefined });
      bench.plane.setPeer(peer, { endpoint: null });
      expect(whereTo(bench, peer)).toBeUndefined();
      expect(bench.report().of(peer).roamed).toBeUndefined();
    });
  });
}
