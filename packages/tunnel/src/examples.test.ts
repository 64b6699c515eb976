import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const path = (name: string): string => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

class Program {
  readonly process: ChildProcess;
  output = '';
  #look: () => void = () => undefined;

  constructor(name: string, ...words: string[]) {
    this.process = spawn(process.execPath, ['--conditions=pqtun-source', path(name), ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (text) => {
        this.output += String(text);
        this.#look();
      });
    }
  }

  /** The first group of `pattern` as soon as it has been printed. */
  printed(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        const found = this.output.match(pattern);
        if (found !== null) resolve(found[1] ?? '');
      };
      this.process.once('exit', () => reject(new Error(`${pattern} was not printed: ${this.output}`)));
      this.#look();
    });
  }

  async end(): Promise<number | null> {
    if (this.process.exitCode === null) {
      this.process.kill('SIGTERM');
      await once(this.process, 'exit');
    }
    return this.process.exitCode;
  }
}

test('examples are at most 60 lines', () => {
  for (const name of ['echo.ts', 'datagram-pipe.ts']) {
    expect(readFileSync(path(name), 'utf8').trimEnd().split('\n').length, name).toBeLessThanOrEqual(60);
  }
});

test('examples/echo.ts gets its answer and ends by itself', async () => {
  const echo = new Program('echo.ts');
  await once(echo.process, 'exit');
  expect(echo.output).toContain('answer: hello, post-quantum world');
  expect(echo.output).toContain('session: hybrid');
  expect(echo.process.exitCode).toBe(0);
});

test('examples/datagram-pipe.ts carries datagrams between two programs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pqtun-pipe-'));
  const programs: Program[] = [];
  const start = (...words: string[]): Program => {
    const program = new Program('datagram-pipe.ts', ...words);
    programs.push(program);
    return program;
  };
  const [a, b] = [join(folder, 'a.key'), join(folder, 'b.key')];
  const socket = createSocket('udp4');
  const other = createSocket('udp4');
  try {
    // the first run makes the keys, and says what is missing
    const first = start(a, `${b}.pub`);
    await once(first.process, 'exit');
    expect(first.output).toContain('ask the other side');
    const hub = start(b, `${a}.pub`);
    const port = await hub.printed(/listening on (\d+)/);
    const spoke = start(a, `${b}.pub`, '0', '0', '127.0.0.1', port);
    const near = Number(await spoke.printed(/local port (\d+)/));
    const far = Number(await hub.printed(/local port (\d+)/));
    await spoke.printed(/peer-(established)/);

    other.send('here I am', far, '127.0.0.1'); // so that the far end knows where its program is
    socket.send('and I am here', near, '127.0.0.1');
    const got = once(other, 'message');
    const resend = setInterval(() => socket.send('through the pipe', near, '127.0.0.1'), 50);
    const [message] = await got;
    clearInterval(resend);
    expect(['and I am here', 'through the pipe']).toContain(String(message));
    const answered = once(socket, 'message');
    other.send('and back', far, '127.0.0.1');
    expect(String((await answered)[0])).toMatch(/here I am|and back/);
    for (const program of [hub, spoke]) expect(await program.end()).toBe(0);
  } finally {
    socket.close();
    other.close();
    for (const program of programs) await program.end();
    rmSync(folder, { recursive: true, force: true });
  }
});
