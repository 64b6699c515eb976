import { describe, expect, it } from 'vitest';
import { type SuiteId, suites } from '../limits.ts';
import { type Endpoint, endpoint, type Instant, instant, sessionIndex } from '../types.ts';
import { sliceLength } from '../wire/fragment.ts';
import { initiationBody } from '../wire/messages.ts';
import { type Offer, type OfferedFragment, ReassemblyPools } from './reassembly.ts';

interface Given {
  readonly from?: Endpoint;
  readonly sender?: number;
  readonly suite?: SuiteId;
  readonly count?: number;
  readonly index?: number;
  readonly proven?: boolean;
  readonly confirmed?: boolean;
  readonly length?: number;
  readonly fill?: number;
}

/** One fragment; everything but what is given is always the same. */
function fragment(given: Given = {}): OfferedFragment {
  const { suite = 1, count = suites[suite].minFragments, index = 0, sender = 1 } = given;
  const slice = new Uint8Array(sliceLength(initiationBody[suite].size, count, index)).fill(
    given.fill ?? index,
  );
  const mac1 = new Uint8Array(16).fill(0xa0 + index);
  const nothing = new Uint8Array(0);
  return {
    fragment: {
      kind: 'initiation-fragment',
      suite,
      index,
      count,
      senderIndex: sessionIndex(sender),
      slice,
      mac1,
      mac2: nothing,
      mac1Input: nothing,
      mac2Input: nothing,
    },
    from: given.from ?? address(1),
    length: given.length ?? slice.length + 40,
    keys: { mac1: nothing, cookie: nothing },
    proven: given.proven ?? false,
    confirmedSource: given.confirmed ?? false,
  };
}

const address = (host: number, port = 1, scope = 0): Endpoint =>
  endpoint(Uint8Array.of(10, host >> 16, (host >> 8) & 255, host & 255), port, scope);
const v6 = (subnet: number, host: number): Endpoint =>
  endpoint(Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, subnet, 0, 0, 0, 0, 0, 0, 0, host), 1);
const t = (ms: number): Instant => instant(ms);

class Pools {
  readonly pools = new ReassemblyPools();

  offer(now: number, given: Given = {}): Offer['kind'] {
    return this.pools.offer(t(now), fragment(given)).kind;
  }

  /** Fills with `count` slots of as many sources, or of one. */
  fill(now: number, count: number, given: Given = {}, firstHost = 1000): void {
    for (let i = 0; i < count; i++) {
      const kind = this.offer(now, { from: address(firstHost + i), ...given, sender: 100 + i });
      if (kind !== 'stored') throw new Error(`slot ${i}: ${kind}`);
    }
  }
}

describe('a slot', () => {
  it('is complete with its last fragment, in any order, and then gone', () => {
    const { pools } = new Pools();
    pools.offer(t(0), fragment({ count: 3, index: 2, length: 700, proven: true }));
    pools.offer(t(1), fragment({ count: 3, index: 0, length: 900, proven: true }));
    const offer = pools.offer(t(2), fragment({ count: 3, index: 1, length: 800, proven: true }));
    expect(offer).toMatchObject({
      kind: 'complete',
      slot: {
        proven: true,
        largestDatagram: 900,
        receivedBytes: 2400,
        first: { mac1: new Uint8Array(16).fill(0xa0) },
      },
    });
    if (offer.kind === 'complete') expect([...new Set(offer.slot.reassembly.body)]).toEqual([0, 1, 2]);
    expect(pools.size).toBe(0);
  });

  it('is proven only when every fragment was', () => {
    for (const [a, b] of [
      [true, false],
      [false, true],
      [false, false],
    ]) {
      const { pools } = new Pools();
      pools.offer(t(0), fragment({ index: 0, proven: a ?? false }));
      expect(pools.offer(t(0), fragment({ index: 1, proven: b ?? false }))).toMatchObject({
        slot: { proven: false },
      });
    }
  });

  it('ignores a second copy of a fragment, whatever it holds, proven or not', () => {
    const { pools } = new Pools();
    pools.offer(t(0), fragment({ index: 0, fill: 7 }));
    for (const proven of [false, true])
      expect(pools.offer(t(0), fragment({ index: 0, fill: 9, length: 1400, proven }))).toEqual({
        kind: 'refused',
        reason: 'duplicate-fragment',
      });
    const offer = pools.offer(t(0), fragment({ index: 1, fill: 7 }));
    expect(offer.kind === 'complete' && [...new Set(offer.slot.reassembly.body)]).toEqual([7]);
    expect(offer).toMatchObject({ slot: { proven: false, largestDatagram: 1230, receivedBytes: 2460 } });
  });

  it.each([
    ['address', { from: address(2) }],
    ['port', { from: address(1, 2) }],
    ['scope', { from: address(1, 1, 9) }],
    ['sender_index', { sender: 2 }],
    ['high half of sender_index', { sender: 0x10001 }],
    ['suite', { suite: 2, count: 3 }],
    ['count', { count: 3 }],
  ] as const)('is another for another %s', (_field, given) => {
    const all = new Pools();
    expect(all.offer(0, { index: 0 })).toBe('stored');
    expect(all.offer(0, { ...given, index: 1 })).toBe('stored');
    expect(all.pools.size).toBe(2);
  });

  it('lives 3 s: up to 2999 ms after its first fragment, not at 3000, and is counted as given up', () => {
    for (const [age, kind] of [
      [2999, 'complete'],
      [3000, 'stored'],
    ] as const) {
      const all = new Pools();
      all.offer(10, { index: 0 });
      expect([age, all.offer(10 + age, { index: 1 })]).toEqual([age, kind]);
      expect(all.pools.takeExpired()).toBe(kind === 'stored' ? 1 : 0);
      expect(all.pools.takeExpired()).toBe(0);
    }
  });

  it('does not live longer for the fragments that still come', () => {
    const all = new Pools();
    all.offer(0, { count: 4, index: 0 });
    all.offer(1500, { count: 4, index: 1 });
    all.offer(2900, { count: 4, index: 2 });
    expect(all.offer(3000, { count: 4, index: 3 })).toBe('stored');
    expect(all.pools.size).toBe(1);
  });
});

