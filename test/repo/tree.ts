/** The repository as its tests see it: files that are tracked or about to be, their text, tables and headings of its documents. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Paths from the root of all files git would keep: tracked ones, and new ones that are not ignored. */
export const files: readonly string[] = execFileSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
  { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 },
)
  .split('\0')
  .filter((path) => path !== '' && exists(path) && statSync(join(root, path)).isFile());

/** Text of a file, by its path from the root. */
export function text(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function exists(path: string): boolean {
  return existsSync(join(root, path));
}

/** What stands below a heading (given without its #) up to the next one of the same or a higher level. */
export function section(markdown: string, heading: string): string {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start < 0) throw new Error(`no heading "${heading}"`);
  const level = (lines[start] ?? '').indexOf(' ');
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^#+ /.test(line) && line.indexOf(' ') <= level);
  return rest.slice(0, end < 0 ? undefined : end).join('\n');
}

/** Cells of every table row in `markdown`, but for header and rule. */
export function rows(markdown: string): string[][] {
  const found: string[][] = [];
  let inTable = false;
  for (const line of markdown.split('\n')) {
    if (!line.startsWith('|')) inTable = false;
    else if (/^[|\s:-]+$/.test(line)) inTable = true;
    else if (inTable)
      found.push(
        line
          .slice(1, line.lastIndexOf('|'))
          .split(' | ')
          .map((cell) => cell.trim()),
      );
  }
  return found;
}

/** The words in `backticks` of a text. */
export function quoted(markdown: string): string[] {
  return [...markdown.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
}
