import { limits, ReplayWindow } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { NotRun, VectorReport } from '../kit/vector-report.ts';
import { readVectors } from '../kit/vectors.ts';

interface Replay {
  readonly window: number;
  /** 2^64 − 2^13 − 1, in decimal like all counters of `steps`. */
  readonly reject_after_messages: string;
  readonly sequences: readonly {
    readonly name: string;
    readonly steps: readonly (readonly [string, boolean])[];
  }[];
  readonly bulk: readonly {
    readonly name: string;
    /** From, to, step, whether accepted. */
    readonly runs: readonly (readonly [number, number, number, boolean])[];
    readonly then: readonly (readonly [number, boolean])[];
  }[];
}

const report = new VectorReport('replay window');
const file = readVectors<Replay>('wireguard/replay.json');
const limit = limits.portableRejectAfterMessages;
/** What lies between WireGuard's limit and that of counters held as numbers: 2^64 − 2^53. */
const shift = BigInt(file.reject_after_messages) - BigInt(limit);
const steps = file.sequences.flatMap((sequence) => sequence.steps);

/** The window with the limit before it, as a plane has them. */
class Receiver {
  readonly #window = new ReplayWindow();

  accept(counter: number): boolean {
    return counter < limit && this.#window.accept(counter);
  }
}

describe('the vectors of wireguard-go', () => {
  test('are for our reach, and our limit is as far below 2^53 as theirs is below 2^64', () => {
    expect(file.window).toBe(8128);
    expect(shift).toBe(2n ** 64n - 2n ** 53n);
    expect(file.sequences.length).toBe(1);
  });

  test('hold as they stand, counters above 2^53 apart', () => {
    const receiver = new Receiver();
    report.run({ way: 'js', set: 'steps as they stand', expected: 25 }, steps, ([counter, accepted]) => {
      if (BigInt(counter) >= 2n ** 53n)
        return new NotRun('counters are numbers below 2^53; see the next set');
      return receiver.accept(Number(counter)) === accepted;
    });
  });

  test('hold when counters at their limit are moved to ours', () => {
    const receiver = new Receiver();
    report.run({ way: 'js', set: 'steps moved to our limit', expected: 34 }, steps, ([counter, accepted]) => {
      const exact = BigInt(counter);
      return receiver.accept(Number(exact >= 2n ** 53n ? exact - shift : exact)) === accepted;
    });
  });

  test('hold in bulk', () => {
    report.run({ way: 'js', set: 'bulk runs', expected: 6 }, file.bulk, ({ runs, then }) => {
      const receiver = new Receiver();
      for (const [from, to, by, accepted] of runs) {
        for (let counter = from; by > 0 ? counter <= to : counter >= to; counter += by) {
          if (receiver.accept(counter) !== accepted) return false;
        }
      }
      return then.every(([counter, accepted]) => receiver.accept(counter) === accepted);
    });
  });
});
