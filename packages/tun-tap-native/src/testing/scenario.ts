/**
 * Runs scripts of this folder in a process of their own: under the workspace's Node, in a network namespace that ends with
 * the process, and with its own event loop, collector and exit to watch.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { available, probe } from '../index.ts';

export interface ScenarioResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ScenarioOptions {
  /** In a fresh network namespace, which needs root. Default true. */
  readonly isolated?: boolean;
  /** In a time namespace instead, whose machine seems to have slept for so many seconds; needs root. */
  readonly slept?: number;
  readonly nodeFlags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly uid?: number;
}

/** Runs `export const scenarios = {name() {…}}` of a script here; resolves `status` 0 only when the scenario returned. */
export function runScenario(script: string, name: string, options: ScenarioOptions = {}): ScenarioResult {
  const runner = fileURLToPath(new URL('run.ts', import.meta.url));
  return runNode([runner, script, name], options);
}

export function runNode(nodeArguments: readonly string[], options: ScenarioOptions = {}): ScenarioResult {
  const command = [nodePath(), '--conditions=pqtun-source', ...(options.nodeFlags ?? []), ...nodeArguments];
  const [program = '', ...rest] = [...namespaceOf(options), ...command];
  const result = spawnSync(program, rest, {
    encoding: 'utf8',
    timeout: 50_000,
    env: { ...process.env, TUNTAP_ISOLATED: isIsolated(options) ? '1' : '', ...options.environment },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  if (result.error !== undefined) throw result.error;
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

function isIsolated({ isolated = true, slept }: ScenarioOptions): boolean {
  return isolated && slept === undefined;
}

function namespaceOf(options: ScenarioOptions): string[] {
  if (options.slept !== undefined) {
    return ['unshare', '--time', '--boottime', String(options.slept), '--fork', '--kill-child'];
  }
  return isIsolated(options) ? ['unshare', '--net'] : [];
}

/** Why TUN scenarios cannot run here; said aloud, since a skipped test proves nothing. */
export function whyNoTun(): string | undefined {
  const reason = whyNotRoot() ?? whyNoDevice();
  if (reason !== undefined) console.warn(`SKIPPED: the TUN tests, because ${reason}`);
  return reason;
}

function whyNotRoot(): string | undefined {
  if (!available()) return 'the addon is not built';
  return process.getuid?.() === 0 ? undefined : 'they need root for a network namespace';
}

function whyNoDevice(): string | undefined {
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  return probe().reason;
}

export function findProgram(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** How many descriptors the process has open. */
export function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** The Node that runs TypeScript unbuilt: the workspace's own, or the one that runs this. */
function nodePath(): string {
  try {
    return createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  } catch {
    return process.execPath;
  }
}
