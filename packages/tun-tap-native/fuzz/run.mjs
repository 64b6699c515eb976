/**
 * libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer over the addon's C++, without Node:
 * `node packages/tun-tap-native/fuzz/run.mjs [--seconds N] [TARGET]…`. Ends with `N passed, N failed, N skipped`.
 *
 * To add a target, put a file `NAME.cc` beside this one. It defines `LLVMFuzzerTestOneInput` (use `Input` and `require` of input.h), and
 * comment lines in it say what it is made of:
 *
 *   // sources: native/a.cc native/b.cc    what is under test, from the package's folder; may be repeated
 *   // wrap: socket recv                   system calls it replaces by `__wrap_…` of its own
 *   // link: -lcrypto                      what else the linker must be told
 *   // runs: 300000                        inputs of the short run, if it is quick enough for more than the usual number
 *
 * Seeds go to corpus/NAME/*.bin: small, one for each shape of input, and every input that ever failed under a name that says how.
 * What a run finds goes to .cache/fuzz (corpus and findings) and stays there, so that the next run begins where this one ended.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const packageFolder = dirname(here);
const cache = join(packageFolder, '.cache', 'fuzz');
const versions = [22, 21, 20, 19, 18, 17, 16, 15, 14];
const compilers = ['clang++', ...versions.map((version) => `clang++-${version}`)];
/** Targets at a time, each on one core. */
const mostAtOnce = 2;
/** Inputs of each target where no time is given: some seconds, and the same inputs on every machine. */
const shortRun = 20_000;

const help = `Usage: node packages/tun-tap-native/fuzz/run.mjs [--seconds N] [TARGET]...

  --seconds N  how long each target runs, 1 to 86400, beginning where the last such run ended; without it each runs a fixed number of
               inputs, the same every time. Two targets run at a time
  --list       names the targets

Needs clang with its runtime; as root on Debian it is installed if it is missing.`;

const targets = readdirSync(here)
  .filter((name) => name.endsWith('.cc'))
  .map((name) => basename(name, '.cc'))
  .sort();

process.exitCode = await main();

async function main() {
  const options = parse();
  if (typeof options === 'string') {
    console.error(`${options}; see --help`);
    return 2;
  }
  if (options.help || options.list) {
    console.log(options.help ? help : targets.join('\n'));
    return 0;
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const compiler = findCompiler() ?? installCompiler();
  const waiting = [...options.chosen];
  const work = async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const outcome = compiler === undefined ? skip(target) : await fuzz(compiler, target, options.seconds);
      counts[outcome]++;
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), mostAtOnce) }, work));
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0 ? 0 : 1;
}

function parse() {
  const flag = { type: 'boolean', default: false };
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { seconds: { type: 'string' }, list: flag, help: flag },
    });
    const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
    if (seconds !== undefined && !(Number.isInteger(seconds) && seconds >= 1 && seconds <= 86_400))
      return '--seconds is a number from 1 to 86400';
    const unknown = positionals.find((name) => !targets.includes(name));
    if (unknown !== undefined) return `there is no target ${unknown}; --list names them`;
    return { ...values, seconds, chosen: positionals.length > 0 ? positionals : targets };
  } catch (error) {
    return error.message;
  }
}

function skip(target) {
  console.log(
    `${target}: skipped, there is no clang; install it with its runtime (Debian: apt-get install clang)`,
  );
  return 'skipped';
}

async function fuzz(compiler, target, seconds) {
  const program = await build(compiler, target);
  if (program === undefined) return 'failed';
  const corpus =
    seconds === undefined ? mkdtempSync(join(tmpdir(), 'pqtun-fuzz-')) : join(cache, 'corpus', target);
  const findings = join(cache, 'findings', target);
  for (const folder of [corpus, findings]) mkdirSync(folder, { recursive: true });
  const seeds = join(here, 'corpus', target);
  const log = await run(program, [
    corpus,
    ...(existsSync(seeds) ? [seeds] : []),
    ...(seconds === undefined
      ? [`-runs=${wordsOf(target, 'runs')[0] ?? shortRun}`, '-seed=1']
      : [`-max_total_time=${seconds}`]),
    '-max_len=4096',
    '-timeout=5',
    '-rss_limit_mb=1024',
    '-print_final_stats=1',
    `-artifact_prefix=${findings}/`,
  ]);
  if (seconds === undefined) rmSync(corpus, { recursive: true, force: true });
  const executions = lastNumber(log.text, /stat::number_of_executed_units:\s*(\d+)/g);
  const edges = lastNumber(log.text, /\bcov: (\d+)/g);
  const inputs = lastNumber(log.text, /\bcorp: (\d+)/g);
  console.log(
    `${target}: ${executions} executions, ${edges} edges, ${inputs} inputs kept${log.code === 0 ? '' : ', FAILED'}`,
  );
  if (log.code === 0 && executions > 0) return 'passed';
  console.log(report(log.text));
  return 'failed';
}

