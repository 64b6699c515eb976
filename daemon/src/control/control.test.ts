import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Secret } from '@pqtun/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publicText } from '../secret-text.ts';
import { call } from './client.ts';
import { LineBuffer } from './line-buffer.ts';
import { idleAfter, maxClients, slowAfter } from './local-server.ts';
import { ControlError, maxRequestLength, parseRequest, type Request } from './protocol.ts';
import { cutSecrets, pasteSecrets, placeholder } from './secret-fields.ts';
import { ControlServer } from './server.ts';
import { knownInterfaces, socketPath } from './socket-path.ts';

const ascii = (text: string) => new Uint8Array(Buffer.from(text));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const key = publicText(new Uint8Array(32).fill(0xa5));

describe('lines', () => {
  it('come out whole however the bytes are cut, and the chunks are wiped', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 40 }).map((s) => s.replaceAll('\n', ''))),
        fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
        (lines, sizes) => {
          const whole = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const buffer = new LineBuffer(64);
          const out: string[] = [];
          for (let at = 0; at < whole.length; ) {
            const chunk = Buffer.from(whole.subarray(at, at + (sizes.next().value ?? 1)));
            at += chunk.length;
            out.push(...(buffer.push(chunk) ?? []).map(text));
            expect(chunk.every((byte) => byte === 0)).toBe(true);
          }
          expect(out).toEqual(lines);
          expect(buffer.pending).toBe(false);
        },
      ),
    );
  });

  it('are refused one byte above the limit, with memory bounded by it', () => {
    const buffer = new LineBuffer(1000);
    expect(buffer.push(ascii('x'.repeat(1000)))).toEqual([]);
    expect(buffer.push(ascii('x'))).toBeUndefined();
    expect(new LineBuffer(1000).push(ascii(`${'x'.repeat(1000)}\n`))).toHaveLength(1);
  });
});

