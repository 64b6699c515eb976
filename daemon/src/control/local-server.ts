/**
 * A server on a local stream socket: who may connect, how much, how long; one request at a time per connection. The control
 * socket (`server.ts`) and the UAPI socket (`../uapi/server.ts`) are protocols over it.
 *
 * Only root and our own user get in: socket 0600, and the kernel's word on who connects (SO_PEERCRED). Even so a client may be
 * broken: requests, clients and waits are bounded, and nothing a client sends throws.
 */
import fs from 'node:fs';
import net from 'node:net';
import { wipe } from '@pqtun/core';
import { claimPath, takeName } from './socket-path.ts';

export const maxClients = 64;
/** A begun request, and a reply nobody reads, end the connection after this. */
export const slowAfter = 10_000;
/** A connection without requests ends after this. */
export const idleAfter = 60_000;

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Bytes as they arrive → requests, of bounded length. */
export interface Framing<Request> {
  /** Whether a request has begun and not ended. */
  readonly pending: boolean;
  /** Takes `chunk`, which it copies and wipes; requests that ended in it, or `undefined` when one is too long. */
  push(chunk: Uint8Array): Request[] | undefined;
  /** Wipes what is left of an unfinished request. */
  clear(): void;
}

export interface LocalProtocol<Request> {
  framing(): Framing<Request>;
  /** Carries out one request and wipes it; never rejects. A reply of bytes is wiped once it is sent. */
  answer(request: Request, from: PeerCredentials): Promise<Uint8Array | string>;
  /** The last thing a client hears whose request is too long. */
  readonly tooLong: string;
  /** Wipes a request that is never answered. */
  discard(request: Request): void;
}

export interface LocalServerOptions {
  /** SO_PEERCRED of a connected socket; throws when it cannot be told, and then the client is refused. */
  readonly credentials: (fd: number) => PeerCredentials;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly onRefused: (fields: Record<string, unknown>) => void;
}

export class LocalServer<Request> {
  readonly #protocol: LocalProtocol<Request>;
  readonly #options: LocalServerOptions;
  readonly #server: net.Server;
  readonly #clients = new Set<Client<Request>>();
  #file: string | undefined;

  constructor(protocol: LocalProtocol<Request>, options: LocalServerOptions) {
    this.#protocol = protocol;
    this.#options = options;
    // half open: a client may end its side when it has asked (`nc -N`) and still gets its answer
    const sockets = { pauseOnConnect: true, allowHalfOpen: true };
    this.#server = net.createServer(sockets, (socket) => this.#accept(socket));
    this.#server.maxConnections = maxClients; // Node closes what comes beyond
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Binds `file`, mode 0600. Throws `CommandError` when a daemon answers there already. */
  async listen(file: string): Promise<void> {
    const claim = claimPath(file);
    fs.rmSync(claim, { force: true }); // of an earlier process with our number
    await this.#listening({ path: claim });
    fs.chmodSync(claim, 0o600); // before it has its name; until then umask or directory keep others out
    try {
      await takeName(claim, file);
    } catch (error) {
      this.#server.close();
      throw error;
    }
    this.#file = file;
  }

  /** Serves a bound stream socket that was handed to us. */
  async adopt(fd: number): Promise<void> {
    await this.#listening({ fd });
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

  async #listening(at: net.ListenOptions & { fd?: number }): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(at, resolve);
    });
  }

  #accept(socket: net.Socket): void {
    socket.on('error', () => socket.destroy());
    const from = this.#admitted(socket);
    if (from === undefined) {
      socket.destroy();
      return;
    }
    const client = new Client(socket, from, this.#protocol, this.#options.now);
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
      this.#options.onRefused({ uid: from.uid, pid: from.pid });
    } catch (error) {
      this.#options.onRefused({ why: error instanceof Error ? error.message : 'unknown' });
    }
    return undefined;
  }
}

/** One connection. */
class Client<Request> {
  deadline: number;
  readonly #socket: net.Socket;
  readonly #from: PeerCredentials;
  readonly #protocol: LocalProtocol<Request>;
  readonly #now: () => number;
  readonly #framing: Framing<Request>;
  readonly #waiting: Request[] = [];
  #busy = false;
  #ending = false;

  constructor(
    socket: net.Socket,
    from: PeerCredentials,
    protocol: LocalProtocol<Request>,
    now: () => number,
  ) {
    this.#socket = socket;
    this.#from = from;
    this.#protocol = protocol;
    this.#now = now;
    this.#framing = protocol.framing();
    this.deadline = now() + idleAfter;
    socket.on('data', (chunk) => {
      if (typeof chunk !== 'string') this.#onData(chunk); // no encoding is set
    });
    socket.once('end', () => this.end());
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
    this.#framing.clear();
    for (const request of this.#waiting) this.#protocol.discard(request);
    this.#waiting.length = 0;
  }

  #onData(chunk: Uint8Array): void {
    const begun = this.#framing.pending;
    const requests = this.#framing.push(chunk);
    if (requests === undefined) {
      this.#framing.clear();
      this.#socket.end(this.#protocol.tooLong);
      this.#socket.pause(); // what it still sends is not read
      this.deadline = this.#now() + slowAfter;
      return;
    }
    this.#waiting.push(...requests);
    // Counted from the first byte of a request, so that a byte now and then does not prolong it.
    if (!begun || requests.length > 0) this.deadline = this.#now() + this.#patience;
    void this.#work();
  }

  /** Answers what waits, in order; meanwhile nothing more is read. */
  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#socket.pause();
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift()) {
      this.deadline = Number.POSITIVE_INFINITY; // our time, not the client's
      await this.#send(await this.#protocol.answer(request, this.#from));
    }
    this.#busy = false;
    if (this.#ending) this.#socket.end();
    else this.#socket.resume();
  }

  #send(reply: Uint8Array | string): Promise<void> {
    this.deadline = this.#now() + slowAfter;
    return new Promise((resolve) => {
      const done = () => {
        if (typeof reply !== 'string') wipe(reply);
        resolve();
      };
      this.#socket.once('close', done);
      this.#socket.write(reply, () => {
        this.deadline = this.#now() + this.#patience;
        this.#socket.removeListener('close', done);
        done();
      });
    });
  }

  get #patience(): number {
    return this.#framing.pending ? slowAfter : idleAfter;
  }
}

/** The descriptor of a connected socket; Node offers it in no documented way. −1 where its handle has none. */
function descriptorOf(socket: net.Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: unknown } }; // libuv's stream wrap; checked below
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}
