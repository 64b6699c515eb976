/** One request to a daemon of the field over its control socket, without the cost of a command's process. docs/operations.md. */
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { Site } from '../kit/lab/site.ts';

/** What the run reads of `status`. */
export interface Status {
  readonly underLoad: boolean;
  readonly loopDelay: { readonly bounds: readonly number[]; readonly counts: readonly number[] };
  readonly drops: Readonly<Record<string, number>>;
  readonly cookieRepliesSent: number;
  readonly peers: readonly {
    readonly publicKey: string;
    readonly endpoint: string | null;
    readonly handshakesCompleted: number;
    readonly packetsSent: number;
    readonly packetsReceived: number;
    readonly handshakeDuration: number | null;
  }[];
}

/** The result of a request; rejects with what the daemon said, or when nothing comes within `timeout` ms. */
export function ask(
  site: Site,
  request: Readonly<Record<string, unknown>>,
  timeout = 20_000,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(join(site.runtimeDir, `${site.interfaceName}.sock`));
    let text = '';
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(`${site.namespace.name}: ${String(request['op'])}: ${why}`));
    };
    socket.setEncoding('utf8');
    socket.setTimeout(timeout, () => fail(`no answer within ${timeout} ms`));
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('the daemon hung up'));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (!text.endsWith('\n')) return;
      const reply = JSON.parse(text) as { ok: boolean; result?: unknown; error?: { message: string } }; // docs/operations.md
      if (!reply.ok) return fail(reply.error?.message ?? 'refused');
      resolve(reply.result);
      socket.end();
    });
    socket.write(`${JSON.stringify({ v: 1, ...request })}\n`);
  });
}

export async function statusOf(site: Site): Promise<Status> {
  return (await ask(site, { op: 'status' })) as Status; // the fields above are of the documented shape
}
