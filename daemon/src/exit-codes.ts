import { PqtunError } from '@pqtun/core';

/** What `pqtun` exits with. Scripts rely on these numbers; docs/operations.md lists them. */
export const exitCodes = {
  ok: 0,
  /** It was understood and tried, and did not work. */
  failure: 1,
  /** The command line is wrong. */
  usage: 2,
  /** No daemon answers for that interface. */
  notRunning: 3,
  /** The configuration was refused; nothing was applied. */
  badConfig: 4,
  /** A file mode, an owner or a missing capability forbids it. */
  notPermitted: 5,
  /** A daemon answers for that interface already. */
  alreadyRunning: 6,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An error a command ends with: one or more lines for stderr, and the exit code. Never holds a secret. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** The code an error ends the process with. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode;
  const refused = error instanceof PqtunError && error.code === 'PQTUN_BAD_CONFIG';
  return refused ? exitCodes.badConfig : exitCodes.failure;
}
