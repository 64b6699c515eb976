/** Started with a UDP socket as descriptor 3, connected to a port of 127.0.0.1 (argument) where nobody listens. */
import assert from 'node:assert/strict';
import { openUdp } from '../index.ts';

const loopback = Uint8Array.of(127, 0, 0, 1);
const port = Number(process.argv[2]);
const to = { ip: loopback, port, scope: 0 };
assert.throws(() => openUdp({ family: 6, fd: 3 }), { code: 'EPROTOTYPE' });
const udp = openUdp({ family: 4, fd: 3 });
assert.equal(udp.fd, 3);

const received = new Promise<Uint8Array>((resolve, reject) => {
  udp.start((datagrams) => resolve(datagrams[0]?.bytes.slice() ?? new Uint8Array(0)), reject);
});
// Each is answered by an ICMP error that the socket raises later.
for (let i = 0; i < 3; i++) {
  assert.deepEqual(udp.send([{ bytes: Uint8Array.of(i), to }]), []);
  while (udp.counters().receiveErrors <= i) await new Promise(setImmediate);
}
// One that is pending when something is sent does not cost the datagram.
assert.deepEqual(udp.send([{ bytes: Uint8Array.of(4), to }]), []);
assert.deepEqual(udp.send([{ bytes: Uint8Array.of(5), to }]), []);

const peer = openUdp({ family: 4, ip: loopback, port });
peer.send([{ bytes: Uint8Array.of(7), to: { ip: loopback, port: udp.port, scope: 0 } }]);
assert.deepEqual(await received, Uint8Array.of(7));
udp.close();
peer.close();
