import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { portableRejectAfterMessages, replayWindowBits, replayWindowReach } from '../limits.ts';
import { ReplayWindow } from './replay-window.ts';

/** The slow twin: remembers everything. */
class RememberAll {
  readonly #seen = new Set<number>();
  highest = -1;

  accept(counter: number): boolean {
    if (this.#seen.has(counter) || this.highest - counter > 8128) return false;
    this.#seen.add(counter);
    this.highest = Math.max(this.highest, counter);
    return true;
  }
}

function agrees(counters: readonly number[]): void {
  const window = new ReplayWindow();
  const twin = new RememberAll();
  for (const counter of counters) {
    const before = window.highest;
    const checked = window.check(counter);
    expect(window.highest).toBe(before);
    const accepted = window.accept(counter);
    expect({ counter, checked, accepted }).toEqual({
      counter,
      checked: accepted,
      accepted: twin.accept(counter),
    });
    expect(window.check(counter)).toBe(false);
    expect(window.highest).toBe(twin.highest);
  }
}

describe('protocol.md §5.4: accepted iff not seen and highest − counter ≤ 8128', () => {
  test('the ring has 8192 bits and reaches one 64-bit block less', () => {
    expect([replayWindowBits, replayWindowReach]).toEqual([8192, 8192 - 64]);
  });

  test('counter 0 is accepted first, and once', () => {
    const window = new ReplayWindow();
    expect(window.highest).toBe(-1);
    expect(window.accept(0)).toBe(true);
    expect(window.highest).toBe(0);
    expect(window.accept(0)).toBe(false);
  });

  test('counter 0 is accepted late while it is in reach', () => {
    const window = new ReplayWindow();
    expect(window.accept(8128)).toBe(true);
    expect(window.accept(0)).toBe(true);
    expect(window.accept(0)).toBe(false);
  });

  test.each([8192, 10_000, 2 ** 31, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER])(
    '8127 and 8128 behind %d are accepted, 8129 is refused',
    (highest) => {
      const window = new ReplayWindow();
      expect(window.accept(highest)).toBe(true);
      expect(window.accept(highest - 8127)).toBe(true);
      expect(window.accept(highest - 8128)).toBe(true);
      expect(window.accept(highest - 8129)).toBe(false);
      expect(window.accept(highest - 8128)).toBe(false);
    },
  );

  test('every counter in reach is accepted once in ascending and in descending order', () => {
    const top = 3 * 8192 + 17;
    const down = new ReplayWindow();
    expect(down.accept(top)).toBe(true);
    for (let counter = top - 1; counter >= top - 8128; counter--) expect(down.accept(counter)).toBe(true);
    for (let counter = top; counter >= top - 8200; counter--) expect(down.accept(counter)).toBe(false);
    const up = new ReplayWindow();
    for (let counter = 0; counter <= top; counter++) expect(up.accept(counter)).toBe(true);
    for (let counter = 0; counter <= top; counter++) expect(up.check(counter)).toBe(false);
  });

  test('a check moves nothing: a forged counter far ahead leaves the window where it was', () => {
    const window = new ReplayWindow();
    window.mark(5);
    expect(window.check(2 ** 50)).toBe(true);
    expect(window.highest).toBe(5);
    expect(window.accept(4)).toBe(true);
    expect(window.check(5)).toBe(false);
  });

  test('refuses what is no counter', () => {
    const window = new ReplayWindow();
    for (const no of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
      expect(window.accept(no)).toBe(false);
    expect(window.highest).toBe(-1);
  });

  test('reordering 2,000 deep loses nothing', () => {
    const depth = 2000;
    const window = new ReplayWindow();
    let lost = 0;
    for (let from = 0; from < 20 * depth; from += depth) {
      for (let back = depth - 1; back >= 0; back--) if (!window.accept(from + back)) lost++;
    }
    expect(lost).toBe(0);
  });
});

describe('agrees with the twin that remembers everything', () => {
  const starts = [0, 1, 8128, 2 ** 31 - 40, 2 ** 32 - 4096, 2 ** 40, portableRejectAfterMessages - 20_000];

  test.each([...starts, Number.MAX_SAFE_INTEGER - 20_000])('in random walks from %d', (start) => {
    const step = fc.oneof(
      fc.integer({ min: -64, max: 64 }),
      fc.integer({ min: -8300, max: 900 }),
      fc.constantFrom(-8129, -8128, -8127, -8192, -32, -1, 0, 1, 31, 32, 33, 8128, 8160, 8192, 8193),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
        let highest = start;
        const counters = [start];
        for (const distance of steps) {
          const counter = highest + distance;
          if (counter < 0 || counter > Number.MAX_SAFE_INTEGER) continue;
          counters.push(counter);
          highest = Math.max(highest, counter);
        }
        agrees(counters);
      }),
      { numRuns: 40 },
    );
  });

  test('after jumps larger than the window, the ring, 2^32 and back to its edge', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(8129, 8192, 8224, 16_384, 2 ** 32, 2 ** 45), fc.nat(8200)), {
          maxLength: 30,
        }),
        (jumps) => {
          let highest = 0;
          agrees(
            jumps.flatMap(([jump, back]) => {
              highest += jump;
              return [highest, Math.max(0, highest - back), highest - 8128, highest - 8129, highest - 1];
            }),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('over every counter of a small range in a random order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { minLength: 200, maxLength: 600 }), (counters) => agrees(counters)),
      { numRuns: 30 },
    );
  });
});
