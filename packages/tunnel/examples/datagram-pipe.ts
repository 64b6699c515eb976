/**
 * A pipe for UDP datagrams between two machines: what a program sends to a local port comes out at the other end, to the
 * program that last sent something there. A device of your own takes the place of a TUN; no root is needed.
 *
 *     node --conditions=pqtun-source examples/datagram-pipe.ts OWN.key PEER.key.pub LOCAL_PORT [LISTEN_PORT [HOST PORT]]
 *
 * OWN.key is made when it is not there; hand OWN.key.pub to the other side. One side at least needs HOST and PORT of the other.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { generateKeys, openTunnel, type PacketDevice, publicKeysOf, Secret } from '@pqtun/tunnel';

const [own = '', theirs = '', localPort = '0', listenPort = '0', host, port] = process.argv.slice(2);
if (!existsSync(own)) {
  const { privateKey, kemSeed } = await generateKeys();
  writeFileSync(own, Uint8Array.of(...privateKey.borrow(), ...kemSeed.borrow()), { mode: 0o600 });
}
const stored = new Uint8Array(readFileSync(own));
const keys = { privateKey: new Secret(stored.subarray(0, 32)), kemSeed: new Secret(stored.subarray(32)) };
const mine = await publicKeysOf(keys);
writeFileSync(`${own}.pub`, Uint8Array.of(...mine.publicKey, ...mine.kemPublicKey));
if (!existsSync(theirs))
  throw new Error(`${theirs} is missing: ask the other side for it, and give it ${own}.pub`);

const socket = createSocket('udp4');
let program: RemoteInfo | undefined;

/** Each datagram travels as an IPv4 packet of protocol 253, with room around it to be encrypted where it lies. */
const device: PacketDevice = {
  name: 'pipe',
  mtu: 1420,
  headroom: 16,
  tailroom: 31,
  start(onPackets) {
    socket.on('message', (datagram, from) => {
      program = from;
      const length = 20 + datagram.length;
      const packet = new Uint8Array(16 + length + 31).subarray(16, 16 + length);
      packet.set([0x45, 0, length >> 8, length & 255, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 1]);
      packet.set(datagram, 20);
      onPackets([packet]);
    });
    socket.bind(Number(localPort), '127.0.0.1', () => console.log(`local port ${socket.address().port}`));
  },
  write(packets) {
    for (const packet of packets) if (program) socket.send(packet.slice(20), program.port, program.address);
  },
  close: () => void socket.close(),
};

const [publicKey, kemPublicKey] = [readFileSync(theirs).subarray(0, 32), readFileSync(theirs).subarray(32)];
const allowedIps = [{ ip: new Uint8Array(4), bits: 0 }]; // the pipe has one other end
const peer = { publicKey, kemPublicKey, mode: 'require', allowedIps, persistentKeepalive: 25 } as const;
const endpoint = host === undefined ? {} : { endpoint: { host, port: Number(port) } };
const config = { ...keys, listenPort: Number(listenPort), peers: [{ ...peer, ...endpoint }] };
const tunnel = await openTunnel(config, { device: { kind: 'custom', device } });
tunnel.onEvent(({ id }) => console.log(id));
console.log(`listening on ${tunnel.listenPort}, fingerprint ${tunnel.fingerprints.get(1)}`);
process.once('SIGTERM', () => tunnel.close());
