import { describe, expect, it } from 'vitest';
import type { Row } from '../result.ts';
import { type Circumstances, doubtsOf, spreadOf } from './doubts.ts';

const row = (rounds: readonly number[]): Row => ({
  id: 'records/seal/raw/64',
  section: 'records',
  title: 'seal 64 B, raw',
  unit: 'ns',
  better: 'less',
  median: rounds[rounds.length >> 1] ?? 0,
  rounds,
  labels: {},
});
const steady = row([100, 101, 102]);
const unsteady = row([80, 100, 130]);

const none: Circumstances = {
  virtualization: { name: 'KVM', isEmulator: false },
  throttling: { kind: 'not seen' },
  load: { steal: 0, foreign: 0 },
  busiest: [],
  isSlowed: false,
  rows: [steady],
};
const texts = (changes: Partial<Circumstances>) => doubtsOf({ ...none, ...changes }).map(({ text }) => text);

describe('what a result is worth', () => {
  it('is in no doubt where nothing is known to disturb it', () => {
    expect(doubtsOf(none)).toEqual([]);
    expect(doubtsOf({ ...none, rows: [], throttling: { kind: 'unknown' } })).toEqual([]);
  });

  it('is nothing under an emulator', () => {
    expect(doubtsOf({ ...none, virtualization: { name: 'qemu-user', isEmulator: true } })).toEqual([
      {
        kind: 'emulated',
        text: 'emulated: not a measurement (qemu-user plays the processor; run it on the machine itself)',
      },
    ]);
  });

  it('is less on a machine that throttled, with why and what to do', () => {
    expect(texts({ throttling: { kind: 'seen', why: 'the supply voltage was too low' } })).toEqual([
      'throttled: the supply voltage was too low; look after cooling and power supply, let it rest, and run again',
    ]);
  });

  it('is nothing with an addon that was built to be slow', () => {
    expect(doubtsOf({ ...none, isSlowed: true })).toMatchObject([{ kind: 'slowed' }]);
  });

  it('is less beside other programs, which are named', () => {
    const busiest = [
      { name: 'cc1plus', share: 0.9 },
      { name: 'rsync', share: 0.2 },
      { name: 'cron', share: 0.01 },
    ];
    expect(texts({ load: { steal: 0, foreign: 0.11 }, busiest })).toEqual([
      'noisy: other programs took 11 % of all CPU time (cc1plus 90 % of a CPU, rsync 20 % of a CPU); run again when the machine does nothing else',
    ]);
    expect(texts({ load: { steal: 0, foreign: 0.1 }, busiest })).toEqual([]);
  });

  it('is less where the host took the CPU away', () => {
    expect(texts({ load: { steal: 0.3, foreign: 0.01 } })).toEqual([
      'noisy: the host took 30 % of all CPU time for others; run again when the machine does nothing else',
    ]);
  });

  it('is less where most figures differ from round to round', () => {
    expect(texts({ rows: [steady, unsteady] })).toEqual([]);
    expect(texts({ rows: [steady, unsteady, unsteady] })).toEqual([
      'noisy: 2 of 3 figures differed by more than 10 % from round to round; run again when the machine does nothing else',
    ]);
  });

  it('is not judged by rows that were reckoned, or measured too seldom', () => {
    expect(texts({ rows: [row([1, 5]), { ...unsteady, formula: 'a × b' }] })).toEqual([]);
  });

  it('takes the middle half of the rounds for their spread', () => {
    expect(spreadOf({ rounds: [1, 90, 100, 110, 1000], median: 100 })).toBeCloseTo(0.2, 9);
  });
});
