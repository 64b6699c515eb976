import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Change, ChangeBurst, LATEST_MILLIS, QUIET_MILLIS } from './netlink-watch.ts';

const LINK = 1;
const ADDRESS = 2;
const ROUTE = 4;

let told: Change[][];
let burst: ChangeBurst;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  burst = new ChangeBurst((changes) => told.push([...changes]));
});
afterEach(() => {
  vi.useRealTimers();
});

test('tells a burst once, when nothing has come for the quiet time', () => {
  burst.add(LINK);
  vi.advanceTimersByTime(QUIET_MILLIS - 1);
  burst.add(ADDRESS | ROUTE);
  vi.advanceTimersByTime(QUIET_MILLIS - 1);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual([['link', 'address', 'route']]);
  vi.advanceTimersByTime(10 * LATEST_MILLIS);
  expect(told).toHaveLength(1);
});

test('tells two bursts apart and begins each with an empty set', () => {
  burst.add(ROUTE);
  vi.advanceTimersByTime(QUIET_MILLIS);
  burst.add(LINK);
  vi.advanceTimersByTime(QUIET_MILLIS);
  expect(told).toEqual([['route'], ['link']]);
});

test('does not wait for the end of a stream of changes that has none', () => {
  for (let millis = 0; millis < 4 * LATEST_MILLIS; millis += 10) {
    burst.add(ROUTE);
    vi.advanceTimersByTime(10);
  }
  expect(told.length).toBeGreaterThanOrEqual(3);
  expect(told.length).toBeLessThanOrEqual(4);
});

test('tells nothing after it was closed', () => {
  burst.add(LINK);
  burst.close();
  vi.advanceTimersByTime(10 * LATEST_MILLIS);
  expect(told).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('leaves no timer behind when the callback throws', () => {
  const failing = new ChangeBurst(() => {
    throw new Error('from the callback');
  });
  failing.add(LINK);
  expect(() => vi.advanceTimersByTime(QUIET_MILLIS)).toThrow('from the callback');
  expect(vi.getTimerCount()).toBe(0);
});
