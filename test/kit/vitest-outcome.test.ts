import { describe, expect, it } from 'vitest';
import type { VitestReport } from './outcome-reporter.ts';
import { outcomeOf } from './vitest-outcome.ts';

type Result = VitestReport['tests'][number];
const wanted = { file: 'a.test.ts', title: 'refuses * B (and counts)' };
const assertion = { name: 'AssertionError', message: 'expected 1 to be 2' };
const test = (more: Partial<Result>): Result => ({
  file: 'a.test.ts',
  title: 'refuses 32 B (and counts)',
  state: 'failed',
  errors: [assertion],
  ...more,
});
const kindOf = (...tests: Result[]): string => outcomeOf({ errors: [], tests }, wanted).kind;

describe('a test that was asked for', () => {
  it('is red by an assertion, in any of its runs', () => {
    expect(kindOf(test({ state: 'passed', errors: [] }), test({}))).toBe('red');
    expect(kindOf(test({ errors: [{ name: 'TypeError', message: 'x' }, assertion] }))).toBe('red');
    expect(kindOf(test({ errors: [{ name: 'Error', message: 'Property failed after 3 tests' }] }))).toBe(
      'red',
    );
  });

  it('is green when it passed, and nothing went wrong beside it', () => {
    const passed = test({ state: 'passed', errors: [] });
    expect(kindOf(passed)).toBe('green');
    expect(outcomeOf({ errors: [{ name: 'Error', message: 'late' }], tests: [passed] }, wanted).kind).toBe(
      'broken',
    );
  });

  it('is broken by whatever else kept it from passing', () => {
    expect(kindOf(test({ errors: [{ name: 'TypeError', message: 'x is undefined' }] }))).toBe('broken');
    expect(kindOf(test({ errors: [{ name: 'TestTimeoutError', message: 'timed out' }] }))).toBe('broken');
    expect(kindOf(test({ errors: [] }))).toBe('broken');
    expect(outcomeOf({ broken: 'no report' }, wanted)).toEqual({ kind: 'broken', why: 'no report' });
    const syntax = { name: 'SyntaxError', message: 'unexpected token' };
    expect(outcomeOf({ errors: [syntax], tests: [] }, wanted)).toEqual({
      kind: 'broken',
      why: 'SyntaxError: unexpected token',
    });
  });

  it('is broken when there is none of its name, in its file', () => {
    expect(kindOf()).toBe('broken');
    expect(kindOf(test({ title: 'refuses 32 B' }), test({ file: 'b.test.ts' }))).toBe('broken');
    expect(kindOf(test({ title: 'it refuses 32 B (and counts)' }))).toBe('broken');
  });

  it('is skipped when every run of it was', () => {
    expect(kindOf(test({ state: 'skipped', errors: [] }))).toBe('skipped');
  });
});
