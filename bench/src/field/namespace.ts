/**
 * A network namespace, which lives as long as the one agent in it, and that as long as the pipe to us: nothing has a name, so nothing
 * is left behind, however we end. Needs root and unshare(1).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Acts } from './acts.ts';
import type { Reply, Request } from './agent.ts';
import { CannotMeasure } from './needs.ts';

type Asked = { readonly resolve: (value: unknown) => void; readonly reject: (why: unknown) => void };
/** What a result is after a trip through a pipe. */
type Result<Name extends keyof Acts> = Awaited<ReturnType<Acts[Name]>>;

/** How long an agent may take to come up, and to end, before it is killed. Milliseconds. */
const patience = { up: 30_000, end: 500 } as const;
const keptErrors = 4_096;

export class Namespace implements AsyncDisposable {
  readonly #agent: ChildProcess;
  readonly #asked = new Map<number, Asked>();
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#fail(this.#signal.reason);
  #errors = '';
  #number = 0;

  private constructor(folder: string, signal: AbortSignal) {
    this.#signal = signal;
    const isSource = import.meta.url.endsWith('.ts');
    const agent = fileURLToPath(new URL(isSource ? './agent.ts' : './agent.js', import.meta.url));
    this.#agent = spawn(
      'unshare',
      ['--net', '--', process.execPath, ...(isSource ? ['--conditions=pqtun-source'] : []), agent, folder],
      // A group of its own: Ctrl-C is ours to hear, and ours to tell
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], detached: true },
    );
    this.#agent.stderr?.setEncoding('utf8');
    this.#agent.stderr?.on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-keptErrors);
    });
    this.#agent.on('message', (reply: Reply) => this.#take(reply));
    this.#agent.once('error', (error) => this.#fail(error));
    this.#agent.once('close', () =>
      this.#fail(new Error(this.#errors.trim() || 'a helper process ended by itself')),
    );
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** `folder` holds the bench's secret files; the agent removes it where we cannot. Throws `CannotMeasure` where none can be made. */
  static async create(folder: string, signal: AbortSignal): Promise<Namespace> {
    signal.throwIfAborted();
    const namespace = new Namespace(folder, signal);
    const timer = setTimeout(() => namespace.#agent.kill('SIGKILL'), patience.up);
    try {
      await new Promise<unknown>((resolve, reject) => namespace.#asked.set(0, { resolve, reject }));
      await namespace.call('loopback');
      return namespace;
    } catch (error) {
      await namespace.close();
      signal.throwIfAborted();
      throw new CannotMeasure(
        `no network namespace could be made (${error instanceof Error ? error.message : String(error)}): run it as root outside a container, or in one that may make namespaces`,
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** Process in whose namespace this is. */
  get pid(): number {
    return this.#agent.pid ?? 0;
  }

  /** Rejects with what went wrong there, or with the reason of the signal once that is aborted. */
  async call<Name extends keyof Acts>(act: Name, ...args: Parameters<Acts[Name]>): Promise<Result<Name>> {
    this.#signal.throwIfAborted();
    if (!this.#agent.connected) throw new Error('a helper process has ended');
    this.#number += 1;
    const request: Request = { number: this.#number, act, args };
    const answer = new Promise<unknown>((resolve, reject) =>
      this.#asked.set(request.number, { resolve, reject }),
    );
    this.#agent.send(request);
    return (await answer) as Result<Name>; // the agent is ours, and its acts have this type
  }

  /** Ends the agent, its daemons and the namespace. Harmless when repeated. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    const agent = this.#agent;
    if (agent.pid === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
    const ended = once(agent, 'exit');
    if (agent.connected) agent.disconnect();
    const timer = setTimeout(() => agent.kill('SIGKILL'), patience.end);
    await ended;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #take(reply: Reply): void {
    const asked = this.#asked.get(reply.number);
    this.#asked.delete(reply.number);
    if ('error' in reply) asked?.reject(new Error(reply.error));
    else asked?.resolve(reply.value);
  }

  #fail(why: unknown): void {
    for (const { reject } of this.#asked.values()) reject(why);
    this.#asked.clear();
  }
}
