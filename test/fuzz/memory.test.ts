import { expect, it } from 'vitest';
import { MemoryWatch } from './memory.ts';

it('what executions leave alive is found, what they let go of is not', () => {
  const watch = new MemoryWatch();
  watch.look(20_000);
  for (let nth = 0; nth < 20; nth++) new Uint8Array(16 * 1024 * 1024).fill(1);
  watch.look(40_000);
  expect(watch.problem).toBeUndefined();
  const kept = Array.from({ length: 8 }, () => new Uint8Array(16 * 1024 * 1024));
  watch.look(40_001); // not yet
  expect(watch.problem).toBeUndefined();
  watch.look(60_000);
  expect(watch.problem).toMatch(/^\d+ MB more are alive/);
  expect(kept).toHaveLength(8);
});