describe('pool B', () => {
  it('gives 4 slots to a prefix: the fifth needs mac2, also from another address or port of that prefix', () => {
    const all = new Pools();
    for (let i = 0; i < 4; i++) expect(all.offer(0, { from: v6(1, i), sender: i })).toBe('stored');
    expect(all.offer(0, { from: v6(1, 9), sender: 9 })).toBe('wants-proof');
    expect(all.offer(0, { from: v6(2, 9), sender: 9 })).toBe('stored');
    for (let i = 0; i < 4; i++) expect(all.offer(0, { from: address(1, 1 + i), sender: i })).toBe('stored');
    expect(all.offer(0, { from: address(1, 99), sender: 9 })).toBe('wants-proof');
    expect(all.offer(0, { from: address(2), sender: 9 })).toBe('stored');
  });

  it('is half full with 32: the 32nd slot is given to a stranger, the 33rd is not', () => {
    const all = new Pools();
    all.fill(0, 31);
    expect(all.offer(0, { from: address(1), sender: 1 })).toBe('stored');
    expect(all.offer(0, { from: address(2), sender: 2 })).toBe('wants-proof');
    expect(all.pools.size).toBe(32);
    // what has a slot goes on
    expect(all.offer(0, { from: address(1), sender: 1, index: 1 })).toBe('complete');
    expect(all.offer(0, { from: address(2), sender: 2 })).toBe('stored');
  });

  it('holds 64: a 65th proven one takes the place of the oldest slot without mac2, whoever’s', () => {
    const all = new Pools();
    all.fill(0, 32);
    all.fill(1, 32, { proven: true }, 2000);
    expect(all.pools.size).toBe(64);
    expect(all.offer(2, { from: address(1), proven: true })).toBe('stored');
    expect(all.pools.size).toBe(64);
    expect(all.pools.takeExpired()).toBe(1);
    // the first of the 32 is gone, so its second fragment finds no slot; the second of them is still there
    expect(all.offer(2, { from: address(1000), sender: 100, index: 1 })).toBe('wants-proof');
    expect(all.offer(2, { from: address(1001), sender: 101, index: 1 })).toBe('complete');
  });

  it('full of proven slots gives a proven one the place of the oldest, whoever’s, and an unproven one none', () => {
    const all = new Pools();
    all.fill(0, 64, { proven: true });
    expect(all.offer(1, { from: address(1) })).toBe('wants-proof');
    expect(all.offer(1, { from: address(1), proven: true })).toBe('stored');
    expect(all.pools.size).toBe(64);
    expect(all.pools.takeExpired()).toBe(1);
    expect(all.offer(1, { from: address(1001), sender: 101, index: 1, proven: true })).toBe('complete');
    expect(all.offer(1, { from: address(1), index: 1, proven: true })).toBe('complete');
    // the first is gone: its second fragment begins a slot of its own
    expect(all.offer(1, { from: address(1000), sender: 100, index: 1, proven: true })).toBe('stored');
  });

  it('over quota a proven one evicts within its own prefix only, the oldest without mac2', () => {
    const all = new Pools();
    all.offer(0, { from: address(7), sender: 1 }); // the oldest of all, of another prefix
    for (const [sender, proven] of [
      [1, true],
      [2, false],
      [3, false],
      [4, true],
    ] as const)
      expect(all.offer(1, { from: address(8, sender), sender, proven })).toBe('stored');
    expect(all.offer(2, { from: address(8, 5), sender: 5, proven: true })).toBe('stored');
    expect(all.pools.size).toBe(5);
    expect(all.offer(3, { from: address(8, 3), sender: 3, index: 1 })).toBe('complete'); // 2 was the one
    expect(all.offer(3, { from: address(7), sender: 1, index: 1 })).toBe('complete');
    expect(all.offer(3, { from: address(8, 6), sender: 6, proven: true })).toBe('stored');
    // four proven now: the oldest of them gives way, and never that of another prefix
    expect(all.offer(3, { from: address(8, 7), sender: 7, proven: true })).toBe('stored');
    expect(all.offer(3, { from: address(8, 1), sender: 1, index: 1, proven: true })).toBe('stored');
    expect(all.pools.size).toBe(4);
  });

  it('a slot with one fragment without mac2 is one without', () => {
    const all = new Pools();
    for (let i = 0; i < 4; i++) all.offer(0, { from: address(1, i + 1), sender: i, count: 3, proven: true });
    all.offer(1, { from: address(1, 3), sender: 2, count: 3, index: 1, proven: false });
    expect(all.offer(1, { from: address(1, 9), sender: 9, proven: true })).toBe('stored');
    // it gave way, not the oldest: that one is completed by its last two fragments
    const oldest = { from: address(1, 1), sender: 0, count: 3, proven: true } as const;
    expect([1, 2].map((index) => all.offer(1, { ...oldest, index }))).toEqual(['stored', 'complete']);
  });
});

