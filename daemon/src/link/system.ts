/** The system as it is: netlink, sysctl files, resolvconf. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { openNetlink } from 'tun-tap-native';
import type { LinkSystem } from './act.ts';

const resolvconfTimeout = 10_000;

export function realSystem(): LinkSystem {
  return {
    netlink: openNetlink(),
    readSysctl: (name) => fs.readFileSync(`/proc/sys/${name}`, 'utf8').trim(),
    writeSysctl: (name, value) => fs.writeFileSync(`/proc/sys/${name}`, `${value}\n`),
    setDns(device, servers, search) {
      const lines = [
        ...servers.map((ip) => `nameserver ${ip}\n`),
        ...(search.length > 0 ? [`search ${search.join(' ')}\n`] : []),
      ];
      // -m 0 -x: first in order and exclusive, as wg-quick does, so that names do not leak past the tunnel.
      resolvconf(['-a', device, '-m', '0', '-x'], lines.join(''));
    },
    unsetDns: (device) => resolvconf(['-d', device, '-f'], ''),
  };
}

function resolvconf(args: readonly string[], input: string): void {
  const child = spawnSync('resolvconf', args, {
    input,
    timeout: resolvconfTimeout,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  if (child.error !== undefined && 'code' in child.error && child.error.code === 'ENOENT') {
    throw new Error(
      'DNS in the configuration needs the program resolvconf (openresolv or systemd-resolved), which is not installed',
    );
  }
  if (child.error !== undefined) throw child.error;
  if (child.status !== 0)
    throw new Error(`resolvconf failed: ${child.stderr.toString().trim().slice(0, 200)}`);
}
