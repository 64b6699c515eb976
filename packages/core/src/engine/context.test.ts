import { expect, it } from 'vitest';
import { initiatorWins } from './context.ts';

it('N4: of two sessions that cross, that of the initiator with the smaller ID stays; its own it never beats', () => {
  const [small, large] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(1)];
  large[31] = 2;
  expect(initiatorWins(small, large)).toBe(true);
  expect(initiatorWins(large, small)).toBe(false);
  expect(initiatorWins(small, small.slice())).toBe(false);
});
