/** T6: the end of a session, and what its index tells afterwards. */

import { describe, expect, test } from 'vitest';
import { Bench, control, from, idle, none, sessionLimits, to } from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

export function expiryContract(maker: PlaneMaker): void {
  describe.each(['standard', 'metered'] as const)('T6: past REJECT_AFTER_TIME, %s', (profile) => {
    const limits = sessionLimits(profile);
    function aged(role: 'initiator' | 'responder', age: number) {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const far = bench.established(peer, role, { limits });
      bench.wait(age);
      return { bench, peer, far };
    }

    test('a session sends until a millisecond before; then the packet is staged, a key wanted, the session erased', () => {
      for (const role of ['initiator', 'responder'] as const) {
        const { bench, peer, far } = aged(role, limits.rejectAfterTime - 1);
        bench.tun(to(1));
        expect(bench.records()).toHaveLength(1);
        bench.report();
        bench.wait(1);
        bench.tun(to(1));
        expect(bench.drain()).toEqual([]);
        expect(bench.report().of(peer)).toEqual({ ...idle, wantsKey: true, retired: [far.index] });
        expect(bench.put.liveKeys()).toBe(0);
      }
    });

    test('transmit and flushStaged then send nothing either', () => {
      for (const act of ['transmit', 'flush'] as const) {
        const { bench, peer, far } = aged('initiator', limits.rejectAfterTime);
        if (act === 'transmit') expect(bench.plane.transmit(bench.now, peer, control(1))).toBe(false);
        else bench.plane.flushStaged(bench.now, peer);
        expect([bench.drain(), bench.report().of(peer)]).toEqual([[], { ...idle, retired: [far.index] }]);
        expect(bench.put.liveKeys()).toBe(0);
      }
    });

    test('it receives until a millisecond before; then data on it counts as profile-mismatch', () => {
      for (const place of ['current', 'previous', 'next'] as const) {
        const bench = new Bench(maker);
        const peer = bench.peer(1);
        const young = bench.prepare(peer, 'responder', { limits });
        const far = place === 'next' ? young : bench.established(peer, 'initiator', { limits });
        if (place === 'next') bench.plane.install(bench.now, far.install());
        bench.wait(limits.rejectAfterTime - 1);
        if (place === 'previous') bench.established(peer, 'initiator', { limits });
        if (place !== 'next') {
          bench.udp(far.seal(from(1)));
          expect(bench.packets()).toHaveLength(1);
        }
        bench.report();
        bench.wait(1);
        for (const retired of [[far.index], []]) {
          bench.udp(far.seal(from(1)));
          const report = bench.report();
          expect([report.drops, report.of(peer)]).toEqual([{ 'profile-mismatch': 1 }, { ...idle, retired }]);
        }
        expect(bench.drain()).toEqual([]);
        expect(bench.put.liveKeys()).toBe(place === 'previous' ? 2 : 0);
      }
    });

    test('a next confirms until a millisecond before', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const next = bench.session(peer, 'responder', { limits });
      bench.wait(limits.rejectAfterTime - 1);
      bench.udp(next.seal(none));
      expect(bench.report().of(peer).confirmed).toHaveLength(1);
    });

    test('one that comes too late is not installed', () => {
      for (const role of ['initiator', 'responder'] as const) {
        const { bench, peer } = aged(role, limits.rejectAfterTime);
        bench.plane.wipeKeys(bench.now, peer);
        const late = bench.prepare(peer, role, { limits });
        bench.wait(limits.rejectAfterTime);
        const session = late.install();
        bench.plane.install(bench.now, session);
        expect([session.sendKey.destroyed, session.receiveKey.destroyed, bench.put.liveKeys()]).toEqual([
          true,
          true,
          0,
        ]);
        expect(bench.drain()).toEqual([]);
        expect(bench.report().of(peer)).toEqual({ ...idle, retired: [late.index] });
      }
    });
  });

  describe('T6: an index erased by age is known for an hour', () => {
    const { rejectAfterTime } = sessionLimits('standard');
    const reasonAfter = (age: number, erase: 'retire' | 'wipeKeys', later: number) => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const far = bench.established(peer, 'initiator');
      bench.wait(age);
      if (erase === 'retire') bench.plane.retire(bench.now, far.index);
      else bench.plane.wipeKeys(bench.now, peer);
      expect([bench.put.liveKeys(), bench.report().of(peer)]).toEqual([0, idle]);
      bench.wait(later);
      bench.udp(far.seal(from(1)));
      return Object.keys(bench.report().drops);
    };

    test.each(['retire', 'wipeKeys'] as const)('%s at its age or later, not before', (erase) => {
      expect(
        [rejectAfterTime - 1, rejectAfterTime, rejectAfterTime + 1].map((age) => reasonAfter(age, erase, 0)),
      ).toEqual([['unknown-index'], ['profile-mismatch'], ['profile-mismatch']]);
    });

    test('for an hour, not a millisecond longer', () => {
      expect(
        [3_599_999, 3_600_000, 3_600_001].map((later) => reasonAfter(rejectAfterTime, 'retire', later)),
      ).toEqual([['profile-mismatch'], ['profile-mismatch'], ['unknown-index']]);
    });

    test('what arrives on it changes nothing', () => {
      const bench = new Bench(maker);
      const far = bench.established(bench.peer(1), 'initiator');
      bench.wait(rejectAfterTime);
      bench.plane.retire(bench.now, far.index);
      bench.expectRefused('profile-mismatch', () => bench.udp(far.seal(from(1))));
    });
  });
}
