import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timestampGrain } from '../limits.ts';
import { compareBytes, unixMillis } from '../types.ts';
import { nextTimestamp, TimestampClock, timestampOf } from './timestamp.ts';

const view = (timestamp: Uint8Array): DataView => new DataView(timestamp.buffer, timestamp.byteOffset, 12);
const seconds = (timestamp: Uint8Array): bigint => view(timestamp).getBigUint64(0) - 2n ** 62n - 10n;
const nanos = (timestamp: Uint8Array): number => view(timestamp).getUint32(8);

it('encodes 2^62 + 10 + unix seconds and nanoseconds rounded down to a multiple of 2^24', () => {
  const timestamp = timestampOf(unixMillis(1_767_225_600_999));
  expect(seconds(timestamp)).toBe(1_767_225_600n);
  expect(nanos(timestamp)).toBe(Math.floor(999_000_000 / timestampGrain) * timestampGrain);
  expect(seconds(timestampOf(unixMillis(0)))).toBe(0n);
  expect(seconds(timestampOf(unixMillis(-1)))).toBe(-1n);
});

it('adding a grain carries at 10^9 ns and rounds down again', () => {
  const last = timestampOf(unixMillis(999.999)); // 59 grains into the second, the most there is room for
  expect(nanos(last)).toBe(59 * timestampGrain);
  const next = nextTimestamp(last);
  expect(seconds(next)).toBe(1n);
  expect(nanos(next)).toBe(0); // 60 × 2^24 − 10^9 = 6,632,960 ns, rounded down

  const exact = timestampOf(unixMillis(0)); // as another program may have left it: the sum is 10^9 itself
  view(exact).setUint32(8, 1_000_000_000 - timestampGrain);
  expect(nextTimestamp(exact)).toEqual(timestampOf(unixMillis(1000)));
});

it('C6: timestamps only rise, whatever the wall clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -(10 ** 12), max: 4 * 10 ** 12 }), { maxLength: 50 }), (walls) => {
      const clock = new TimestampClock(
        undefined,
        () => true,
        () => undefined,
      );
      let last: Uint8Array | undefined;
      for (const wall of walls) {
        const timestamp = clock.next(unixMillis(wall));
        if (last !== undefined) expect(compareBytes(timestamp, last)).toBeGreaterThan(0);
        expect(compareBytes(timestamp, timestampOf(unixMillis(wall)))).toBeGreaterThanOrEqual(0);
        last = timestamp;
      }
    }),
  );
});

it('C6: the ceiling is kept before a timestamp above it can be sent, in blocks of 10 minutes, renewed half a block ahead', () => {
  const kept: Uint8Array[] = [];
  const clock = new TimestampClock(
    undefined,
    (ceiling) => kept.push(ceiling) > 0,
    () => undefined,
  );
  const start = 1_767_225_600_000;
  clock.next(unixMillis(start));
  expect(kept.map((ceiling) => seconds(ceiling))).toEqual([BigInt(start / 1000 + 600)]);
  clock.next(unixMillis(start + 300_000)); // exactly half a block left
  expect(kept).toHaveLength(1);
  clock.next(unixMillis(start + 301_000));
  expect(kept).toHaveLength(2);
  for (let minute = 6; minute < 120; minute++) {
    const sent = clock.next(unixMillis(start + minute * 60_000));
    expect(compareBytes(kept.at(-1) ?? sent, sent)).toBeGreaterThan(0);
  }
  expect(kept.length).toBeLessThan(30);
});

it('C6: after a restart the ceiling counts as the last timestamp sent', () => {
  let ceiling = new Uint8Array(0);
  const keep = (value: Uint8Array): boolean => {
    ceiling = value.slice();
    return true;
  };
  const first = new TimestampClock(undefined, keep, () => undefined);
  first.next(unixMillis(1_767_225_600_000));
  const found = ceiling.slice();
  const second = new TimestampClock(found, keep, () => undefined);
  expect(second.next(unixMillis(0))).toEqual(nextTimestamp(found));
});

it('C6: an orderly stop keeps the exact value', () => {
  const kept: Uint8Array[] = [];
  const clock = new TimestampClock(
    undefined,
    (value) => kept.push(value.slice()) > 0,
    () => undefined,
  );
  const last = clock.next(unixMillis(5_000));
  clock.stop();
  expect(kept.at(-1)).toEqual(last);
});

it('C6: a stop before anything was sent keeps nothing, and one that cannot keep the value raises an alarm', () => {
  const kept: Uint8Array[] = [];
  let works = true;
  let alarms = 0;
  const clock = new TimestampClock(
    undefined,
    (value) => {
      kept.push(value);
      return works;
    },
    () => alarms++,
  );
  clock.stop();
  expect([kept.length, alarms]).toEqual([0, 0]);
  clock.next(unixMillis(5_000));
  clock.stop();
  expect([kept.length, alarms]).toEqual([2, 0]);
  works = false;
  clock.stop();
  expect([kept.length, alarms]).toEqual([3, 1]);
});

it('C6: when keeping fails it goes on in memory, raises an alarm and tries again', () => {
  let works = false;
  let alarms = 0;
  let kept = 0;
  const clock = new TimestampClock(
    undefined,
    () => {
      kept += works ? 1 : 0;
      return works;
    },
    () => alarms++,
  );
  const a = clock.next(unixMillis(1_000));
  const b = clock.next(unixMillis(1_000));
  expect(compareBytes(b, a)).toBeGreaterThan(0);
  expect(alarms).toBe(2);
  works = true;
  clock.next(unixMillis(2_000));
  expect([alarms, kept]).toEqual([2, 1]);
});
