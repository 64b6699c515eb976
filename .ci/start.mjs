/** `npm start`: set up, then the demonstration on real TUN devices. Arguments, signals and the exit code are the demonstration's. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { pinnedNode, root, run } from './workspace.mjs';

try {
  await setup();
  const script = join(root, 'test', 'demo', 'demo.ts');
  if (!existsSync(script)) throw new Error('test/demo/demo.ts is missing from this tree');
  // The terminal stays the demonstration's, so that Ctrl-C reaches it and it can tidy up.
  process.exitCode = await run(
    pinnedNode(),
    ['--conditions=pqtun-source', script, ...process.argv.slice(2)],
    { stdin: 'inherit' },
  );
} catch (error) {
  console.error(`start: ${error.message}`);
  process.exitCode = 1;
}
