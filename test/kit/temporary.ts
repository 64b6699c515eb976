/** What this run puts outside the tree, and that it is gone afterwards, also when the run is interrupted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const paths = new Set<string>();

/** Children that were killed a moment ago may still write. */
const patiently = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 } as const;

process.once('exit', () => {
  for (const path of paths) {
    try {
      rmSync(path, patiently);
    } catch (error) {
      console.error(`${path} is left behind: ${error}`);
    }
  }
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => process.exit(code)); // children end with us: by their input, or by the kernel's hand
}

/** A fresh folder, mode 0700; `purpose` is part of its name. */
export function temporaryFolder(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `pqtun-${purpose}-`));
  paths.add(folder);
  return folder;
}

/** To be removed at the latest when we end. */
export function removeAtExit(path: string): void {
  paths.add(path);
}

/** Removes it now. Harmless when repeated. */
export function removeNow(path: string): void {
  rmSync(path, patiently);
  paths.delete(path);
}
