/** A folder for files that hold secrets: mode 0700, each file 0600, gone at the latest when the process that made it ends. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Programs that were ended a moment ago may still write. */
const patiently = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 } as const;

export class PrivateFolder implements Disposable {
  readonly path: string;
  readonly #atExit = (): void => removeFolder(this.path);

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'pqtun-bench-')); // mkdtemp(3): 0700
    process.once('exit', this.#atExit);
  }

  /** Writes a file that nobody else can read; its path. `content` stays the caller's. */
  write(name: string, content: Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** A folder within, 0700 too. */
  make(name: string): void {
    mkdirSync(join(this.path, name), { mode: 0o700 });
  }

  remove(name: string): void {
    removeFolder(join(this.path, name));
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#atExit);
    removeFolder(this.path);
  }
}

/** Harmless when repeated. */
export function removeFolder(path: string): void {
  rmSync(path, patiently);
}
