/**
 * `node .ci/tool.mjs FILE [arguments]`: sets up what is not there yet, then runs one of the workspace's programs from its sources
 * under the pinned Node. The exit code is that program's.
 */
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { pinnedNode, root, run } from './workspace.mjs';

const day = 24 * 3_600_000;
const [file, ...args] = process.argv.slice(2);

try {
  if (file === undefined) throw new Error('which program? usage: node .ci/tool.mjs FILE [arguments]');
  await setup();
  process.exitCode = await run(
    pinnedNode(),
    ['--conditions=pqtun-source', '--no-warnings', join(root, file), ...args],
    { timeout: day },
  );
} catch (error) {
  console.log(`✗ ${file}: ${error.message}`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}
