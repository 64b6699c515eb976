/** Runs vitest with its own live output and brings back what was counted. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run, toolEnvironment } from './workspace.mjs';

/**
 * Runs `node` with `args`, which start vitest, and adds its counts. `test/repo/reporter.ts` writes these to a file that only a
 * run which came to its end has; a run without it counts as one failure.
 */
export async function runVitest(counts, node, args, timeout) {
  const folder = mkdtempSync(join(tmpdir(), 'pqtun-test-'));
  const results = join(folder, 'counts.json');
  const reporters = ['--reporter=default', `--reporter=${join(root, 'test', 'repo', 'reporter.ts')}`];
  try {
    const code = await run(node, [...args, ...reporters], {
      timeout,
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
