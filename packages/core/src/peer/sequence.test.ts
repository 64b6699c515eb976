import { describe, expect, it } from 'vitest';
import type { RekeyProfile } from '../limits.ts';
import { type Instant, instant } from '../types.ts';
import { InitiationSequence } from './sequence.ts';
import { Timers } from './timers.ts';

/** Plays the engine: initiation at each 'attempt', a copy at each 'copy', until it gives up. What happened, and when. */
function play(
  profile: RekeyProfile,
  uniform: () => number,
  outgoing: readonly number[] = [],
  limit = 4_000_000,
): { initiations: number[]; copies: number[]; gaveUp: number | undefined } {
  const timers = new Timers(uniform);
  const sequence = new InitiationSequence(timers, uniform);
  const happened = {
    initiations: [] as number[],
    copies: [] as number[],
    gaveUp: undefined as number | undefined,
  };
  const data = [...outgoing];
  sequence.want(instant(0));
  for (;;) {
    const next = timers.next();
    const [nextData] = data;
    if (nextData !== undefined && (next === undefined || nextData <= next.at)) {
      sequence.onOutgoing(instant(nextData));
      data.shift();
      continue;
    }
    if (next === undefined || next.at > limit) return happened;
    const name = timers.takeDue(next.at);
    if (name === 'attempt') {
      happened.initiations.push(next.at);
      sequence.onInitiationSent(next.at, profile);
    } else if (name === 'copy') {
      happened.copies.push(next.at);
      sequence.onCopySent();
    } else {
      happened.gaveUp = next.at;
      sequence.end();
      return happened;
    }
  }
}

const middle = (): number => 0.5; // no jitter
const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, i) => time - (times[i] ?? 0));
const everySecond = (until: number): number[] => Array.from({ length: until / 1000 }, (_, i) => i * 1000);

