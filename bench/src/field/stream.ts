/** One TCP stream as fast as it goes. The sink connects: a reader that began the connection can read into a buffer of its own. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { seconds } from './clock.ts';
import { longestPiece, StreamCheck, streamBlock } from './pattern.ts';
import type { Running } from './running.ts';

/** How long the rest of a stream may take to arrive. Milliseconds. */
const patience = 10_000;

/** `at`: see `clock.ts`. */
export interface SinkReport {
  readonly at: number;
  readonly bytes: number;
  readonly wrong: number;
}

export interface SourceReport {
  readonly bytes: number;
}

/** Sends to whoever connects, until it is finished; then its report counts every byte it sent. */
export class StreamSource implements Running<SourceReport> {
  readonly #server: Server;
  readonly #block = streamBlock();
  #socket: Socket | undefined;
  #stopped = false;

  private constructor() {
    this.#server = createServer((socket) => {
      this.#socket = socket;
      socket.on('error', () => undefined); // the sink sees how many bytes are missing
      this.#fill(socket);
    });
  }

  static async listen(host: string, port: number): Promise<StreamSource> {
    const source = new StreamSource();
    source.#server.listen(port, host);
    await once(source.#server, 'listening');
    return source;
  }

  report(): SourceReport {
    return { bytes: this.#socket?.bytesWritten ?? 0 };
  }

  async finish(): Promise<SourceReport> {
    this.#stopped = true;
    this.#server.close();
    const socket = this.#socket;
    if (socket !== undefined && !socket.destroyed) {
      const closed = once(socket, 'close', { signal: AbortSignal.timeout(patience) });
      socket.end();
      await closed.catch(() => socket.destroy());
    }
    return this.report();
  }

  #fill(socket: Socket): void {
    if (this.#stopped || socket.destroyed) return;
    // One block waits here while the one before it is in the kernel's buffer, which holds several
    if (socket.write(this.#block)) setImmediate(() => this.#fill(socket));
    else socket.once('drain', () => this.#fill(socket));
  }
}

/** Counts and compares all bytes; finished, when the source has ended its stream and all of it is there. */
export class StreamSink implements Running<SinkReport> {
  readonly #check = new StreamCheck();
  readonly #socket: Socket;
  readonly #ended: Promise<unknown>;

  private constructor(host: string, port: number) {
    this.#socket = connect({
      host,
      port,
      onread: {
        buffer: Buffer.alloc(longestPiece),
        callback: (length, buffer) => {
          this.#check.take(buffer.subarray(0, length));
          return true;
        },
      },
    });
    this.#ended = once(this.#socket, 'close').catch(() => undefined);
  }

  static async connect(host: string, port: number): Promise<StreamSink> {
    const sink = new StreamSink(host, port);
    await once(sink.#socket, 'connect', { signal: AbortSignal.timeout(patience) });
    return sink;
  }

  report(): SinkReport {
    return { at: seconds(), bytes: this.#check.bytes, wrong: this.#check.wrong };
  }

  async finish(): Promise<SinkReport> {
    const timer = setTimeout(() => this.#socket.destroy(), patience);
    await this.#ended;
    clearTimeout(timer);
    return this.report();
  }
}
