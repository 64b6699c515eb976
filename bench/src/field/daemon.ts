/** A daemon as an agent starts it: `pqtun run`, in the agent's namespace, and ended with the agent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';

export interface DaemonStart {
  readonly command: string;
  readonly configFile: string;
  /** A folder of its own: control socket, state. */
  readonly folder: string;
  readonly plane: 'native' | 'portable';
}

/** How long it may take to be ready, and to end when told to, before it is killed. Milliseconds. */
const patience = { ready: 60_000, end: 10_000 } as const;
const keptLog = 4_096;

export class Daemon {
  readonly #child: ChildProcess;
  /** `performance.now()` just before it was started. */
  readonly startedAt: number;
  #log = '';

  private constructor(start: DaemonStart) {
    this.startedAt = performance.now();
    this.#child = spawn(
      start.command,
      [
        ...['run', start.configFile, '--plane', start.plane, '--uapi', 'off', '--log-level', 'warn'],
        ...[
          '--runtime-dir',
          `${start.folder}/run`,
          '--state-dir',
          `${start.folder}/state`,
          '--ready-fd',
          '3',
        ],
      ],
      { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => {
        this.#log = (this.#log + text).slice(-keptLog);
      });
    }
  }

  /** Resolves when the interface is up, with the milliseconds that took. Throws what the daemon said where it does not come up. */
  static async start(start: DaemonStart, onSpawn: (daemon: Daemon) => void): Promise<[Daemon, number]> {
    const daemon = new Daemon(start);
    onSpawn(daemon);
    const child = daemon.#child;
    const report = child.stdio[3];
    const timer = setTimeout(() => child.kill('SIGKILL'), patience.ready);
    try {
      const word = report instanceof Readable ? await firstLine(report) : '';
      const readyAfter = performance.now() - daemon.startedAt;
      if (isReady(word)) return [daemon, readyAfter];
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
        await once(child, 'exit');
      throw new Error(`the daemon did not start: ${reasonIn(word) ?? daemon.log}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Throws where it could not be started at all. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the daemon could not be started');
    return pid;
  }

  get log(): string {
    return this.#log.trim();
  }

  /** Ends it as an operator would; its exit code, `null` where it had to be killed. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), patience.end);
    await ended;
    clearTimeout(timer);
    return child.exitCode;
  }

  /** Ends it now. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** The daemon's one line of JSON, `{"ready":true}` or `{"why":…}`; empty when it ended without. */
async function firstLine(pipe: Readable): Promise<string> {
  let text = '';
  pipe.on('error', () => undefined);
  for await (const chunk of pipe) {
    text += String(chunk);
    if (text.includes('\n') || text.length > keptLog) break;
  }
  return text;
}

export function isReady(line: string): boolean {
  return fieldOf(line, 'ready') === true;
}

export function reasonIn(line: string): string | undefined {
  const why = fieldOf(line, 'why');
  return typeof why === 'string' ? why : undefined;
}

function fieldOf(line: string, name: string): unknown {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, name) : undefined;
  } catch {
    return undefined;
  }
}
