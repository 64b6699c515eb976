/**
 * `npm run test:arm64`: pqtun on arm64, on a machine that need not be one.
 *
 *  1 compiler, emulator, Node for arm64      tools.ts
 *  2 the addon, cross-built                  packages/tun-tap-native/build.mjs --arch=arm64
 *  3 tests in an arm64 Node                  tests.ts
 *  4 tunnels between two daemons             tunnel.ts
 *  5 the bench, shortened                    bench.ts
 *  6 instructions counted anew               count
 *
 * The last line on standard output is `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { namespacesUnavailable } from '../kit/lab/namespace.ts';
import { benchOnArm64 } from './bench.ts';
import { countAll } from './count/count.ts';
import { differences, readInstructions } from './count/instructions.ts';
import { type Launchers, processors, writeLaunchers } from './launchers.ts';
import { help, type Options, parseOptions } from './options.ts';
import { addonFolder } from './paths.ts';
import { type Counts, runTests, type TestPart } from './tests.ts';
import { findTools, type Tools, ToolsMissing } from './tools.ts';
import { type TunnelCase, throughTunnel } from './tunnel.ts';

const minute = 60_000;
/** For one run of tests. A quarter of it is enough on two idle cores; the bound is for what hangs. */
const mostMinutes = 25;

const vectors = (...names: readonly string[]): string[] =>
  names.map((name) => `test/vectors/${name}.test.ts`);

/** The short form has what takes seconds, and from each kind something; it stands in one run, so that two workers share it. */
const parts: readonly (TestPart & { readonly in: 'short form' | 'long form' })[] = [
  {
    name: 'the addon, vectors, and the contract of all planes',
    processor: processors.gateway,
    in: 'short form',
    files: [
      'test/contract/data-plane.test.ts',
      'test/arm64/addon.arm64.ts',
      ...vectors('native-plane', 'blake2s', 'kdf', 'aead', 'noise', 'mlkem-acvp', 'replay'),
    ],
  },
  {
    name: 'the addon, published vectors, the contracts of back ends and planes, and each class in C++ with its slow twin',
    processor: processors.gateway,
    in: 'long form',
    files: [
      'test/contract/data-plane-twins.test.ts',
      'test/contract/data-plane.test.ts',
      'packages/tun-tap-native/src/plane-',
      ...['boot-timer', 'loop-offloads', 'loop-turn-lock'].map(
        (name) => `packages/tun-tap-native/src/${name}.test.ts`,
      ),
      'test/contract/native-packets.test.ts',
      'test/arm64/addon.arm64.ts',
      'test/vectors/',
      'test/contract/suite.test.ts',
    ],
  },
  {
    name: "the cipher again, in libcrypto's code for SVE",
    processor: processors.largest,
    in: 'long form',
    files: [
      'test/arm64/addon.arm64.ts',
      'packages/tun-tap-native/src/plane-aead.test.ts',
      ...vectors('aead'),
    ],
  },
];

const tunnels: readonly (TunnelCase & { readonly in: 'long form' | 'both' })[] = [
  { gateway: 'arm64', hub: 'x64', plane: 'native', in: 'both' },
  { gateway: 'arm64', hub: 'arm64', plane: 'native', in: 'long form' },
  { gateway: 'arm64', hub: 'arm64', plane: 'portable', in: 'long form' },
];

process.exitCode = await main();

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (typeof options === 'string') {
    console.error(`test:arm64: ${options}; see --help`);
    return 2;
  }
  if (options.help) {
    console.log(help);
    return 0;
  }
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const began = performance.now();
  const code = await runAll(options, counts);
  console.log(`${Math.round((performance.now() - began) / 1000)} s`);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 ? 1 : code;
}

