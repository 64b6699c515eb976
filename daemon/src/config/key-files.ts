/** Files that hold keys: read into buffers of our own, and refused when others could read or change them. */
import fs from 'node:fs';
import path from 'node:path';
import { wipe } from '@pqtun/core';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { KeySources } from './key-source.ts';
import { maxFileLength } from './tokenizer.ts';

/** A key file is a few kB; anything much larger is a mistake. */
const maxKeyFileLength = 64 * 1024;

/** References relative to `directory`, the folder of the configuration file; credentials from `credentialsDirectory` (systemd). */
export function keySources(directory: string, credentialsDirectory: string | undefined): KeySources {
  return {
    file: (name, secret) =>
      readKeyFile(path.resolve(directory, name), { secret, maxLength: maxKeyFileLength }),
    credential(name) {
      if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$/.test(name))
        throw new Error('an ill-formed credential name');
      if (credentialsDirectory === undefined)
        throw new Error('a credential, but CREDENTIALS_DIRECTORY is not set: see LoadCredential= of systemd');
      return readKeyFile(path.join(credentialsDirectory, name), {
        secret: true,
        maxLength: maxKeyFileLength,
      });
    },
  };
}

/** Reads a whole configuration file. The buffer holds keys: the caller wipes it. */
export function readConfigFile(file: string): Uint8Array {
  return readKeyFile(file, { secret: true, maxLength: maxFileLength });
}

export interface KeyFileOptions {
  readonly secret: boolean;
  readonly maxLength: number;
}

/**
 * Reads at most `maxLength` bytes into an unpooled buffer the caller owns. A secret regular file must belong to root or to us
 * and be closed to others (group may read); a public one must only not be writable for others. Pipes (`/dev/stdin`, process
 * substitution) have no such mode and pass. Throws `CommandError` with the command that mends it.
 */
export function readKeyFile(file: string, options: KeyFileOptions): Uint8Array {
  const fd = open(file);
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isDirectory()) throw new CommandError(exitCodes.failure, `${file} is a directory`);
    if (stat.isFile()) requireClosed(file, stat, options.secret);
    return readDescriptor(fd, file, options.maxLength, stat.isFile() ? stat.size + 1 : 4096);
  } finally {
    fs.closeSync(fd);
  }
}

function open(file: string): number {
  try {
    return fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOCTTY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // fs throws nothing else
    const exitCode = code === 'EACCES' || code === 'EPERM' ? exitCodes.notPermitted : exitCodes.failure;
    throw new CommandError(exitCode, `cannot open ${file} (${code ?? 'unknown error'})`, { cause: error });
  }
}

function requireClosed(file: string, stat: fs.Stats, secret: boolean): void {
  const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
  const refused = secret ? 0o027 : 0o022;
  if ((stat.mode & refused) !== 0) {
    const mend = secret ? `chmod 600 ${file}` : `chmod go-w ${file}`;
    throw new CommandError(
      exitCodes.notPermitted,
      `${file} is open to others (mode ${mode}); mend it with: ${mend}`,
    );
  }
  const self = process.geteuid?.() ?? 0;
  if (secret && stat.uid !== 0 && stat.uid !== self) {
    throw new CommandError(
      exitCodes.notPermitted,
      `${file} belongs to user ${stat.uid}; mend it with: chown ${self} ${file}`,
    );
  }
}

/** Reads a descriptor to its end into an unpooled buffer the caller owns and wipes; outgrown buffers are wiped. Throws `CommandError`. */
export function readDescriptor(fd: number, file: string, maxLength: number, firstGuess = 4096): Uint8Array {
  let buffer = new Uint8Array(Math.min(firstGuess, maxLength + 1));
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      if (length > maxLength) break;
      const larger = new Uint8Array(Math.min(buffer.length * 2, maxLength + 1));
      larger.set(buffer);
      wipe(buffer);
      buffer = larger;
    }
    const count = readPatiently(fd, buffer, length);
    if (count === 0) break;
    length += count;
  }
  if (length <= maxLength) return buffer.subarray(0, length);
  wipe(buffer);
  throw new CommandError(exitCodes.failure, `${file} is larger than ${maxLength} bytes`);
}

/** A pipe may be non-blocking because its other end made it so; then nothing to read is no end. */
function readPatiently(fd: number, buffer: Uint8Array, at: number): number {
  for (;;) {
    try {
      return fs.readSync(fd, buffer, at, buffer.length - at, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException; // fs throws nothing else
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
