/**
 * Network namespaces for end-to-end tests and the demonstration. A namespace lives as long as one holder process of ours, and
 * that dies with us (PR_SET_PDEATHSIG), so that even a killed run leaves nothing behind. Needs root, setpriv, unshare and
 * nsenter (util-linux).
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const helper = fileURLToPath(new URL('./helper.ts', import.meta.url));
/** Helpers are many and short: their stripped sources are kept between them. */
const compileCache = fileURLToPath(new URL('../../../node_modules/.cache/pqtun', import.meta.url));
/** How long a child may take to end after a polite signal, before it is killed. Milliseconds. */
const politeTime = 10_000;

/** Why namespaces cannot be made here, or `undefined` when they can. */
export function namespacesUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces and TUN devices need root';
  return undefined;
}

export class Namespace {
  readonly name: string;
  readonly #holder: ChildProcess;
  readonly #children = new Set<ChildProcess>();

  private constructor(name: string, holder: ChildProcess) {
    this.name = name;
    this.#holder = holder;
  }

  static async create(name: string): Promise<Namespace> {
    const before = readlinkSync('/proc/self/ns/net');
    const holder = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--net', 'sleep', 'infinity'], {
      stdio: 'ignore',
    });
    await once(holder, 'spawn');
    const namespace = new Namespace(name, holder);
    for (let tries = 0; readlinkSync(`/proc/${namespace.pid}/ns/net`) === before; tries++) {
      if (tries > 500 || holder.exitCode !== null)
        throw new Error('no network namespace could be made; are you root?');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await namespace.help('loopback');
    return namespace;
  }

  /** Process whose network namespace this is: `nsenter --net=/proc/PID/ns/net`. */
  get pid(): number {
    const { pid } = this.#holder;
    if (pid === undefined) throw new Error('the namespace has no holder');
    return pid;
  }

  /** Starts a program inside; it ends at the latest with us. */
  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', 'nsenter', `--net=/proc/${this.pid}/ns/net`, '--', command, ...args],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
        ...options,
      },
    );
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    child.once('error', () => this.#children.delete(child));
    return child;
  }

  /** Runs a program inside to its end; its output, or an error that holds it. */
  async run(command: string, args: readonly string[], timeout = 30_000): Promise<string> {
    const child = this.spawn(command, args);
    const output = collect(child);
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    clearTimeout(timer);
    if (code === 0) return output();
    const reason = signal === null ? `exit code ${code}` : `${signal} after ${timeout} ms at most`;
    throw new Error(`${command} ${args.join(' ')} in ${this.name}: ${reason}\n${output()}`);
  }

  /** One of the small acts of `helper.ts`, done inside; what it prints, parsed from JSON. */
  async help(act: string, ...args: readonly unknown[]): Promise<unknown> {
    const text = await this.run(process.execPath, helperArguments(act, args), 90_000);
    return text.trim() === '' ? undefined : JSON.parse(text.trim().split('\n').at(-1) ?? 'null');
  }

  /** An act of `helper.ts` that goes on until it is stopped; resolves when it has printed `ready`. */
  async startHelper(act: string, ...args: readonly unknown[]): Promise<RunningHelper> {
    const child = this.spawn(process.execPath, helperArguments(act, args), {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const running = new RunningHelper(child);
    await running.line('ready');
    return running;
  }

  /** Ends every child and the namespace. */
  async close(): Promise<void> {
    await Promise.all([...this.#children].map((child) => endChild(child)));
    await endChild(this.#holder, 'SIGKILL');
  }
}

/** A helper that prints lines of JSON, or the word `ready`. */
export class RunningHelper {
  readonly child: ChildProcess;
  readonly #output: () => string;

  constructor(child: ChildProcess) {
    this.child = child;
    this.#output = collect(child);
  }

  /** Waits for a line that starts with `start`. */
  async line(start: string, timeout = 15_000): Promise<string> {
    const end = Date.now() + timeout;
    for (;;) {
      const found = this.#output()
        .split('\n')
        .find((line) => line.startsWith(start));
      if (found !== undefined) return found;
      const ended = this.child.exitCode !== null || this.child.signalCode !== null;
      if (ended || Date.now() > end) throw new Error(`no "${start}" from a helper:\n${this.#output()}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends its input, which tells it to finish; the last line it printed, parsed. */
  async finish(): Promise<unknown> {
    const closed = once(this.child, 'close');
    this.child.stdin?.end();
    await closed;
    return JSON.parse(this.#output().trim().split('\n').at(-1) ?? 'null');
  }

  /** Sends it one line. */
  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }
}

/** Ends a child politely, then not. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), politeTime);
  await exited;
  clearTimeout(timer);
}

/** Everything a child has printed so far, at most the last 256 KiB. */
export function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      text = (text + chunk).slice(-256 * 1024);
    });
  }
  return () => text;
}

function helperArguments(act: string, args: readonly unknown[]): string[] {
  return [
    '--conditions=pqtun-source',
    '--no-warnings',
    helper,
    act,
    ...args.map((arg) => JSON.stringify(arg)),
  ];
}
