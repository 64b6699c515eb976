import { expect, it } from 'vitest';
import { planeEdge } from './testing/plane-edge.ts';

const edge = planeEdge<{
  contend(rounds: number): number;
  count(threads: number, rounds: number): number;
}>('turnLock');

it('a lock of turns goes to the verb that waits, and not to the loop again, in 20,000 rounds', () => {
  expect(edge.contend(20_000)).toBe(0);
});

it('a lock of turns lets one in at a time', () => {
  expect(edge.count(4, 5_000)).toBe(20_000);
});
