/**
 * A copy of this repository to plant faults in: what git would keep, the built addon, and the installed packages by links. Members
 * of the workspace find each other within the copy. It is gone when the process ends.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { files, root } from '../repo/tree.ts';
import { removeNow, temporaryFolder } from './temporary.ts';

export class TreeCopy {
  readonly folder: string;
  /** What planted files held before. */
  readonly #originals = new Map<string, string>();

  constructor(purpose: string) {
    this.folder = temporaryFolder(purpose);
    for (const path of files) copyFile(join(root, path), this.path(path));
    for (const manifest of files) {
      if (!/(^|\/)package\.json$/.test(manifest) || manifest === 'package.json') continue;
      this.#copyFolder(join(dirname(manifest), 'node_modules'));
    }
    this.#copyFolder('packages/tun-tap-native/build');
    symlinkSync(join(root, 'node_modules'), this.path('node_modules'));
  }

  /** Where a file of the repository lies in the copy. */
  path(file: string): string {
    return join(this.folder, file);
  }

  /** The text of a file, without any fault. */
  text(file: string): string {
    return this.#originals.get(file) ?? readFileSync(this.path(file), 'utf8');
  }

  /** Gives a file another text, until it is healed. */
  plant(file: string, text: string): void {
    this.#originals.set(file, this.text(file));
    writeFileSync(this.path(file), text);
  }

  /** Takes a fault back; harmless where there is none. */
  heal(file: string): void {
    const original = this.#originals.get(file);
    if (original === undefined) return;
    writeFileSync(this.path(file), original);
    this.#originals.delete(file);
  }

  remove(): void {
    removeNow(this.folder);
  }

  #copyFolder(folder: string): void {
    if (!existsSync(join(root, folder))) return;
    const options = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };
    cpSync(join(root, folder), this.path(folder), options);
  }
}

/** With its times, by which `make` sees what is built already. */
function copyFile(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  const { atime, mtime } = statSync(from);
  utimesSync(to, atime, mtime);
}
