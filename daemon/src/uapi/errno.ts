/**
 * Why a UAPI request was refused: an errno of Linux, which the client turns into its own message, and a reason for our log. It
 * holds no key. docs/operations.md lists what each means here.
 */
export const errno = {
  /** A line that is no `key=value`. */
  protocol: 71,
  /** An unknown key, a value of another form, or one that contradicts another. */
  invalid: 22,
  /** The daemon starts or stops. */
  busy: 16,
  /** A new peer without a KEM key, where `UapiPeers` does not allow it. */
  notSupported: 95,
  /** The port is taken. */
  addressInUse: 98,
  /** What else the system refused. */
  io: 5,
} as const;

export type Errno = (typeof errno)[keyof typeof errno];

export class UapiError extends Error {
  readonly errno: Errno;

  constructor(number: Errno, why: string) {
    super(why);
    this.name = 'UapiError';
    this.errno = number;
  }
}
