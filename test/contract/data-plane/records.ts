/** What is refused before anything changes: form, index, counter, tag, replay. §3.4, §5.4. */
import { instant, sessionIndex } from '@pqtun/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bench, from, header, idle, none, padded, place, sessionLimits } from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

export function recordContract(maker: PlaneMaker): void {
  function established() {
    const bench = new Bench(maker);
    const peer = bench.peer(1);
    return { bench, peer, far: bench.established(peer, 'initiator') };
  }

  describe('form of a transport datagram (§3.4)', () => {
    test('every length below 32 B is refused', () => {
      const { bench, far } = established();
      for (let length = 1; length < 32; length++) {
        bench.expectRefused('bad-length', () => bench.udp(far.seal(none, 0).subarray(0, length)));
      }
    });

    test('bytes 1 to 3 must be zero', () => {
      const { bench, far } = established();
      for (const at of [1, 2, 3]) {
        for (const value of [1, 0x80, 0xff]) {
          const datagram = far.seal(none, 0);
          datagram[at] = value;
          bench.expectRefused('reserved-bytes', () => bench.udp(datagram));
        }
      }
    });

    test('an index of no session', () => {
      const { bench, far } = established();
      for (const index of [0, 1, far.index - 1, far.index + 1, 0xffffffff]) {
        bench.expectRefused('unknown-index', () => bench.udp(far.seal(none, 0, sessionIndex(index))));
      }
    });

    test('every flipped bit and every truncation is refused, a longer one too; then the datagram itself passes', () => {
      const { bench, far } = established();
      const datagram = far.seal(from(1, 32));
      const refused = (bytes: Uint8Array): unknown => {
        const before = bench.put.fingerprint();
        bench.udp(bytes);
        expect(bench.drain()).toEqual([]);
        expect(bench.put.fingerprint()).toBe(before);
        return Object.keys(bench.report().drops)[0];
      };
      for (let bit = 8; bit < datagram.length * 8; bit++) {
        const flipped = datagram.slice();
        flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        const byte = bit >>> 3;
        const reasons =
          byte < 4
            ? ['reserved-bytes']
            : byte < 8
              ? ['unknown-index']
              : byte < 16
                ? ['bad-tag', 'counter-limit']
                : ['bad-tag'];
        expect(reasons).toContain(refused(flipped));
      }
      for (let length = 32; length < datagram.length; length++)
        expect(refused(datagram.slice(0, length))).toBe('bad-tag');
      expect(refused(Uint8Array.of(...datagram, 0))).toBe('bad-tag');
      bench.udp(datagram);
      expect(bench.packets()).toEqual([from(1, 32)]);
    });

    test('nothing that arrives throws, and nothing forged passes', () => {
      const { bench, far } = established();
      const forged = fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc
          .uint8Array({ minLength: 16, maxLength: 100 })
          .map((rest) => Uint8Array.of(...header(far.index, rest[0] ?? 0), ...rest)),
      );
      fc.assert(
        fc.property(forged, (datagram) => {
          bench.udp(datagram, place(9));
          expect(bench.drain()).toEqual([]);
        }),
        { numRuns: 500 },
      );
      expect(bench.report().of(bench.peer(1))).toEqual(idle);
    });
  });

  describe('whose keys (fault 39)', () => {
    test('a packet sealed for one session is refused under the index of another, of the same peer or not', () => {
      const bench = new Bench(maker);
      const [one, two] = [bench.peer(1), bench.peer(2)];
      const ends = [
        bench.established(one, 'initiator'),
        bench.session(one, 'responder'),
        bench.established(two, 'initiator'),
      ];
      bench.drain();
      for (const sealer of ends) {
        for (const target of ends) {
          if (sealer === target) continue;
          bench.expectRefused('bad-tag', () => bench.udp(sealer.seal(from(1), 3, target.index)));
        }
      }
    });

    test('the plane’s own datagrams, sent back, are refused', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const far = bench.session(peer, 'initiator');
      const [own] = bench.records();
      if (own === undefined) throw new Error('no keepalive');
      bench.expectRefused('unknown-index', () => bench.udp(own.bytes.slice()));
      const aimed = Uint8Array.of(...header(far.index, 0), ...own.bytes.subarray(16));
      bench.expectRefused('bad-tag', () => bench.udp(aimed));
    });
  });

  describe('counters', () => {
    const edges = [
      0,
      1,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 32 + 1,
      2 ** 52 - 1,
      2 ** 52,
      2 ** 53 - 2 ** 13 - 2,
    ];
    test('are taken once each, near 0, 2^31, 2^32, 2^52 and the limit', () => {
      const { bench, far } = established();
      for (const counter of edges) {
        bench.udp(far.seal(from(1), counter));
        expect(bench.packets()).toHaveLength(1);
        bench.expectRefused('replayed', () => bench.udp(far.seal(from(1), counter)));
      }
    });

    test('at and above REJECT_AFTER_MESSAGES are refused, however well sealed', () => {
      const { bench, far } = established();
      for (const counter of [2 ** 53 - 2 ** 13 - 1, 2 ** 53 - 2 ** 13, 2 ** 53 - 1]) {
        bench.expectRefused('counter-limit', () => bench.udp(far.seal(from(1), counter)));
      }
      for (const counter of [2 ** 53, 2 ** 63, 2 ** 64 - 2 ** 11]) {
        const datagram = Uint8Array.of(...header(far.index, counter), ...new Uint8Array(32));
        bench.expectRefused('counter-limit', () => bench.udp(datagram));
      }
    });

    test('the limit is the session’s own', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const limits = { ...sessionLimits('standard'), rejectAfterMessages: 10 };
      const far = bench.established(peer, 'initiator', { limits });
      bench.udp(far.seal(from(1), 9));
      expect(bench.packets()).toHaveLength(1);
      for (const counter of [10, 11])
        bench.expectRefused('counter-limit', () => bench.udp(far.seal(none, counter)));
    });
  });

  describe('replay (§5.4)', () => {
    test('reaches 8128 back, not 8129', () => {
      const { bench, far } = established();
      const highest = 20_000;
      bench.udp(far.seal(none, highest));
      for (const [counter, taken] of [
        [highest - 8127, 1],
        [highest - 8128, 1],
        [highest - 8129, 0],
        [0, 0],
      ] as const) {
        bench.udp(far.seal(from(1), counter));
        expect([counter, bench.packets().length]).toEqual([counter, taken]);
      }
      expect(bench.report().drops).toEqual({ replayed: 2 });
    });

    test('reordering by up to 2,000 loses nothing, and no copy passes (fault 8)', () => {
      const { bench, far } = established();
      const total = 4_000;
      const order = Array.from({ length: total }, (_, i) => i).sort((a, b) => shifted(a) - shifted(b));
      for (const counter of order) {
        const datagram = far.seal(none, counter);
        bench.udp(datagram.slice());
        bench.udp(datagram);
      }
      expect(bench.report().drops).toEqual({ replayed: total });
      expect(bench.plane.peerCounters([bench.peer(1)])).toMatchObject([{ packetsReceived: total }]);
    });

    test('a forged high counter does not move the window (fault 12)', () => {
      const { bench, far } = established();
      bench.udp(far.seal(none, 5));
      for (const counter of [6, 100_000, 2 ** 50]) {
        const forged = Uint8Array.of(...header(far.index, counter), ...far.seal(none, 5).subarray(16));
        bench.expectRefused('bad-tag', () => bench.udp(forged));
      }
      bench.udp(far.seal(from(1), 4));
      expect(bench.packets()).toHaveLength(1);
    });

    test('each session has a window of its own, kept when it becomes previous', () => {
      const { bench, peer, far } = established();
      bench.udp(far.seal(none, 7));
      const second = bench.established(peer, 'initiator');
      bench.udp(second.seal(from(1), 7));
      expect(bench.packets()).toHaveLength(1);
      bench.expectRefused('replayed', () => bench.udp(far.seal(from(1), 7)));
      bench.expectRefused('replayed', () => bench.udp(second.seal(from(1), 7)));
    });
  });

  test('10^5 bad packets, then a good one passes (fault 3)', () => {
    const { bench, peer, far } = established();
    bench.udp(far.seal(none));
    bench.report();
    const replayed = far.seal(none, 0);
    const bad = [
      replayed,
      Uint8Array.of(...header(far.index, 9), ...new Uint8Array(16)),
      Uint8Array.of(...header(far.index, 2 ** 53 - 1), ...new Uint8Array(48)),
      Uint8Array.of(...header(sessionIndex(1), 0), ...new Uint8Array(64)),
      Uint8Array.of(4, 0, 0, 0),
      Uint8Array.of(4, 1, 2, 3, ...new Uint8Array(40)),
    ];
    const before = bench.put.fingerprint();
    for (let i = 0; i < 100_000; i++) bench.udp(Uint8Array.from(bad[i % bad.length] ?? none), place(9));
    expect(bench.put.fingerprint()).toBe(before);
    const { drops, of } = bench.report();
    expect(of(peer)).toEqual(idle);
    expect(Object.values(drops).reduce((sum, n) => sum + n, 0)).toBe(100_000);
    expect(Object.keys(drops).sort()).toEqual([
      'bad-length',
      'bad-tag',
      'counter-limit',
      'replayed',
      'reserved-bytes',
      'unknown-index',
    ]);
    bench.udp(far.seal(padded(from(1))));
    expect(bench.packets()).toEqual([from(1)]);
  });

  test('a clock that starts at zero is as good as any', () => {
    const bench = new Bench(maker);
    bench.now = instant(0);
    const far = bench.established(bench.peer(1), 'responder');
    bench.udp(far.seal(from(1)));
    expect(bench.packets()).toHaveLength(1);
  });
}

/** Where packet i comes in an order in which none is overtaken by more than 2,000. */
function shifted(i: number): number {
  return i + ((i * 7919) % 2_000);
}