/** What the comment lines `// NAME: …` of a target say. */
function wordsOf(target, name) {
  const text = readFileSync(join(here, `${target}.cc`), 'utf8');
  return [...text.matchAll(new RegExp(`^// ${name}: (.+)$`, 'gm'))].flatMap(([, list]) =>
    list.trim().split(/\s+/),
  );
}

/** Builds what is older than what it is made of; the path of the program. */
async function build(compiler, target) {
  const source = join(here, `${target}.cc`);
  const words = (name) => wordsOf(target, name);
  const sources = [source, ...words('sources').map((path) => join(packageFolder, path))];
  const program = join(cache, target);
  mkdirSync(cache, { recursive: true });
  if (isCurrent(program, sources)) return program;
  const node = nodeHeaders();
  const { code, text: said } = await run(compiler, [
    ...[
      '-std=c++17',
      '-g',
      '-O1',
      '-D_GNU_SOURCE',
      '-D_GLIBCXX_ASSERTIONS',
      '-DNAPI_VERSION=9',
      '-Wall',
      '-Wextra',
    ],
    ...['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=undefined', '-fno-omit-frame-pointer'],
    ...words('wrap').map((call) => `-Wl,--wrap=${call}`),
    `-I${join(packageFolder, 'native')}`,
    ...(node === undefined ? [] : ['-isystem', node]),
    ...sources,
    ...words('link'),
    ...['-o', program],
  ]);
  if (code === 0) return program;
  console.log(`${target}: does not build, FAILED\n${said}`);
  return undefined;
}

/** Newer than its sources, every header and this file. */
function isCurrent(program, sources) {
  if (!existsSync(program)) return false;
  const built = statSync(program).mtimeMs;
  const headers = ['native', 'fuzz'].flatMap((folder) =>
    readdirSync(join(packageFolder, folder), { recursive: true })
      .filter((name) => name.endsWith('.h'))
      .map((name) => join(packageFolder, folder, name)),
  );
  return [...sources, ...headers, fileURLToPath(import.meta.url)].every(
    (path) => statSync(path).mtimeMs < built,
  );
}

/** The end of what libFuzzer says: the sanitizer's report and where the input lies. */
function report(text) {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => /ERROR|runtime error|SUMMARY|Assertion/.test(line));
  const found = /Test unit written to (\S+)/.exec(text);
  const where = found === null ? [] : [`input: ${relative(process.cwd(), found[1])}`, hexOf(found[1])];
  return [...lines.slice(Math.max(0, first), first + 30), ...where].map((line) => `  ${line}`).join('\n');
}

function hexOf(path) {
  return readFileSync(path).subarray(0, 256).toString('hex');
}

function lastNumber(text, pattern) {
  return Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);
}

/** Runs to the end; on a terminal, libFuzzer's own lines are the progress. */
function run(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        ...symbolizer(),
        UBSAN_OPTIONS: 'print_stacktrace=1',
        ASAN_OPTIONS: 'detect_leaks=1',
      },
    });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (data) => {
      text += data;
      if (process.stderr.isTTY) process.stderr.write(data);
    });
    child.on('error', (error) => resolve({ code: 1, text: `${text}${error.message}` }));
    child.on('close', (code) => resolve({ code, text }));
  });
}

/** What turns addresses in a report into names; without, a finding is found all the same. */
function symbolizer() {
  const folders = [...(process.env.PATH ?? '').split(':'), ...llvmFolders()];
  const path = folders
    .flatMap((folder) =>
      ['', ...versions.map((version) => `-${version}`)].map((suffix) =>
        join(folder, `llvm-symbolizer${suffix}`),
      ),
    )
    .find(existsSync);
  return path === undefined ? {} : { ASAN_SYMBOLIZER_PATH: path };
}

function llvmFolders() {
  return versions.map((version) => `/usr/lib/llvm-${version}/bin`);
}

/** A clang that can link the fuzzer's runtime. */
function findCompiler() {
  return compilers.find((name) => {
    const probe = spawnSync(
      name,
      ['-fsanitize=fuzzer,address,undefined', '-x', 'c++', '-', '-o', '/dev/null'],
      {
        input:
          'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, decltype(sizeof 0)) { return 0; }\n',
      },
    );
    return probe.status === 0;
  });
}

function installCompiler() {
  if (process.getuid?.() !== 0) return undefined;
  console.error('installing clang');
  for (const args of [['update'], ['install', '-y', 'clang']]) {
    const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    if (spawnSync('apt-get', ['-qq', ...args], options).status !== 0) return undefined;
  }
  return findCompiler();
}

/** Headers of the workspace's Node, for targets at the Node-API edge. */
function nodeHeaders() {
  try {
    const resolve = createRequire(import.meta.url).resolve;
    return join(dirname(resolve(`node-linux-${process.arch}/package.json`)), 'include', 'node');
  } catch {
    return undefined;
  }
}
