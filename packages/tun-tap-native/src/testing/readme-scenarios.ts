/** Plays the user of the README's example. Run by readme.test.ts. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export const scenarios = {
  async echo() {
    await import(process.env['EXAMPLE'] ?? '');
    const socket = createSocket('udp4');
    socket.send('is anybody there?', 4711, '10.7.0.2');
    const [message, from] = await once(socket, 'message');
    assert.equal(String(message), 'is anybody there?');
    assert.equal(from.address, '10.7.0.2');
    assert.equal(from.port, 4711);
    // The device is open and keeps the process, as a tunnel should.
    setImmediate(() => process.exit());
  },
};
