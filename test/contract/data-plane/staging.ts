/** Packets that wait for a session: order, bounds, and what empties the queue. */
import { peerId } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { Bench, type FarEnd, idle, none, place, to } from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

export function stagingContract(maker: PlaneMaker): void {
  function staged(marks: readonly number[]) {
    const bench = new Bench(maker);
    const peer = bench.peer(1);
    for (const mark of marks) bench.tun(to(1, 48, mark));
    return { bench, peer };
  }
  /** The marks of what is sent, by the far end. */
  const marksOf = (bench: Bench, far: FarEnd) =>
    bench.records().map(({ bytes }) => far.open(bytes).payload[47]);

  describe('staging', () => {
    test('wants a key with each packet, sends nothing', () => {
      const { bench, peer } = staged([1]);
      expect(bench.report().of(peer)).toEqual({ ...idle, wantsKey: true });
      expect(bench.report().of(peer)).toEqual(idle);
      bench.tun(to(1));
      expect(bench.report().of(peer)).toEqual({ ...idle, wantsKey: true });
      expect(bench.drain()).toEqual([]);
    });

    test('flushStaged does nothing without a current session, and nothing twice', () => {
      const { bench, peer } = staged([1, 2]);
      bench.plane.flushStaged(bench.now, peer);
      bench.plane.flushStaged(bench.now, peerId(77));
      expect(bench.drain()).toEqual([]);
      const far = bench.session(peer, 'initiator');
      bench.plane.flushStaged(bench.now, peer);
      expect(marksOf(bench, far)).toEqual([1, 2]);
    });

    test('survives wipeKeys, retire and roaming; purgeStaged and removePeer empty it', () => {
      const { bench, peer } = staged([1, 2]);
      bench.plane.wipeKeys(bench.now, peer);
      bench.plane.setPeer(peer, { endpoint: place(5) });
      expect(marksOf(bench, bench.session(peer, 'initiator'))).toEqual([1, 2]);

      const purged = staged([1, 2]);
      purged.bench.plane.purgeStaged(purged.peer);
      expect(marksOf(purged.bench, purged.bench.session(purged.peer, 'initiator'))).toEqual([undefined]);

      const removed = staged([1, 2]);
      removed.bench.plane.removePeer(removed.bench.now, removed.peer);
      expect(removed.bench.report().of(removed.peer)).toEqual(idle);
      removed.bench.peer(1);
      expect(marksOf(removed.bench, removed.bench.session(removed.peer, 'initiator'))).toEqual([undefined]);
    });

    test('a packet is staged in the caller’s bytes as they were', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const packet = to(1, 48, 7);
      bench.tun(packet);
      packet.fill(0);
      expect(marksOf(bench, bench.session(peer, 'initiator'))).toEqual([7]);
    });

    test('holds 256 KiB a peer; then the oldest give way and are counted', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const each = 1024;
      for (let i = 0; i < 256; i++) bench.tun(to(1, each, i));
      expect(bench.report().drops).toEqual({});
      bench.tun(to(1, 20));
      bench.tun(to(1, each, 9));
      expect(bench.report().drops).toEqual({ 'staging-full': 2 });
      const far = bench.session(peer, 'initiator');
      const sent = bench.records().map(({ bytes }) => far.open(bytes).payload);
      expect(sent).toHaveLength(256);
      expect([sent[0]?.[1023], sent.at(-2)?.length, sent.at(-1)?.[1023]]).toEqual([2, 32, 9]);
    });

    test('charges a small packet 256 B, about what it occupies', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      for (let i = 0; i < 1024; i++) bench.tun(to(1, 20));
      expect(bench.report().drops).toEqual({});
      bench.tun(to(1, 20));
      expect(bench.report().drops).toEqual({ 'staging-full': 1 });
      bench.session(peer, 'initiator');
      expect(bench.records()).toHaveLength(1024);
    });

    test('holds 16 MiB in all; a peer with nothing staged then loses its new packet, others lose none', () => {
      const bench = new Bench(maker);
      const peers = Array.from({ length: 65 }, (_, n) => bench.peer(n + 1));
      for (let i = 0; i < 64; i++) for (let n = 1; n <= 64; n++) bench.tun(to(n, 4096, i));
      expect(bench.report().drops).toEqual({});
      bench.tun(to(65, 400));
      const report = bench.report();
      expect([report.drops, report.of(peerId(65)).wantsKey]).toEqual([{ 'staging-full': 1 }, true]);
      bench.tun(to(64, 4096, 99)); // its own oldest gives way
      expect(bench.report().drops).toEqual({ 'staging-full': 1 });
      const counts = peers.map((peer) => {
        bench.session(peer, 'initiator');
        return bench.records().length;
      });
      expect(counts).toEqual(peers.map((peer) => (peer === 65 ? 1 : 64)));
      bench.tun(to(65, 400));
      expect(bench.report().drops).toEqual({});
    });

    test.each(['purgeStaged', 'removePeer'] as const)('%s gives its share of the 16 MiB back', (verb) => {
      const bench = new Bench(maker);
      for (let n = 1; n <= 65; n++) bench.peer(n);
      for (let i = 0; i < 64; i++) for (let n = 1; n <= 64; n++) bench.tun(to(n, 4096, i));
      if (verb === 'purgeStaged') bench.plane.purgeStaged(peerId(64));
      else bench.plane.removePeer(bench.now, peerId(64));
      for (let i = 0; i < 64; i++) bench.tun(to(65, 4096, i));
      expect(bench.report().drops).toEqual({});
      bench.tun(to(65, 4096));
      expect(bench.report().drops).toEqual({ 'staging-full': 1 });
    });

    test('a session that comes back with counters left sends what waits before what is new', () => {
      const { bench, peer } = staged([1, 2]);
      bench.plane.setPeer(peer, { endpoint: null });
      const far = bench.session(peer, 'initiator');
      bench.plane.setPeer(peer, { endpoint: place(1) });
      bench.tun(to(1, 48, 3));
      expect(marksOf(bench, far)).toEqual([1, 2, 3]);
    });
  });

  test('where what waits takes the last counters, the new packet waits for another session', () => {
    const { bench, peer } = staged([1, 2]);
    bench.plane.setPeer(peer, { endpoint: null });
    const far = bench.session(peer, 'initiator');
    bench.put.advanceSendCounter(far.index, 2 ** 53 - 2 ** 13 - 3);
    bench.plane.setPeer(peer, { endpoint: place(1) });
    bench.report();
    bench.tun(to(1, 48, 3));
    expect(marksOf(bench, far)).toEqual([1, 2]);
    expect(bench.report().of(peer).wantsKey).toBe(true);
    expect(marksOf(bench, bench.session(peer, 'initiator'))).toEqual([3]);
  });

  test('a keepalive of N2 is an empty payload', () => {
    const { bench, peer } = staged([]);
    const far = bench.session(peer, 'initiator');
    expect(bench.records().map(({ bytes }) => far.open(bytes).payload)).toEqual([none]);
  });
}
