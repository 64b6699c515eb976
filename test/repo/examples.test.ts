/** Runs the TypeScript examples of the READMEs as they stand; a comment behind `console.log` is the output it promises. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, text } from './tree.ts';

/** Below test/, where the names of all packages lead somewhere. */
const folder = join(root, 'test', 'dist', 'examples');

describe.each(['packages/core/README.md', 'packages/tunnel/README.md'])('the example of %s', (path) => {
  const example = /```ts\n([\s\S]*?)```/.exec(text(path))?.[1] ?? '';
  const promised = [...example.matchAll(/console\.log\(.*\);? \/\/ (.+)$/gm)].map((match) => match[1]);

  it('runs and prints what it says', () => {
    expect(promised.length).toBeGreaterThan(0);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${path.replaceAll('/', '-')}.ts`);
    writeFileSync(file, example);
    const output = execFileSync(process.execPath, ['--conditions=pqtun-source', file], {
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect(output.trimEnd().split('\n')).toEqual(promised);
  });
});
