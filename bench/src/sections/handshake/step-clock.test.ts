import { nobleSuite } from '@pqtun/core/noble';
import { describe, expect, it } from 'vitest';
import { StepClock } from './step-clock.ts';

describe('the clock of steps', () => {
  it('sees in the calls of the suite where fresh keys are drawn, and how long that takes', () => {
    let time = 0;
    const real = nobleSuite();
    const slow = Object.create(real, {
      dhPrivate: {
        value: (secret?: Uint8Array) => {
          time += 3;
          return real.dhPrivate(secret);
        },
      },
      kemPrivate: {
        value: (suite: 1 | 2, seed?: Uint8Array) => {
          time += 20;
          return real.kemPrivate(suite, seed);
        },
      },
    });
    const clock = new StepClock(slow, () => time);
    clock.start();
    time += 5;
    clock.suite.dhPrivate(new Uint8Array(32).fill(9)); // known keys are no step
    time += 1;
    clock.suite.dhPrivate();
    clock.suite.kemPrivate(1);
    time += 7;
    expect([clock.lap(), clock.untilFresh, clock.fresh]).toEqual([39, 9, 23]);
    time += 2;
    expect([clock.lap(), clock.untilFresh, clock.fresh]).toEqual([2, 0, 0]);
  });

  it('gives what the suite gives', () => {
    const suite = nobleSuite({ random: (length) => new Uint8Array(length).fill(1) });
    const watched = new StepClock(suite).suite;
    const [key, text] = [new Uint8Array(32).fill(2), Uint8Array.of(1, 2, 3)];
    const both = (of: (each: typeof suite) => unknown) => expect(of(watched)).toEqual(of(suite));
    both(({ name }) => name);
    both((each) => each.random(4));
    both((each) => each.hash(text));
    both((each) => each.mac(key, text));
    both((each) => each.kdf(key, 3, text));
    both((each) => each.seal(key, 1, text, text));
    both((each) => each.open(key, 1, text, suite.seal(key, 1, text, text)));
    both((each) => each.xseal(key, new Uint8Array(24), text, text));
    both((each) => each.xopen(key, new Uint8Array(24), text, text));
    both((each) => each.stream(key, text));
    both((each) => each.equal(text, text));
    both((each) => each.dhPrivate().publicKey);
    both((each) => each.kemPrivate(1).publicKey);
    both((each) => each.kemPublic(1, suite.kemPrivate(1).publicKey)?.bytes);
    const out = new Uint8Array(19);
    watched.recordKey(key).seal(1, text, out);
    expect(suite.recordKey(key).open(1, out, new Uint8Array(3))).toBe(true);
  });
});
