/** `node --conditions=pqtun-source test/kit/chaos-run.ts FROM TO`: plays these seeds, prints what failed; exit code 1 if any did. */
import { runChaos } from './chaos.ts';

const [from = 1, to = 1000] = process.argv.slice(2).map(Number);
let failed = 0;
for (let seed = from; seed <= to; seed++) {
  const problems = runChaos(seed);
  if (problems.length === 0) continue;
  failed++;
  console.error(problems.join('\n  '));
}
console.log(`${to - from + 1} seeds, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
