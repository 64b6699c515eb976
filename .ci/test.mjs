/**
 * `npm test`: set up, then types, lint and every test that needs nothing but this repository; at most 14 minutes after set-up.
 * `npm test -- packages/core` runs the matching test files only. `--second-node` runs them under the second Node line.
 * The last line on standard output is `N passed, N failed, N skipped`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Counts } from './counts.mjs';
import { namespaceCommand } from './privileges.mjs';
import { setup } from './setup.mjs';
import { pinnedNode, root, run, secondNode, toolEnvironment } from './workspace.mjs';

const budget = 14 * 60_000;
const tool = (...parts) => join(root, 'node_modules', ...parts);

const options = process.argv.slice(2);
const onSecondNode = options.includes('--second-node');
const filters = options.filter((option) => option !== '--second-node');
const counts = new Counts();
let deadline = Date.now() + budget;
const remaining = () => Math.max(1_000, deadline - Date.now());

try {
  await setup(); // before the namespaces: it may need the network
  const inside = namespaceCommand();
  if (inside !== undefined) {
    const again = [...inside.args, process.execPath, fileURLToPath(import.meta.url), ...options];
    process.exit(
      await run(inside.command, again, { timeout: budget + 60_000, env: { ...process.env, ...inside.env } }),
    );
  }
  deadline = Date.now() + budget;
  if (filters.length === 0) await checkSources();
  await runTests(onSecondNode ? secondNode() : pinnedNode());
} catch (error) {
  counts.failed++;
  console.log(`✗ ${error.message}`);
}
console.log(String(counts));
process.exitCode = counts.exitCode;

async function checkSources() {
  const node = pinnedNode();
  counts.addExitCode(
    'types: tsc -b',
    await run(node, [tool('typescript', 'lib', 'tsc.js'), '-b', '--pretty', 'false'], {
      timeout: Math.min(remaining(), 300_000),
    }),
  );
  counts.addExitCode(
    'lint and format: biome check',
    await run(node, [tool('@biomejs', 'biome', 'bin', 'biome'), 'check', '.'], {
      timeout: Math.min(remaining(), 120_000),
    }),
  );
}

/** Runs vitest with its own live output; `test/repo/reporter.ts` writes what was counted to a file that only a run which ended has. */
async function runTests(node) {
  const folder = mkdtempSync(join(tmpdir(), 'pqtun-test-'));
  const results = join(folder, 'counts.json');
  try {
    const args = [
      tool('vitest', 'vitest.mjs'),
      'run',
      '--root',
      root,
      '--reporter=default',
      '--reporter=./test/repo/reporter.ts',
      ...filters,
    ];
    const code = await run(node, args, {
      timeout: remaining(),
      env: toolEnvironment({ PQTUN_TEST_COUNTS: results }),
    });
    const found = readCounts(results);
    if (found === undefined) {
      counts.addExitCode('vitest runs to its end', code === 0 ? 1 : code);
      return;
    }
    counts.add(found);
    if (code !== 0 && found.failed === 0) counts.addExitCode('vitest ends in order', code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readCounts(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
