import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runScenario, whyNoTun } from './testing/scenario.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const reason = whyNoTun();

describe('the example of the README', () => {
  const [, example = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];

  it('is ten lines, comments and blank ones apart', () => {
    const lines = example.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//'));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(10);
  });

  it.skipIf(reason !== undefined)(
    reason === undefined ? 'does what it says' : `does what it says (skipped: ${reason})`,
    () => {
      // In the package, where its name leads to itself.
      const file = new URL('../build/readme-example.ts', import.meta.url);
      mkdirSync(new URL('.', file), { recursive: true });
      writeFileSync(file, example);
      const { status, stderr } = runScenario('readme-scenarios.ts', 'echo', {
        environment: { EXAMPLE: fileURLToPath(file) },
      });
      expect(stderr).toBe('');
      expect(status).toBe(0);
    },
  );
});
