/** `traffic.c` of this folder: compiled once a run, started in the namespaces of a pair. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from '../../test/flood/program.ts';
import { endChild, type Namespace } from '../../test/kit/lab/namespace.ts';

const source = fileURLToPath(new URL('./traffic.c', import.meta.url));
const firstPort = 5201;
const ports = 20_000;
let used = 0;

/** Compiles `traffic.c` into `folder`; the program's path. Throws what the compiler said. */
export function buildTraffic(folder: string): string {
  const program = join(folder, 'traffic');
  const compiler = process.env['CC'] ?? 'cc';
  const { status, stderr, error } = spawnSync(compiler, ['-std=gnu11', '-O2', '-o', program, source], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status === 0) return program;
  throw new Error(`${compiler} could not build traffic.c: ${error?.message ?? stderr}`);
}

/** `at`: seconds of a clock that all programs here share. */
export interface TcpCounters {
  readonly at: number;
  readonly bytes: number;
  readonly wrong: number;
}

export interface UdpCounters {
  readonly at: number;
  readonly packets: number;
  readonly wrong: number;
  readonly repeated: number;
  /** One more than the largest number seen. */
  readonly next: number;
}

/** Milliseconds; of those sent since the last report. -1 where nothing came back. */
export interface PingCounters {
  readonly sent: number;
  readonly answered: number;
  readonly p50: number;
  readonly p99: number;
}

/** What one measurement has started; all of it is ended with it, also when it fails. */
export class Traffic implements AsyncDisposable {
  readonly #program: string;
  /** Of this measurement alone: what of an earlier one is still in a queue arrives nowhere. */
  readonly #port = firstPort + (used++ % ports);
  readonly #started: Program<unknown>[] = [];

  constructor(program: string) {
    this.#program = program;
  }

  tcpSink(where: Namespace, address: string, comparesAll: boolean): Promise<Program<TcpCounters>> {
    return this.#start(where, ['tcp-sink', address, this.#port, ...(comparesAll ? ['all'] : [])]);
  }

  tcpSource(where: Namespace, address: string, streams: number): Promise<Program<unknown>> {
    return this.#start(where, ['tcp-source', address, this.#port, streams]);
  }

  udpSink(where: Namespace, address: string, size: number): Promise<Program<UdpCounters>> {
    return this.#start(where, ['udp-sink', address, this.#port, size]);
  }

  /** `rate` in datagrams a second; 0: as fast as it goes. */
  udpSource(where: Namespace, address: string, size: number, rate: number): Promise<Program<unknown>> {
    return this.#start(where, ['udp-source', address, this.#port, size, rate]);
  }

  echo(where: Namespace, address: string): Promise<Program<unknown>> {
    return this.#start(where, ['echo', address, this.#port + ports]);
  }

  /** `interval` in microseconds. */
  pings(where: Namespace, address: string, interval: number): Promise<Program<PingCounters>> {
    return this.#start(where, ['pings', address, this.#port + ports, interval]);
  }

  /** Sets a feature of an interface as `ethtool -K` does, and says whether it is on now. */
  async offload(where: Namespace, name: string, feature: string, on: boolean): Promise<boolean> {
    const text = await where.run(this.#program, ['offload', name, feature, on ? 'on' : 'off']);
    return (JSON.parse(text) as { on: boolean }).on; // our own program's
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Sources first: they stand at the end
    for (const program of this.#started.toReversed()) await endChild(program.child, 'SIGKILL');
  }

  async #start<T>(where: Namespace, args: readonly (string | number)[]): Promise<Program<T>> {
    const program = await Program.start<T>(where, this.#program, args);
    this.#started.push(program);
    return program;
  }
}
