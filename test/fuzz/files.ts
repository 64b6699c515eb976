/** Corpora and findings on disk: one file an input, named by its contents. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const corpusFolder = join(here, 'corpus');
export const findingsFolder = join(here, 'findings');

/** Inputs of a target, in the order of their names; none when there is no folder. */
export function inputsIn(folder: string, target: string): Uint8Array[] {
  const place = join(folder, target);
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .filter((name) => name.endsWith('.bin'))
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(place, name))));
}

/** Names of the folders in a folder: targets. */
export function foldersIn(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
    : [];
}

/** Writes one input; returns its path. */
export function writeInput(folder: string, target: string, input: Uint8Array): string {
  const place = join(folder, target);
  mkdirSync(place, { recursive: true });
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const file = join(place, `${name}.bin`);
  writeFileSync(file, input);
  return file;
}

/** Replaces a target's corpus. */
export function writeCorpus(target: string, inputs: readonly Uint8Array[]): void {
  rmSync(join(corpusFolder, target), { recursive: true, force: true });
  for (const input of inputs) if (input.length > 0) writeInput(corpusFolder, target, input);
}
