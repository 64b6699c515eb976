import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../policy.ts';
import { instant, millis } from '../types.ts';
import { Load } from './load.ts';

const handshakes = (load: Load, count: number, from: number, to: number): void => {
  for (let i = 0; i < count; i++) load.onHandshake(instant(from + ((to - from) * i) / count));
};

describe('§6 under load', () => {
  it('by event-loop delay: over 20 ms, not at 20 ms, and not for longer than it lasts', () => {
    const load = new Load(defaultPolicy);
    expect(load.isUnderLoad(instant(0))).toBe(false);
    load.onLoopDelay(20);
    expect(load.isUnderLoad(instant(0))).toBe(false);
    load.onLoopDelay(20.1);
    expect(load.isUnderLoad(instant(0))).toBe(true);
    load.onLoopDelay(0);
    expect(load.isUnderLoad(instant(0))).toBe(false);
  });

  it('by handshakes: at the 201st within a second, not at the 200th', () => {
    const load = new Load(defaultPolicy);
    handshakes(load, 200, 0, 999);
    expect(load.isUnderLoad(instant(999))).toBe(false);
    load.onHandshake(instant(999));
    expect(load.isUnderLoad(instant(999))).toBe(true);
  });

  it.each([
    [0.9, false],
    [1.0, false],
    [1.1, true],
  ])('a steady flood at %f of the threshold: %s', (share, expected) => {
    const load = new Load(defaultPolicy);
    const seen = new Set<boolean>();
    for (let i = 0; i < 2000 * share; i++) {
      const now = instant((i * 5) / share);
      load.onHandshake(now);
      if (now > 3000) seen.add(load.isUnderLoad(now));
    }
    expect(seen).toEqual(new Set([expected]));
  });

  it('ends a second after the burst has, whatever the moment it is looked at', () => {
    for (const later of [1001, 1500, 1999, 2000, 2500, 10_000]) {
      const load = new Load(defaultPolicy);
      handshakes(load, 300, 0, 1);
      expect([later, load.isUnderLoad(instant(1))]).toEqual([later, true]);
      expect([later, load.isUnderLoad(instant(1 + later))]).toEqual([later, false]);
    }
  });

  it('says until when, so that who cannot ask again knows: a second after the oldest that makes it so', () => {
    const load = new Load(defaultPolicy);
    expect(load.until).toBe(Number.NEGATIVE_INFINITY);
    handshakes(load, 201, 100, 100);
    expect(load.until).toBe(1100);
    handshakes(load, 201, 500, 500); // as many, and none of the others counts any more
    expect(load.until).toBe(1500);
    load.onLoopDelay(21);
    expect(load.until).toBe(Number.POSITIVE_INFINITY);
    load.onLoopDelay(0);
    expect([load.isUnderLoad(instant(1499)), load.isUnderLoad(instant(1500))]).toEqual([true, false]);
  });

  it('a burst across the edge of two windows counts once', () => {
    const load = new Load(defaultPolicy);
    load.onHandshake(instant(0));
    handshakes(load, 150, 900, 999);
    handshakes(load, 150, 1001, 1100);
    expect(load.isUnderLoad(instant(1100))).toBe(true);
  });

  it('keeps to the operator’s numbers', () => {
    const load = new Load({ ...defaultPolicy, loadHandshakesPerSecond: 2, loadLoopDelay: millis(5) });
    handshakes(load, 2, 0, 1);
    expect(load.isUnderLoad(instant(1))).toBe(false);
    load.onHandshake(instant(1));
    expect(load.isUnderLoad(instant(1))).toBe(true);
    load.onLoopDelay(6);
    expect(load.isUnderLoad(instant(9000))).toBe(true);
  });
});

it('tests see the loop’s delay and the handshakes of the last second, youngest first', () => {
  const load = new Load(defaultPolicy);
  for (const now of [0, 500, 900]) load.onHandshake(instant(now));
  load.onLoopDelay(7);
  expect(load.describe(instant(999))).toEqual({ loopDelay: 7, handshakes: [99, 499, 999] });
  expect(load.describe(instant(1000))).toEqual({ loopDelay: 7, handshakes: [100, 500] });
});
