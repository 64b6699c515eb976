/**
 * The portable and the native plane do the same: the same random acts and packets on both, with the same keys, and datagrams,
 * packets, reports, counters, drops and state compared. A failure names seed and step.
 */
import { Random as FlowRandom } from 'tun-tap-native/testing/random';
import { describe, expect, test } from 'vitest';
import { Random } from '../kit/random.ts';
import { Flows } from './twins/flows.ts';
import { Pair } from './twins/pair.ts';
import { Story } from './twins/story.ts';

/** 100,000 acts and packets in all, and some. */
const storySteps = 10_500;
const leastActs = 16_700;
const flowSteps = 600;
const stepsBetweenStates = 250;
/** Of each kind; an emulator, where a story takes a minute, tells fewer. */
const stories = Number(process.env['PQTUN_TWIN_STORIES'] ?? 3);

describe.each([
  ['evp', [1, 2, 3], false],
  ['raw', [4, 5, 6], true],
] as const)('portable and native plane, %s', (engine, seeds, trains) => {
  test.each(seeds.slice(0, stories))(
    `do the same in story %i, ${trains ? 'with trains' : 'each record alone'}`,
    (seed) => {
      const pair = new Pair({ engine, coalesce: false, trains });
      tell(seed, storySteps, pair, new Story(new Random(seed), pair));
      // It was a story in which things happened.
      expect(pair.moved.acts).toBeGreaterThan(leastActs);
      expect(pair.moved.datagrams).toBeGreaterThan(1000);
      expect(pair.moved.packets).toBeGreaterThan(1000);
      expect(pair.moved.messages).toBeGreaterThan(100);
      for (const reason of expectedDrops) expect([reason, pair.drops.of(reason) > 0]).toEqual([reason, true]);
    },
  );
});

test.each([1, 2, 3].slice(0, stories))(
  'super-frames and joined packets are the packets that they stand for, seed %i',
  (seed) => {
    const pair = new Pair({ engine: 'auto', coalesce: true, trains: true });
    tell(seed, flowSteps, pair, new Flows(new FlowRandom(seed), pair));
    const { trains, records, frames } = pair.native.counts();
    expect(pair.moved.datagrams).toBe(records);
    expect(trains).toBeLessThan(0.6 * records);
    expect(frames).toBeLessThan(0.6 * pair.moved.packets);
  },
);

function tell(seed: number, steps: number, pair: Pair, story: { step(): string }): void {
  for (let step = 0; step < steps; step++) {
    try {
      const name = story.step();
      if (step % stepsBetweenStates === 0) pair.compareState(name);
    } catch (error) {
      throw new Error(`seed ${seed}, step ${step}: ${error instanceof Error ? error.message : error}`);
    }
  }
  pair.report('the end');
  pair.compareState('the end');
}

const expectedDrops = [
  'bad-length',
  'reserved-bytes',
  'unknown-index',
  'profile-mismatch',
  'bad-tag',
  'replayed',
  'counter-limit',
  'stale-confirm',
  'cannot-confirm',
  'bad-inner-packet',
  'bad-inner-length',
  'source-not-allowed',
  'control-on-classical',
  'unknown-control',
  'no-route',
  'no-endpoint',
  'staging-full',
  'too-big',
] as const;
