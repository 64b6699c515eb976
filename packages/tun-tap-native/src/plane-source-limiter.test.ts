import { describe, expect, it } from 'vitest';
import { NativeBuckets, sipHash } from './testing/plane-buckets.ts';
import { Random } from './testing/random.ts';

const ipv4 = (n: number): Uint8Array => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);

/** The slow twin: core's two generations, on maps. */
class MapBuckets {
  readonly #burst: number;
  readonly #gap: number;
  readonly #kind: 'proven' | 'unproven';
  #young = new Map<number, number>();
  #old = new Map<number, number>();

  constructor(burst: number, gap: number, kind: 'proven' | 'unproven') {
    this.#burst = burst;
    this.#gap = gap;
    this.#kind = kind;
  }

  take(now: number, source: number): boolean {
    const fullAt = Math.max(this.#young.get(source) ?? this.#old.get(source) ?? now, now);
    if (fullAt - now > (this.#burst - 1) * this.#gap) return false;
    if (this.#young.size >= 8_192 && !this.#young.has(source)) {
      const allFull = [...this.#old.values()].every((at) => at <= now);
      if (this.#kind === 'proven' || allFull) {
        this.#old = this.#young;
        this.#young = new Map();
      } else {
        if (!this.#old.has(source)) return false;
        this.#old.set(source, fullAt + this.#gap);
        return true;
      }
    }
    this.#young.set(source, fullAt + this.#gap);
    return true;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}

describe.each([
  ['without mac2', 'unproven', 16, 50],
  ['with mac2', 'proven', 32, 20],
] as const)('§6 natively, %s', (_name, kind, burst, gap) => {
  it(`lets exactly ${burst} through at once, and the next after ${gap} ms, not a moment before`, () => {
    const buckets = new NativeBuckets(kind);
    const passed = Array.from({ length: 40 }, () => buckets.take(0, ipv4(1))).filter(Boolean);
    expect(passed).toHaveLength(burst);
    expect(buckets.take(gap - 0.001, ipv4(1))).toBe(false);
    expect(buckets.take(gap, ipv4(1))).toBe(true);
    expect(buckets.take(gap, ipv4(1))).toBe(false);
  });

  it('counts as exactly when it is asked all the time', () => {
    const buckets = new NativeBuckets(kind);
    let passed = 0;
    for (let now = 0; now <= 10_000; now += gap / 10) if (buckets.take(now, ipv4(1))) passed++;
    expect(passed).toBe(burst + 10_000 / gap);
  });

  it.each([
    [200, 1],
    [9_000, 1],
    [40_000, 1],
    [40_000, 0.02],
  ])('decides as two maps do, for %i sources asked every %f ms, in 150,000 seeded steps', (sources, pace) => {
    const random = new Random(sources + burst);
    const buckets = new NativeBuckets(kind);
    const twin = new MapBuckets(burst, gap, kind);
    let now = 1_000;
    const asked = Array.from({ length: 150_000 }, () => {
      now += random.chance(0.0005) ? random.below(3_000) : (random.below(16) / 8) * pace;
      return { now, source: random.chance(0.3) ? random.below(5) : random.below(sources) };
    });
    const expected = asked.map((ask) => twin.take(ask.now, ask.source));
    const verdicts = buckets.takeAll(
      asked.map((ask) => ask.now),
      asked.map((ask) => ipv4(ask.source)),
    );
    expect(verdicts.findIndex((verdict, i) => verdict !== expected[i])).toBe(-1);
    expect(buckets.size).toBe(twin.size);
    expect(expected.filter((passed) => !passed).length).toBeGreaterThan(1_000);
  });
});

describe('§6 natively, sources', () => {
  it('are a /32 of IPv4 and a /64 of IPv6; an IPv4-mapped address is the IPv4 address', () => {
    const sameSource = (a: Uint8Array, b: Uint8Array): boolean => {
      const buckets = new NativeBuckets('unproven');
      for (let i = 0; i < 16; i++) expect(buckets.take(0, a)).toBe(true);
      return !buckets.take(0, b);
    };
    const v6 = (subnet: number, last: number): Uint8Array =>
      Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, subnet, 9, 9, 9, 9, 9, 9, 9, last);
    const mapped = (marker: number, last: number): Uint8Array =>
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, marker, 192, 0, 2, last);
    expect(sameSource(v6(1, 1), v6(1, 2))).toBe(true);
    expect(sameSource(v6(1, 1), v6(2, 1))).toBe(false);
    expect(sameSource(ipv4(1), ipv4(1))).toBe(true);
    expect(sameSource(ipv4(1), ipv4(2))).toBe(false);
    expect(sameSource(mapped(0xff, 1), Uint8Array.of(192, 0, 2, 1))).toBe(true);
    expect(sameSource(mapped(0xff, 1), mapped(0xff, 2))).toBe(false);
    // The other addresses below ::/64 are no IPv4 address, and all one prefix.
    expect(sameSource(mapped(0xfe, 1), Uint8Array.of(192, 0, 2, 1))).toBe(false);
    expect(sameSource(mapped(0xfe, 1), mapped(0xfe, 2))).toBe(true);
    // An IPv4 address is not the /64 that begins with the same bytes.
    expect(sameSource(Uint8Array.of(1, 2, 3, 4), Uint8Array.of(1, 2, 3, 4, ...new Uint8Array(12)))).toBe(
      false,
    );
  });

  it('never make the table larger than its bound, and while it is full new ones count as over their rate', () => {
    const buckets = new NativeBuckets('unproven');
    const numbers = Array.from({ length: 1_000_000 }, (_, i) => i);
    let refused = 0;
    for (let from = 0; from < numbers.length; from += 5_000) {
      const part = numbers.slice(from, from + 5_000);
      refused += buckets
        .takeAll(
          part.map((i) => i / 1000),
          part.map(ipv4),
        )
        .filter((passed) => !passed).length;
      expect(buckets.size).toBeLessThanOrEqual(16_384);
    }
    expect(refused).toBeGreaterThan(600_000);
    expect(buckets.take(2_000, ipv4(0xffff_ffff))).toBe(true);
  });

  it('with mac2 shut no other such source out', () => {
    const buckets = new NativeBuckets('proven');
    const numbers = Array.from({ length: 50_000 }, (_, i) => i);
    buckets.takeAll(
      numbers.map((i) => i / 1000),
      numbers.map(ipv4),
    );
    expect(buckets.take(50, ipv4(0xffff_ffff))).toBe(true);
    expect(buckets.size).toBeLessThanOrEqual(16_384);
  });

  it('are hashed as the reference of SipHash-2-4 hashes 16 B', () => {
    const counting = Uint8Array.from({ length: 16 }, (_, i) => i);
    expect(Buffer.from(sipHash(counting, counting)).toString('hex')).toBe('db9bc2577fcc2a3f');
  });
});
