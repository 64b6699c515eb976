import { describe, expect, it } from 'vitest';
import { marginOf, quantile, quantiles } from './samples.ts';

describe('quantiles', () => {
  it('are values, and between values what lies between', () => {
    expect(quantile([1, 2, 4], 0)).toBe(1);
    expect(quantile([1, 2, 4], 0.5)).toBe(2);
    expect(quantile([1, 2, 4], 0.75)).toBe(3);
    expect(quantile([1, 2, 4], 1)).toBe(4);
    expect(quantile([7], 0.99)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('are 21, in steps of 5 %', () => {
    const all = quantiles(Float64Array.from({ length: 101 }, (_, i) => i));
    expect(all).toHaveLength(21);
    for (const [i, value] of all.entries()) expect(value).toBeCloseTo(i * 5, 9);
  });
});

describe('the margin', () => {
  it('is half the confidence interval of the mean, in percent', () => {
    // Mean 3, variance 2.5, standard error sqrt(2.5 / 5), t of 4 degrees of freedom 2.776445.
    expect(marginOf([1, 2, 3, 4, 5])).toBeCloseTo((100 * 2.776445 * Math.sqrt(0.5)) / 3, 4);
    expect(marginOf(Array.from({ length: 1000 }, () => 8))).toBe(0);
  });

  it('is none of one value', () => {
    expect(marginOf([3])).toBeUndefined();
    expect(marginOf([])).toBeUndefined();
  });

  it('is not spoilt by what all values have in common', () => {
    const values = [0.1, 0.2, 0.3, 0.4];
    const far = values.map((value) => value + 1e9);
    expect((marginOf(far) ?? 0) * 1e9).toBeCloseTo((marginOf(values) ?? 0) * 0.25, 3);
  });
});
