import { expect, test } from 'vitest';
import { DropCounters, dropReasons } from './drop.ts';

test('every reason has a counter from the start, and each counts for itself', () => {
  const drops = new DropCounters();
  expect(drops.snapshot()).toEqual(Object.fromEntries(dropReasons.map((reason) => [reason, 0])));
  expect(Object.keys(drops.snapshot())).toEqual([...dropReasons]);
  drops.count('bad-tag');
  drops.count('bad-tag', 3);
  expect([drops.of('bad-tag'), drops.of('replayed')]).toEqual([4, 0]);
  expect(drops.snapshot()).toMatchObject({ 'bad-tag': 4, replayed: 0 });
});