describe('pool A', () => {
  const confirmed = { confirmed: true } as const;

  it('gives 2 slots to a source, which is address and port; the third needs mac2', () => {
    const all = new Pools();
    expect(all.offer(0, { ...confirmed, sender: 1 })).toBe('stored');
    expect(all.offer(0, { ...confirmed, sender: 2 })).toBe('stored');
    expect(all.offer(0, { ...confirmed, sender: 3 })).toBe('wants-proof');
    expect(all.offer(0, { ...confirmed, sender: 3, from: address(1, 2) })).toBe('stored');
    expect(all.offer(0, { ...confirmed, sender: 3, proven: true })).toBe('stored');
    expect(all.pools.takeExpired()).toBe(1);
    expect(all.offer(0, { ...confirmed, sender: 1, index: 1 })).toBe('wants-proof'); // the one evicted
    expect(all.offer(0, { ...confirmed, sender: 2, index: 1 })).toBe('complete');
  });

  it('holds 192 and has no half: the 192nd needs no mac2, the 193rd does', () => {
    const all = new Pools();
    all.fill(0, 191, confirmed);
    expect(all.offer(0, { ...confirmed, from: address(1) })).toBe('stored');
    expect(all.offer(0, { ...confirmed, from: address(2) })).toBe('wants-proof');
    expect(all.pools.size).toBe(192);
    expect(all.offer(1, { ...confirmed, from: address(2), proven: true })).toBe('stored');
    expect(all.pools.size).toBe(192);
    expect(all.offer(1, { ...confirmed, from: address(1000), sender: 100, index: 1 })).toBe('wants-proof');
  });

  it('and pool B take nothing from each other', () => {
    const all = new Pools();
    all.fill(0, 32);
    all.fill(0, 32, { proven: true }, 3000);
    all.fill(0, 192, confirmed, 5000);
    expect(all.pools.size).toBe(256);
    expect(all.offer(1, { from: address(1), proven: true })).toBe('stored'); // takes from B
    expect(all.offer(1, { ...confirmed, from: address(5000), sender: 100, index: 1 })).toBe('complete');
    expect(all.offer(1, { ...confirmed, from: address(2) })).toBe('stored');
  });
});

it('all slots together take less than 1 MB', () => {
  const largest = Math.max(initiationBody[1].size, initiationBody[2].size);
  expect(largest).toBeLessThanOrEqual(3300);
  expect(256 * largest).toBeLessThan(1_000_000);
  const all = new Pools();
  for (let host = 0; host < 20_000; host++) {
    all.offer(host / 100, {
      from: address(host),
      suite: 2,
      count: 7,
      proven: host % 3 === 0,
      confirmed: host % 2 === 0,
    });
    if (all.pools.size > 256) expect(all.pools.size).toBeLessThanOrEqual(256);
  }
  expect(all.pools.size).toBe(256);
});

it('tests see every slot that lives, oldest first, with all that its fate depends on', () => {
  const { pools } = new Pools();
  const suite = 1;
  pools.offer(
    t(0),
    fragment({ from: address(1), sender: 0xfedcba98, count: 3, index: 1, suite, length: 500 }),
  );
  pools.offer(
    t(10),
    fragment({ from: address(2), sender: 2, count: 2, suite, proven: true, confirmed: true }),
  );
  const [young, old] = [pools.describe(t(20)), pools.describe(t(2999))];
  expect(young).toMatchObject([
    { pool: 'B', index: 0xfedcba98, count: 3, has: [false, true, false], hasFirst: false, age: 20 },
    { pool: 'A', index: 2, count: 2, has: [true, false], hasFirst: true, age: 10 },
  ]);
  expect(young).toMatchObject([
    { proven: false, largestDatagram: 500, receivedBytes: 500 },
    { proven: true },
  ]);
  expect(old).toHaveLength(2);
  expect(pools.describe(t(3000))).toHaveLength(1);
});
