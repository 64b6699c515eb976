/**
 * Where the programs beside ours come from: exactly these versions, built as their authors release them, once, into a cache outside
 * the tree. What cannot be had here is a reason in the table, and the run goes on.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { build, has } from '../../interop/tools.ts';

/** A newer one is taken on purpose, since figures of different versions do not compare. */
const versions = {
  wireguardGo: 'v0.0.0-20260522210424-ecfc5a8d5446',
  /** What Tailscale requires at the time; the fork's own tags are of 2020. */
  tailscale: 'v0.0.0-20260928213032-417aef361226',
  boringtun: '0.7.1',
  gotatun: '0.10.2',
} as const;

export const cacheFolder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pqtun-bench');

const minute = 60_000;
type Say = (line: string) => void;

export interface Program {
  readonly command: string;
  /** Name and version. */
  readonly name: string;
  readonly built: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A program, or why there is none. */
export type Found = Program | { readonly missing: string };

export function buildWireguardGo(say: Say): Promise<Found> {
  return buildGo(say, 'wireguard-go', 'golang.zx2c4.com/wireguard', versions.wireguardGo, 'wireguard');
}

export function buildTailscaleFork(say: Say): Promise<Found> {
  const module = 'github.com/tailscale/wireguard-go';
  return buildGo(say, 'tailscale-wireguard-go', module, versions.tailscale, 'wireguard-go');
}

export function buildBoringtun(say: Say): Promise<Found> {
  return buildRust(say, 'boringtun', 'boringtun-cli', versions.boringtun, 'boringtun-cli');
}

export function buildGotatun(say: Say): Promise<Found> {
  return buildRust(say, 'gotatun', 'gotatun-cli', versions.gotatun, 'gotatun');
}

async function buildGo(
  say: Say,
  name: string,
  module: string,
  version: string,
  binary: string,
): Promise<Found> {
  const folder = join(cacheFolder, name, version, 'bin');
  const command = join(folder, binary);
  if (!existsSync(command)) {
    if (!has('go')) return { missing: 'Go is not installed (Debian: apt-get install golang, or go.dev)' };
    say(`fetching and building ${name} ${version}`);
    const failed = await build('go', ['install', '-p', '2', `${module}@${version}`], {
      env: { GOBIN: folder },
      timeout: 15 * minute,
    });
    if (failed !== undefined) return { missing: `it could not be fetched or built: ${failed}` };
  }
  const compiler = /\bgo1\S*/.exec(said('go', ['version', command]))?.[0] ?? 'Go';
  return {
    command,
    name: `${name} ${version}`,
    built: `go install, ${compiler}`,
    env: {},
  };
}

/** The release profile of the program itself: what is measured is what its authors ship. */
async function buildRust(
  say: Say,
  name: string,
  crate: string,
  version: string,
  binary: string,
): Promise<Found> {
  const folder = join(cacheFolder, name, version);
  const command = join(folder, 'bin', binary);
  if (!existsSync(command)) {
    if (!has('cargo'))
      return { missing: 'Rust is not installed (Debian: apt-get install cargo, or rustup.rs)' };
    say(`fetching and building ${name} ${version} in its release profile; this takes minutes`);
    const failed = await build(
      'cargo',
      ['install', '--quiet', '--locked', '--jobs', '2', '--root', folder, '--version', version, crate],
      { env: { CARGO_INCREMENTAL: '0' }, timeout: 45 * minute },
    );
    if (failed !== undefined) return { missing: `it could not be fetched or built: ${failed}` };
  }
  return { command, name: `${crate} ${version}`, built: 'cargo install, release profile', env: {} };
}

/** What OpenVPN of Debian needs and a small system lacks. */
const openvpnPackages = ['openvpn', 'libpkcs11-helper1', 'libnl-genl-3-200', 'libnl-3-200', 'liblzo2-2'];

/** The installed one, else the distribution's, unpacked into the cache: a bench installs nothing into the system. */
export async function findOpenvpn(say: Say): Promise<Found> {
  if (has('openvpn')) return describeOpenvpn('openvpn', {}, 'as installed');
  const folder = join(cacheFolder, 'openvpn');
  if (!existsSync(folder)) {
    if (!has('apt-get') || !has('dpkg-deb'))
      return { missing: 'OpenVPN is not installed, and there is no apt-get to fetch it with' };
    say('fetching OpenVPN');
    const failed = await unpackDebian(openvpnPackages, folder);
    if (failed !== undefined) return { missing: `it could not be fetched: ${failed}` };
  }
  const libraries = readdirSync(join(folder, 'usr', 'lib'))
    .filter((name) => name.endsWith('-linux-gnu'))
    .flatMap((name) => [join(folder, 'usr', 'lib', name), join(folder, 'lib', name)]);
  const env = { LD_LIBRARY_PATH: libraries.join(':') };
  return describeOpenvpn(join(folder, 'usr', 'sbin', 'openvpn'), env, 'the distribution’s package');
}

function describeOpenvpn(command: string, env: Record<string, string>, built: string): Found {
  if (!has('openssl')) return { missing: 'openssl is not installed, which makes its certificates' };
  const version = /^OpenVPN (\S+)/m.exec(said(command, ['--version'], env))?.[1];
  if (version === undefined) return { missing: `${command} does not run` };
  return { command, name: `OpenVPN ${version}`, built, env };
}

/** Packages into a folder, and nothing of them run. `undefined` when it worked, else why not. */
async function unpackDebian(packages: readonly string[], folder: string): Promise<string | undefined> {
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    const download = ['-c', 'cd "$0" && apt-get -qq download "$@"', fresh, ...packages];
    let failed = await build('sh', download, { timeout: 5 * minute });
    if (failed !== undefined) {
      // Where apt has never been used there are no lists yet
      await build('apt-get', ['-qq', 'update'], { timeout: 5 * minute });
      failed = await build('sh', download, { timeout: 5 * minute });
    }
    if (failed !== undefined) return failed;
    const unpack = 'cd "$0" && for each in *.deb; do dpkg-deb -x "$each" . && rm "$each" || exit 1; done';
    failed = await build('sh', ['-c', unpack, fresh], { timeout: minute });
    if (failed === undefined) renameSync(fresh, folder);
    return failed;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function said(command: string, args: readonly string[], env: Record<string, string> = {}): string {
  const { stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, ...env },
  });
  return stdout ?? '';
}
