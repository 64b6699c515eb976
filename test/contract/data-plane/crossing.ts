/** N4 and N2: two sessions that cross, and what an initiator sends first. */
import type { Role } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { Bench, from, idle, none, padded, place, sessionLimits, to } from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

export function crossingContract(maker: PlaneMaker): void {
  /** Confirms one session as `first`, and `after` ms later one as the other role. */
  function cross(first: Role, secondWins: boolean, after: number) {
    const bench = new Bench(maker);
    const peer = bench.peer(1);
    const old = bench.established(peer, 'initiator');
    bench.wait(60_000);
    const second: Role = first === 'initiator' ? 'responder' : 'initiator';
    const one = bench.established(peer, first, { winsCrossing: !secondWins });
    bench.wait(after);
    const other = bench.session(peer, second, { winsCrossing: secondWins });
    if (second === 'responder') bench.udp(other.seal(none), place(9));
    bench.drain();
    return { bench, peer, old, one, other, report: bench.report() };
  }

  describe('N4: two sessions cross', () => {
    const roles = ['initiator', 'responder'] as const;
    const within = [0, 4_999, 5_000];

    test.each(roles)(
      'confirmed as %s first: within REKEY_TIMEOUT the winner sends, the loser receives',
      (first) => {
        for (const after of within) {
          for (const secondWins of [true, false]) {
            const { bench, peer, old, one, other, report } = cross(first, secondWins, after);
            const [winner, loser] = secondWins ? [other, one] : [one, other];
            bench.tun(to(1));
            expect(bench.records().map(({ bytes }) => winner.owns(bytes))).toEqual([true]);
            for (const each of [winner, loser]) bench.udp(each.seal(from(1)), place(9));
            expect(bench.packets()).toHaveLength(2);
            expect(report.of(peer).retired).toEqual([old.index]);
            if (first === 'initiator') {
              expect(report.of(peer).confirmed).toMatchObject([
                { index: other.index, became: secondWins ? 'current' : 'previous' },
              ]);
            }
          }
        }
      },
    );

    test.each(roles)(
      'confirmed as %s first: a millisecond past REKEY_TIMEOUT the later one is current',
      (first) => {
        const { bench, one, other } = cross(first, false, 5_001);
        bench.tun(to(1));
        expect(bench.records().map(({ bytes }) => [one.owns(bytes), other.owns(bytes)])).toEqual([
          [false, true],
        ]);
      },
    );

    test.each(roles)('two sessions as %s never cross', (role) => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      bench.established(peer, role, { winsCrossing: true });
      const later = bench.established(peer, role, { winsCrossing: false });
      bench.tun(to(1));
      expect(bench.records().map(({ bytes }) => later.owns(bytes))).toEqual([true]);
    });

    test('the time counts from the confirm, not from the birth of the next', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const next = bench.session(peer, 'responder', { winsCrossing: true });
      bench.wait(100_000);
      bench.udp(next.seal(none));
      bench.wait(5_000);
      bench.session(peer, 'initiator');
      bench.drain();
      bench.tun(to(1));
      expect(bench.records().map(({ bytes }) => next.owns(bytes))).toEqual([true]);
    });

    test('a confirm that makes it previous moves the endpoint, once, and flushes under the current session', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1, null);
      const current = bench.established(peer, 'initiator', { winsCrossing: true });
      const next = bench.session(peer, 'responder');
      bench.udp(next.seal(padded(from(1))), place(9));
      expect(bench.report().of(peer)).toMatchObject({
        roamed: { endpoint: place(9) },
        confirmed: [{ became: 'previous' }],
      });
      bench.udp(next.seal(none), place(8));
      expect(bench.report().of(peer)).toEqual({ ...idle, anyReceived: true });
      bench.drain();
      bench.tun(to(1));
      const [sent] = bench.records();
      expect(sent?.to).toEqual(place(9));
      expect(sent && current.owns(sent.bytes)).toBe(true);
    });

    test('a current session past its age neither crosses nor becomes previous', () => {
      for (const second of ['initiator', 'responder'] as const) {
        const bench = new Bench(maker);
        const peer = bench.peer(1);
        const first = bench.session(peer, second === 'initiator' ? 'responder' : 'initiator', {
          winsCrossing: true,
        });
        bench.wait(178_000);
        bench.udp(first.seal(none));
        const later = bench.prepare(peer, second);
        // a next waits there when the first comes of age; an initiated session comes after
        if (second === 'responder') bench.plane.install(bench.now, later.install());
        bench.wait(2_000);
        bench.report();
        if (second === 'initiator') bench.plane.install(bench.now, later.install());
        else bench.udp(later.seal(none));
        expect(bench.report().of(peer).retired).toEqual([first.index]);
        bench.drain();
        bench.tun(to(1));
        expect(bench.records().map(({ bytes }) => later.owns(bytes))).toEqual([true]);
        expect(bench.put.liveKeys()).toBe(2);
      }
    });
  });

  describe('N2: after S1 the initiator sends at once', () => {
    test('with nothing staged one keepalive, which is no data', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const session = bench.session(peer, 'initiator');
      expect(bench.records().map(({ bytes }) => session.open(bytes))).toEqual([
        { counter: 0, payload: none },
      ]);
      expect(bench.report().of(peer)).toEqual({ ...idle, recordSent: true, anySent: true });
    });

    test('what is staged, in its order, and no keepalive', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      for (const mark of [1, 2, 3]) bench.tun(to(1, 48, mark));
      bench.report();
      const session = bench.session(peer, 'initiator');
      expect(bench.records().map(({ bytes }) => session.open(bytes))).toEqual(
        [1, 2, 3].map((mark, counter) => ({ counter, payload: to(1, 48, mark) })),
      );
      expect(bench.report().of(peer)).toEqual({ ...idle, dataSent: true, recordSent: true, anySent: true });
    });

    test('under the new session also where N4 makes it the previous one', () => {
      for (const staged of [true, false]) {
        const bench = new Bench(maker);
        const peer = bench.peer(1);
        const limits = { ...sessionLimits('standard'), rejectAfterMessages: 1 };
        const winner = bench.established(peer, 'responder', { winsCrossing: true, limits });
        if (staged) {
          bench.tun(to(1, 48)); // counter 0, the last this session has
          bench.tun(to(1, 48)); // is staged
        }
        bench.drain();
        const loser = bench.session(peer, 'initiator');
        const payload = staged ? to(1, 48) : none;
        expect(bench.records().map(({ bytes }) => loser.open(bytes))).toEqual([{ counter: 0, payload }]);
        if (!staged) {
          bench.tun(to(1));
          expect(bench.records().map(({ bytes }) => winner.owns(bytes))).toEqual([true]);
        }
      }
    });

    test('without an endpoint nothing is sent, and what is staged stays', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      bench.tun(to(1, 48, 1));
      bench.plane.setPeer(peer, { endpoint: null });
      const session = bench.session(peer, 'initiator');
      expect(bench.drain()).toEqual([]);
      bench.plane.setPeer(peer, { endpoint: place(4) });
      bench.plane.flushStaged(bench.now, peer);
      expect(bench.records().map(({ bytes, to }) => [session.open(bytes).payload[47], to])).toEqual([
        [1, place(4)],
      ]);
    });
  });
}
