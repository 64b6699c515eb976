/** One end of a tunnel in a lab: a namespace, a configuration file, the real daemon. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collect, endChild, type Namespace } from './namespace.ts';

/** The command line as an operator runs it. */
export const pqtun = fileURLToPath(new URL('../../../daemon/bin/pqtun', import.meta.url));

/** Runs `pqtun` to its end here, outside any namespace; its standard output. Throws what it said when it failed. */
export function runPqtun(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(pqtun, args, { input, encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`pqtun ${args.join(' ')}: exit code ${status}\n${stderr}`);
  return stdout;
}

/** Fresh keys: the secret lines of `[Interface]` and the public lines of `[Peer]`. */
export interface Keys {
  readonly secretLines: string;
  readonly publicLines: string;
  /** Base64, as commands name a peer. */
  readonly publicKey: string;
}

export function makeKeys(suite: 1 | 2 = 1): Keys {
  const secretLines = runPqtun(['genkey']);
  const publicLines = runPqtun(['pubkey', '--suite', String(suite)], secretLines);
  const publicKey = /^PublicKey\s*=\s*(\S+)/m.exec(publicLines)?.[1] ?? '';
  return { secretLines, publicLines, publicKey };
}

export class Site {
  readonly namespace: Namespace;
  readonly interfaceName: string;
  readonly configFile: string;
  readonly runtimeDir: string;
  readonly stateDir: string;
  /** Namespaces do not part `/var/run/wireguard`, so each site has one of its own. */
  readonly uapiDir: string;
  readonly #program: string;
  readonly #options: readonly string[];
  #daemon: ChildProcess | undefined;
  #log: () => string = () => '';
  readonly #earlierLogs: string[] = [];

  /**
   * `folder` is the site's own, made if missing; `program` is the command line of this tree or of a copy; `options` are given to it
   * whenever it is started.
   */
  constructor(
    namespace: Namespace,
    interfaceName: string,
    folder: string,
    program: string = pqtun,
    options: readonly string[] = [],
  ) {
    this.namespace = namespace;
    this.interfaceName = interfaceName;
    this.#program = program;
    this.#options = options;
    this.runtimeDir = join(folder, 'run');
    this.stateDir = join(folder, 'state');
    this.uapiDir = join(folder, 'wireguard');
    this.configFile = join(folder, `${interfaceName}.conf`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  configure(text: string): void {
    writeFileSync(this.configFile, text, { mode: 0o600 });
  }

  /** Starts the daemon and waits until its control socket answers. */
  async start(...args: readonly string[]): Promise<void> {
    this.#earlierLogs.push(this.#log());
    const child = this.namespace.spawn(this.#program, [
      ...['run', this.configFile, ...this.#folders()],
      ...this.#options,
      ...args,
    ]);
    this.#daemon = child;
    this.#log = collect(child);
    const end = Date.now() + 30_000;
    const socket = join(this.runtimeDir, `${this.interfaceName}.sock`);
    for (;;) {
      // Looking for the socket first is cheap; a command a turn would take the daemon's CPU away on a small machine
      if (existsSync(socket) && this.#command(['show', this.interfaceName, ...this.#runtime()]).status === 0)
        return;
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > end) {
        throw new Error(`the daemon of ${this.namespace.name} did not start:\n${this.#log()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Stops the daemon as an operator would (SIGTERM); its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    if (daemon === undefined) return null;
    await endChild(daemon, signal);
    return daemon.exitCode;
  }

  /** Pulls the plug. */
  async kill(): Promise<void> {
    await this.stop('SIGKILL');
  }

  get pid(): number | undefined {
    return this.#daemon?.pid;
  }

  /** Of the daemon that was started last, once it has ended by itself. */
  get exitCode(): number | null {
    return this.#daemon?.exitCode ?? null;
  }

  /** What the daemon has logged since this site was made. */
  get log(): string {
    return [...this.#earlierLogs, this.#log()].join('');
  }

  /** The state file as text, empty when there is none yet. */
  state(): string {
    const file = join(this.stateDir, `${this.interfaceName}.state`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** `pqtun show --json`. */
  show(): unknown {
    return JSON.parse(this.command('show', this.interfaceName, '--json'));
  }

  /** Any command that talks to this daemon; its output. Throws what it said when it failed. */
  command(...args: readonly string[]): string {
    const { status, stdout, stderr } = this.#command([...args, ...this.#runtime()]);
    if (status !== 0) throw new Error(`pqtun ${args.join(' ')}: exit code ${status}\n${stderr}`);
    return stdout;
  }

  #command(args: readonly string[]) {
    return spawnSync(this.#program, args, { encoding: 'utf8', timeout: 30_000 });
  }

  #runtime(): string[] {
    return ['--runtime-dir', this.runtimeDir];
  }

  #folders(): string[] {
    return [...this.#runtime(), '--state-dir', this.stateDir, '--uapi-dir', this.uapiDir];
  }
}
