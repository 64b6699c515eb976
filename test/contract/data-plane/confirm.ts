/** C1, C5: nothing of a peer moves before a packet verifies under the new keys; then the order of timestamps decides. */
import type { PeerId } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import {
  Bench,
  control,
  type FarEnd,
  from,
  idle,
  ipv4,
  local,
  none,
  padded,
  place,
  timestamp,
  to,
} from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

export function confirmContract(maker: PlaneMaker): void {
  describe('C1: commit on confirm', () => {
    test('a next sends nothing: a packet is staged and a key is wanted', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      bench.session(peer, 'responder');
      bench.tun(to(1));
      expect(bench.drain()).toEqual([]);
      expect(bench.plane.transmit(bench.now, peer, none)).toBe(false);
      bench.plane.flushStaged(bench.now, peer);
      expect(bench.drain()).toEqual([]);
      expect(bench.report().of(peer)).toEqual({ ...idle, wantsKey: true });
    });

    test('a next displaces neither the current session nor the endpoint', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const current = bench.established(peer, 'initiator');
      bench.session(peer, 'responder');
      expect(bench.report().of(peer)).toEqual(idle);
      bench.tun(to(1));
      expect(bench.records().map(({ bytes, to }) => [current.owns(bytes), to])).toEqual([[true, place(1)]]);
    });

    const confirming: readonly [string, Uint8Array, Partial<typeof idle>][] = [
      ['a keepalive', none, {}],
      ['a data packet', padded(from(1)), { dataReceived: true }],
      [
        'a packet whose source is not allowed',
        padded(ipv4([10, 2, 0, 1], [1, 1, 1, 1])),
        { dataReceived: true },
      ],
      ['a payload that is no packet', padded(Uint8Array.of(0xff)), { dataReceived: true }],
      ['a probe', control(0x01), {}],
      ['an ill-formed probe', control(0x01, 15), {}],
      ['a control message of unknown kind', control(0x0f), {}],
    ];
    test.each(confirming)('%s confirms, moves the endpoint and is reported once', (_, payload, more) => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const old = bench.established(peer, 'initiator');
      bench.wait(60_000); // far from crossing (N4)
      const next = bench.session(peer, 'responder');
      bench.udp(next.seal(payload), place(9), local(1));
      const moved = { endpoint: place(9), localAddress: local(1) };
      const confirmation = {
        index: next.index,
        ...moved,
        timestamp: next.timestamp,
        became: 'current' as const,
      };
      expect(bench.report().of(peer)).toEqual({
        ...idle,
        anyReceived: true,
        confirmed: [confirmation],
        roamed: moved,
        ...more,
      });
      bench.drain();
      bench.tun(to(1));
      const [sent] = bench.records();
      expect(sent && next.owns(sent.bytes)).toBe(true);
      expect(sent).toMatchObject({ to: place(9), localAddress: local(1) });
      // the keypair before it still receives (C5), and no later packet confirms again (fault 21)
      bench.udp(old.seal(from(1)), place(9), local(1));
      bench.udp(next.seal(from(1)), place(9), local(1));
      expect(bench.packets()).toHaveLength(2);
      expect(bench.report().of(peer).confirmed).toEqual([]);
    });

    test('confirms also as a classical session, which then drops the control payload', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const next = bench.session(peer, 'responder', { kind: 'classical' });
      bench.udp(next.seal(control(0x01)));
      const report = bench.report();
      expect(report.of(peer)).toMatchObject({ anyReceived: true, confirmed: [{ index: next.index }] });
      expect(report.drops).toEqual({ 'control-on-classical': 1 });
    });

    test.each([
      [0x02, 'hybrid'],
      [0x03, 'hybrid'],
      [0x02, 'classical'],
      [0x03, 'classical'],
    ] as const)(
      '%d on a next (%s) confirms nothing and changes nothing, not even the window',
      (kind, session) => {
        const bench = new Bench(maker);
        const peer = bench.peer(1);
        const next = bench.session(peer, 'responder', { kind: session });
        bench.expectRefused('cannot-confirm', () => bench.udp(next.seal(control(kind), 5), place(9)));
        bench.expectRefused('cannot-confirm', () => bench.udp(next.seal(control(kind, 32), 5), place(9)));
        expect(bench.report().of(peer)).toEqual(idle);
        expect(bench.plane.peerCounters([peer])).toMatchObject([{ bytesReceived: 0, packetsReceived: 0 }]);
        bench.udp(next.seal(none, 5));
        expect(bench.report().of(peer).confirmed).toHaveLength(1);
      },
    );

    test('data staged goes out at the confirm, under the session confirmed, to where its packet came from', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      for (const mark of [1, 2, 3]) bench.tun(to(1, 48, mark));
      const next = bench.session(peer, 'responder');
      bench.report();
      bench.udp(next.seal(none), place(7), local(3));
      const sent = bench.records();
      expect(sent.map(({ bytes }) => next.open(bytes))).toEqual(
        [1, 2, 3].map((mark, counter) => ({ counter, payload: to(1, 48, mark) })),
      );
      expect(sent.every((each) => each.to === sent[0]?.to && each.localAddress?.ip[3] === 3)).toBe(true);
      expect(sent[0]?.to).toEqual(place(7));
      expect(bench.report().of(peer)).toMatchObject({ dataSent: true, recordSent: true, anySent: true });
    });
  });

  describe('C5: order by timestamp', () => {
    test.each([
      [499, false],
      [500, false],
      [501, true],
    ])('with 500 stored, a next of %d is taken: %s', (ts, taken) => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const current = bench.established(peer, 'responder', { timestamp: 500 });
      const next = bench.session(peer, 'responder', { timestamp: ts });
      bench.udp(next.seal(padded(from(1))), place(9), local(9));
      const { of, drops } = bench.report();
      bench.tun(to(1));
      const [output, ...others] = bench.drain();
      if (taken) {
        expect(of(peer).confirmed.map((each) => each.timestamp)).toEqual([timestamp(ts)]);
        expect([output?.kind, others.map(({ bytes }) => next.owns(bytes))]).toEqual(['packet', [true]]);
        return;
      }
      // erased, and nothing else: no packet, no timer, no endpoint
      expect(of(peer)).toEqual({ ...idle, retired: [next.index] });
      expect(drops).toEqual({ 'stale-confirm': 1 });
      expect(output).toMatchObject({ kind: 'datagram', to: place(1) });
      expect(output && current.owns(output.bytes)).toBe(true);
      bench.expectRefused('unknown-index', () => bench.udp(next.seal(none)));
    });

    test('the stored timestamp outlives wipeKeys and retire, not resetTimestamp or removePeer', () => {
      const stillStored = (forget: (bench: Bench, peer: PeerId, current: FarEnd) => void): boolean => {
        const bench = new Bench(maker);
        const peer = bench.peer(1);
        const current = bench.established(peer, 'responder', { timestamp: 500 });
        forget(bench, peer, current);
        bench.peer(1);
        const next = bench.session(peer, 'responder', { timestamp: 400 });
        bench.udp(next.seal(none));
        return bench.report().drops['stale-confirm'] === 1;
      };
      expect([
        stillStored(({ plane, now }, peer) => plane.wipeKeys(now, peer)),
        stillStored(({ plane, now }, _, current) => plane.retire(now, current.index)),
        stillStored(({ plane }, peer) => plane.resetTimestamp(peer)),
        stillStored(({ plane, now }, peer) => plane.removePeer(now, peer)),
      ]).toEqual([true, true, false, false]);
    });

    test('four nexts, confirmed in each of the 24 orders, end as a plain model says', () => {
      for (const order of permutations([0, 1, 2, 3])) {
        const bench = new Bench(maker);
        const peer = bench.peer(1);
        const nexts = [2, 4, 1, 3].map((ts) => bench.session(peer, 'responder', { timestamp: ts }));
        let alive = [0, 1, 2, 3];
        let current: number | undefined;
        let previous: number | undefined;
        for (const n of order) {
          const ts = [2, 4, 1, 3];
          bench.udp(far(nexts, n).seal(none));
          const { of, drops } = bench.report();
          if (!alive.includes(n)) {
            expect(drops).toEqual({ 'unknown-index': 1 });
            continue;
          }
          const gone = alive.filter(
            (other) => (ts[other] ?? 0) < (ts[n] ?? 0) && other !== current && other !== previous,
          );
          if (previous !== undefined) gone.push(previous);
          alive = alive.filter((other) => !gone.includes(other));
          previous = current;
          current = n;
          expect(of(peer).confirmed).toMatchObject([{ index: far(nexts, n).index, became: 'current' }]);
          expect([...of(peer).retired].sort()).toEqual(gone.map((other) => far(nexts, other).index).sort());
        }
        expect(bench.put.liveKeys()).toBe(2 * alive.length);
        bench.tun(to(1));
        expect(far(nexts, current ?? -1).owns(bench.records()[0]?.bytes ?? none)).toBe(true);
      }
    });

    test('an older previous is erased; current and previous receive', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const [a, b, c] = [1, 2, 3].map(() => bench.session(peer, 'responder'));
      if (!a || !b || !c) throw new Error('unreachable');
      for (const each of [a, b]) bench.udp(each.seal(none));
      bench.report();
      bench.udp(c.seal(none));
      expect(bench.report().of(peer).retired).toEqual([a.index]);
      for (const each of [b, c]) bench.udp(each.seal(from(1)));
      expect(bench.packets()).toHaveLength(2);
      bench.expectRefused('unknown-index', () => bench.udp(a.seal(none)));
    });

    test('an initiated session erases no next and stores no timestamp', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const next = bench.session(peer, 'responder', { timestamp: 5 });
      bench.session(peer, 'initiator', { timestamp: 900 });
      bench.wait(5_001);
      bench.udp(next.seal(none));
      expect(bench.report().of(peer).confirmed).toMatchObject([{ index: next.index, became: 'current' }]);
    });

    test('a fifth next: the one there with the smallest TS gives way and is reported', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const nexts = [30, 10, 40, 20].map((ts) => bench.session(peer, 'responder', { timestamp: ts }));
      expect(bench.report().of(peer).retired).toEqual([]);
      const fifth = bench.session(peer, 'responder', { timestamp: 5 });
      expect(bench.report().of(peer)).toEqual({ ...idle, retired: [far(nexts, 1).index] });
      bench.expectRefused('unknown-index', () => bench.udp(far(nexts, 1).seal(none)));
      bench.udp(fifth.seal(none));
      expect(bench.report().of(peer).confirmed).toHaveLength(1);
    });
  });
}

function far(ends: readonly FarEnd[], n: number): FarEnd {
  const end = ends[n];
  if (end === undefined) throw new Error('no such far end');
  return end;
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}
