import { describe, expect, it } from 'vitest';
import { median, ratios, summary } from './statistics.ts';

describe('a median', () => {
  it('is the middle value, in whatever order they come', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([10, 9])).toBe(9.5);
    expect(median([100, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  it('of nothing is no number', () => {
    expect(median([])).toBeNaN();
  });

  it('leaves its values as they were', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('a summary', () => {
  it('has the range beside the middle', () => {
    expect(summary([4, 2, 9])).toEqual({ median: 4, least: 2, most: 9, count: 3 });
  });

  it('of nothing there is none', () => {
    expect(summary([])).toBeUndefined();
  });
});

describe('ratios', () => {
  it('are taken within a round, so that a slow round is slow for both', () => {
    const ours = new Map([
      [1, 10],
      [2, 5],
    ]);
    const theirs = new Map([
      [1, 5],
      [2, 2.5],
    ]);
    expect(ratios(ours, theirs)).toEqual([2, 2]);
  });

  it('leave out rounds that only one of them has, and divisions by nothing', () => {
    const ours = new Map([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(
      ratios(
        ours,
        new Map([
          [2, 4],
          [3, 0],
          [9, 1],
        ]),
      ),
    ).toEqual([0.5]);
  });
});
