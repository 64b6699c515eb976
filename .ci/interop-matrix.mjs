/** `npm run interop`: set up, then talk with other implementations. Arguments and the exit code are `interop/run.ts`'s. */
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { pinnedNode, root, run } from './workspace.mjs';

const hour = 3_600_000;

try {
  await setup();
  const script = join(root, 'interop', 'run.ts');
  process.exitCode = await run(
    pinnedNode(),
    ['--conditions=pqtun-source', '--no-warnings', script, ...process.argv.slice(2)],
    { timeout: 2 * hour },
  );
} catch (error) {
  console.log(`✗ interop: ${error.message}`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}
