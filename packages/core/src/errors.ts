/** Errors for callers: each has a stable `code`; match on it, not on the message. Nothing from the network throws. */

export const errorCodes = [
  'PQTUN_BAD_KEY', // a key has the wrong length, encoding or fails its check
  'PQTUN_BAD_CONFIG', // a configuration value is not of the expected form
  'PQTUN_SELF_TEST', // a known answer came out wrong: refuse to run
  'PQTUN_SECRET_DESTROYED', // a secret was used after it was wiped
  'PQTUN_INVARIANT', // a bug of ours
  'PQTUN_UNSUPPORTED', // this platform or build cannot do it
  'PQTUN_CLOSED', // the tunnel was closed before or while it was asked
  'PQTUN_NO_ANSWER', // a peer did not answer in time
] as const;
export type ErrorCode = (typeof errorCodes)[number];

export class PqtunError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PqtunError';
    this.code = code;
  }
}

/** Ends the tunnel rather than the truth: throws `PQTUN_INVARIANT` when `condition` is false. `why` holds no secret. */
export function invariant(condition: boolean, why: string): asserts condition {
  if (!condition) throw new PqtunError('PQTUN_INVARIANT', `invariant broken: ${why}`);
}
