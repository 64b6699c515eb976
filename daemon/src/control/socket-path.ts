/** Where a daemon's control socket is, whether somebody answers there, and how one daemon at a time takes it. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { CommandError, exitCodes } from '../exit-codes.ts';

export const defaultRuntimeDirectory = '/run/pqtun';
/** The kernel's `sun_path` less its terminator. */
const maxPathLength = 107;
/** What `claimPath` and `removeDead` add to a name at most. */
const claimRoom = 16;
let claims = 0;

export function socketPath(runtimeDirectory: string, interfaceName: string): string {
  const file = path.join(runtimeDirectory, `${interfaceName}.sock`);
  if (Buffer.byteLength(file) + claimRoom > maxPathLength) {
    throw new CommandError(
      exitCodes.usage,
      `${file} is too long for a socket (${maxPathLength} bytes): choose a shorter --runtime-dir`,
    );
  }
  return file;
}

/** A fresh name beside `file`, where a socket is bound before it is linked to its name. */
export function claimPath(file: string): string {
  return `${file}.${process.pid}-${claims++ % 1000}`;
}

/** Names of interfaces that have a socket in `runtimeDirectory`, alive or not. */
export function knownInterfaces(runtimeDirectory: string): string[] {
  try {
    const names = fs.readdirSync(runtimeDirectory).filter((name) => name.endsWith('.sock'));
    return names.map((name) => name.slice(0, -'.sock'.length)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // fs throws nothing else
    throw new CommandError(exitCodes.notPermitted, `cannot read ${runtimeDirectory}`, { cause: error });
  }
}

/**
 * Gives the socket bound at `claim` its name. `link` fails where the name is taken, so of two daemons that start at once one
 * wins; a socket nobody answers at is moved aside first, asked once more there, and removed. Throws `CommandError`
 * `alreadyRunning`, or `notPermitted` when the name is a link or somebody else's. Three daemons within the same microseconds
 * could leave one without its name; the device, which exists once, then stops all but one.
 */
export async function takeName(claim: string, file: string): Promise<void> {
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (linked(claim, file)) return;
      const found = ownSocket(file);
      if (found === undefined) continue;
      if (await answers(file)) break;
      await removeDead(file, found);
    }
    throw new CommandError(exitCodes.alreadyRunning, `a daemon answers at ${file} already`);
  } finally {
    fs.rmSync(claim, { force: true });
  }
}

function linked(claim: string, file: string): boolean {
  try {
    fs.linkSync(claim, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false; // fs throws nothing else
    throw error;
  }
}

/** Between our question and this, another daemon may have taken the name: then it keeps it, or gets it back. */
async function removeDead(file: string, asked: SocketIdentity): Promise<void> {
  const now = ownSocket(file);
  if (now === undefined || now.inode !== asked.inode || now.changed !== asked.changed) return;
  const aside = `${file}.${process.pid}.old`;
  try {
    fs.renameSync(file, aside);
  } catch {
    return; // somebody else removed it
  }
  if (await answers(aside)) linked(aside, file);
  fs.rmSync(aside, { force: true });
}

interface SocketIdentity {
  readonly inode: bigint;
  /** Nanoseconds; an inode number alone may be used again. */
  readonly changed: bigint;
}

/** The socket at `file`, or `undefined` when there is nothing now. */
function ownSocket(file: string): SocketIdentity | undefined {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false, bigint: true });
  if (stat === undefined) return undefined;
  const self = BigInt(process.geteuid?.() ?? 0);
  if (stat.isSocket() && (stat.uid === self || stat.uid === 0n))
    return { inode: stat.ino, changed: stat.ctimeNs };
  throw new CommandError(
    exitCodes.notPermitted,
    `${file} is no socket of ours; remove it if you know what it is`,
  );
}

/** Whether somebody accepts connections at `file`. */
export function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(file);
    socket.setTimeout(2_000, () => socket.destroy());
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
