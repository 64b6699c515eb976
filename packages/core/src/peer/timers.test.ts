import { describe, expect, it } from 'vitest';
import { instant, millis } from '../types.ts';
import { Timers, timerNames } from './timers.ts';

const at = instant;
const make = (uniform = 0): Timers => new Timers(() => uniform);

describe('the table', () => {
  it('gives each timer once, earliest first, when it is due and not before', () => {
    const timers = make();
    timers.set('erase', at(30));
    timers.set('copy', at(10));
    timers.set('attempt', at(20));
    expect(timers.next()).toEqual({ name: 'copy', at: 10 });
    expect(timers.takeDue(at(9.9))).toBeUndefined();
    expect(timers.takeDue(at(25))).toBe('copy');
    expect(timers.takeDue(at(25))).toBe('attempt');
    expect(timers.takeDue(at(25))).toBeUndefined();
    expect(timers.at('erase')).toBe(30);
    timers.clear('erase', 'copy');
    expect(timers.next()).toBeUndefined();
  });

  it('setting again moves; every name is independent of the others', () => {
    const timers = make();
    for (const [i, name] of timerNames.entries()) timers.set(name, at(100 + i));
    timers.set('copy', at(500));
    expect(timerNames.map((name) => timers.at(name))).toEqual(
      timerNames.map((name, i) => (name === 'copy' ? 500 : 100 + i)),
    );
  });
});

describe('T2 passive keepalive', () => {
  it('10 s after the first data received, not the last, with nothing sent since', () => {
    const timers = make();
    timers.onDataReceived(at(1000));
    timers.onDataReceived(at(5000));
    expect(timers.at('passive-keepalive')).toBe(11_000);
    timers.onRecordSent();
    expect(timers.at('passive-keepalive')).toBeUndefined();
    timers.onDataReceived(at(6000));
    expect(timers.at('passive-keepalive')).toBe(16_000);
  });
});

describe('T3 silence', () => {
  it.each([
    [0, 15_000],
    [0.5, 15_500],
    [1 - 2 ** -32, 16_000],
  ])('15 s and up to a fifth of 5 s (chance %d) after the first data sent: %i ms', (uniform, expected) => {
    const timers = make(uniform);
    timers.onDataSent(at(0));
    timers.onDataSent(at(3000));
    expect(timers.at('silence')).toBeCloseTo(expected, 3);
  });

  it('anything received ends it, and the next data sent begins it anew', () => {
    const timers = make();
    timers.onDataSent(at(0));
    timers.onAnyReceived();
    expect(timers.at('silence')).toBeUndefined();
    timers.onDataSent(at(4000));
    expect(timers.at('silence')).toBe(19_000);
  });

  it('is not ended by sending, nor T2 by receiving', () => {
    const timers = make();
    timers.onDataSent(at(0));
    timers.onDataReceived(at(0));
    timers.onDataSent(at(1));
    timers.onAnyReceived();
    expect(timers.at('passive-keepalive')).toBe(10_000);
    timers.onDataSent(at(2));
    timers.onRecordSent();
    expect(timers.at('silence')).toBe(15_002);
  });
});

describe('T4 persistent keepalive', () => {
  it('an interval after the last packet either way; off without one', () => {
    const timers = make();
    timers.onTraversal(at(0), millis(25_000));
    timers.onTraversal(at(10_000), millis(25_000));
    expect(timers.at('persistent-keepalive')).toBe(35_000);
    timers.onTraversal(at(11_000), undefined);
    expect(timers.at('persistent-keepalive')).toBeUndefined();
  });
});

describe('T6 erasure', () => {
  it.each([
    ['standard', 540_000],
    ['metered', 16_200_000],
  ] as const)('%s: 3 × REJECT_AFTER_TIME after the last session went, once', (profile, after) => {
    const timers = make();
    timers.onLastSessionGone(at(1000), profile);
    timers.onLastSessionGone(at(99_000), profile);
    expect(timers.at('erase')).toBe(1000 + after);
    timers.onSessionBegun();
    expect(timers.at('erase')).toBeUndefined();
  });
});
