import { expect, test } from 'vitest';
import { invariant, PqtunError } from './errors.ts';

test('an error has a name and a code, and keeps its cause', () => {
  const cause = new Error('below');
  const error = new PqtunError('PQTUN_CLOSED', 'closed', { cause });
  expect(error).toMatchObject({ name: 'PqtunError', code: 'PQTUN_CLOSED', message: 'closed', cause });
  expect(error).toBeInstanceOf(Error);
});

test('a broken invariant is a bug of ours, one that holds is nothing', () => {
  expect(() => invariant(true, 'never said')).not.toThrow();
  expect(() => invariant(false, 'one is not two')).toThrow(
    expect.objectContaining({ code: 'PQTUN_INVARIANT', message: 'invariant broken: one is not two' }),
  );
});
