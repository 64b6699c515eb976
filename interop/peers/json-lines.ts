/**
 * A program steered by JSON lines: commands in, events out. Our endpoint and pqtun-go speak the same ones, so one handle
 * serves both (`peers/pqtun/commands.ts` lists them). It ends when its input does, hence at the latest with us.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** One line from the program. */
export interface PeerEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** How to start a program, here or in a namespace. */
export type Spawn = (command: string, args: readonly string[]) => ChildProcess;

export const spawnHere: Spawn = (command, args) => spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });

interface Waiter {
  readonly matches: (event: PeerEvent) => boolean;
  readonly resolve: (event: PeerEvent) => void;
}

const keptErrors = 8 * 1024;
/** How long a program may take to end after `quit` before it is killed. Milliseconds. */
const politeTime = 5_000;

export class JsonLines {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #unread: PeerEvent[] = [];
  #waiters: Waiter[] = [];
  #errors = '';

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    this.#exited = once(child, 'exit').catch(() => undefined);
    child.stdin?.on('error', () => undefined); // it has ended: what it left unsaid shows in the next wait
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-keptErrors);
    });
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => this.#onLine(line));
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  tell(command: Readonly<Record<string, unknown>>): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** The first event, of those not taken yet, that is of this kind and matches; rejects after `patience` milliseconds. */
  async take(
    kind: string,
    patience = 15_000,
    matches: (event: PeerEvent) => boolean = () => true,
  ): Promise<PeerEvent> {
    const wanted = (event: PeerEvent): boolean => event.event === kind && matches(event);
    const at = this.#unread.findIndex(wanted);
    if (at >= 0) return this.#unread.splice(at, 1)[0] as PeerEvent; // `at` is the place of one
    const { promise, resolve, reject } = Promise.withResolvers<PeerEvent>();
    const waiter = { matches: wanted, resolve };
    this.#waiters.push(waiter);
    const giveUp = (why: string): void =>
      reject(new Error(`${this.name}: no "${kind}" ${why}${this.#seen()}`));
    const timer = setTimeout(() => giveUp(`within ${patience} ms`), patience);
    void this.#exited.then(() => setImmediate(() => giveUp('before it ended')));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
    }
  }

  /** Takes every event of a kind that has come so far. */
  takeAll(kind: string): PeerEvent[] {
    const found = this.#unread.filter((event) => event.event === kind);
    for (const event of found) this.#unread.splice(this.#unread.indexOf(event), 1);
    return found;
  }

  /** Asks it to end and waits for that; ends it otherwise. Harmless when repeated. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
      return;
    this.tell({ do: 'quit' });
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), politeTime);
    await this.#exited;
    clearTimeout(timer);
  }

  #onLine(line: string): void {
    let event: PeerEvent;
    try {
      event = JSON.parse(line) as PeerEvent; // both programs are ours
    } catch {
      this.#errors = `${this.#errors}${line}\n`.slice(-keptErrors);
      return;
    }
    const waiter = this.#waiters.find(({ matches }) => matches(event));
    if (waiter === undefined) this.#unread.push(event);
    else {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      waiter.resolve(event);
    }
  }

  #seen(): string {
    const events = this.#unread.slice(-6).map((event) => JSON.stringify(event).slice(0, 300));
    return `${events.length > 0 ? `; last events: ${events.join(' ')}` : ''}${this.#errors === '' ? '' : `\n${this.#errors}`}`;
  }
}
