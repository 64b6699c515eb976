/** Programs of the system that a test or a measurement needs: looked for, and installed where that may be done. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

const minute = 60_000;

/** The first of these that the PATH has, as a path. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs Debian's packages of these names, which `say` is told. `undefined`: done; else a sentence with what to do, which is all that
 * happens without root or apt-get. Bounded: ten minutes a step.
 */
export function installPackages(
  packages: readonly string[],
  say: (line: string) => void,
): string | undefined {
  const byHand = `install ${packages.join(' and ')} (Debian: apt-get install ${packages.join(' ')})`;
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined) return byHand;
  say(`installing ${packages.join(', ')} with apt-get`);
  for (const words of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const { status, stderr, error } = spawnSync('apt-get', ['-qq', ...words], {
      encoding: 'utf8',
      timeout: 10 * minute,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (status === 0) continue;
    const reason = error?.message ?? (stderr ?? '').trim().split('\n').at(-1);
    return `${byHand}: "apt-get ${words[0]}" failed: ${reason}`;
  }
  return undefined;
}
