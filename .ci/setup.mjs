/**
 * `npm run setup`: from a fresh clone to something that runs. Cheap when there is nothing to do, safe when two run at once.
 *
 *  1. is this a platform we run on?
 *  2. dependencies, when the lockfile is not the one last installed: pnpm fetches them, the pinned Node among them
 *  3. the addon, when there is a C++ compiler; without one the portable parts work all the same
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { onPath, pinnedNode, platformGap, root, run } from './workspace.mjs';

const pnpm = 'pnpm@12.21.0';
const minute = 60_000;

/** Sets the tree up and resolves with whether the addon is there. Throws an error that says what to do. */
export async function setup() {
  const gap = platformGap();
  if (gap !== undefined) throw new Error(gap);
  mkdirSync(join(root, '.cache'), { recursive: true });
  return withLock(join(root, '.cache', 'setup.lock'), 15 * minute, async () => {
    await installDependencies();
    return buildAddon();
  });
}

async function installDependencies() {
  const stamp = join(root, 'node_modules', '.pqtun-setup');
  const wanted = inputHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(pinnedNode())) return;
  console.log('setup: installing dependencies from the lockfile');
  // CI: without a terminal pnpm must not stop to ask whether it may replace node_modules.
  const env = { ...process.env, CI: 'true' };
  const code = await run('npx', ['--yes', pnpm, 'install', '--frozen-lockfile'], {
    env,
    timeout: 10 * minute,
  });
  if (code !== 0) throw new Error(`pnpm ended with ${code}; is the package registry reachable?`);
  if (!existsSync(pinnedNode()))
    throw new Error('the pinned Node is missing: were optional dependencies left out (--no-optional)?');
  writeFileSync(stamp, wanted);
}

/** What an installation depends on. Member manifests need no place here: a frozen lockfile refuses those it does not match. */
function inputHash() {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, file)));
  return `${hash.digest('hex')}\n`;
}

async function buildAddon() {
  const script = join(root, 'packages', 'tun-tap-native', 'build.mjs');
  if (!existsSync(script)) {
    console.log('setup: no addon to build in this tree; native parts will be missing');
    return false;
  }
  const missing = [
    onPath('c++', 'g++', 'clang++') ?? ['a C++ compiler'],
    onPath('make') ?? ['make'],
    onPath('python3') ?? ['python3'],
  ].filter(Array.isArray);
  if (missing.length > 0) {
    console.log(
      `setup: no addon, for this machine lacks ${missing.join(', ')} (Debian: apt-get install g++ make python3). TUN devices need it; the rest works.`,
    );
    return false;
  }
  const notice = setTimeout(() => console.log('setup: building the addon'), 1_000); // silent when there is nothing to build
  const code = await run(pinnedNode(), [script], { timeout: 10 * minute });
  clearTimeout(notice);
  if (code !== 0)
    throw new Error(`the addon did not build (exit code ${code}); the compiler's words are above`);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await setup();
    console.log('setup: ready');
  } catch (error) {
    console.error(`setup: ${error.message}`);
    process.exitCode = 1;
  }
}
