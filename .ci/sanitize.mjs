/**
 * The addon's tests under AddressSanitizer and UndefinedBehaviorSanitizer, in a copy beside the build in use. Without a compiler
 * that is one skip. The last line on standard output is `N passed, N failed, N skipped`.
 */
import { join } from 'node:path';
import { Counts } from './counts.mjs';
import { setup } from './setup.mjs';
import { runVitest } from './vitest.mjs';
import { onPath, pinnedNode, root } from './workspace.mjs';

const counts = new Counts();
await setup();
if (onPath('g++') === undefined) {
  counts.skipped++;
  console.log('skipped: the addon under sanitizers: no g++ on this machine');
} else {
  const script = join(root, 'packages', 'tun-tap-native', 'test-asan.mjs');
  await runVitest(counts, pinnedNode(), [script], 20 * 60_000);
}
console.log(String(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;
