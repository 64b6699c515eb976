import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EndpointLog } from './endpoint-log.ts';
import { Throttle, tellEvery } from './events.ts';
import { StartQueue } from './start-queue.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a throttle', () => {
  test('tells at once, then once a second with what came meanwhile, and nothing when nothing came', () => {
    const told: number[] = [];
    const throttle = new Throttle(() => told.push(Date.now()));
    const start = Date.now();
    for (let at = 0; at < 3_000; at += 50) {
      vi.setSystemTime(start + at);
      throttle.poke(start + at);
      vi.advanceTimersByTime(50);
    }
    vi.advanceTimersByTime(10_000);
    expect(told.length).toBeGreaterThanOrEqual(3);
    expect(told.length).toBeLessThanOrEqual(4);
    throttle.poke(start + 60_000);
    expect(told.length).toBeLessThanOrEqual(5);
    throttle.close();
    throttle.poke(start + 90_000);
    vi.advanceTimersByTime(tellEvery);
    expect(told.length).toBeLessThanOrEqual(5);
  });
});

describe('endpoints of a peer that moves with every packet', () => {
  const at = (port: number) => ({ ip: Uint8Array.of(192, 0, 2, 1), port, scope: 0 });
  const key = Uint8Array.of(1);

  function log(works = true) {
    const saved: number[] = [];
    const told: number[] = [];
    let alarms = 0;
    const endpoints = new EndpointLog({
      store: {
        saveEndpoint: (_key, { port }) => {
          saved.push(port);
          return works;
        },
      },
      onRoamed: (_key, { port }) => told.push(port),
      onNotSaved: () => {
        alarms += 1;
      },
    });
    return { endpoints, saved, told, alarms: () => alarms };
  }

  test('are kept and told once a second, the last one always', () => {
    const { endpoints, saved, told } = log();
    for (let port = 1; port <= 100; port++) endpoints.note(port, 'a', key, at(port), true);
    expect(told).toEqual([1]);
    vi.advanceTimersByTime(tellEvery);
    expect(told).toEqual([1, 100]);
    expect(saved).toEqual([1, 100]);
  });

  test('that stay are kept once and not told', () => {
    const { endpoints, saved, told } = log();
    for (const now of [0, 5_000, 10_000]) endpoints.note(now, 'a', key, at(7), false);
    expect([saved, told]).toEqual([[7], []]);
  });

  test('are kept at the end, though not told', () => {
    const { endpoints, saved, told } = log();
    endpoints.note(0, 'a', key, at(1), true);
    endpoints.note(1, 'a', key, at(2), true);
    endpoints.close();
    expect([saved, told]).toEqual([[1, 2], [1]]);
  });

  test('that cannot be kept raise an alarm and are tried again', () => {
    const { endpoints, saved, alarms } = log(false);
    for (const now of [0, 5_000]) endpoints.note(now, 'a', key, at(7), false);
    expect([saved, alarms()]).toEqual([[7, 7], 2]);
  });
});

describe('the first handshakes', () => {
  test('begin 50 a second, each peer once', () => {
    const begun: string[] = [];
    const queue = new StartQueue((key) => begun.push(key));
    for (let i = 0; i < 120; i++) queue.add(`${i % 100}`);
    vi.advanceTimersByTime(1_000);
    expect(begun).toHaveLength(50);
    vi.advanceTimersByTime(2_000);
    expect(begun).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
    expect(vi.getTimerCount()).toBe(0);
  });
});
