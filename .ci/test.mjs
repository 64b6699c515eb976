/**
 * `npm test`: set up, then types, lint and every test that needs nothing but this repository. On two idle cores that takes less than
 * half of what it is given here; the bound is for what hangs.
 * `npm test -- packages/core` runs the matching test files only. `--second-node` runs them under the second Node line.
 * The last line on standard output is `N passed, N failed, N skipped`.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Counts } from './counts.mjs';
import { namespaceCommand } from './privileges.mjs';
import { setup } from './setup.mjs';
import { runVitest } from './vitest.mjs';
import { pinnedNode, root, run, secondNode } from './workspace.mjs';

const budget = 28 * 60_000;
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
  const node = onSecondNode ? secondNode() : pinnedNode();
  await runVitest(
    counts,
    node,
    [tool('vitest', 'vitest.mjs'), 'run', '--root', root, ...filters],
    remaining(),
  );
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
