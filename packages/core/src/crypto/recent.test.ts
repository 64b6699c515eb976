import { expect, test } from 'vitest';
import { Recent } from './recent.ts';

function counted(capacity: number) {
  const made: number[] = [];
  const recent = new Recent(capacity, (bytes) => {
    made.push(bytes[0] ?? -1);
    return { of: bytes.slice() };
  });
  return { made, ask: (byte: number) => recent.of(Uint8Array.of(byte, 7)) };
}

test('makes a value once, as long as it is among the last', () => {
  const { made, ask } = counted(2);
  const [one, two] = [ask(1), ask(2)];
  expect([ask(1), ask(2), ask(1)]).toEqual([one, two, one]);
  expect(ask(1)).toBe(one);
  expect(one.of).toEqual(Uint8Array.of(1, 7));
  expect(made).toEqual([1, 2]);
});

test('keeps as many as were allowed and not one more, the oldest goes first', () => {
  const { made, ask } = counted(2);
  for (const byte of [1, 2, 3]) ask(byte);
  expect([ask(2), ask(3)].map(({ of }) => of[0])).toEqual([2, 3]);
  expect(made).toEqual([1, 2, 3]);
  ask(1); // forgotten, so made again, and 2 goes
  ask(3);
  ask(2);
  expect(made).toEqual([1, 2, 3, 1, 2]);
});
