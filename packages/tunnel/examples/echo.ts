/**
 * Two tunnels in one process, over loopback, without root and without the addon: a packet goes in at one end, comes out at
 * the other, and is sent back.
 *
 *     node --conditions=pqtun-source examples/echo.ts
 */
import { generateKeys, memoryDevice, openTunnel, publicKeysOf } from '@pqtun/tunnel';

const [leftKeys, rightKeys] = [await generateKeys(), await generateKeys()];
const [left, right] = [memoryDevice(), memoryDevice()];
const address = (last: number) => Uint8Array.of(10, 0, 0, last);

/** A peer at 10.0.0.`last`; its UDP port where we are the one to begin. */
async function peer(keys: typeof leftKeys, last: number, port?: number) {
  const endpoint = port === undefined ? {} : { endpoint: { host: '127.0.0.1', port } };
  const allowedIps = [{ ip: address(last), bits: 32 }];
  return { ...(await publicKeysOf(keys)), mode: 'require' as const, allowedIps, ...endpoint };
}

function options({ device }: typeof left) {
  return { device: { kind: 'custom', device }, udp: 'portable', bind: ['127.0.0.1'] } as const;
}

await using rightTunnel = await openTunnel(
  { ...rightKeys, peers: [await peer(leftKeys, 1)] },
  options(right),
);
const peers = [await peer(rightKeys, 2, rightTunnel.listenPort)];
await using leftTunnel = await openTunnel({ ...leftKeys, peers }, options(left));
leftTunnel.onEvent(({ id }) => console.log(`left: ${id}`));

// The far end echoes: what comes out goes back in.
right.outside.start(
  (packets) => right.outside.write(packets.map((packet) => ipPacket(2, 1, textOf(packet)))),
  console.error,
);
const answered = new Promise<string>((resolve) => {
  left.outside.start(([packet = new Uint8Array(20)]) => resolve(textOf(packet)), console.error);
});
left.outside.write([ipPacket(1, 2, 'hello, post-quantum world')]);
console.log(`answer: ${await answered}`);
console.log(`session: ${leftTunnel.stats().peers[0]?.pqState}`);

/** An IPv4 packet of protocol 253 (RFC 3692: for experiments) from 10.0.0.`from` to 10.0.0.`to`. */
function ipPacket(from: number, to: number, text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const header = [0x45, 0, 0, 20 + payload.length, 0, 0, 0, 0, 64, 253, 0, 0];
  return Uint8Array.of(...header, ...address(from), ...address(to), ...payload);
}

function textOf(packet: Uint8Array): string {
  return new TextDecoder().decode(packet.subarray(20));
}
