/** wireguard-go, the reference in user space. */
import { execFileSync } from 'node:child_process';
import type { WireguardProgram } from '../wireguard.ts';

/** `module` is the version of the Go module it was built from: the program's own number changes more rarely. */
export function wireguardGo(command: string, module: string): WireguardProgram {
  const [first = ''] = execFileSync(command, ['--version'], { encoding: 'utf8', timeout: 10_000 }).split(
    '\n',
  );
  return {
    name: 'wireguard-go',
    version: `${first.replace('wireguard-go v', '').trim()} (module ${module})`,
    command,
    args: ['--foreground'],
    env: { LOG_LEVEL: 'verbose', WG_PROCESS_FOREGROUND: '1' },
  };
}
