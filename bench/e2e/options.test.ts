import { describe, expect, it } from 'vitest';
import { programIds, rowIds } from './catalog.ts';
import { parseOptions } from './options.ts';

describe('the command line', () => {
  it('without a word measures everything, five times', () => {
    expect(parseOptions([])).toEqual({
      ...{ programs: programIds, rows: rowIds, repetitions: 5, seconds: 4, quick: false },
      ...{ json: undefined, from: undefined, writeDocs: false },
    });
  });

  it('takes programs and rows by name, and all of the kind that is not named', () => {
    expect(parseOptions(['--only', 'native,tailscale'])).toMatchObject({
      programs: ['tailscale', 'native'],
      rows: rowIds,
    });
    expect(parseOptions(['--only', 'tcp1'])).toMatchObject({ programs: programIds, rows: ['tcp1'] });
    expect(parseOptions(['--only', 'tcp1,veth'])).toMatchObject({ programs: ['veth'], rows: ['tcp1'] });
  });

  it('says what it did not understand', () => {
    expect(() => parseOptions(['--only', 'kernel'])).toThrow('no program and no row is called "kernel"');
    expect(() => parseOptions(['--repetitions', '0'])).toThrow('expected a whole number from 1 to 100');
    expect(() => parseOptions(['--seconds', '1e9'])).toThrow('expected a whole number from 1 to 60');
    expect(() => parseOptions(['--fast'])).toThrow('--fast');
  });

  it('takes nothing beside --quick', () => {
    expect(parseOptions(['--quick'])).toMatchObject({ quick: true });
    for (const more of [['--json', 'x'], ['--write-docs'], ['--only', 'tcp1'], ['--from', 'x']]) {
      expect(() => parseOptions(['--quick', ...more])).toThrow('goes with no other option');
    }
  });

  it('gives help', () => {
    expect(parseOptions(['--help'])).toBe('help');
  });
});
