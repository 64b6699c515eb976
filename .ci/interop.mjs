/**
 * The second implementation, in Go: vet and its own tests, counted like ours. Without Go on this machine that is one skip. The
 * last line on standard output is `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Counts } from './counts.mjs';
import { onPath, root, run } from './workspace.mjs';

const folder = join(root, 'interop', 'pqtun-go');
const counts = new Counts();

if (onPath('go') === undefined) {
  counts.skipped++;
  console.log('skipped: the second implementation: no Go on this machine (1.26 or later)');
} else {
  counts.addExitCode('go vet', await run('go', ['vet', './...'], { cwd: folder, timeout: 300_000 }));
  await goTest();
}
console.log(String(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;

/** `go test -json` writes one event a line; what a test printed is shown when it failed. */
async function goTest() {
  const child = spawn('go', ['test', '-json', '-timeout', '300s', './...'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (code) => resolve(code ?? 1));
  });
  const printed = new Map();
  const failedBefore = counts.failed;
  for await (const line of createInterface({ input: child.stdout })) take(line, printed);
  const code = await ended;
  if (code !== 0 && counts.failed === failedBefore) counts.addExitCode('go test', code);
}

function take(line, printed) {
  const event = parse(line);
  const name = `${event.Package} › ${event.Test ?? ''}`;
  if (event.Action === 'output') printed.set(name, (printed.get(name) ?? '') + event.Output);
  if (event.Test === undefined) {
    if (event.Action === 'pass') console.log(`✓ ${event.Package} ${event.Elapsed} s`);
    return;
  }
  if (event.Action === 'pass') counts.passed++;
  if (event.Action === 'skip') {
    counts.skipped++;
    console.log(`skipped: ${name}: ${(printed.get(name) ?? '').replaceAll(/\s+/g, ' ').slice(0, 200)}`);
  }
  if (event.Action === 'fail') {
    counts.failed++;
    console.log(`✗ ${name}\n${printed.get(name) ?? ''}`);
  }
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return { Action: 'output', Package: 'go', Output: `${line}\n` };
  }
}
