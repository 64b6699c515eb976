/** `PreUp` … `PostDown`: shell commands of the configuration, run one after the other. Only with `--allow-hooks`. */
import { spawn } from 'node:child_process';

export const hookTimeout = 60_000;

/** Runs `command` by `/bin/sh -c` with `%i` replaced by the interface. Rejects when it fails or takes longer than a minute. */
export function runHook(command: string, interfaceName: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command.replaceAll('%i', interfaceName)], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        PQTUN_INTERFACE: interfaceName,
      },
      timeout: hookTimeout,
      killSignal: 'SIGKILL',
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(signal === null ? `exit code ${code}` : `ended by ${signal}`));
    });
  });
}
