import { describe, expect, it } from 'vitest';
import { type SeededFault, seededFaults, withFault } from '../seeded-faults/patch.ts';
import { missingTests, runBy } from './named-tests.ts';
import { exists, text } from './tree.ts';

const faults = seededFaults();

describe('the faults of test/seeded-faults', () => {
  it('are forty at least, numbered without a gap, each with a name of its own', () => {
    expect(faults.length).toBeGreaterThanOrEqual(40);
    expect(faults.map(({ name }) => Number(name.slice(0, 2)))).toEqual(faults.map((_, i) => i + 1));
    expect(new Set(faults.map(({ name }) => name.slice(3))).size).toBe(faults.length);
  });

  it('apply to the sources as they are', () => {
    const rotten = faults.flatMap((fault) => {
      if (!exists(fault.file)) return [`${fault.name}: no file ${fault.file}`];
      try {
        return withFault(fault, text(fault.file)) === text(fault.file)
          ? [`${fault.name} changes nothing`]
          : [];
      } catch (error) {
        return [error instanceof Error ? error.message : String(error)];
      }
    });
    expect(rotten).toEqual([]);
  });

  it('are one line each: replaced, added or taken away, and never in a test', () => {
    const changes = ({ removed, added }: SeededFault) => removed.length + added.length;
    const larger = faults.filter(
      (fault) => fault.removed.length > 1 || fault.added.length > 1 || changes(fault) === 0,
    );
    expect(larger.map(({ name }) => name)).toEqual([]);
    expect(faults.filter(({ file }) => /\.test\.|^test\//.test(file)).map(({ name }) => name)).toEqual([]);
  });

  it('name a test that exists, and the file that runs it', () => {
    expect(missingTests(faults.map(({ test }) => test))).toEqual([]);
    expect(faults.filter(({ test }) => !exists(runBy(test.file))).map(({ name }) => name)).toEqual([]);
  });

  it('are in every part of the product', () => {
    const parts = ['wire', 'crypto', 'handshake', 'plane', 'peer', 'engine'].map(
      (part) => `packages/core/src/${part}/`,
    );
    const all = [...parts, 'packages/tunnel/', 'packages/tun-tap-native/', 'daemon/'];
    expect(all.filter((part) => !faults.some(({ file }) => file.startsWith(part)))).toEqual([]);
  });
});
