/** How the tests get what root has: as root, in namespaces of our own where the TUN device is open to users, or not at all. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

const marker = 'PQTUN_TEST_UNSHARED';
const unshare = ['--user', '--map-root-user', '--net', '--mount'];

/** `undefined` when tests run as they are, else the command to run ourselves again under. */
export function namespaceCommand() {
  if (process.getuid() === 0 || process.env[marker] === '1') return undefined;
  if (!canOpenTun()) {
    console.log('test: not root, and /dev/net/tun is closed to this user: tests that need root are skipped');
    return undefined;
  }
  if (spawnSync('unshare', [...unshare, 'true'], { stdio: 'ignore' }).status !== 0) {
    console.log(
      'test: not root, and this kernel gives users no namespaces: tests that need root are skipped',
    );
    return undefined;
  }
  return { command: 'unshare', args: unshare, env: { [marker]: '1' } };
}

function canOpenTun() {
  try {
    closeSync(openSync('/dev/net/tun', 'r+'));
    return true;
  } catch {
    return false;
  }
}
