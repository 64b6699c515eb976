import { describe, expect, it } from 'vitest';
import { bytesOf, planeEdge } from './testing/plane-edge.ts';
import { Random } from './testing/random.ts';

const edge = planeEdge<{
  create(): object;
  acceptAll(window: object, counters: Uint8Array, verdicts: Uint8Array): void;
}>('replayWindow');

const reach = 8128n;

class NativeWindow {
  readonly #handle = edge.create();

  acceptAll(counters: readonly bigint[]): boolean[] {
    const verdicts = new Uint8Array(counters.length);
    edge.acceptAll(this.#handle, bytesOf(BigUint64Array.from(counters)), verdicts);
    return Array.from(verdicts, (verdict) => verdict === 1);
  }

  accept(counter: bigint): boolean {
    return this.acceptAll([counter])[0] === true;
  }
}

/** The slow twin: remembers everything. */
class NaiveWindow {
  readonly #seen = new Set<bigint>();
  #highest = -1n;

  accept(counter: bigint): boolean {
    if (counter === 2n ** 64n - 1n || this.#seen.has(counter) || this.#highest - counter > reach)
      return false;
    this.#seen.add(counter);
    if (counter > this.#highest) this.#highest = counter;
    return true;
  }
}

describe('§5.4 the native replay window', () => {
  it('accepts counter 0 first, once', () => {
    const window = new NativeWindow();
    expect(window.acceptAll([0n, 0n, 1n, 0n, 1n])).toEqual([true, false, true, false, false]);
  });

  it.each([0n, 63n, 64n, 8191n, 8192n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 2n ** 13n - 2n, 2n ** 64n - 2n])(
    'accepts what is 8128 behind %i, once, and nothing older',
    (base) => {
      const highest = base < reach ? base + reach : base;
      const window = new NativeWindow();
      expect(window.accept(highest)).toBe(true);
      expect(window.accept(highest - reach - 1n < 0n ? highest : highest - reach - 1n)).toBe(false);
      expect(window.accept(highest - reach)).toBe(true);
      expect(window.accept(highest - reach)).toBe(false);
      expect(window.accept(highest - reach + 1n)).toBe(true);
      expect(window.accept(highest)).toBe(false);
    },
  );

  it('refuses 2^64 − 1, after which there is no next counter, and is not moved by it', () => {
    const window = new NativeWindow();
    expect(window.acceptAll([2n ** 64n - 1n, 0n, 2n ** 64n - 2n, 2n ** 64n - 1n])).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('forgets nothing in reach when it jumps by whole rings', () => {
    const window = new NativeWindow();
    const jumps = [2n, 64n, 8128n, 8192n, 8193n, 16384n, 2n ** 40n];
    let counter = 5n;
    for (const jump of jumps) {
      counter += jump;
      expect(window.acceptAll([counter, counter, counter - 1n, counter - 1n])).toEqual([
        true,
        false,
        true,
        false,
      ]);
    }
  });

  it('says what a twin that remembers everything says, in 300,000 seeded steps', () => {
    const steps = 10_000;
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed);
      const native = new NativeWindow();
      const naive = new NaiveWindow();
      let front = seed % 3 === 0 ? 2n ** 64n - 2_000_000n : 0n;
      const counters = Array.from({ length: steps }, () => {
        const back = BigInt(random.below(random.chance(0.1) ? 20_000 : 300));
        if (random.chance(0.5)) front += BigInt(random.below(random.chance(0.002) ? 9_000 : 4));
        return front > back ? front - back : front;
      });
      const expected = counters.map((counter) => naive.accept(counter));
      expect(native.acceptAll(counters), `seed ${seed}`).toEqual(expected);
      expect(expected.filter(Boolean).length, `seed ${seed}`).toBeGreaterThan(steps / 20);
    }
  });
});
