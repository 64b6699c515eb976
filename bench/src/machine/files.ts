/** What of the system's files the bench reads. A fake of it in tests: recorded boards. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface SystemFiles {
  /** A file's text without what ends a C string or a line; `undefined` where there is none or it is not ours to read. */
  read(path: string): string | undefined;
  /** The names in a folder, sorted; none where there is no such folder. */
  list(path: string): readonly string[];
  /** Where a symbolic link leads. */
  link(path: string): string | undefined;
}

export const systemFiles: SystemFiles = {
  read: (path) => attempt(() => trimmed(readFileSync(path, 'utf8'))),
  list: (path) => attempt(() => readdirSync(path).sort()) ?? [],
  link: (path) => attempt(() => readlinkSync(path)),
};

/** Strings of the device tree end in a NUL, those of sysfs in a line feed. */
export function trimmed(text: string): string {
  return text.replace(/[\0\s]+$/, '');
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined; // whatever the system says: the fact is not to be had
  }
}
