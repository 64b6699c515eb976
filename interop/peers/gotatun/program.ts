/** gotatun, Mullvad's successor of BoringTun. */
import { execFileSync } from 'node:child_process';
import type { WireguardProgram } from '../wireguard.ts';

export function gotatun(command: string): WireguardProgram {
  const text = execFileSync(command, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return {
    name: 'gotatun',
    version: /\d[\w.-]*/.exec(text)?.[0] ?? 'unknown',
    command,
    args: ['--foreground', '--disable-drop-privileges', '--verbosity', 'debug'],
    env: {},
  };
}
