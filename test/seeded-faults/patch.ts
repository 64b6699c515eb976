/**
 * One fault as its patch file holds it: a unified diff of one line below a header that says what it breaks and which test must see it.
 *
 *   Fault: the KEM secret is left out of the chain
 *   Breaks: protocol.md §4 I6
 *   Test: packages/core/src/handshake/hybrid.test.ts › *: every value of the step is the naive twin’s
 *
 * A patch is found in the source by its lines alone, wherever these have moved to, and they must be there exactly once.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedTest } from '../repo/named-tests.ts';
import { root } from '../repo/tree.ts';

export interface SeededFault {
  /** `NN-what-it-is`. */
  readonly name: string;
  readonly fault: string;
  readonly breaks: string;
  readonly test: NamedTest;
  /** The source it goes into, by its path from the root. */
  readonly file: string;
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** Lines of the source around the fault … */
  readonly before: string;
  /** … and with it. */
  readonly after: string;
}

export const patchFolder = 'test/seeded-faults';

/** All faults there are, in order. */
export function seededFaults(): SeededFault[] {
  return readdirSync(join(root, patchFolder))
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) =>
      parsePatch(file.replace(/\.patch$/, ''), readFileSync(join(root, patchFolder, file), 'utf8')),
    );
}

/** Throws an `Error` that says what is missing. */
export function parsePatch(name: string, text: string): SeededFault {
  const field = (key: string): string => {
    const [value, ...more] = [...text.matchAll(new RegExp(`^${key}: (.+)$`, 'gm'))].map(
      (match) => match[1] ?? '',
    );
    if (value === undefined || more.length > 0) throw new Error(`${name}: expected one line "${key}: …"`);
    return value.trim();
  };
  const [testFile = '', title = ''] = field('Test').split(' › ');
  if (title === '') throw new Error(`${name}: expected "Test: FILE › TITLE"`);
  const target = /^--- a\/(.+)\n\+\+\+ b\/(.+)\n@@ .* @@.*\n/m.exec(text);
  const file = target?.[1] ?? '';
  if (target === null || file !== target[2]) throw new Error(`${name}: expected a unified diff of one file`);
  const lines = text
    .slice(target.index + target[0].length)
    .replace(/\n$/, '')
    .split('\n');
  const stranger = lines.find((line) => !/^[ +-]/.test(line));
  if (stranger !== undefined) throw new Error(`${name}: expected one hunk, without "${stranger}"`);
  const side = (marks: string): string[] =>
    lines.filter((line) => marks.includes(line[0] ?? '')).map((line) => line.slice(1));
  return {
    name,
    fault: field('Fault'),
    breaks: field('Breaks'),
    test: { by: name, file: testFile, title },
    file,
    removed: side('-'),
    added: side('+'),
    before: `${side(' -').join('\n')}\n`,
    after: `${side(' +').join('\n')}\n`,
  };
}

/** The source with the fault. Throws an `Error` when its lines are not there exactly once. */
export function withFault({ name, file, before, after }: SeededFault, source: string): string {
  const text = `\n${source}`;
  const parts = text.split(`\n${before}`);
  if (parts.length !== 2) {
    throw new Error(`${name} does not apply: ${file} holds its lines ${parts.length - 1} times, not once`);
  }
  return parts.join(`\n${after}`).slice(1);
}
