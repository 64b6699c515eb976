/** The control socket's server: lines in, one reply line each; in a directory of mode 0700. */
import { type Secret, wipe } from '@pqtun/core';
import { LineBuffer } from './line-buffer.ts';
import {
  type Framing,
  type LocalProtocol,
  LocalServer,
  type LocalServerOptions,
  type PeerCredentials,
} from './local-server.ts';
import { ControlError, maxRequestLength, parseRequest, protocolVersion, type Request } from './protocol.ts';
import { cutSecrets } from './secret-fields.ts';

/** Carries out one request; `secrets` are what its placeholders stand for, destroyed after it returned unless copied. */
export type RequestHandler = (
  request: Request,
  secrets: readonly Secret[],
  from: PeerCredentials,
) => Promise<unknown>;

export interface ControlServerOptions extends Omit<LocalServerOptions, 'onRefused'> {
  readonly handle: RequestHandler;
  readonly onEvent: (event: 'control-refused' | 'control-request', fields: Record<string, unknown>) => void;
}

export class ControlServer extends LocalServer<Uint8Array> {
  constructor(options: ControlServerOptions) {
    super(new ControlProtocol(options), {
      ...options,
      onRefused: (fields) => options.onEvent('control-refused', fields),
    });
  }
}

class ControlProtocol implements LocalProtocol<Uint8Array> {
  readonly tooLong = replyLine(
    refusal(new ControlError('bad-request', `a line of more than ${maxRequestLength} bytes`)),
  );
  readonly #options: ControlServerOptions;

  constructor(options: ControlServerOptions) {
    this.#options = options;
  }

  framing(): Framing<Uint8Array> {
    return new RequestLines();
  }

  async answer(line: Uint8Array, from: PeerCredentials): Promise<string> {
    let secrets: Secret[] = [];
    try {
      secrets = cutSecrets(line);
      const request = parseRequest(line);
      this.#options.onEvent('control-request', { op: request.op, uid: from.uid, pid: from.pid });
      const result = (await this.#options.handle(request, secrets, from)) ?? null;
      return replyLine({ v: protocolVersion, ok: true, result });
    } catch (error) {
      return replyLine(refusal(error));
    } finally {
      for (const secret of secrets) secret.destroy();
      wipe(line);
    }
  }

  discard(line: Uint8Array): void {
    wipe(line);
  }
}

/** Lines that are not empty. */
class RequestLines implements Framing<Uint8Array> {
  readonly #lines = new LineBuffer(maxRequestLength);

  get pending(): boolean {
    return this.#lines.pending;
  }

  push(chunk: Uint8Array): Uint8Array[] | undefined {
    return this.#lines.push(chunk)?.filter((line) => line.length > 0);
  }

  clear(): void {
    this.#lines.clear();
  }
}

function refusal(error: unknown): unknown {
  const code = error instanceof ControlError ? error.kind : 'failed';
  const message = error instanceof Error ? error.message : 'failed';
  return { v: protocolVersion, ok: false, error: { code, message: message.slice(0, 4096) } };
}

function replyLine(answer: unknown): string {
  return `${JSON.stringify(answer)}\n`;
}
