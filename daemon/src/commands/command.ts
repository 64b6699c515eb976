/** What a command is made of, and what it may touch. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { type PlaneChoice, planeChoices } from '../config/model.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';

/** The world of a command line; a fake of it in tests. */
export interface Io {
  /** Writes to stdout; resolves when it is out, so that a secret may be wiped then. */
  readonly out: (text: string | Uint8Array) => Promise<void>;
  readonly error: (text: string) => void;
  /** All of stdin in an unpooled buffer; the caller wipes it. */
  readonly stdin: () => Uint8Array;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly outIsTerminal: boolean;
  readonly errorIsTerminal?: boolean;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
}

/** Options as commander gives them: camel case, `true` for flags. */
export type Options = Readonly<Record<string, unknown>>;

export interface CommandSpec {
  readonly name: string;
  /** commander's argument syntax: `<interface>`, `[interface]`, `<words...>`. */
  readonly args?: string;
  readonly summary: string;
  readonly details?: string;
  readonly options?: readonly (readonly [flags: string, description: string, fallback?: string])[];
  readonly examples: readonly string[];
  /** Not shown in help: for our own use. */
  readonly hiddenOptions?: readonly string[];
  readonly run: (io: Io, args: readonly string[], options: Options) => Promise<ExitCode | undefined>;
}

export const configDirectory = '/etc/pqtun';
export const runtimeOption = ['--runtime-dir <dir>', 'where control sockets are', '/run/pqtun'] as const;
export const uapiDirOption = [
  '--uapi-dir <dir>',
  'where the UAPI socket is, which `wg` uses',
  '/var/run/wireguard',
] as const;
export const stateDirOption = ['--state-dir <dir>', 'what survives a restart', '/var/lib/pqtun'] as const;
export const hooksOption = ['--allow-hooks', 'allow PreUp, PostUp, PreDown, PostDown'] as const;

/** A text option that has a default, or was required to be there. */
export function textOption(options: Options, name: string): string {
  return z.string().parse(options[name]);
}

export function optionalText(options: Options, name: string): string | undefined {
  return z.string().optional().parse(options[name]);
}

export function flag(options: Options, name: string): boolean {
  return options[name] === true;
}

export const planeOption = [
  '--plane <kind>',
  `${planeChoices.join(', ')}; default: what the configuration says`,
] as const;

export function planeOf(options: Options): PlaneChoice | undefined {
  return options['plane'] === undefined ? undefined : choice(options, 'plane', planeChoices);
}

/** One of `allowed`, else a usage error that names the option. */
export function choice<T extends string>(options: Options, name: string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === options[name]);
  if (found === undefined)
    throw new CommandError(
      exitCodes.usage,
      `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}: expected ${allowed.join(' or ')}`,
    );
  return found;
}

export interface Target {
  readonly interfaceName: string;
  readonly file: string;
}

/** `IF` → `/etc/pqtun/IF.conf`; a path → that file, and its name without `.conf` is the interface. */
export function targetOf(text: string): Target {
  const isPath = text.includes('/') || text.endsWith('.conf');
  const file = isPath ? path.resolve(text) : path.join(configDirectory, `${text}.conf`);
  return { interfaceName: checkedInterface(path.basename(file).replace(/\.conf$/, '')), file };
}

/** As the kernel and `wg-quick` allow names; nothing that leads out of a directory. */
export function checkedInterface(name: string): string {
  if (/^[a-zA-Z0-9_=+.-]{1,15}$/.test(name) && name !== '.' && name !== '..') return name;
  throw new CommandError(
    exitCodes.usage,
    'expected the name of an interface: 1 to 15 of a-z A-Z 0-9 _ = + . -',
  );
}

/** Writes a secret to stdout and wipes it. */
export async function printSecret(io: Io, bytes: Uint8Array): Promise<void> {
  try {
    await io.out(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** Writes a secret to a new file, mode 0600, and wipes it. An existing file is not touched: it may be the only copy of a key. */
export function createSecretFile(file: string, bytes: Uint8Array): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
  try {
    const fd = fs.openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // fs throws nothing else
    const why =
      code === 'EEXIST' ? 'it exists already and may be the only copy of a key' : (code ?? 'unknown error');
    throw new CommandError(exitCodes.failure, `cannot write ${file}: ${why}`, { cause: error });
  } finally {
    bytes.fill(0);
  }
}