/** The exit code of a run in which nothing failed. */
async function runAll({ quick }: Options, counts: Counts): Promise<number> {
  let tools: Tools;
  try {
    tools = findTools((text) => console.log(`test:arm64: ${text}`));
  } catch (error) {
    if (!(error instanceof ToolsMissing)) throw error;
    console.log(`skipped: everything on arm64: ${error.message}`);
    counts.skipped += 1;
    return quick ? 0 : 1;
  }
  const launchers = writeLaunchers(tools);
  console.log(
    tools.emulator === undefined
      ? `test:arm64: this is arm64, nothing is emulated; Node ${tools.nodeVersion}`
      : `test:arm64: Node ${tools.nodeVersion} for arm64 under ${tools.emulator}; emulated: no time here is a measurement`,
  );
  if (!check(counts, 'the addon cross-builds for arm64', buildAddon(tools))) return 1;
  const form = quick ? 'short form' : 'long form';
  const chosen = <T extends { readonly in: string }>(all: readonly T[]): T[] =>
    all.filter((each) => each.in === form || each.in === 'both');
  for (const part of chosen(parts)) await test(counts, launchers, part);
  for (const tunnel of chosen(tunnels)) await tryTunnel(counts, launchers, tunnel);
  if (quick) return 0;
  await attempt(counts, 'pqtun bench, shortened', () =>
    benchOnArm64(launchers.pqtun, tools.emulator !== undefined),
  );
  if (process.arch === 'x64') await attempt(counts, 'instructions', () => recount(tools));
  else {
    console.log(
      'skipped: instructions are counted on an x64 machine, where both architectures can be emulated',
    );
    counts.skipped += 1;
  }
  return 0;
}

/** That what docs/arm64.md says of records and packets is still so. */
async function recount(tools: Tools): Promise<string> {
  const fresh = await countAll(tools, 'native', () => undefined);
  const found = differences(readInstructions(), fresh);
  if (found.length === 0) return `${Object.keys(fresh.rows).length} counts are as docs/arm64.md has them`;
  throw new Error([...found, 'if that is meant: npm run count:arm64 -- --write-docs'].join('\n'));
}

async function attempt(counts: Counts, name: string, act: () => string | Promise<string>): Promise<void> {
  try {
    check(counts, `${name}: ${await act()}`, '');
  } catch (error) {
    check(counts, name, error instanceof Error ? error.message : String(error));
  }
}

/** Empty, or what went wrong. */
function buildAddon(tools: Tools): string {
  if (tools.emulator === undefined) return ''; // built by `npm run setup` already
  const words = [join(addonFolder, 'build.mjs'), '--arch=arm64', `--nodedir=${tools.nodeFolder}`];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 10 * minute });
  return status === 0 ? '' : stderr;
}

async function test(counts: Counts, launchers: Launchers, part: TestPart): Promise<void> {
  console.log(`\n== ${part.name}, on ${part.processor}`);
  const found = await runTests(launchers, part, mostMinutes * minute);
  if (found === undefined) check(counts, `${part.name}: vitest comes to its end`, 'it did not');
  else for (const kind of ['passed', 'failed', 'skipped'] as const) counts[kind] += found[kind];
}

async function tryTunnel(counts: Counts, launchers: Launchers, tunnel: TunnelCase): Promise<void> {
  const name = `a tunnel from ${tunnel.gateway} to ${tunnel.hub}, ${tunnel.plane} plane`;
  const isElsewhere = process.arch === 'arm64' && [tunnel.gateway, tunnel.hub].includes('x64');
  const reason = isElsewhere ? 'this machine is arm64, and has no x64 to talk with' : namespacesUnavailable();
  if (reason !== undefined) {
    console.log(`skipped: ${name}: ${reason}`);
    counts.skipped += 1;
    return;
  }
  try {
    const seen = await throughTunnel(launchers.pqtun, tunnel);
    check(counts, `${name}: ${seen}`, '');
  } catch (error) {
    check(counts, name, error instanceof Error ? error.message : String(error));
  }
}

/** Counts one check, which passed iff `problem` is empty; whether it did. */
function check(counts: Counts, name: string, problem: string): boolean {
  if (problem === '') {
    counts.passed += 1;
    console.log(`✓ ${name}`);
    return true;
  }
  counts.failed += 1;
  console.log(`✗ ${name}\n${problem}`);
  return false;
}
