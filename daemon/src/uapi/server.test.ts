import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maxClients, slowAfter } from '../control/local-server.ts';
import { socketPath } from '../control/socket-path.ts';
import { errno, UapiError } from './errno.ts';
import type { SetRequest } from './request.ts';
import { maxLineLength, maxRequestLength } from './request-blocks.ts';
import { ensureUapiDirectory, UapiServer } from './server.ts';

const self = process.geteuid?.() ?? 0;
const key = 'a5'.repeat(32);

describe('the UAPI socket', () => {
  let directory: string;
  let file: string;
  let server: UapiServer;
  let now: number;
  let uid: number;
  let events: { id: string; fields: Record<string, unknown> }[];
  let set: (request: SetRequest) => Promise<void>;
  let get: () => Uint8Array;
  const sockets: net.Socket[] = [];

  const create = () =>
    new UapiServer({
      get: () => get(),
      set: (request) => set(request),
      credentials: () => ({ pid: 1, uid, gid: 0 }),
      now: () => now,
      onEvent: (id, fields) => events.push({ id, fields }),
    });
  const client = (options: { readonly keepOpen?: boolean } = {}) => {
    const socket = net.connect({ path: file, allowHalfOpen: options.keepOpen ?? false });
    socket.on('error', () => {});
    sockets.push(socket);
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk;
    });
    return { socket, got: () => got };
  };
  /** Sends `text` as it is, ends our side, and returns everything the server says. */
  const ask = async (text: string | Uint8Array): Promise<string> => {
    const { socket, got } = client({ keepOpen: true });
    socket.end(text);
    await new Promise((resolve) => socket.once('close', resolve));
    return got();
  };
  const until = async (condition: () => boolean) => {
    for (let turn = 0; turn < 100_000 && !condition(); turn++)
      await new Promise((resolve) => setImmediate(resolve));
    expect(condition()).toBe(true);
  };

  beforeEach(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pqtun-uapi-'));
    file = socketPath(directory, 'pq0');
    [now, uid, events] = [0, self, []];
    get = () => Uint8Array.from(Buffer.from('listen_port=1\n'));
    set = async () => {};
    server = create();
    await server.listen(file);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server.close(0);
    fs.rmSync(directory, { recursive: true, force: true });
  });

  it('answers get and set, several times over one connection, in order', async () => {
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    const { socket, got } = client();
    socket.write('get=1\n\nset=1\nlisten_port=7\n\nget=1\n\n');
    const answer = 'listen_port=1\nerrno=0\n\n';
    await until(() => got() === `${answer}errno=0\n\n${answer}`);
    socket.write('get=1\n\n');
    await until(() => got() === `${answer}errno=0\n\n${answer}${answer}`);
  });

  it('answers a client that ended its side, and ends the connection', async () => {
    expect(await ask('get=1\n\n')).toBe('listen_port=1\nerrno=0\n\n');
    expect(await ask('set=1\nlisten_port=7\n')).toBe(''); // not a whole request: nothing is done
    expect(events.filter(({ id }) => id === 'uapi-request')).toHaveLength(1);
  });

  it('refuses a set with a negative errno and a get with a positive one', async () => {
    set = async () => {
      throw new UapiError(errno.notSupported, 'no');
    };
    get = () => {
      throw new UapiError(errno.busy, 'later');
    };
    expect(await ask('set=1\n\n')).toBe('errno=-95\n\n');
    expect(await ask('set=1\nx=1\n\n')).toBe('errno=-22\n\n');
    expect(await ask('set=1\nx\n\n')).toBe('errno=-71\n\n');
    expect(await ask('get=1\n\n')).toBe('errno=16\n\n');
    expect(await ask('get=1\nx=1\n\n')).toBe('errno=22\n\n');
    expect(await ask('nonsense\n\n')).toBe('errno=22\n\n');
    expect(events.filter(({ id }) => id === 'uapi-refused').map(({ fields }) => fields['errno'])).toEqual([
      ...[95, 22, 71, 16, 22, 22],
    ]);
  });

  it.each([
    ['EADDRINUSE', -98],
    ['PQTUN_BAD_CONFIG', -22],
    ['EPERM', -5],
  ])('turns the error %s into errno %i', async (code, number) => {
    set = async () => {
      throw Object.assign(new Error('why'), { code });
    };
    expect(await ask('set=1\n\n')).toBe(`errno=${number}\n\n`);
  });

  it('lends secrets for the time of a request, and wipes answers', async () => {
    const seen: SetRequest[] = [];
    const answers: Uint8Array[] = [];
    set = async (request) => {
      seen.push(request);
      expect(request.device.privateKey?.borrow()[1]).toBe(0xa5);
    };
    get = () => {
      const answer = Uint8Array.from(Buffer.from(`private_key=${key}\n`));
      answers.push(answer);
      return answer;
    };
    expect(await ask(`set=1\nprivate_key=${key}\n\n`)).toBe('errno=0\n\n');
    expect(seen[0]?.device.privateKey?.destroyed).toBe(true);
    expect(await ask('get=1\n\n')).toBe(`private_key=${key}\nerrno=0\n\n`);
    expect(answers[0]?.every((byte) => byte === 0)).toBe(true);
  });

  it('refuses other users by the word of the kernel', async () => {
    uid = self + 1;
    expect(await ask('get=1\n\n')).toBe('');
    expect(events.map(({ id }) => id)).toEqual(['control-refused']);
  });

  it('is not taken from a daemon that answers, and is from a dead one', async () => {
    await expect(create().listen(file)).rejects.toMatchObject({ exitCode: 6 });
    await server.close(0);
    const dead = net.createServer().listen(file); // a socket file nobody answers at
    await new Promise((resolve) => dead.once('listening', resolve));
    fs.linkSync(file, `${file}.keep`);
    await new Promise((resolve) => dead.close(resolve));
    fs.renameSync(`${file}.keep`, file);
    server = create();
    await server.listen(file);
    expect(await ask('get=1\n\n')).toContain('errno=0');
    expect(fs.readdirSync(directory)).toEqual(['pq0.sock']);
  });

  it('takes no more than 64 clients, and ends those that are slow or too long', async () => {
    const many = Array.from({ length: maxClients + 20 }, () => client());
    await until(
      () =>
        server.clients === maxClients && many.filter(({ socket }) => !socket.closed).length === maxClients,
    );
    for (const { socket } of many) if (!socket.closed) socket.write('set=1\npublic_key=');
    const [long] = many.filter(({ socket }) => !socket.closed);
    long?.socket.write('0'.repeat(maxLineLength));
    await until(() => long?.got() === 'errno=-22\n\n');
    now = slowAfter;
    server.sweep();
    await until(() => server.clients === 0);
    expect(await ask('get=1\n\n')).toContain('errno=0');
  });

  it('reads no more of a request than it takes', async () => {
    const { socket, got } = client();
    const part = Buffer.from(`${'x'.repeat(1023)}\n`.repeat(64));
    let sent = 0;
    const send = () => {
      while (sent < 10_000 && !socket.destroyed) {
        sent++;
        if (!socket.write(part)) return void socket.once('drain', send);
      }
    };
    send();
    await until(() => got() !== '');
    expect(got()).toBe('errno=-22\n\n');
    expect(sent * part.length).toBeLessThan(2 * maxRequestLength);
  });

  it('says one errno for each request of any bytes, and goes on', async () => {
    const word = fc.constantFrom(
      ...[
        'get=1',
        'set=1',
        'private_key=',
        'public_key=',
        key,
        'remove=true',
        '\n',
        '\n\n',
        '=',
        'errno=0',
        '\0',
      ],
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((found) => Buffer.from(found)),
      fc.array(word, { maxLength: 30 }).map((words) => Buffer.from(words.join(''), 'latin1')),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (sent) => {
        const requests =
          Buffer.from(sent)
            .toString('latin1')
            .match(/[^\n]+(\n[^\n]+)*\n\n/g) ?? [];
        const answers = (await ask(Uint8Array.from(sent))).match(/errno=-?\d+\n\n/g) ?? [];
        expect(answers.length).toBe(requests.length);
      }),
      { numRuns: 300 },
    );
    expect(await ask('get=1\n\n')).toContain('errno=0');
  });
});

describe('the directory of UAPI sockets', () => {
  it('is made with mode 0755 under any umask, and must be closed to writers', () => {
    const above = fs.mkdtempSync(path.join(os.tmpdir(), 'pqtun-uapi-'));
    const directory = path.join(above, 'wireguard');
    const umask = process.umask(0o077);
    try {
      ensureUapiDirectory(directory);
      expect(fs.statSync(directory).mode & 0o777).toBe(0o755);
      ensureUapiDirectory(directory);
      fs.chmodSync(directory, 0o775);
      expect(() => ensureUapiDirectory(directory)).toThrow('nobody else can write');
      fs.symlinkSync(directory, path.join(above, 'link'));
      expect(() => ensureUapiDirectory(path.join(above, 'link'))).toThrow('must be a directory');
      expect(() => ensureUapiDirectory(path.join(above, 'none', 'wireguard'))).toThrow('cannot make');
    } finally {
      process.umask(umask);
      fs.rmSync(above, { recursive: true, force: true });
    }
  });
});
