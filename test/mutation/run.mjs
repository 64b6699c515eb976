/** `npm run mutate`: changes one thing at a time in the sources of core, and asks whether a test notices. README.md here says more. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pinnedNode, toolEnvironment } from '../../.ci/workspace.mjs';
import { folders } from './folders.mjs';
import { scoresOf, scoreTable, unnoticed } from './scores.mjs';

/** Percent below which a folder has failed. */
const target = 80;

const help = `Usage: node test/mutation/run.mjs [--list] [--report] [--static] [--fresh] [FOLDER[/FILE]…]

Changes one thing at a time in the sources of core, runs that folder's tests, and counts the changes that no test noticed.
Folders: ${Object.keys(folders).join(' ')}; all of them where none is named. Results are kept, and later runs try only what changed.

  --list    print every change that no test noticed
  --report  try nothing, print what earlier runs found
  --static  try as well what acts while a module loads: a new process and every test of the folder for each, so hours
  --fresh   forget what earlier runs found in these folders
  --help    print this

All of it takes about an hour on two cores. A folder has passed with a score of ${target} % or more.`;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pqtun-mutation');

process.exitCode = await main(process.argv.slice(2));

async function main(args) {
  const wanted = readArguments(args);
  if (typeof wanted === 'string') {
    console.error(`${wanted}; see --help`);
    return 2;
  }
  if (wanted.help) {
    console.log(help);
    return 0;
  }
  mkdirSync(cache, { recursive: true });
  const found = [];
  let failed = 0;
  for (const [folder, files] of wanted.folders) {
    if (wanted.fresh || read(pathOf(folder)) === undefined) rmSync(pathOf(folder), { force: true });
    const code = wanted.report ? 0 : await mutate(folder, files, wanted.static);
    if (!wanted.report && code === 0) copyFileSync(pathOf(folder), wholePathOf(folder));
    const report = code === 0 ? read(wholePathOf(folder)) : undefined;
    if (report === undefined) {
      console.error(
        code === 0 ? `${folder}: no earlier run` : `${folder}: Stryker ended with exit code ${code}`,
      );
      failed++;
      continue;
    }
    found.push([folder, scoresOf(report)]);
    if (wanted.list) for (const paragraph of unnoticed(report)) console.log(`${paragraph}\n`);
  }
  const passed = found.filter(([, { total }]) => total.score >= target).length;
  failed += found.length - passed;
  console.log(scoreTable(found).join('\n'));
  console.log(
    `${passed} passed, ${failed} failed, ${Object.keys(folders).length - wanted.folders.size} skipped`,
  );
  return failed === 0 ? 0 : 1;
}

/** What was asked for, or what is wrong with it. `folders` maps a folder's name to the files wanted of it, none for all. */
function readArguments(args) {
  const flag = { type: 'boolean', default: false };
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: { list: flag, report: flag, static: flag, fresh: flag, help: flag },
    });
  } catch (error) {
    return error.message.split('\n')[0];
  }
  const { values, positionals } = parsed;
  const wanted = new Map();
  for (const place of positionals.length > 0 ? positionals : Object.keys(folders)) {
    const [folder, ...file] = place.replace(/\/$/, '').split('/');
    if (folders[folder] === undefined) return `core has no folder "${folder}" that is mutated`;
    const path = join(root, dirname(folders[folder].mutate[0]), ...file);
    if (!existsSync(path)) return `"${place}" is not a file of core`;
    wanted.set(folder, [...(wanted.get(folder) ?? []), ...(file.length > 0 ? [path] : [])]);
  }
  return { ...values, folders: wanted };
}

/** Runs Stryker over a folder, or over some files of it, and resolves with its exit code. What it says goes to standard error. */
function mutate(folder, files, statics) {
  const require = createRequire(import.meta.url);
  const stryker = join(dirname(require.resolve('@stryker-mutator/core/package.json')), 'bin', 'stryker.js');
  const config = join('test', 'mutation', 'stryker.config.mjs');
  const args = [stryker, 'run', config, ...(files.length > 0 ? ['--mutate', files.join(',')] : [])];
  console.error(`${folder}: ${files.length > 0 ? files.length : 'all'} files`);
  return new Promise((resolve) => {
    const child = spawn(pinnedNode(), args, {
      cwd: root,
      stdio: ['ignore', process.stderr, process.stderr],
      env: toolEnvironment({
        PQTUN_MUTATION_CACHE: cache,
        PQTUN_MUTATION_FOLDER: folder,
        PQTUN_MUTATION_STATIC: statics ? '1' : '0',
        PQTUN_MUTATION_TESTS: JSON.stringify(folders[folder].tests),
      }),
    });
    child.on('error', (error) => {
      console.error(error.message);
      resolve(127);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** Where Stryker goes on from. An interrupted run leaves what it had tried by then, or half a file. */
function pathOf(folder) {
  return join(cache, `${folder}.json`);
}

/** What the last run that came to its end found: scores are of this. */
function wholePathOf(folder) {
  return join(cache, `${folder}.whole.json`);
}

/** A report, or `undefined` where there is none, or not the whole of one. */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
