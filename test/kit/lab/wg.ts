/** The real `wg`, from the distribution's wireguard-tools, at the UAPI socket of a daemon. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Namespace, namespacesUnavailable } from './namespace.ts';

/** wireguard-go's command line, as `wg-quick` would start it. */
export const pqtunDaemon = fileURLToPath(new URL('../../../daemon/bin/pqtun-daemon', import.meta.url));

/** Why `wg` cannot be run here, or `undefined` when it can. */
export function wgUnavailable(): string | undefined {
  const reason = namespacesUnavailable();
  if (reason !== undefined) return reason;
  const found = spawnSync('wg', ['--version'], { stdio: 'ignore' }).status === 0;
  return found ? undefined : 'the program wg is not installed (package wireguard-tools)';
}

/**
 * Runs `wg` in a namespace; its output. It knows `/var/run/wireguard` alone, so it gets a mount namespace of its own where that is
 * `uapiDir`. Throws what it said when it failed.
 */
export function wg(namespace: Namespace, uapiDir: string, ...args: readonly string[]): Promise<string> {
  const script = 'mount -t tmpfs none /run && ln -s "$0" /run/wireguard && exec wg "$@"';
  return namespace.run('unshare', ['--mount', 'sh', '-c', script, uapiDir, ...args]);
}

export interface WgPeer {
  readonly publicKey: string;
  readonly presharedKey: string;
  readonly endpoint: string;
  readonly allowedIps: string;
  readonly latestHandshake: number;
  readonly received: number;
  readonly sent: number;
  readonly keepalive: string;
}

export interface WgDevice {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly listenPort: number;
  readonly fwmark: string;
  readonly peers: WgPeer[];
}

/** `wg show all dump` as exporters read it: tab-separated, a device of five columns, then its peers of nine. Throws at any other. */
export function parseDump(dump: string): Map<string, WgDevice> {
  const devices = new Map<string, WgDevice>();
  for (const line of dump.split('\n').filter((each) => each !== '')) {
    const [name = '', ...columns] = line.split('\t');
    const device = devices.get(name);
    const [a = '', b = '', c = '', d = '', e = '', f = '', g = '', h = ''] = columns;
    if (device === undefined && columns.length === 4) {
      devices.set(name, { privateKey: a, publicKey: b, listenPort: Number(c), fwmark: d, peers: [] });
    } else if (device !== undefined && columns.length === 8) {
      device.peers.push({
        ...{ publicKey: a, presharedKey: b, endpoint: c, allowedIps: d },
        ...{ latestHandshake: Number(e), received: Number(f), sent: Number(g), keepalive: h },
      });
    } else throw new Error(`a line of ${columns.length + 1} columns: ${line}`);
  }
  return devices;
}
