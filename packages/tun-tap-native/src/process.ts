import { checkInteger, checkObject, checkString, outOfRange } from './arguments.ts';
import { loadBinding } from './binding.ts';
import type { Hardening, PeerCredentials } from './types.ts';

/**
 * Tells the service manager `state` ("READY=1", "STOPPING=1", "WATCHDOG=1", …; lines for more than one), as sd_notify(3)
 * does. `false` when nobody asked: `NOTIFY_SOCKET` is unset. Throws with `code` when the socket cannot be reached.
 */
export function sdNotify(state: string): boolean {
  checkString('state', state);
  const path = process.env['NOTIFY_SOCKET'];
  if (path === undefined || path === '') return false;
  loadBinding().notifyService(path, state);
  return true;
}

/** Who connected: process, user and group at the other end of a connected unix socket when connect(2) was called. */
export function socketPeerCredentials(fd: number): PeerCredentials {
  return loadBinding().peerCredentials(checkInteger('fd', fd, 0, 0x7fffffff));
}

/** Gives up, for good, what is named: see `Hardening`. Drop privileges first: a change of user makes a process dumpable as the system says. */
export function hardenProcess(hardening: Hardening): void {
  checkObject('hardening', hardening);
  const { dumpable, coreDumps, noNewPrivileges } = hardening;
  if (dumpable !== undefined && dumpable !== false) throw outOfRange('hardening.dumpable', 'false', dumpable);
  if (coreDumps !== undefined && coreDumps !== false)
    throw outOfRange('hardening.coreDumps', 'false', coreDumps);
  if (noNewPrivileges !== undefined && noNewPrivileges !== true) {
    throw outOfRange('hardening.noNewPrivileges', 'true', noNewPrivileges);
  }
  if (dumpable === false) loadBinding().forbidDump();
  if (coreDumps === false) loadBinding().forbidCoreFiles();
  if (noNewPrivileges === true) loadBinding().forbidNewPrivileges();
}
