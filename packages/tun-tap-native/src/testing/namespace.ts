/** A second network namespace beside the one a scenario runs in, and whether there can be any. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { available } from '../index.ts';

/** Why scenarios in network namespaces cannot run here; undefined when they can. */
export function whyNoNamespace(): string | undefined {
  if (!available()) return 'the addon is not built';
  if (process.getuid?.() !== 0) return 'they need root for a network namespace';
  const tried = spawnSync('unshare', ['--net', 'true'], { encoding: 'utf8' });
  if (tried.status === 0) return undefined;
  return `unshare --net does not work: ${tried.error?.message ?? tried.stderr.trim()}`;
}

/** Why scenarios in time namespaces cannot run here; undefined when they can. */
export function whyNoTimeNamespace(): string | undefined {
  if (!available()) return 'the addon is not built';
  const tried = spawnSync('unshare', ['--time', '--boottime', '1', '--fork', 'true'], { encoding: 'utf8' });
  if (tried.status === 0) return undefined;
  return `unshare --time does not work: ${tried.error?.message ?? tried.stderr.trim()}`;
}

/** A title that says aloud why its tests are skipped, if they are: a skipped test proves nothing. */
export function titled(title: string, reason: string | undefined): string {
  if (reason === undefined) return title;
  console.warn(`SKIPPED: ${title}, because ${reason}`);
  return `${title} (skipped: ${reason})`;
}

/** A process that holds another network namespace open until it is released. */
export async function holdNamespace(): Promise<{ pid: number; release(): void; interfaces(): string[] }> {
  const words = ['--net', 'sh', '-c', 'echo ready; exec sleep 60'];
  const holder = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  const pid = holder.pid;
  assert(pid !== undefined);
  return {
    pid,
    release: () => holder.kill('SIGKILL'),
    interfaces() {
      const table = readFileSync(`/proc/${pid}/net/dev`, 'utf8');
      return [...table.matchAll(/^\s*(\S+):/gm)].map((match) => String(match[1]));
    },
  };
}
