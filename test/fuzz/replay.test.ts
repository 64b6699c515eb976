/** Every input that ever broke something, and every input of the corpora, on sources that are not instrumented. */
import { describe, expect, it, vi } from 'vitest';
import { corpusFolder, findingsFolder, foldersIn, inputsIn } from './files.ts';
import { loadTarget, targetNames } from './targets.ts';

vi.setConfig({ testTimeout: 240_000 });

const mostBytes = 2 * 1024 * 1024;

describe.each(targetNames)('%s', (name) => {
  it('does well by all its findings and its corpus', async () => {
    const target = await loadTarget(name);
    if (target === undefined) throw new Error(`no target ${name}`);
    const inputs = [...target.seeds, ...inputsIn(findingsFolder, name), ...inputsIn(corpusFolder, name)];
    expect(inputs.length).toBeGreaterThan(target.seeds.length);
    for (const input of inputs) {
      expect(input.length).toBeLessThanOrEqual(target.maxLength);
      expect(() => target.run(input)).not.toThrow();
    }
  });
});

describe('the folders of inputs', () => {
  it('are those of targets', () => {
    const strangers = [...foldersIn(corpusFolder), ...foldersIn(findingsFolder)].filter(
      (name) => !targetNames.includes(name),
    );
    expect(strangers).toEqual([]);
  });

  it('hold no more than two megabytes', () => {
    const inputs = targetNames.flatMap((name) => [
      ...inputsIn(corpusFolder, name),
      ...inputsIn(findingsFolder, name),
    ]);
    expect(inputs.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(mostBytes);
  });
});
