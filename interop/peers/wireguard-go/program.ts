/** wireguard-go, the reference in user space. */
import { execFileSync } from 'node:child_process';
import type { WireguardProgram } from '../wireguard.ts';

export function wireguardGo(command: string): WireguardProgram {
  const [first = ''] = execFileSync(command, ['--version'], { encoding: 'utf8', timeout: 10_000 }).split(
    '\n',
  );
  return {
    name: 'wireguard-go',
    version: first.replace('wireguard-go v', '').trim(),
    command,
    args: ['--foreground'],
    env: { LOG_LEVEL: 'verbose', WG_PROCESS_FOREGROUND: '1' },
  };
}