describe('secrets on the control socket', () => {
  const set = (fields: string) => ascii(`{"v":1,"op":"set","peers":[{"publicKey":"${key}",${fields}}]}`);

  it('are cut from the line before it becomes a string', () => {
    const line = set(
      `"presharedKey" : "${key}", "deploymentKey":"${publicText(new Uint8Array(32).fill(7))}"`,
    );
    const secrets = cutSecrets(line);
    expect(secrets.map((secret) => secret.borrow()[0])).toEqual([0xa5, 7]);
    expect(text(line)).toContain(`"presharedKey" : "${placeholder(0)}", "deploymentKey":"${placeholder(1)}"`);
    expect(parseRequest(line)).toMatchObject({ peers: [{ presharedKey: 0, deploymentKey: 1 }] });
  });

  it('go into the line the same way', () => {
    const line = set(`"presharedKey":"${placeholder(0)}"`);
    pasteSecrets(line, [new Secret(new Uint8Array(32).fill(0xa5))]);
    expect(text(line)).toBe(text(set(`"presharedKey":"${key}"`)));
  });

  it.each([
    ['an ill-formed key', `"presharedKey":"${key.slice(0, -2)}!="`],
    ['a name written with escapes', `"pre\\u0073haredKey":"${key}"`],
    ['a value with escapes', `"presharedKey":"\\u0041${key.slice(1)}"`],
    ['a number', '"presharedKey":7'],
    ['a name of its own', `"presharedkey":"${key}"`],
  ])('are refused without a word of them: %s', (_, fields) => {
    const line = set(fields);
    cutSecrets(line);
    let message = '';
    try {
      parseRequest(line);
    } catch (error) {
      message = error instanceof ControlError ? error.message : 'another error';
    }
    expect(message).toMatch(/^peers\.0/);
    expect(message).not.toContain(key.slice(0, 10));
  });

  it('leave null, other fields and text that looks alike as they are', () => {
    for (const fields of [
      '"presharedKey":null',
      '"endpoint":"presharedKey"',
      `"endpoint":"\\"presharedKey\\":\\"${key}\\""`,
    ]) {
      const line = set(fields);
      expect(cutSecrets(line)).toEqual([]);
      expect(text(line)).toBe(text(set(fields)));
    }
  });

  it('never make the scan throw or change the length, whatever the bytes', () => {
    const piece = fc.constantFrom(
      '"',
      '\\',
      ':',
      '"presharedKey"',
      '"presharedKey":"',
      key,
      ' ',
      '{',
      '#0',
      '\\"',
      ',',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const line = ascii(pieces.join(''));
        const { length } = line;
        cutSecrets(line);
        pasteSecrets(line, []);
        expect(line.length).toBe(length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('requests', () => {
  it.each([
    '',
    '[]',
    'null',
    '{"op":"status"}',
    '{"v":2,"op":"status"}',
    '{"v":1}',
    '{"v":1,"op":"rm"}',
    '{"v":1,"op":"status","x":1}',
    '{"v":1,"op":"set","peers":[]}',
    '{"v":1,"op":"set","peers":[{"publicKey":"x"}]}',
    `{"v":1,"op":"ping-peer","publicKey":"${key}","size":9e9}`,
    '{"v":1,"op":"set","__proto__":{}}',
  ])('that are ill-formed are refused: %s', (line) => {
    expect(() => parseRequest(ascii(line))).toThrow(ControlError);
  });

  it('name an unknown key only when it is a word: anything else may be a key in the wrong place', () => {
    const why = (name: string): string => {
      try {
        parseRequest(ascii(`{"v":1,"op":"status",${JSON.stringify(name)}:1}`));
      } catch (error) {
        return error instanceof ControlError ? error.message : 'something else';
      }
      return 'nothing';
    };
    expect(why('pears')).toBe('request: an unknown key pears');
    expect([key, '\u001b[2J', '\n', '', 'a'.repeat(41)].map(why)).toEqual(
      Array.from({ length: 5 }, () => 'request: an unknown key'),
    );
  });

  it('never throw anything but ControlError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.uint8Array().map(text)), (line) => {
        try {
          parseRequest(ascii(line));
        } catch (error) {
          expect(error).toBeInstanceOf(ControlError);
        }
      }),
    );
  });
});

describe('the control socket', () => {
  let directory: string;
  let file: string;
  let now = 0;
  let events: string[];
  let server: ControlServer;
  let handle: (request: Request, secrets: readonly Secret[]) => Promise<unknown>;
  const self = process.geteuid?.() ?? 0;
  let uid = self;
  const sockets: net.Socket[] = [];

  const create = () =>
    new ControlServer({
      handle: (request, secrets) => handle(request, secrets),
      credentials: (fd) => {
        expect(fd).toBeGreaterThan(0);
        return { uid, gid: 0, pid: 1 };
      },
      now: () => now,
      onEvent: (event) => events.push(event),
    });
  const client = () => {
    const socket = net.connect(file);
    socket.on('error', () => {});
    sockets.push(socket);
    return socket;
  };
  const connected = async () => {
    const socket = client();
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  };
  const closed = (socket: net.Socket) =>
    new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const until = async (condition: () => boolean) => {
    for (let turn = 0; turn < 100_000 && !condition(); turn++)
      await new Promise((resolve) => setImmediate(resolve));
    expect(condition()).toBe(true);
  };
  const at = {
    get runtimeDirectory() {
      return directory;
    },
    interfaceName: 'pq0',
  };

  beforeEach(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pqtun-ctl-'));
    file = socketPath(directory, 'pq0');
    [now, uid, events] = [0, self, []];
    handle = async (request) => ({ did: request.op });
    server = create();
    await server.listen(file);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server.close(0);
    fs.rmSync(directory, { recursive: true, force: true });
  });

  it('answers requests in order, is closed to others, and is the only thing in its directory', async () => {
    expect(await call({ v: 1, op: 'version' }, at)).toEqual({ did: 'version' });
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(directory)).toEqual(['pq0.sock']);
    expect(knownInterfaces(directory)).toEqual(['pq0']);
    const socket = await connected();
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk;
    });
    socket.write('{"v":1,"op":"ping"}\n\n{"v":1,"op":"no"}\n{"v":1,"op":"stop"}\n');
    await until(() => got.split('\n').length === 4);
    expect(
      got
        .split('\n')
        .slice(0, 3)
        .map((line) => JSON.parse(line).ok),
    ).toEqual([true, false, true]);
  });

  it('hands over secrets and destroys them afterwards', async () => {
    const seen: Secret[] = [];
    let first = 0;
    handle = async (_, secrets) => {
      first = secrets[0]?.borrow()[0] ?? 0;
      seen.push(...secrets);
    };
    const request = { v: 1, op: 'set', peers: [{ publicKey: key, presharedKey: placeholder(0) }] } as const;
    await call(
      { ...request, peers: [...request.peers] },
      { ...at, secrets: [new Secret(new Uint8Array(32).fill(3))] },
    );
    expect(first).toBe(3);
    expect(seen[0]?.destroyed).toBe(true);
  });

  it('tells the client why a request failed', async () => {
    handle = async () => {
      throw new ControlError('bad-config', 'pq0.conf:3: MTU: no');
    };
    await expect(call({ v: 1, op: 'reload' }, at)).rejects.toMatchObject({
      exitCode: 4,
      message: 'pq0.conf:3: MTU: no',
    });
  });

  it('refuses other users by the word of the kernel', async () => {
    uid = self + 1;
    const socket = client();
    socket.end(); // so that one who is let in is not waited for
    await closed(socket);
    expect(events).toEqual(['control-refused']);
    expect(server.clients).toBe(0);
  });

  it('is not taken from a daemon that answers', async () => {
    await expect(create().listen(file)).rejects.toMatchObject({ exitCode: 6 });
    expect(await call({ v: 1, op: 'ping' }, at)).toEqual({ did: 'ping' });
    expect(fs.readdirSync(directory)).toEqual(['pq0.sock']);
  });

  it('is taken by exactly one of many daemons that start at once', async () => {
    await server.close(0);
    const dead = net.createServer().listen(file); // a socket file nobody answers at
    await new Promise((resolve) => dead.once('listening', resolve));
    fs.linkSync(file, `${file}.keep`);
    await new Promise((resolve) => dead.close(resolve));
    fs.renameSync(`${file}.keep`, file);
    const rivals = Array.from({ length: 6 }, create);
    const outcomes = await Promise.allSettled(rivals.map((rival) => rival.listen(file)));
    const won = outcomes.map(({ status }) => status === 'fulfilled');
    expect(won.filter(Boolean)).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ exitCode: 6 });
    }
    server = rivals[won.indexOf(true)] ?? server;
    expect(await call({ v: 1, op: 'ping' }, at)).toEqual({ did: 'ping' });
    expect(fs.readdirSync(directory)).toEqual(['pq0.sock']);
  });

  it('refuses a name that is a link or a file', async () => {
    await server.close(0);
    for (const make of [() => fs.symlinkSync('/nowhere', file), () => fs.writeFileSync(file, '')]) {
      make();
      server = create();
      await expect(server.listen(file)).rejects.toMatchObject({ exitCode: 5 });
      fs.rmSync(file);
    }
    server = create();
    await server.listen(file);
  });

  it('says who is not running', async () => {
    await expect(call({ v: 1, op: 'ping' }, { ...at, interfaceName: 'pq1' })).rejects.toMatchObject({
      exitCode: 3,
    });
  });

  it('holds 64 of 1,000 idle clients, and lets them go', async () => {
    const idle: net.Socket[] = [];
    for (let round = 0; round < 10; round++) {
      for (let n = 0; n < 100; n++) idle.push(client());
      await until(
        () => server.clients === maxClients && idle.filter((socket) => !socket.closed).length === maxClients,
      );
      expect(server.clients).toBeLessThanOrEqual(maxClients);
    }
    expect(server.clients).toBe(maxClients);
    now = idleAfter;
    server.sweep();
    await until(() => server.clients === 0);
    expect(await call({ v: 1, op: 'ping' }, at)).toEqual({ did: 'ping' });
  });

  it('refuses a line of 64 MiB after the first', async () => {
    const socket = await connected();
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk;
    });
    const part = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    const send = () => {
      while (sent < 1024 && !socket.destroyed) {
        sent++;
        if (!socket.write(part)) return void socket.once('drain', send);
      }
    };
    send();
    await until(() => got.includes('\n'));
    expect(JSON.parse(got)).toMatchObject({ ok: false, error: { code: 'bad-request' } });
    expect(sent * part.length).toBeLessThan(4 * maxRequestLength); // back pressure: it reads no more
    now = slowAfter;
    server.sweep();
    await closed(socket);
  });

  it('ends a client that sends a byte a second', async () => {
    const socket = await connected();
    await until(() => server.clients === 1);
    for (now = 0; now < slowAfter; now += 1000) {
      socket.write('x');
      await new Promise((resolve) => setImmediate(resolve));
      server.sweep();
      if (now === 0) await until(() => events.length === 0 && server.clients === 1);
    }
    now = slowAfter + 1000;
    server.sweep();
    await closed(socket);
    expect(server.clients).toBe(0);
  });

  it('ends a client that does not read its reply', async () => {
    handle = async () => 'x'.repeat(8 * 1024 * 1024);
    const socket = await connected();
    socket.pause();
    socket.write('{"v":1,"op":"status"}\n');
    await until(() => events.includes('control-request'));
    await new Promise((resolve) => setImmediate(resolve));
    now = slowAfter;
    server.sweep();
    await until(() => server.clients === 0);
  });
});
