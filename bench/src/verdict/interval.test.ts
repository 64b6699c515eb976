import { describe, expect, it } from 'vitest';
import { chance, normal } from '../example.test.kit.ts';
import { holm, meanOf, ratioOfIndependent } from './interval.ts';
import { studentBeyond, studentReach } from './student.ts';

/** Student's density integrated by Simpson's rule from 0: slow, and its constant by integration too. */
function studentBelowSlowly(t: number, freedom: number): number {
  const density = (x: number): number => (1 + (x * x) / freedom) ** (-(freedom + 1) / 2);
  const area = (end: number): number => {
    // x = tan(u) brings an endless tail near; 20,000 pieces
    const top = Math.atan(end);
    const pieces = 20_000;
    const at = (i: number): number => {
      const u = (top * i) / pieces;
      const x = Math.tan(u);
      return density(x) * (1 + x * x);
    };
    let sum = at(0) + at(pieces);
    for (let i = 1; i < pieces; i++) sum += at(i) * (i % 2 === 1 ? 4 : 2);
    return (sum * (top / pieces)) / 3;
  };
  return 0.5 + area(t) / (2 * area(1e9));
}

describe('Student’s distribution', () => {
  it('is what slow integration finds', () => {
    for (const freedom of [1.3, 2, 4, 7.5, 30])
      for (const t of [0.1, 0.9, 2, 5, 40]) {
        expect(studentBeyond(t, freedom)).toBeCloseTo(2 - 2 * studentBelowSlowly(t, freedom), 5);
      }
  });

  it('has the quantiles of the printed tables', () => {
    const table: readonly (readonly [number, number])[] = [
      [1, 12.7062],
      [2, 4.3027],
      [4, 2.7764],
      [8, 2.306],
      [30, 2.0423],
      [120, 1.9799],
    ];
    for (const [freedom, reach] of table) expect(studentReach(0.95, freedom)).toBeCloseTo(reach, 4);
  });

  it('keeps small chances apart from zero', () => {
    expect(studentBeyond(100, 4)).toBeGreaterThan(1e-9);
    expect(studentBeyond(100, 4)).toBeLessThan(1e-6);
    expect(studentBeyond(Number.POSITIVE_INFINITY, 4)).toBe(0);
  });
});

describe('the interval of a ratio', () => {
  it('holds the truth 95 times in 100, for few rounds and unequal spreads', () => {
    const next = chance(20_261_126);
    const sample = (count: number, middle: number, spread: number): number[] =>
      Array.from({ length: count }, () => middle * Math.exp(spread * normal(next)));
    const cases = [
      [5, 5, 0.02, 0.02],
      [3, 3, 0.05, 0.05],
      [5, 9, 0.1, 0.02],
      [10, 4, 0.01, 0.05],
    ] as const;
    for (const [m, n, s, u] of cases) {
      const times = 4_000;
      let held = 0;
      for (let i = 0; i < times; i++) {
        const found = ratioOfIndependent(sample(m, 100, s), sample(n, 130, u));
        if (found !== undefined && found.low <= 1.3 && found.high >= 1.3) held += 1;
      }
      // Three standard errors of a share of 0.95 in 4,000 are 0.0103. Welch's is known to be a little too wide for three rounds.
      expect(held / times, `${m} and ${n} rounds`).toBeGreaterThan(0.9397);
      expect(held / times, `${m} and ${n} rounds`).toBeLessThan(0.98);
    }
  });

  it('of rounds of one row holds their middle 95 times in 100', () => {
    const next = chance(5);
    let held = 0;
    for (let i = 0; i < 4_000; i++) {
      const found = meanOf(Array.from({ length: 5 }, () => 7 * Math.exp(0.1 * normal(next))));
      if (found !== undefined && found.low <= 7 && found.high >= 7) held += 1;
    }
    expect(held / 4_000).toBeGreaterThan(0.9397);
    expect(held / 4_000).toBeLessThan(0.9603);
  });

  it('is Welch’s, worked by hand', () => {
    // Logarithms 1, 2, 3 and 3, 4, 5, 6: means 2 and 4.5, variances 1 and 5/3; error √(1/3 + 5/12), freedom 4.9590…
    const found = ratioOfIndependent([1, 2, 3].map(Math.exp), [3, 4, 5, 6].map(Math.exp));
    expect(Math.log(found?.middle ?? 0)).toBeCloseTo(2.5, 10);
    const freedom = 0.75 ** 2 / (1 / 9 / 2 + 25 / 144 / 3);
    expect(Math.log(found?.high ?? 0)).toBeCloseTo(2.5 + studentReach(0.95, freedom) * Math.sqrt(0.75), 8);
  });

  it('is not to be had of two rounds, nor of figures that are not above zero', () => {
    expect(ratioOfIndependent([1, 2], [1, 2, 3])).toBeUndefined();
    expect(ratioOfIndependent([1, 2, 3], [1, 0, 3])).toBeUndefined();
    expect(meanOf([1, 2])).toBeUndefined();
  });

  it('of rounds without any spread is a point', () => {
    expect(ratioOfIndependent([2, 2, 2], [2, 2, 2])).toEqual({ middle: 1, low: 1, high: 1, chance: 1 });
    const found = ratioOfIndependent([2, 2, 2], [4, 4, 4]);
    expect(found?.low).toBeCloseTo(2, 12);
    expect(found?.chance).toBe(0);
  });
});

describe('Holm’s correction', () => {
  it('raises the smallest most, keeps the order, and never goes beyond 1', () => {
    expect(holm([0.01, 0.04, 0.03]).map((chance) => Number(chance.toFixed(4)))).toEqual([0.03, 0.06, 0.06]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});
