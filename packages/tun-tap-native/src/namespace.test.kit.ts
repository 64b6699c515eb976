import { execFile, spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { promisify } from 'node:util';

export type Scenarios = Readonly<Record<string, () => void | Promise<void>>>;

const DONE = 'done';
const execFileAsync = promisify(execFile);

/** Why tests in network namespaces cannot run here; undefined when they can. */
export const namespaceRefusal: string | undefined = refusal();

/** A title that says loudly why its tests are skipped, if they are. */
export function titled(title: string, reason: string | undefined = namespaceRefusal): string {
  if (reason !== undefined) console.warn(`SKIPPED: ${title}: ${reason}`);
  return reason === undefined ? title : `${title} (SKIPPED: ${reason})`;
}

/** Whether there is an `ip` to compare with. */
export const ipRefusal: string | undefined =
  spawnSync('ip', ['-j', 'link']).status === 0 ? namespaceRefusal : 'no working ip -j (iproute2)';

/** Runs one scenario of a child file in a network namespace of its own; throws with its output when it fails. */
export async function runInNamespace(childFile: string, scenario: string): Promise<void> {
  const argument = ['-n', process.execPath, '--expose-gc', childFile, scenario];
  const { stdout, stderr } = await execFileAsync('unshare', argument, {
    timeout: 50_000,
    killSignal: 'SIGKILL',
  });
  // A child that ended early, for want of anything to wait for, has status 0 as well.
  if (!stdout.split('\n').includes(DONE))
    throw new Error(`${basename(childFile)}: ${scenario} did not finish\n${stderr}`);
}

/** The other half: call from the child file. */
export async function runScenario(scenarios: Scenarios): Promise<void> {
  const name = process.argv[2] ?? '';
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`no scenario called ${name}`);
  await scenario();
  console.log(DONE);
}

function refusal(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  const tried = spawnSync('unshare', ['-n', 'true'], { encoding: 'utf8' });
  return tried.status === 0
    ? undefined
    : `unshare -n does not work: ${tried.error?.message ?? tried.stderr.trim()}`;
}
