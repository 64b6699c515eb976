/**
 * Builds the addon, unless it is built already: `node build.mjs [--sanitize=address,undefined] [--force]`.
 *
 * Uses the Node and the headers of the workspace's `node-linux-*` package, whatever Node runs this, and never a download.
 * "Already" is a stamp in build/ of every source, the options and the headers. Two builds at once wait for each other.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const buildFolder = join(here, 'build');
const stampFile = join(buildFolder, 'stamp');
const addonFile = join(buildFolder, 'Release', 'tun_tap_native.node');
const lockFile = join(buildFolder, 'lock');

const sanitize =
  process.argv.find((argument) => argument.startsWith('--sanitize='))?.slice('--sanitize='.length) ?? '';
const force = process.argv.includes('--force');

const { nodeFolder, nodeGyp } = findTools();
mkdirSync(buildFolder, { recursive: true });
await takeLock();
try {
  build();
} finally {
  rmSync(lockFile, { force: true });
}

function build() {
  const stamp = currentStamp();
  if (!force && existsSync(addonFile) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp)
    return;
  rmSync(stampFile, { force: true });
  const commands = [['configure', `--nodedir=${nodeFolder}`, '--', `-Dsanitize=${sanitize}`], ['build']];
  for (const command of commands) {
    const result = spawnSync(join(nodeFolder, 'bin', 'node'), [nodeGyp, ...command], {
      cwd: here,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      env: { ...process.env, npm_config_nodedir: nodeFolder, npm_config_offline: 'true', MAKEFLAGS: '-j2' },
    });
    if (result.status === 0) continue;
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    throw new Error(
      `tun-tap-native: "node-gyp ${command[0]}" failed (${result.error?.message ?? `status ${result.status}`}); it needs g++ (C++17), make and python3`,
    );
  }
  writeFileSync(stampFile, stamp);
}

function currentStamp() {
  const hash = createHash('sha256');
  const sources = readdirSync(join(here, 'native'), { recursive: true })
    .filter((name) => /\.(cc|h)$/.test(name))
    .sort()
    .map((name) => join('native', name));
  for (const name of ['binding.gyp', 'build.mjs', ...sources]) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(here, name)))
      .update('\0');
  }
  hash.update(readFileSync(join(nodeFolder, 'include', 'node', 'node_version.h')));
  hash.update(`${process.arch} ${sanitize}`);
  return hash.digest('hex');
}

function findTools() {
  const resolve = createRequire(import.meta.url).resolve;
  const nodePackage = `node-linux-${process.arch}`;
  try {
    return {
      nodeFolder: dirname(resolve(`${nodePackage}/package.json`)),
      nodeGyp: join(dirname(resolve('node-gyp/package.json')), 'bin', 'node-gyp.js'),
    };
  } catch (cause) {
    throw new Error(
      `tun-tap-native: "${nodePackage}" or "node-gyp" is not installed; run "npm run setup" at the root`,
      { cause },
    );
  }
}

async function takeLock() {
  const mine = `${lockFile}-${process.pid}`;
  writeFileSync(mine, `${process.pid}`);
  try {
    while (!linked(mine)) {
      if (!lockHolderLives()) rmSync(lockFile, { force: true });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Makes the lock, with its content, or says that there is one. */
function linked(mine) {
  try {
    linkSync(mine, lockFile);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

function lockHolderLives() {
  try {
    return existsSync(`/proc/${readFileSync(lockFile, 'utf8')}`);
  } catch {
    return false;
  }
}
