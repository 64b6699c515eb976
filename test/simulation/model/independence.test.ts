/** The judge shares no code with the judged. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));
const sources = ['.', 'rules'].flatMap((folder) =>
  readdirSync(join(here, folder))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join(folder, file)),
);

it('the model imports nothing from outside its folder', () => {
  expect(sources.length).toBeGreaterThan(15);
  const strangers = sources.flatMap((path) => {
    const text = readFileSync(join(here, path), 'utf8');
    const specifiers = [...text.matchAll(/\bfrom\s+'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g)];
    return specifiers
      .map((match) => match[1] ?? match[2] ?? '')
      .filter(
        (specifier) =>
          !specifier.startsWith('.') || !join(path, '..', specifier).match(/^(rules\/)?[a-z]+\.ts$/),
      )
      .map((specifier) => `${path} imports ${specifier}`);
  });
  expect(strangers).toEqual([]);
});
