/** What a machine needs so that whole tunnels can be measured on it, and what to do where it is not there. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { probe } from 'tun-tap-native';

/** This machine cannot do it; the message says why and what to do. Anything else that is thrown is a fault. */
export class CannotMeasure extends Error {
  override readonly name = 'CannotMeasure';
}

export interface Needs {
  readonly platform: string;
  readonly user: number | undefined;
  readonly hasUnshare: boolean;
  /** Whether the daemon's program can be started. */
  readonly hasDaemon: boolean;
  /** Why the addon cannot be loaded, and what to do, in its words. */
  readonly addon: string | undefined;
  /** Why no TUN can be opened. */
  readonly tun: string | undefined;
}

/** Why not and what to do; `undefined` where all is there. */
export function whyNot({ platform, user, hasUnshare, hasDaemon, addon, tun }: Needs): string | undefined {
  if (platform !== 'linux') return `it needs Linux, and this is ${platform}`;
  if (user !== 0) return 'it needs root, to make network namespaces and a tunnel: run it with sudo';
  if (addon !== undefined) return addon;
  if (tun !== undefined)
    return `no tunnel device can be opened (${tun}): run "modprobe tun", or allow /dev/net/tun in this container`;
  if (!hasUnshare) return 'the program unshare is not there: install util-linux';
  if (!hasDaemon)
    return 'the program pqtun is not where it was expected: install it, or run "npm run setup" in the clone';
  return undefined;
}

export function needsHere(daemonCommand: string): Needs {
  return {
    platform: process.platform,
    user: process.getuid?.(),
    hasUnshare: (process.env['PATH'] ?? '')
      .split(delimiter)
      .some((folder) => isProgram(join(folder, 'unshare'))),
    hasDaemon: isProgram(daemonCommand),
    ...addonHere(),
  };
}

function addonHere(): Pick<Needs, 'addon' | 'tun'> {
  try {
    return { addon: undefined, tun: probe().reason };
  } catch (error) {
    return { addon: error instanceof Error ? error.message : String(error), tun: undefined };
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
