/** UDP that needs a process of its own. Run by udp.test.ts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openUdp } from '../index.ts';

const loopback = Uint8Array.of(127, 0, 0, 1);

export const scenarios = {
  /** A connected socket is where ICMP errors arrive: as POLLERR, and from the next call whatever it is. */
  async adoptedWithErrors() {
    const reserved = openUdp({ family: 4, ip: loopback });
    const { port } = reserved;
    reserved.close();
    const before = new Set(openSockets());
    const socket = createSocket('udp4');
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    // node:dgram keeps its descriptor to itself.
    const [fd] = openSockets().filter((candidate) => !before.has(candidate));
    assert.ok(fd !== undefined);
    const script = fileURLToPath(new URL('adopt-udp.ts', import.meta.url));
    const child = spawn(process.execPath, [script, String(port)], {
      stdio: ['ignore', 'inherit', 'inherit', fd],
    });
    // Both would take the errors of the one socket.
    socket.close();
    const [status] = await once(child, 'close');
    assert.equal(status, 0);
  },
};

function openSockets(): number[] {
  const links = readdirSync('/proc/self/fd').map((name) => [Number(name), linkOf(name)] as const);
  return links.filter(([, link]) => link.startsWith('socket:')).map(([fd]) => fd);
}

/** Empty for the descriptor that listed the folder and is gone by now. */
function linkOf(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return '';
  }
}
