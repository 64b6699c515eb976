/** Directories only we may look into, and files that are replaced whole or not at all. */
import fs from 'node:fs';
import path from 'node:path';
import { CommandError, exitCodes } from './exit-codes.ts';

/**
 * Makes `directory` (mode 0700, parents as the system makes them) or checks that it is one: a real directory, ours or root's,
 * closed to others. A symbolic link could lead our socket or state into somebody else's hands. Throws `CommandError`.
 */
export function ensurePrivateDirectory(directory: string): void {
  try {
    fs.mkdirSync(path.dirname(directory), { recursive: true });
    fs.mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // fs throws nothing else
    if (code !== 'EEXIST')
      throw new CommandError(exitCodes.notPermitted, `cannot make ${directory} (${code})`, { cause: error });
  }
  const stat = fs.lstatSync(directory);
  const self = process.geteuid?.() ?? 0;
  if (!stat.isDirectory())
    throw new CommandError(
      exitCodes.notPermitted,
      `${directory} is not a directory of its own (a link, or a file)`,
    );
  if (stat.uid !== self && stat.uid !== 0)
    throw new CommandError(exitCodes.notPermitted, `${directory} belongs to user ${stat.uid}`);
  if ((stat.mode & 0o077) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
    throw new CommandError(
      exitCodes.notPermitted,
      `${directory} is open to others (mode ${mode}); mend it with: chmod 700 ${directory}`,
    );
  }
}

/** Steps of `replaceFile` after which a test may end the process. */
export type ReplaceStep = 'opened' | 'written' | 'synced' | 'renamed';

/**
 * Replaces `file` by `bytes`, mode 0600: written beside it, synced, renamed, directory synced. Whenever the machine stops, the
 * file is the old one or the new one. There is one writer (the daemon that holds the control socket), so the name beside it
 * is fixed and what a killed predecessor left is overwritten. Throws the system's error; the old file then stands.
 */
export function replaceFile(
  file: string,
  bytes: Uint8Array,
  after: (step: ReplaceStep) => void = () => {},
): void {
  const beside = `${file}.new`;
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = fs.constants;
  const fd = fs.openSync(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    try {
      fs.fchmodSync(fd, 0o600);
      after('opened');
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
      after('written');
      fs.fsyncSync(fd);
      after('synced');
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(beside, file);
    after('renamed');
  } catch (error) {
    fs.rmSync(beside, { force: true });
    throw error;
  }
  syncDirectory(path.dirname(file));
}

function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
