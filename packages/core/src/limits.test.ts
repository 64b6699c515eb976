import { expect, test } from 'vitest';
import { sessionLimits } from './limits.ts';

test.each([
  ['standard', 120, 180, 165],
  ['metered', 3600, 5400, 5385],
] as const)(
  'the times of the %s profile are those of protocol.md §5.3, and all its counters are safe integers',
  (profile, rekey, reject, onReceive) => {
    expect(sessionLimits(profile)).toEqual({
      rekeyAfterTime: rekey * 1000,
      rejectAfterTime: reject * 1000,
      rekeyOnReceiveAfter: onReceive * 1000,
      rekeyAfterMessages: 2 ** 52,
      rejectAfterMessages: 2 ** 53 - 2 ** 13 - 1,
    });
  },
);
