/** A configuration file by its name: mode checked, read, parsed, and its bytes wiped. */
import path from 'node:path';
import { limits, Secret, wipe } from '@pqtun/core';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { parseConfig } from './config-file.ts';
import { keySources, readConfigFile } from './key-files.ts';
import { readKey } from './key-source.ts';
import type { DaemonConfig } from './model.ts';
import type { PublicKeyCheck } from './public-key-check.ts';

export interface LoadOptions {
  readonly allowHooks: boolean;
  /** CREDENTIALS_DIRECTORY of systemd, if it is set. */
  readonly credentials: string | undefined;
  readonly keys: PublicKeyCheck;
}

/** Reads and parses a configuration file; its secrets are the caller's to destroy. Throws `ConfigError` or `CommandError`. */
export function loadConfig(file: string, { allowHooks, credentials, keys }: LoadOptions): DaemonConfig {
  const bytes = readConfigFile(file);
  try {
    return parseConfig(bytes, {
      file,
      sources: keySources(path.dirname(file), credentials),
      allowHooks,
      keys,
    });
  } finally {
    wipe(bytes);
  }
}

/** The KEM seed in `file`: a line of `pqtun genkey`, or bare base64. The caller's to destroy. Throws `CommandError`. */
export function loadKemSeed(file: string, credentials: string | undefined): Secret {
  const shape = { name: 'KemSeed', byteLengths: [limits.kemSeedSize], secret: true };
  const found = readKey(Buffer.from(`file:${file}`), shape, keySources(process.cwd(), credentials));
  if (found.kind === 'key') return new Secret(found.bytes);
  throw new CommandError(
    exitCodes.badConfig,
    `${file}: KemSeed: got ${found.got}, expected ${found.expected}`,
  );
}
