/**
 * Our native plane without a cipher: a copy of this tree whose addon is built with `null_aead.cc`. The copy is gone with the run; what
 * was built is kept in the cache and built anew when a source of the addon changes.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../../interop/tools.ts';
import { TreeCopy } from '../../test/kit/tree-copy.ts';
import { cacheFolder } from './builders.ts';
import type { Contestant } from './pair.ts';
import { pqtunContestant } from './pqtun.ts';

const addon = 'packages/tun-tap-native';
const replaced = `${addon}/native/plane/aead_select.cc`;
const planted = fileURLToPath(new URL('./null_aead.cc', import.meta.url));
const minute = 60_000;

export async function nullPlaneContestant(
  say: (line: string) => void,
): Promise<Contestant | { missing: string }> {
  const copy = new TreeCopy('bench-null');
  copy.plant(replaced, readFileSync(planted, 'utf8'));
  const built = copy.path(`${addon}/build`);
  const kept = join(cacheFolder, 'null-plane', 'build');
  if (existsSync(kept)) {
    rmSync(built, { recursive: true, force: true });
    copyFolder(kept, built);
  } // else what this tree has built: one object differs
  say('building an addon without crypto');
  const failed = await build(process.execPath, [copy.path(`${addon}/build.mjs`)], { timeout: 20 * minute });
  if (failed !== undefined) {
    copy.remove();
    return { missing: `its addon could not be built: ${failed}` };
  }
  keep(built, kept);
  const contestant = pqtunContestant('native', { command: copy.path('daemon/bin/pqtun'), hasCipher: false });
  return {
    ...contestant,
    name: `${contestant.name}, without crypto`,
    built: 'this tree, its AEAD replaced by one that does nothing',
  };
}

/** Whole or not at all, whoever else does the same. */
function keep(built: string, kept: string): void {
  const fresh = `${kept}.${process.pid}`;
  mkdirSync(dirname(kept), { recursive: true });
  copyFolder(built, fresh);
  rmSync(kept, { recursive: true, force: true });
  renameSync(fresh, kept);
}

/** With its times, by which `make` sees what is built already. */
function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}
