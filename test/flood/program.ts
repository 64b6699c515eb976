/** The small C program of this folder: compiled once a run, started in namespaces, asked for its counters by a line. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { collect, type Namespace } from '../kit/lab/namespace.ts';

const source = fileURLToPath(new URL('./traffic.c', import.meta.url));
const patience = 15_000;

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

/** A running program that answers `report` with a line of JSON, and the end of its input with a last one. */
export class Program<Counters> {
  readonly child: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: ((line: string | undefined) => void)[] = [];
  readonly #output: () => string;
  #ended = false;

  private constructor(child: ChildProcess) {
    const { stdout } = child;
    if (stdout === null) throw new Error('started without a pipe for its output');
    this.child = child;
    this.#output = collect(child);
    this.#lines = createInterface({ input: stdout });
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line));
    this.#lines.on('close', () => {
      this.#ended = true;
      for (const give of this.#waiting.splice(0)) give(undefined);
    });
    child.stdin?.on('error', () => undefined); // it may have ended before we spoke: its missing line says so
  }

  /** Starts `command` in `namespace`; resolves when it has printed `ready`. */
  static async start<Counters>(
    namespace: Namespace,
    command: string,
    args: readonly (string | number)[],
  ): Promise<Program<Counters>> {
    const child = namespace.spawn(command, args.map(String), { stdio: ['pipe', 'pipe', 'pipe'] });
    const program = new Program<Counters>(child);
    const first = await program.#line();
    if (first !== 'ready') throw program.#failure();
    return program;
  }

  /** Its counters now. */
  async report(): Promise<Counters> {
    const line = this.#line();
    this.child.stdin?.write('report\n');
    return this.#parsed(await line);
  }

  /** Ends it; its last counters. */
  async end(): Promise<Counters> {
    const line = this.#line();
    const closed = once(this.child, 'close');
    this.child.stdin?.end();
    const last = this.#parsed(await line);
    await closed;
    return last;
  }

  #parsed(line: string | undefined): Counters {
    if (line === undefined) throw this.#failure();
    return JSON.parse(line) as Counters; // our own program's, whose form stands in traffic.c
  }

  #line(): Promise<string | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), patience);
      this.#waiting.push((line) => {
        clearTimeout(timer);
        resolve(line);
      });
    });
  }

  #failure(): Error {
    const name = this.child.spawnargs.slice(4).join(' ');
    return new Error(`no answer from ${name}\n${this.#output()}`);
  }
}
