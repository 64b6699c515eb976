/**
 * Builds a copy of the package with AddressSanitizer and UndefinedBehaviorSanitizer and runs its tests in it, and then, unless there
 * are arguments, the workspace's contract of all data planes on the same build: `node test-asan.mjs [vitest arguments]`. The copy is
 * in .cache/, so that the build in use stays as it is.
 *
 * The runtime is preloaded into Node, which was built without it. Node leaks at exit by intention, so leaks are not looked
 * for here; the tests of lifetime.test.ts count descriptors instead.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const copy = join(here, '.cache', 'asan');
mkdirSync(copy, { recursive: true });
for (const name of ['src', 'native']) rmSync(join(copy, name), { recursive: true, force: true });
for (const name of ['src', 'native', 'binding.gyp', 'build.mjs', 'package.json', 'README.md']) {
  cpSync(join(here, name), join(copy, name), { recursive: true, preserveTimestamps: true });
}
run([join(copy, 'build.mjs'), '--sanitize=address,undefined']);

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const sanitized = {
  LD_PRELOAD: ['libasan.so', 'libubsan.so'].map(findRuntime).join(' '),
  ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:allocator_may_return_null=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
};
const chosen = process.argv.slice(2);
run([vitest, 'run', '--root', copy, '--testTimeout', '120000', ...chosen], sanitized);

const workspace = join(here, '..', '..');
if (chosen.length === 0 && existsSync(join(workspace, 'test', 'contract'))) {
  const contract = ['test/contract/data-plane.test.ts', 'test/contract/data-plane-twins.test.ts'];
  run([vitest, 'run', '--root', workspace, '--testTimeout', '240000', ...contract], {
    ...sanitized,
    PLANE_TESTING_ADDON: join(copy, 'build', 'Release', 'plane_testing.node'),
  });
}

function findRuntime(name) {
  return execFileSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}

function run(nodeArguments, environment = {}) {
  const { status } = spawnSync(process.execPath, nodeArguments, {
    cwd: copy,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  if (status !== 0) process.exit(status ?? 1);
}
