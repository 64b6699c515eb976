/**
 * The UAPI socket, over which `wg`, exporters and dashboards read and change an interface: `<dir>/<interface>.sock`, stream, 0600 in
 * a directory of mode 0755. Requests end with an empty line, several come over one connection, each answer ends with `errno=N`
 * and an empty line. A set request that is refused has a negative errno, as WireGuard's implementations answer and `wg` expects
 * it, any other a positive one.
 */
import fs from 'node:fs';
import { secretBytes, wipe } from '@pqtun/core';
import { type LocalProtocol, LocalServer, type PeerCredentials } from '../control/local-server.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { errno, UapiError } from './errno.ts';
import { destroyRequest, isSet, parseRequest, type SetRequest } from './request.ts';
import { type RequestBlock, RequestBlocks, wipeLines } from './request-blocks.ts';

export const defaultUapiDirectory = '/var/run/wireguard';

export interface UapiServerOptions {
  /** The answer to `get`, which is wiped after it was sent. Throws `UapiError`. */
  readonly get: () => Uint8Array;
  /** Applies all of a request or nothing, and throws. Its secrets are destroyed afterwards unless copied. */
  readonly set: (request: SetRequest) => Promise<void>;
  readonly credentials: (fd: number) => PeerCredentials;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly onEvent: (
    event: 'uapi-request' | 'uapi-refused' | 'control-refused',
    fields: Record<string, unknown>,
  ) => void;
}

export class UapiServer extends LocalServer<RequestBlock> {
  constructor(options: UapiServerOptions) {
    super(new UapiProtocol(options), {
      ...options,
      onRefused: (fields) => options.onEvent('control-refused', fields),
    });
  }
}

/**
 * Makes the directory of sockets (mode 0755, the one above must be there), or checks that nobody but root and we can put a socket there. It is shared with other
 * implementations, so it is not closed to readers. Throws `CommandError`.
 */
export function ensureUapiDirectory(directory: string): void {
  try {
    fs.mkdirSync(directory);
    fs.chmodSync(directory, 0o755); // whatever the umask is
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // fs throws nothing else
    if (code !== 'EEXIST')
      throw new CommandError(exitCodes.notPermitted, `cannot make ${directory} (${code})`, { cause: error });
  }
  const stat = fs.lstatSync(directory);
  const self = process.geteuid?.() ?? 0;
  const ours = stat.isDirectory() && (stat.uid === self || stat.uid === 0) && (stat.mode & 0o022) === 0;
  if (!ours)
    throw new CommandError(
      exitCodes.notPermitted,
      `${directory} must be a directory of root's or ours that nobody else can write`,
    );
}

class UapiProtocol implements LocalProtocol<RequestBlock> {
  readonly tooLong = errnoLine(-errno.invalid);
  readonly #options: UapiServerOptions;

  constructor(options: UapiServerOptions) {
    this.#options = options;
  }

  framing(): RequestBlocks {
    return new RequestBlocks();
  }

  async answer(block: RequestBlock, from: PeerCredentials): Promise<Uint8Array | string> {
    const sign = isSet(block) ? -1 : 1;
    try {
      const request = parseRequest(block);
      this.#options.onEvent('uapi-request', { op: request.kind, uid: from.uid, pid: from.pid });
      if (request.kind === 'get') return withErrno(this.#options.get());
      try {
        await this.#options.set(request);
        return errnoLine(0);
      } finally {
        destroyRequest(request);
      }
    } catch (error) {
      const number = errnoOf(error);
      this.#options.onEvent('uapi-refused', { why: whyOf(error), errno: number, pid: from.pid });
      return errnoLine(sign * number);
    } finally {
      wipeLines(block);
    }
  }

  discard(block: RequestBlock): void {
    wipeLines(block);
  }
}

function errnoLine(number: number): string {
  return `errno=${number}\n\n`;
}

function withErrno(answer: Uint8Array): Uint8Array {
  const end = Buffer.from(errnoLine(0), 'latin1');
  const whole = secretBytes(answer.length + end.length);
  whole.set(answer);
  whole.set(end, answer.length);
  wipe(answer);
  return whole;
}

/** Ours, or that of the system's error: EADDRINUSE is one people meet. */
function errnoOf(error: unknown): number {
  if (error instanceof UapiError) return error.errno;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return errno.addressInUse;
  return code === 'PQTUN_BAD_CONFIG' ? errno.invalid : errno.io;
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 1024) : 'unknown';
}
