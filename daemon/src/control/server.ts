/**
 * The control socket's server: who may connect, how much, how long; one request at a time per connection.
 *
 * Only root and our own user get in: directory 0700, socket 0600, and the kernel's word on who connects (SO_PEERCRED).
 * Even so a client may be broken: lines, clients and waits are bounded, and nothing a client sends throws.
 */
import fs from 'node:fs';
import net from 'node:net';
import { type Secret, wipe } from '@pqtun/core';
import { LineBuffer } from './line-buffer.ts';
import { ControlError, maxRequestLength, parseRequest, protocolVersion, type Request } from './protocol.ts';
import { cutSecrets } from './secret-fields.ts';
import { claimPath, takeName } from './socket-path.ts';

export const maxClients = 64;
/** A begun request line, and a reply nobody reads, end the connection after this. */
export const slowAfter = 10_000;
/** A connection without requests ends after this. */
export const idleAfter = 60_000;

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Carries out one request; `secrets` are what its placeholders stand for, destroyed after it returned unless copied. */
export type RequestHandler = (
  request: Request,
  secrets: readonly Secret[],
  from: PeerCredentials,
) => Promise<unknown>;

export interface ControlServerOptions {
  readonly handle: RequestHandler;
  /** SO_PEERCRED of a connected socket; throws when it cannot be told, and then the client is refused. */
  readonly credentials: (fd: number) => PeerCredentials;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly onEvent: (event: 'control-refused' | 'control-request', fields: Record<string, unknown>) => void;
}

export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #server: net.Server;
  readonly #clients = new Set<Client>();
  #file: string | undefined;

  constructor(options: ControlServerOptions) {
    this.#options = options;
    this.#server = net.createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = maxClients; // Node closes what comes beyond
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Binds `file`, mode 0600. Throws `CommandError` when a daemon answers there already. */
  async listen(file: string): Promise<void> {
    const claim = claimPath(file);
    fs.rmSync(claim, { force: true }); // of an earlier process with our number
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(claim, resolve);
    });
    fs.chmodSync(claim, 0o600); // before it has its name; until then the directory alone keeps others out
    try {
      await takeName(claim, file);
    } catch (error) {
      this.#server.close();
      throw error;
    }
    this.#file = file;
  }

  /** Ends connections that are too slow or idle. Call about once a second. */
  sweep(): void {
    const now = this.#options.now();
    for (const client of this.#clients) if (now >= client.deadline) client.destroy();
  }

  /** Removes the socket and ends all connections once their reply is out, or after `grace` ms. */
  async close(grace = 1_000): Promise<void> {
    if (this.#file !== undefined) fs.rmSync(this.#file, { force: true });
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const client of this.#clients) client.end();
    const timer = setTimeout(() => {
      for (const client of this.#clients) client.destroy();
    }, grace);
    await closed;
    clearTimeout(timer);
  }

  #accept(socket: net.Socket): void {
    socket.on('error', () => socket.destroy());
    const from = this.#admitted(socket);
    if (from === undefined) {
      socket.destroy();
      return;
    }
    const client = new Client(socket, from, this.#options);
    this.#clients.add(client);
    socket.once('close', () => {
      client.dispose();
      this.#clients.delete(client);
    });
    socket.resume();
  }

  #admitted(socket: net.Socket): PeerCredentials | undefined {
    try {
      const from = this.#options.credentials(descriptorOf(socket));
      const self = process.geteuid?.() ?? 0;
      if (from.uid === 0 || from.uid === self) return from;
      this.#options.onEvent('control-refused', { uid: from.uid, pid: from.pid });
    } catch (error) {
      this.#options.onEvent('control-refused', { why: error instanceof Error ? error.message : 'unknown' });
    }
    return undefined;
  }
}

/** One connection. */
class Client {
  deadline: number;
  readonly #socket: net.Socket;
  readonly #from: PeerCredentials;
  readonly #options: ControlServerOptions;
  readonly #lines = new LineBuffer(maxRequestLength);
  readonly #waiting: Uint8Array[] = [];
  #busy = false;
  #ending = false;

  constructor(socket: net.Socket, from: PeerCredentials, options: ControlServerOptions) {
    this.#socket = socket;
    this.#from = from;
    this.#options = options;
    this.deadline = options.now() + idleAfter;
    socket.on('data', (chunk) => {
      if (typeof chunk !== 'string') this.#onData(chunk); // no encoding is set
    });
  }

  /** Lets a reply under way go out, then closes. */
  end(): void {
    this.#ending = true;
    if (!this.#busy) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  dispose(): void {
    this.#lines.clear();
    wipe(...this.#waiting);
    this.#waiting.length = 0;
  }

  #onData(chunk: Uint8Array): void {
    const begun = this.#lines.pending;
    const lines = this.#lines.push(chunk);
    if (lines === undefined) {
      this.#lines.clear();
      this.#socket.end(
        replyLine(refusal(new ControlError('bad-request', `a line of more than ${maxRequestLength} bytes`))),
      );
      this.#socket.pause(); // what it still sends is not read
      this.deadline = this.#options.now() + slowAfter;
      return;
    }
    this.#waiting.push(...lines.filter((line) => line.length > 0));
    // Counted from the first byte of a line, so that a byte now and then does not prolong it.
    if (!begun || lines.length > 0)
      this.deadline = this.#options.now() + (this.#lines.pending ? slowAfter : idleAfter);
    void this.#work();
  }

  /** Answers what waits, in order; meanwhile nothing more is read. */
  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#socket.pause();
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      this.deadline = Number.POSITIVE_INFINITY; // our time, not the client's
      const answer = await this.#answer(line);
      await this.#send(answer);
    }
    this.#busy = false;
    if (this.#ending) this.#socket.end();
    else this.#socket.resume();
  }

  async #answer(line: Uint8Array): Promise<unknown> {
    let secrets: Secret[] = [];
    try {
      secrets = cutSecrets(line);
      const request = parseRequest(line);
      this.#options.onEvent('control-request', { op: request.op, uid: this.#from.uid, pid: this.#from.pid });
      return {
        v: protocolVersion,
        ok: true,
        result: (await this.#options.handle(request, secrets, this.#from)) ?? null,
      };
    } catch (error) {
      return refusal(error);
    } finally {
      for (const secret of secrets) secret.destroy();
      wipe(line);
    }
  }

  #send(answer: unknown): Promise<void> {
    this.deadline = this.#options.now() + slowAfter;
    return new Promise((resolve) => {
      this.#socket.once('close', resolve);
      this.#socket.write(replyLine(answer), () => {
        this.deadline = this.#options.now() + (this.#lines.pending ? slowAfter : idleAfter);
        this.#socket.removeListener('close', resolve);
        resolve();
      });
    });
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

/** The descriptor of a connected socket; Node offers it in no documented way. −1 where its handle has none. */
function descriptorOf(socket: net.Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: unknown } }; // libuv's stream wrap; checked below
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}
