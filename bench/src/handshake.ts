/** CPU of one handshake, both ends together, from the packet that asks for it to the packet that confirms it. */
import {
  endpoint,
  Identity,
  instant,
  PortableTunnel,
  Secret,
  type Suite,
  type SuiteId,
  unixMillis,
} from '@pqtun/core';
import { nobleSuite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';

const at = { a: endpoint(Uint8Array.of(192, 0, 2, 1), 1), b: endpoint(Uint8Array.of(192, 0, 2, 2), 2) };
const packet = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);

/** Median CPU time in milliseconds over `rounds` handshakes of fresh tunnels with the same identities. */
export function handshakeCpu(
  crypto: Suite,
  suite: SuiteId,
  rounds: number,
): { median: number; worst: number } {
  const identity = () => new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
  const identities = { a: identity(), b: identity() };
  const times = Array.from({ length: rounds }, () => {
    const { a, b } = pair(crypto, suite, identities);
    const begin = process.cpuUsage();
    a.handlePacket(instant(0), packet);
    a.handleTimeout(instant(0));
    for (let moved = true; moved; ) moved = carry(a, b, at.a) || carry(b, a, at.b);
    const { user, system } = process.cpuUsage(begin);
    return (user + system) / 1000;
  }).sort((x, y) => x - y);
  return { median: times[rounds >> 1] ?? Number.NaN, worst: times.at(-1) ?? Number.NaN };
}

function pair(crypto: Suite, suite: SuiteId, { a, b }: { a: Identity; b: Identity }) {
  const open = (self: Identity, peer: Identity, where: typeof at.a) => {
    const tunnel = new PortableTunnel(instant(0), {
      crypto,
      identity: self,
      wallClock: () => unixMillis(Date.now()),
    });
    const kemPublicKey = peer.kem(suite)?.publicKey ?? new Uint8Array(0);
    const id = tunnel.engine.addPeer(instant(0), {
      publicKey: peer.dh.publicKey,
      kemPublicKey,
      endpoint: where,
    });
    tunnel.plane.setRoutes([{ kind: 'add', peer: id, prefix: new Uint8Array(4), bits: 0 }]);
    return tunnel;
  };
  return { a: open(a, b, at.b), b: open(b, a, at.a) };
}

/** Hands everything `from` has to send to `to`; whether there was anything. */
function carry(from: PortableTunnel, to: PortableTunnel, source: typeof at.a): boolean {
  let moved = false;
  for (let output = from.poll(); output !== undefined; output = from.poll()) {
    moved = true;
    if (output.kind === 'datagram') to.handleDatagram(instant(0), source, undefined, output.bytes);
    else if (output.bytes.length !== packet.length) throw new Error('the handshake did not carry the packet');
  }
  return moved;
}

export function runHandshakeBench(): void {
  console.log('CPU of one handshake, both ends together (ms)');
  for (const [name, crypto, rounds] of [
    ['node', nodeSuite(), 300],
    ['noble', nobleSuite(), 60],
  ] as const) {
    for (const suite of [1, 2] as const) {
      handshakeCpu(crypto, suite, Math.ceil(rounds / 3)); // warms up
      const { median, worst } = handshakeCpu(crypto, suite, rounds);
      console.log(
        `  ${name.padEnd(6)} suite ${suite}   median ${median.toFixed(2)}   worst ${worst.toFixed(2)}`,
      );
    }
  }
}
