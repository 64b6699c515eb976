import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hardenProcess, openUdp, sdNotify, socketPeerCredentials } from './index.ts';
import { findProgram, runScenario } from './testing/scenario.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuntap-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const python = findProgram('python3');
if (python === undefined)
  console.warn('SKIPPED: sdNotify against a socket, because there is no python3 to receive with');

/** Node has no datagram sockets in the unix domain: python prints one line when it is bound, and then what it gets. */
async function receiveNotification(path: string, send: () => void): Promise<string> {
  const program = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
p = sys.argv[1]
s.bind('\\0' + p[1:] if p[0] == '@' else p)
print('bound', flush=True)
sys.stdout.write(s.recv(4096).decode())
`;
  const child = spawn(python ?? '', ['-c', program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output === 'bound\n') send();
  });
  await once(child, 'close');
  return output.slice('bound\n'.length);
}

describe('sdNotify', () => {
  it('says false when no service manager asked', () => {
    vi.stubEnv('NOTIFY_SOCKET', undefined);
    expect(sdNotify('READY=1')).toBe(false);
    vi.stubEnv('NOTIFY_SOCKET', '');
    expect(sdNotify('READY=1')).toBe(false);
  });

  it.skipIf(python === undefined)('reaches a socket in the file system', async () => {
    const path = join(folder, 'notify');
    vi.stubEnv('NOTIFY_SOCKET', path);
    const state = 'READY=1\nSTATUS=drei Wünsche\n';
    expect(await receiveNotification(path, () => expect(sdNotify(state)).toBe(true))).toBe(state);
  });

  it.skipIf(python === undefined)('reaches an abstract socket', async () => {
    const path = `@${folder}`;
    vi.stubEnv('NOTIFY_SOCKET', path);
    expect(await receiveNotification(path, () => expect(sdNotify('STOPPING=1')).toBe(true))).toBe(
      'STOPPING=1',
    );
  });

  it.each([
    ['ENOENT', '/nowhere/notify'],
    ['ECONNREFUSED', '@nobody-listens-here'],
    ['EAFNOSUPPORT', 'vsock:2:1'],
    ['ENAMETOOLONG', `/${'x'.repeat(108)}`],
  ])('throws %s for %s', (code, path) => {
    vi.stubEnv('NOTIFY_SOCKET', path);
    expect(() => sdNotify('READY=1')).toThrow(expect.objectContaining({ code }));
  });

  it('refuses a state that is no string', () => {
    // The cast gives a wrong type to the check, which is what is tested.
    expect(() => sdNotify(1 as never)).toThrow('state must be a string');
  });
});

describe('socketPeerCredentials', () => {
  it('tells who connected', async () => {
    const path = join(folder, 'control');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const client = createConnection(path);
    const [socket] = (await once(server, 'connection')) as [Socket];
    // The cast reaches for what node:net keeps to itself: the descriptor.
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
    expect(socketPeerCredentials(fd)).toEqual({
      pid: process.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    });
    client.destroy();
    socket.destroy();
    server.close();
  });

  it('takes nothing else for a peer', () => {
    using udp = openUdp({ family: 4 });
    expect(() => socketPeerCredentials(udp.fd)).toThrow(expect.objectContaining({ code: 'ENOTCONN' }));
    expect(() => socketPeerCredentials(openSync('/dev/null', 'r'))).toThrow(
      expect.objectContaining({ code: 'ENOTSOCK' }),
    );
    expect(() => socketPeerCredentials(99_999)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(() => socketPeerCredentials(-1)).toThrow('fd must be');
    expect(() => socketPeerCredentials(1.5)).toThrow(RangeError);
  });
});

describe('hardenProcess', () => {
  const root = process.getuid?.() === 0;

  it('leaves alone what is not named', () => passes('nothingAsked'));
  it('forbids cores and new privileges, and may be repeated', () => passes('everything'));
  it('takes memory out of reach of other processes of the user', () =>
    passes('dumpable', root ? 65_534 : undefined));

  it('refuses to give anything back', () => {
    // The casts give wrong values to the checks, which is what is tested.
    expect(() => hardenProcess({ dumpable: true as never })).toThrow('hardening.dumpable must be false');
    expect(() => hardenProcess({ coreDumps: 0 as never })).toThrow('hardening.coreDumps must be false');
    expect(() => hardenProcess({ noNewPrivileges: false as never })).toThrow(
      'hardening.noNewPrivileges must be true',
    );
    expect(() => hardenProcess(undefined as never)).toThrow('hardening must be an object');
  });

  function passes(name: string, uid?: number): void {
    const { status, stderr } = runScenario('process-scenarios.ts', name, {
      isolated: false,
      ...(uid === undefined ? {} : { uid }),
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  }
});
