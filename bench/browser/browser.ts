/**
 * A headless Chromium, driven over a pipe (the DevTools protocol, NUL between messages): no port, nothing another program could speak to.
 * Its profile is a private folder that is removed; it is ended by its own pid; every wait is bounded.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { findProgram, installPackages } from '../../test/kit/programs.ts';
import { removeNow, temporaryFolder } from '../../test/kit/temporary.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'];
const mostWait = 15_000;

/** The program's path, or why there is none. As root it is installed from Debian, which `say` is told. */
export function findBrowser(say: (line: string) => void): { path: string } | { missing: string } {
  const found = findProgram(...names);
  if (found !== undefined) return { path: found };
  const fault = installPackages(['chromium'], say);
  if (fault !== undefined) return { missing: `no Chromium here; ${fault}` };
  const now = findProgram(...names);
  return now === undefined ? { missing: 'Chromium was installed and is not to be found' } : { path: now };
}

export interface BrowserEvent {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

interface Waiting {
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: Error) => void;
}

export class Browser {
  readonly #child: ChildProcess;
  /** Before its folder is removed, when this run is interrupted: it would write there again. */
  readonly #end = (): void => void this.#child.kill('SIGKILL');
  readonly #folder: string;
  readonly #out: Writable;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: BrowserEvent) => void>();
  #next = 1;
  #session: string | undefined;
  #rest = '';

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    const [, , , out, incoming] = child.stdio;
    if (!out || !incoming) throw new Error('the pipes to the browser are not there');
    this.#out = out as Writable; // descriptor 3 is the browser's to read
    const readable = incoming as Readable; // and descriptor 4 its to write
    readable.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.#out.on('error', () => undefined); // it went; whoever waits is told by 'exit'
    process.prependListener('exit', this.#end);
    child.on('exit', () => {
      process.removeListener('exit', this.#end);
      for (const { reject } of this.#waiting.values()) reject(new Error('the browser went'));
      this.#waiting.clear();
    });
  }

  /** Starts it with one empty page. */
  static async start(path: string): Promise<Browser> {
    const folder = temporaryFolder('browser');
    const child = spawn(
      path,
      [
        '--headless=new',
        '--remote-debugging-pipe',
        `--user-data-dir=${folder}`,
        '--no-first-run',
        '--no-default-browser-check',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-extensions',
        '--disable-sync',
        '--disable-gpu',
        '--hide-scrollbars',
        '--force-color-profile=srgb',
        '--font-render-hinting=none',
        // Its sandbox does not start for root; it sees one page of ours, and no network.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        '--host-resolver-rules=MAP * ~NOTFOUND',
        'about:blank',
      ],
      {
        stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
        env: { ...process.env, HOME: folder, TMPDIR: folder },
      },
    );
    const browser = new Browser(child, folder);
    try {
      const { targetInfos } = await browser.call('Target.getTargets');
      const pages = targetInfos as { type: string; targetId: string }[]; // as the protocol says
      const page = pages.find(({ type }) => type === 'page');
      const { sessionId } = await browser.call('Target.attachToTarget', {
        targetId: page?.targetId,
        flatten: true,
      });
      browser.#session = String(sessionId);
      return browser;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** One call of the protocol, to the page once there is one. */
  call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = this.#next++;
    const message = {
      id,
      method,
      params,
      ...(this.#session === undefined ? {} : { sessionId: this.#session }),
    };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`${method}: no answer within ${mostWait / 1000} s`));
      }, mostWait);
      const settled = <T>(act: (value: T) => void) => {
        return (value: T): void => {
          clearTimeout(timer);
          act(value);
        };
      };
      this.#waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
      this.#out.write(`${JSON.stringify(message)}\0`);
    });
  }

  /** `expression` in the page; its value as plain data. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value?: unknown }).value; // as the protocol says
  }

  /** Resolves at the next event of this name. */
  once(method: string): Promise<BrowserEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(listener);
        reject(new Error(`no ${method} within ${mostWait / 1000} s`));
      }, mostWait);
      const listener = (event: BrowserEvent): void => {
        if (event.method !== method) return;
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(event);
      };
      this.#listeners.add(listener);
    });
  }

  on(listener: (event: BrowserEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Ends it, by force where it does not go by itself, and removes its folder. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await gone;
      clearTimeout(timer);
    }
    removeNow(this.#folder);
  }

  #read(text: string): void {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop() ?? '';
    for (const each of messages) this.#take(JSON.parse(each) as Message); // the browser's own
  }

  #take({ id, result, error, method, params }: Message): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result ?? {});
      else waiting?.reject(new Error(error.message));
    } else if (method !== undefined)
      for (const listener of [...this.#listeners]) listener({ method, params: params ?? {} });
  }
}

interface Message {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: Record<string, unknown>;
}
