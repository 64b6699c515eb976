/** A configuration file by its name: mode checked, read, parsed, and its bytes wiped. */
import path from 'node:path';
import { wipe } from '@pqtun/core';
import { parseConfig } from './config-file.ts';
import { keySources, readConfigFile } from './key-files.ts';
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
