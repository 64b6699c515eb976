import { describe, expect, it } from 'vitest';
import type { BenchOptions, Context } from '../section.ts';
import { isTimeFor, memorySection } from './memory.ts';
import { planOf, tunnelSection } from './tunnel.ts';

const optionsOf = (quick: boolean, rounds: number): BenchOptions => ({
  sections: ['tunnel', 'memory'],
  quick,
  rounds,
  daemonCommand: '/nonexistent/pqtun',
});

describe('sections that start daemons', () => {
  it('say that they take half a minute, eight seconds where it must be quick, and memory a minute and a half', () => {
    for (const rounds of [3, 9, 100]) {
      expect(tunnelSection.estimate(optionsOf(false, rounds))).toBeLessThanOrEqual(30);
      expect(tunnelSection.estimate(optionsOf(true, rounds))).toBeLessThanOrEqual(8);
      expect(memorySection.estimate(optionsOf(false, rounds))).toBeLessThanOrEqual(90);
    }
  });

  it('have rounds enough for an interval, and no more than there is time for', () => {
    expect(planOf(optionsOf(false, 9)).rounds).toBe(5);
    expect(planOf(optionsOf(true, 3)).rounds).toBe(2);
    expect(planOf(optionsOf(false, 2)).rounds).toBe(2);
    expect([isTimeFor(0, 0), isTimeFor(1, 20_000), isTimeFor(1, 22_000)]).toEqual([true, true, false]);
    expect([isTimeFor(2, 27_000), isTimeFor(2, 29_000)]).toEqual([true, false]);
  });

  it.each([tunnelSection, memorySection])('say what is missing where they cannot: $id', async (section) => {
    const context: Context = {
      options: optionsOf(true, 1),
      rows: [],
      signal: new AbortController().signal,
      measure: () => Promise.reject(new Error('nothing is timed by the harness')),
      progress: () => undefined,
    };
    const { rows, missing } = await section.run(context); // without a daemon nobody can
    expect(rows).toEqual([]);
    expect(missing).toHaveLength(1);
    expect(missing?.[0]).toMatchObject({ section: section.id, why: expect.stringMatching(/: |sudo/) });
  });
});
