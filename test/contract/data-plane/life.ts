/** Verbs that set state: installs once, erases for good, harms no other peer; and what reports are. */
import { peerId, sessionIndex } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { Bench, from, idle, none, place, to } from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

export function lifeContract(maker: PlaneMaker): void {
  describe('install', () => {
    test.each(['initiator', 'responder'] as const)(
      'destroys the secrets before it returns, as %s',
      (role) => {
        const bench = new Bench(maker);
        const session = bench.prepare(bench.peer(1), role).install();
        bench.plane.install(bench.now, session);
        expect([session.sendKey.destroyed, session.receiveKey.destroyed]).toEqual([true, true]);
        expect(bench.put.liveKeys()).toBe(2);
      },
    );

    test.each(['initiator', 'responder'] as const)(
      'of a known index does nothing but destroy the secrets, as %s',
      (role) => {
        const bench = new Bench(maker);
        const peer = bench.peer(1);
        const far = bench.established(peer, role);
        bench.tun(to(1));
        bench.udp(far.seal(none));
        bench.drain();
        bench.report();
        const before = bench.put.fingerprint();
        const again = far.install();
        bench.plane.install(bench.now, again);
        bench.plane.install(bench.now, { ...far.install(), role: 'initiator', peer: peerId(9) });
        expect([again.sendKey.destroyed, again.receiveKey.destroyed]).toEqual([true, true]);
        expect([bench.drain(), bench.put.fingerprint(), bench.put.liveKeys()]).toEqual([[], before, 2]);
      },
    );

    test('of a next known already leaves it a next', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const next = bench.session(peer, 'responder');
      bench.plane.install(bench.now, next.install());
      bench.udp(next.seal(none));
      expect(bench.report().of(peer).confirmed).toHaveLength(1);
    });
  });

  describe('erasing', () => {
    test('retire takes exactly the session named, whichever it is, and says nothing of it', () => {
      for (const which of [0, 1, 2]) {
        const bench = new Bench(maker);
        const peer = bench.peer(1);
        const all = [
          bench.established(peer, 'initiator'),
          bench.established(peer, 'initiator'),
          bench.session(peer, 'responder'),
        ];
        bench.report();
        const gone = all[which];
        if (gone === undefined) throw new Error('unreachable');
        bench.plane.retire(bench.now, gone.index);
        bench.plane.retire(bench.now, gone.index);
        bench.plane.retire(bench.now, sessionIndex(0));
        expect([bench.put.liveKeys(), bench.report().of(peer)]).toEqual([4, idle]);
        bench.expectRefused('unknown-index', () => bench.udp(gone.seal(none)));
        for (const far of all) if (far !== gone) bench.udp(far.seal(none));
        expect(bench.report().drops).toEqual({});
      }
    });

    test('after the current is retired the previous does not send', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      bench.established(peer, 'initiator');
      bench.plane.retire(bench.now, bench.established(peer, 'initiator').index);
      bench.tun(to(1));
      expect([bench.drain(), bench.report().of(peer)]).toEqual([[], { ...idle, wantsKey: true }]);
    });

    test.each(['wipeKeys', 'removePeer'] as const)(
      '%s erases every keypair of that peer and none of another’s',
      (verb) => {
        const bench = new Bench(maker);
        const [one, two] = [bench.peer(1), bench.peer(2)];
        const kept = bench.established(two, 'initiator');
        const gone = [
          bench.established(one, 'initiator'),
          bench.established(one, 'initiator'),
          bench.session(one, 'responder'),
        ];
        expect(bench.put.liveKeys()).toBe(8);
        bench.plane[verb](bench.now, one);
        bench.plane[verb](bench.now, one);
        expect(bench.put.liveKeys()).toBe(2);
        for (const far of gone) bench.expectRefused('unknown-index', () => bench.udp(far.seal(none)));
        bench.udp(kept.seal(from(2)), place(2));
        expect(bench.packets()).toHaveLength(1);
      },
    );

    test('a removed peer has no routes and no reports; made anew it starts afresh', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      bench.established(peer, 'initiator');
      bench.tun(to(1));
      bench.drain();
      bench.plane.removePeer(bench.now, peer);
      bench.tun(to(1));
      const { drops, of } = bench.report();
      expect([drops, of(peer)]).toEqual([{ 'no-route': 1 }, idle]);
      bench.peer(1);
      bench.tun(to(1));
      expect(bench.report().of(peer)).toEqual({ ...idle, wantsKey: true });
    });

    test('verbs for peers and sessions that are not there do no harm', () => {
      const bench = new Bench(maker);
      const nobody = peerId(404);
      bench.plane.wipeKeys(bench.now, nobody);
      bench.plane.removePeer(bench.now, nobody);
      bench.plane.resetTimestamp(nobody);
      bench.plane.purgeStaged(nobody);
      bench.plane.flushStaged(bench.now, nobody);
      bench.plane.setRoutes([{ kind: 'clear', peer: nobody }]);
      expect(bench.plane.transmit(bench.now, nobody, none)).toBe(false);
      expect([bench.drain(), bench.report().drops]).toEqual([[], {}]);
    });
  });

  describe('reports', () => {
    test('are coalesced per peer and taken once', () => {
      const bench = new Bench(maker);
      const [one, two] = [bench.peer(1), bench.peer(2)];
      const ends = [bench.established(one, 'initiator'), bench.established(two, 'initiator')];
      for (let i = 0; i < 3; i++) {
        for (const [n, far] of ends.entries()) bench.udp(far.seal(from(n + 1)), place(n + 1));
        bench.tun(to(1));
      }
      const { activity, drops } = bench.plane.takeReports();
      expect(activity.map(({ peer }) => peer).sort()).toEqual([one, two]);
      expect(activity).toMatchObject([
        { peer: one, anyReceived: true, dataReceived: false, dataSent: true },
        { peer: two, anyReceived: true, dataReceived: true, dataSent: false },
      ]);
      expect(drops.size).toBe(0);
      const { cookieReplies = 0, ...rest } = bench.plane.takeReports(); // only a plane with a gate counts them
      expect({ cookieReplies, ...rest }).toEqual({
        cookieReplies: 0,
        activity: [],
        messages: [],
        drops: new Map(),
      });
    });

    test('T2: data is reported as received only while neither data nor a keepalive was sent since', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const far = bench.established(peer, 'initiator');
      const reported = () => bench.plane.takeReports().activity.map(({ dataReceived }) => dataReceived);
      const receive = () => bench.udp(far.seal(from(1)), place(1));
      const transmit = (payload: Uint8Array) => bench.plane.transmit(bench.now, peer, payload);
      receive();
      bench.tun(to(1));
      expect(reported()).toEqual([false]);
      receive();
      transmit(none);
      expect(reported()).toEqual([false]);
      receive();
      transmit(Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 1 : 0)));
      expect(reported()).toEqual([true]);
      bench.tun(to(1));
      receive();
      expect(reported()).toEqual([true]);
    });

    test('a report taken does not change afterwards', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      bench.tun(to(1));
      bench.tun(to(9));
      const taken = bench.plane.takeReports();
      const copy = structuredClone(taken);
      bench.session(peer, 'initiator');
      bench.tun(to(9));
      bench.udp(Uint8Array.of(0x11));
      expect(taken).toEqual(copy);
    });

    test('count drops since the last call, each reason apart', () => {
      const bench = new Bench(maker);
      bench.tun(to(9));
      bench.tun(to(9));
      bench.tun(none);
      expect(bench.report().drops).toEqual({ 'no-route': 2, 'bad-inner-packet': 1 });
      bench.tun(to(9));
      expect(bench.report().drops).toEqual({ 'no-route': 1 });
    });
  });
}