describe('N3', () => {
  it('initiations after 5, 5, 10, 20, 20, … s; copies at +1 s and +2.5 s of the first three; given up at 90 s', () => {
    const { initiations, copies, gaveUp } = play('standard', middle);
    expect(initiations).toEqual([0, 5000, 10_000, 20_000, 40_000, 60_000, 80_000]);
    expect(copies).toEqual([1000, 2500, 6000, 7500, 11_000, 12_500]);
    expect(gaveUp).toBe(90_000);
  });

  it('metered: 5, 5, 10, 20, 40, … up to 600 s, while data goes out', () => {
    const { initiations, copies } = play('metered', middle, everySecond(3_600_000), 3_600_000);
    expect(gaps(initiations).map((gap) => gap / 1000)).toEqual([
      5, 5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600,
    ]);
    expect(copies).toHaveLength(6);
  });

  it('gives up 90 s after the first initiation or the last outgoing data, whichever is later', () => {
    expect(play('standard', middle, [0, 30_000, 120_001]).gaveUp).toBe(120_000); // too late
    expect(play('standard', middle, [0, 30_000, 119_999]).gaveUp).toBe(209_999);
    expect(play('metered', middle, [80_000]).gaveUp).toBe(170_000);
  });

  it.each([
    [0, 0.8],
    [1 - 2 ** -32, 1.2],
  ])(
    'jitter of a fifth: with chance %d every wait is %d of its length, copies are where they were',
    (chance, factor) => {
      const { initiations, copies } = play('standard', () => chance);
      const expected = [5000, 5000, 10_000, 20_000, 20_000].map((wait) => Math.round(wait * factor));
      expect(gaps(initiations).slice(0, 5).map(Math.round)).toEqual(expected);
      expect(copies.slice(0, 2)).toEqual([1000, 2500]);
      expect(copies).toHaveLength(6);
    },
  );

  function make() {
    const timers = new Timers(middle);
    return { timers, sequence: new InitiationSequence(timers, middle) };
  }
  const t = (ms: number): Instant => instant(ms);

  it('want begins one sequence, at once, and a running one is left alone', () => {
    const { timers, sequence } = make();
    expect(sequence.active).toBe(false);
    sequence.want(t(7));
    expect([sequence.active, sequence.attempts, timers.at('attempt')]).toEqual([true, 0, 7]);
    timers.takeDue(t(7));
    sequence.onInitiationSent(t(7), 'standard');
    sequence.want(t(100));
    expect([sequence.attempts, sequence.firstAt, timers.at('attempt')]).toEqual([1, 7, 5007]);
  });

  it('its end clears what would make it go on', () => {
    const { timers, sequence } = make();
    sequence.want(t(0));
    sequence.onInitiationSent(t(0), 'standard');
    timers.set('silence', t(1));
    sequence.end();
    expect(sequence.active).toBe(false);
    expect((['attempt', 'copy', 'give-up'] as const).map((name) => timers.at(name))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(timers.at('silence')).toBe(1);
  });

  it('a new sequence right after the last keeps REKEY_TIMEOUT from its last initiation, and counts from one', () => {
    const { timers, sequence } = make();
    sequence.want(t(0));
    sequence.onInitiationSent(t(0), 'standard');
    sequence.end();
    sequence.want(t(100));
    expect([sequence.attempts, sequence.firstAt, timers.at('attempt')]).toEqual([0, undefined, 5000]);
    sequence.onInitiationSent(t(5000), 'standard');
    expect(timers.at('attempt')).toBe(10_000);
    expect(timers.at('copy')).toBe(6000);
    expect(timers.at('give-up')).toBe(95_000);
    sequence.end();
    sequence.want(t(60_000));
    expect(timers.at('attempt')).toBe(60_000);
  });

  it('a change of address or route starts a running sequence anew, at once, and begins none', () => {
    const { timers, sequence } = make();
    sequence.restart(t(0));
    expect(sequence.active).toBe(false);
    sequence.want(t(0));
    for (const now of [0, 5000, 10_000, 20_000]) sequence.onInitiationSent(t(now), 'standard');
    sequence.restart(t(21_000));
    expect([sequence.active, sequence.attempts, timers.at('attempt')]).toEqual([true, 0, 21_000]);
    expect(timers.at('give-up')).toBeUndefined();
    sequence.onInitiationSent(t(21_000), 'standard');
    expect([timers.at('attempt'), timers.at('copy'), timers.at('give-up')]).toEqual([
      26_000, 22_000, 111_000,
    ]);
  });

  it('data that went out before the first initiation does not shorten its 90 s', () => {
    const { timers, sequence } = make();
    sequence.onOutgoing(t(0));
    sequence.want(t(50_000));
    sequence.onInitiationSent(t(50_000), 'standard');
    expect(timers.at('give-up')).toBe(140_000);
  });
});

describe('T5', () => {
  const t = (ms: number): Instant => instant(ms);

  it('a next younger than 5 s postpones the initiation until it is 5 s old, once', () => {
    const timers = new Timers(middle);
    const sequence = new InitiationSequence(timers, middle);
    sequence.want(t(10_000));
    timers.takeDue(t(10_000));
    expect(sequence.postpone(t(10_000), t(8000))).toBe(true);
    expect(timers.at('attempt')).toBe(13_000);
    // another next has come meanwhile: once is once
    expect(sequence.postpone(t(13_000), t(12_000))).toBe(false);
    sequence.onInitiationSent(t(13_000), 'standard');
    // the next initiation may be postponed again
    expect(sequence.postpone(t(18_000), t(17_000))).toBe(true);
    expect(timers.at('attempt')).toBe(22_000);
  });

  it.each([
    [0, true, 5000],
    [4999, true, 5000],
    [5000, false, undefined],
    [9000, false, undefined],
  ])('a next aged %i ms: %s', (age, postponed, until) => {
    const timers = new Timers(middle);
    const sequence = new InitiationSequence(timers, middle);
    expect(sequence.postpone(t(age), t(0))).toBe(postponed);
    expect(timers.at('attempt')).toBe(until);
  });

  it('without a next there is nothing to wait for', () => {
    const sequence = new InitiationSequence(new Timers(middle), middle);
    expect(sequence.postpone(t(0), undefined)).toBe(false);
  });
});

describe('what tests see of a sequence', () => {
  const t = (ms: number): Instant => instant(ms);
  const seen = (sequence: InitiationSequence, now: number): unknown =>
    JSON.parse(JSON.stringify(sequence.describe(t(now))));

  it('is, while it runs, all that the next call depends on, in ages', () => {
    const sequence = new InitiationSequence(new Timers(middle), middle);
    sequence.want(t(0));
    expect(seen(sequence, 10)).toEqual({ attempts: 0, copiesSent: 0, postponed: false });
    sequence.postpone(t(10), t(5));
    expect(seen(sequence, 10)).toEqual({ attempts: 0, copiesSent: 0, postponed: true });
    sequence.onInitiationSent(t(20), 'standard');
    sequence.onCopySent();
    sequence.onOutgoing(t(25));
    sequence.onInitiationSent(t(30), 'standard');
    expect(seen(sequence, 100)).toEqual({
      attempts: 2,
      copiesSent: 0,
      first: 80,
      lastInitiation: 70,
      lastOutgoing: 75,
      postponed: false,
    });
  });

  it('is, when none runs, the last initiation as long as it keeps the next one back: REKEY_TIMEOUT', () => {
    const sequence = new InitiationSequence(new Timers(middle), middle);
    expect(seen(sequence, 0)).toEqual({});
    sequence.want(t(0));
    sequence.onInitiationSent(t(0), 'standard');
    sequence.end();
    expect(seen(sequence, 4999)).toEqual({ lastInitiation: 4999 });
    expect(seen(sequence, 5000)).toEqual({});
  });
});
