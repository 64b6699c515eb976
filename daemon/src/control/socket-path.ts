/** Where a daemon's control socket is, whether somebody answers there, and how one daemon at a time takes it. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { CommandError, exitCodes } from '../exit-codes.ts';

export const defaultRuntimeDirectory = '/run/pqtun';
/** The kernel's `sun_path` less its terminator. */
const maxPathLength = 107;

export function socketPath(runtimeDirectory: string, interfaceName: string): string {
  const file = path.join(runtimeDirectory, `${interfaceName}.sock`);
  if (Buffer.byteLength(claimPath(file)) > maxPathLength) {
    throw new CommandError(
      exitCodes.usage,
      `${file} is too long for a socket (${maxPathLength} bytes): choose a shorter --runtime-dir`,
    );
  }
  return file;
}

/** Where a socket is bound before it is linked to its name. */
export function claimPath(file: string): string {
  return `${file}.${process.pid}`;
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
 * Gives the socket bound at `claimPath(file)` its name. `link` fails where the name is taken, so of two daemons that start at
 * once one wins; a socket nobody answers at is moved aside first, asked once more there, and removed. Throws `CommandError`
 * `alreadyRunning`, or `notPermitted` when the name is a link or somebody else's.
 */
export async function takeName(file: string): Promise<void> {
  const claim = claimPath(file);
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (linked(claim, file)) return;
      requireOwnSocket(file);
      if (await answers(file)) break;
      await removeDead(file);
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

/** Between our question and this, another daemon may have taken the name: then it is given back. */
async function removeDead(file: string): Promise<void> {
  const aside = `${claimPath(file)}.old`;
  try {
    fs.renameSync(file, aside);
  } catch {
    return; // somebody else removed it
  }
  if (await answers(aside)) linked(aside, file);
  fs.rmSync(aside, { force: true });
}

function requireOwnSocket(file: string): void {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const self = process.geteuid?.() ?? 0;
  if (!stat.isSocket() || (stat.uid !== self && stat.uid !== 0)) {
    throw new CommandError(
      exitCodes.notPermitted,
      `${file} is no socket of ours; remove it if you know what it is`,
    );
  }
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
