import { describe, expect, it } from 'vitest';
import { provenRate, unprovenRate } from '../limits.ts';
import { endpoint, instant, prefixKey } from '../types.ts';
import { Buckets, SourceLimiter } from './source-limiter.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe.each([
  ['without mac2', unprovenRate, 16, 20],
  ['with mac2', provenRate, 32, 50],
] as const)('§6 %s', (_name, rate, burst, perSecond) => {
  const gap = 1000 / perSecond;

  it(`lets exactly ${burst} through at once, and the next after ${gap} ms, not a moment before`, () => {
    const buckets = new Buckets(rate, 'refuse-new');
    const passed = Array.from({ length: 40 }, () => buckets.take(instant(0), 'a')).filter(Boolean);
    expect(passed).toHaveLength(burst);
    expect(buckets.take(instant(gap - 0.001), 'a')).toBe(false);
    expect(buckets.take(instant(gap), 'a')).toBe(true);
    expect(buckets.take(instant(gap), 'a')).toBe(false);
  });

  it('counts as exactly when it is asked all the time', () => {
    const buckets = new Buckets(rate, 'refuse-new');
    let passed = 0;
    for (let now = 0; now <= 10_000; now += gap / 10) if (buckets.take(instant(now), 'a')) passed++;
    expect(passed).toBe(burst + 10 * perSecond);
  });

  it('is full again after as long as the burst takes, and holds no more than the burst', () => {
    const buckets = new Buckets(rate, 'refuse-new');
    const drain = (now: number): number => {
      let passed = 0;
      while (buckets.take(instant(now), 'a')) passed++;
      return passed;
    };
    expect(drain(0)).toBe(burst);
    expect(drain(burst * gap)).toBe(burst);
    expect(drain(1_000_000)).toBe(burst);
    expect(drain(1_000_000 + burst * gap - 1)).toBe(burst - 1);
  });

  it('never passes more than burst + rate × time in any stretch of time', () => {
    const buckets = new Buckets(rate, 'refuse-new');
    const at: number[] = [];
    let state = 12345;
    for (let now = 0; now < 20_000; ) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      now += state % 97 === 0 ? 700 : (state >>> 8) % 23;
      if (buckets.take(instant(now), 'a')) at.push(now);
    }
    let worst = 0;
    for (const [first, from] of at.entries())
      for (const [more, to] of at.slice(first).entries())
        worst = Math.max(worst, more + 1 - (perSecond * (to - from)) / 1000);
    expect(worst).toBeLessThan(burst + 1e-9);
    expect(worst).toBeGreaterThan(burst - 1);
  });

  it('keeps prefixes apart', () => {
    const buckets = new Buckets(rate, 'refuse-new');
    for (let i = 0; i < 50; i++) buckets.take(instant(0), 'a');
    expect(buckets.take(instant(0), 'a')).toBe(false);
    expect(buckets.take(instant(0), 'b')).toBe(true);
  });
});

it('a /32 of IPv4 and a /64 of IPv6 are one source each; an IPv4-mapped address is the IPv4 address', () => {
  const key = (...ip: number[]): string => prefixKey(endpoint(bytes(...ip), 1).ip);
  const v6 = (last: number, subnet = 1): number[] => [
    0x20,
    1,
    0xd,
    0xb8,
    0,
    0,
    0,
    subnet,
    9,
    9,
    9,
    9,
    9,
    9,
    9,
    last,
  ];
  expect(key(...v6(1))).toBe(key(...v6(2)));
  expect(key(...v6(1))).not.toBe(key(...v6(1, 2)));
  expect(key(192, 0, 2, 1)).not.toBe(key(192, 0, 2, 2));
  expect(key(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1)).toBe(key(192, 0, 2, 1));
  // the other addresses below ::/64 are no IPv4 address
  expect(key(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 192, 0, 2, 1)).not.toBe(key(192, 0, 2, 1));
});

describe('a flood of prefixes', () => {
  it('never makes the table larger than its bound, and finds new prefixes over their rate while it is full', () => {
    const limiter = new SourceLimiter();
    let refused = 0;
    let largest = 0;
    for (let i = 0; i < 1_000_000; i++) {
      if (!limiter.unproven.take(instant(i / 1000), `prefix ${i}`)) refused++;
      largest = Math.max(largest, limiter.unproven.size);
    }
    expect(largest).toBe(16_384);
    expect(refused).toBeGreaterThan(600_000);
    expect(limiter.unproven.take(instant(2_000), 'honest')).toBe(true);
    expect(limiter.unproven.size).toBeLessThanOrEqual(16_384);
  });

  it('does not change what a prefix that is in the table has left', () => {
    const { unproven } = new SourceLimiter();
    for (let i = 0; i < 16; i++) expect(unproven.take(instant(0), 'honest')).toBe(true);
    for (let i = 0; i < 50_000; i++) unproven.take(instant(1), `prefix ${i}`);
    expect(unproven.take(instant(2), 'honest')).toBe(false);
    expect(unproven.take(instant(50), 'honest')).toBe(true);
  });

  it('of sources with valid mac2 shuts no other such source out: one that is not in the table is not over its rate', () => {
    const { proven } = new SourceLimiter();
    for (let i = 0; i < 50_000; i++) proven.take(instant(i / 1000), `prefix ${i}`);
    expect(proven.take(instant(50), 'honest')).toBe(true);
    expect(proven.size).toBeLessThanOrEqual(16_384);
  });
});

it('tests see every bucket that is not full, and when it will be', () => {
  const buckets = new Buckets(unprovenRate, 'refuse-new');
  expect(buckets.describe(instant(0))).toEqual([]);
  for (const prefix of ['a', 'a', 'b']) buckets.take(instant(0), prefix);
  expect(buckets.describe(instant(20))).toEqual([
    ['a', 80],
    ['b', 30],
  ]);
  expect(buckets.describe(instant(50))).toEqual([['a', 50]]);
  expect(buckets.describe(instant(100))).toEqual([]);
});
