import { expect, it } from 'vitest';
import { readOptions } from './options.ts';

it.each<[string, object]>([
  ['', { kind: 'many', from: 1, seeds: 300, jobs: 1 }],
  ['--seeds 10 --from 5 --jobs 2', { kind: 'many', from: 5, seeds: 10, jobs: 2 }],
  ['--failed', { kind: 'many', from: 1, seeds: 0, jobs: 1 }],
  ['--seed 7', { kind: 'one', seed: 7, trace: false }],
  ['--seed 7 --trace', { kind: 'one', seed: 7, trace: true }],
  ['--help', { kind: 'help' }],
])('reads "%s"', (line, expected) => {
  expect(readOptions(line.split(' ').filter((word) => word !== ''))).toEqual(expected);
});

it.each([
  '--seed x',
  '--seed -1',
  '--seed 4294967296',
  '--seed 1.5',
  '--seeds 0',
  '--jobs 0',
  '--seed 1 --jobs 2',
  '--seed 1 --failed',
  '--trace',
  '--nonsense',
  'seed',
])('refuses "%s" with a line that says what to do', (line) => {
  const options = readOptions(line.split(' '));
  expect(options).toEqual({ kind: 'wrong', why: expect.stringMatching(/Try --help$/) });
});
