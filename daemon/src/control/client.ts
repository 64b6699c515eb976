/** The control socket from the command line's side: one request, one reply. */
import net from 'node:net';
import { type Secret, wipe } from '@pqtun/core';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { LineBuffer } from './line-buffer.ts';
import { maxReplyLength, type RequestInput, reply } from './protocol.ts';
import { pasteSecrets } from './secret-fields.ts';
import { socketPath } from './socket-path.ts';

export interface CallOptions {
  readonly runtimeDirectory: string;
  readonly interfaceName: string;
  /** What placeholders in the request stand for; borrowed. */
  readonly secrets?: readonly Secret[];
  /** Milliseconds to wait for the reply. Default 10 s. */
  readonly timeout?: number;
}

/** Sends `request` to the daemon of an interface and returns its result. Throws `CommandError`, `notRunning` when none answers. */
export function call(request: RequestInput, options: CallOptions): Promise<unknown> {
  const file = socketPath(options.runtimeDirectory, options.interfaceName);
  return new Promise((resolve, reject) => {
    const fail = (message: string, code: (typeof exitCodes)[keyof typeof exitCodes] = exitCodes.failure) => {
      socket.destroy();
      const name = code === exitCodes.badConfig ? '' : `${options.interfaceName}: `; // it names its file already
      reject(new CommandError(code, `${name}${message}`));
    };
    const lines = new LineBuffer(maxReplyLength);
    const socket = net.connect(file, () => {
      const line = requestLine(request, options.secrets ?? []);
      socket.write(line, () => wipe(line));
    });
    socket.setTimeout(options.timeout ?? 10_000, () => fail('the daemon does not answer'));
    socket.on('data', (chunk) => {
      if (typeof chunk === 'string') return; // no encoding is set
      const [line, ...more] = lines.push(chunk) ?? [];
      if (line === undefined && lines.pending) return;
      if (line === undefined || more.length > 0) return fail('the daemon gave an answer that cannot be read');
      const result = readReply(line);
      if (result.kind === 'refused') return fail(result.message, result.exitCode);
      socket.end();
      resolve(result.value);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
        fail(`no daemon is running (${file})`, exitCodes.notRunning);
      else if (error.code === 'EACCES')
        fail(`${file} is not open to you; try as root`, exitCodes.notPermitted);
      else fail(error.message);
    });
    socket.on('close', () => fail('the daemon closed the connection'));
  });
}

function requestLine(request: RequestInput, secrets: readonly Secret[]): Uint8Array {
  const line = new Uint8Array(Buffer.from(`${JSON.stringify(request)}\n`));
  pasteSecrets(line, secrets);
  return line;
}

type Answer =
  | { readonly kind: 'value'; readonly value: unknown }
  | {
      readonly kind: 'refused';
      readonly message: string;
      readonly exitCode: (typeof exitCodes)[keyof typeof exitCodes];
    };

function readReply(line: Uint8Array): Answer {
  try {
    const parsed = reply.parse(JSON.parse(Buffer.from(line).toString('utf8')));
    if (parsed.ok) return { kind: 'value', value: parsed.result };
    const exitCode = parsed.error.code === 'bad-config' ? exitCodes.badConfig : exitCodes.failure;
    return { kind: 'refused', message: parsed.error.message, exitCode };
  } catch {
    return {
      kind: 'refused',
      message: 'the daemon gave an answer that cannot be read',
      exitCode: exitCodes.failure,
    };
  }
}
