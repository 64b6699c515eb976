/** Where things are for the tests on arm64. Whatever is made for them lies in folders that git ignores, or outside the tree. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const here = join(root, 'test', 'arm64');
/** Launchers, compile caches and what the counts are compiled to. */
export const work = join(root, '.cache', 'arm64');
/** What was fetched: outside the tree, so that a fresh clone need not fetch it again. */
export const fetched = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pqtun-arm64');
export const addonFolder = join(root, 'packages', 'tun-tap-native');
