/** What the portable plane moves on one core: seal, hand over, open, deliver, without sockets. */
import {
  endpoint,
  instant,
  millis,
  PacketBuffer,
  PortablePlane,
  peerId,
  Secret,
  type Suite,
  sessionIndex,
} from '@pqtun/core';
import { nobleSuite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';

const now = instant(0);
const headRoom = 16;
const tailRoom = 31;

/** Packets per second and Mbit/s of inner bytes, both ends on one core, for packets of `size` B during `budget` ms. */
export function portableThroughput(
  crypto: Suite,
  size: number,
  budget: number,
): { packets: number; mbits: number } {
  const { sender, receiver } = pair(crypto);
  const from = endpoint(Uint8Array.of(192, 0, 2, 1), 1);
  let packets = 0;
  const begin = performance.now();
  while (performance.now() - begin < budget) {
    for (let i = 0; i < 64; i++) {
      const memory = new Uint8Array(headRoom + size + tailRoom);
      memory.set(
        [0x45, 0, size >> 8, size & 255, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
        headRoom,
      );
      sender.handlePacket(now, new PacketBuffer(memory, headRoom, size));
      for (let output = sender.poll(); output !== undefined; output = sender.poll()) {
        if (output.kind === 'datagram') receiver.handleTransport(now, from, undefined, output.bytes);
      }
      for (let output = receiver.poll(); output !== undefined; output = receiver.poll()) packets += 1;
      sender.takeReports();
      receiver.takeReports();
    }
  }
  const seconds = (performance.now() - begin) / 1000;
  return { packets: packets / seconds, mbits: (packets * size * 8) / seconds / 1e6 };
}

function pair(crypto: Suite): { sender: PortablePlane; receiver: PortablePlane } {
  const keys = [crypto.random(32), crypto.random(32)] as const;
  const limits = {
    rekeyAfterTime: millis(1e9),
    rejectAfterTime: millis(2e9),
    rekeyOnReceiveAfter: millis(1e9),
    rekeyAfterMessages: 2 ** 52,
    rejectAfterMessages: 2 ** 53 - 1,
  };
  const open = (role: 'initiator' | 'responder', send: Uint8Array, receive: Uint8Array): PortablePlane => {
    const plane = new PortablePlane({ suite: crypto });
    const peer = peerId(1);
    plane.setPeer(peer, { endpoint: endpoint(Uint8Array.of(192, 0, 2, 9), 9), kind: 'hybrid' });
    plane.setRoutes([{ kind: 'add', peer, prefix: new Uint8Array(4), bits: 0 }]);
    plane.install(now, {
      peer,
      role,
      localIndex: sessionIndex(7),
      remoteIndex: sessionIndex(7),
      sendKey: Secret.copyOf(send),
      receiveKey: Secret.copyOf(receive),
      timestamp: new Uint8Array(12),
      bornAt: now,
      limits,
      kind: 'hybrid',
      winsCrossing: true,
    });
    plane.takeReports();
    return plane;
  };
  return { sender: open('initiator', keys[0], keys[1]), receiver: open('responder', keys[1], keys[0]) };
}

export function runPortableBench(): void {
  console.log('portable plane, seal and open on one core, no sockets');
  for (const crypto of [nodeSuite(), nobleSuite()]) {
    for (const size of [64, 1280, 1420]) {
      portableThroughput(crypto, size, 200); // warms up
      const { packets, mbits } = portableThroughput(crypto, size, 1000);
      console.log(
        `  ${crypto.name.padEnd(6)} ${String(size).padStart(5)} B   ${Math.round(packets / 1000)
          .toString()
          .padStart(5)} k packets/s   ${mbits.toFixed(0).padStart(6)} Mbit/s`,
      );
    }
  }
}
