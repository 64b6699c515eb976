/**
 * The programs we talk with: fetched and built once into a cache folder outside the tree, at low priority. What cannot be had
 * here is a reason to skip its cells, and the reason is printed; only our own sources that do not compile are an error.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gotatun } from './peers/gotatun/program.ts';
import type { Implementation } from './peers/peer.ts';
import { pqtunGo } from './peers/pqtun-go/implementation.ts';
import type { WireguardProgram } from './peers/wireguard.ts';
import { wireguardGo } from './peers/wireguard-go/program.ts';

/** Exactly these are built: a newer one is taken on purpose, with a run that shows it works. */
export const wireguardGoVersion = 'v0.0.0-20260522210424-ecfc5a8d5446';
export const gotatunVersion = '0.10.2';

export const cacheFolder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pqtun-interop');
const goSources = fileURLToPath(new URL('./pqtun-go', import.meta.url));
const minute = 60_000;

/** A program, or why there is none. */
export type Tool<T> = { readonly program: T } | { readonly missing: string };

type Say = (line: string) => void;

/** Builds our second implementation; throws where its sources do not compile. */
export async function buildPqtunGo(say: Say): Promise<Tool<Implementation>> {
  if (!has('go')) return { missing: 'Go is not installed (Debian: apt-get install golang, or go.dev)' };
  const program = join(cacheFolder, 'bin', 'pqtun-go');
  say('building pqtun-go from interop/pqtun-go');
  const fetched = await build('go', ['mod', 'download'], { cwd: goSources, timeout: 3 * minute });
  if (fetched !== undefined) return { missing: `its one dependency could not be fetched: ${fetched}` };
  mkdirSync(join(cacheFolder, 'bin'), { recursive: true });
  const failed = await build('go', ['build', '-trimpath', '-o', program, './cmd/pqtun-go'], {
    cwd: goSources,
    timeout: 6 * minute,
  });
  if (failed !== undefined) throw new Error(`pqtun-go does not build: ${failed}`);
  return { program: pqtunGo(program) };
}

export async function buildWireguardGo(say: Say): Promise<Tool<WireguardProgram>> {
  const folder = join(cacheFolder, 'wireguard-go', wireguardGoVersion);
  const program = join(folder, 'wireguard');
  if (!existsSync(program)) {
    if (!has('go')) return { missing: 'Go is not installed (Debian: apt-get install golang, or go.dev)' };
    say(`fetching and building wireguard-go ${wireguardGoVersion}`);
    const failed = await build('go', ['install', `golang.zx2c4.com/wireguard@${wireguardGoVersion}`], {
      env: { GOBIN: folder },
      timeout: 6 * minute,
    });
    if (failed !== undefined) return { missing: `it could not be fetched or built: ${failed}` };
  }
  return { program: wireguardGo(program, wireguardGoVersion) };
}

/**
 * Rust's release profile spends most of its time on optimising what carries a few hundred packets here, and dependencies
 * bring link-time optimisation of their own: with these a build takes three minutes on two cores instead of ten and more.
 * Checks for overflow stay out as in a release: we talk with the program as it is shipped.
 */
const quickToBuild = {
  CARGO_PROFILE_DEV_OPT_LEVEL: '1',
  CARGO_PROFILE_DEV_DEBUG: '0',
  CARGO_PROFILE_DEV_DEBUG_ASSERTIONS: 'false',
  CARGO_PROFILE_DEV_OVERFLOW_CHECKS: 'false',
  CARGO_INCREMENTAL: '0',
};

/** `mayBuild`: building takes minutes; the short run only takes what is there. */
export async function buildGotatun(say: Say, mayBuild: boolean): Promise<Tool<WireguardProgram>> {
  const folder = join(cacheFolder, 'gotatun', gotatunVersion);
  const program = join(folder, 'bin', 'gotatun');
  if (!existsSync(program)) {
    if (!mayBuild) return { missing: 'not built yet; `npm run interop` without --quick builds it' };
    if (!has('cargo'))
      return { missing: 'Rust is not installed (Debian: apt-get install cargo, or rustup.rs)' };
    say(`fetching and building gotatun ${gotatunVersion}; this takes minutes`);
    const failed = await build(
      'cargo',
      [
        'install',
        '--quiet',
        '--debug',
        '--locked',
        '--root',
        folder,
        '--version',
        gotatunVersion,
        'gotatun-cli',
      ],
      { env: quickToBuild, timeout: 20 * minute },
    );
    if (failed !== undefined) return { missing: `it could not be fetched or built: ${failed}` };
  }
  return { program: gotatun(program) };
}

/** Runs a builder quietly; `undefined` when it succeeded, else the last of what it said. */
export function build(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; timeout: number },
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const child = spawn('nice', ['-n', '19', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // no version control stamp: a checkout of somebody else's is no reason to fail
    env: { ...process.env, GOFLAGS: '-buildvcs=false', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    timeout: options.timeout,
    killSignal: 'SIGKILL',
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2_000);
    });
  }
  child.on('error', (error) => resolve(error.message));
  child.on('close', (code, signal) => {
    if (code === 0) return resolve(undefined);
    const last = said.trim().split('\n').slice(-4).join(' | ');
    resolve(
      signal === null ? `exit code ${code}: ${last}` : `${signal}, out of time after ${options.timeout} ms`,
    );
  });
  return promise;
}

/** Whether the PATH has it. */
export function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}
