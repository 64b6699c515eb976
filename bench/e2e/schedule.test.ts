import { describe, expect, it } from 'vitest';
import { rotated, turnsOf } from './schedule.ts';

describe('the order of a round', () => {
  const programs = ['a', 'b', 'c'];

  it('has every program once in every row', () => {
    const turns = turnsOf(2, ['x', 'y'], programs);
    expect(turns).toHaveLength(6);
    for (const row of ['x', 'y']) {
      const met = turns.filter((turn) => turn.row === row).map(({ program }) => program);
      expect(met.toSorted()).toEqual(programs);
    }
  });

  it('measures a row of all before it goes to the next', () => {
    expect(turnsOf(1, ['x', 'y'], programs).map(({ row }) => row)).toEqual(['x', 'x', 'x', 'y', 'y', 'y']);
  });

  it('is begun by another program in every round, until all have begun', () => {
    const first = [1, 2, 3, 4].map((round) => turnsOf(round, ['x'], programs)[0]?.program);
    expect(first).toEqual(['a', 'b', 'c', 'a']);
  });

  it('goes round at the end', () => {
    expect(rotated(programs, 2)).toEqual(['c', 'a', 'b']);
    expect(rotated(programs, 3)).toEqual(programs);
    expect(rotated([], 5)).toEqual([]);
  });
});
