/** CPU time of a whole handshake, both ends together: what the rows before this section found, or else measured here. */
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
import { nodeSuite } from '@pqtun/core/node';
import type { Row } from '../result.ts';
import type { PeerKind } from './schedule.ts';

/** Seconds, a figure a round. */
export interface HandshakeCpu {
  readonly rounds: readonly number[];
  readonly source: string;
}

const kems = { 1: '768', 2: '1024' } as const;
const suiteIds = [1, 2] as const;
const at = {
  left: endpoint(Uint8Array.of(192, 0, 2, 1), 1),
  right: endpoint(Uint8Array.of(192, 0, 2, 2), 2),
};
const packet = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);

/** `stop` is asked between handshakes, and may throw. */
export function handshakeCpu(
  peer: PeerKind,
  rows: readonly Row[],
  rounds: number,
  stop: () => void,
): HandshakeCpu {
  const row = peer === 'classical' ? undefined : wholeHandshake(rows, peer);
  if (row !== undefined) return { rounds: row.rounds.map((ms) => ms / 1000), source: `row ${row.id}` };
  return { rounds: measureHandshakes(nodeSuite(), peer, rounds, 100, stop), source: 'measured for this row' };
}

/** The row of the section `handshake` that times all of it with Node's cryptography, which is what the daemon uses. */
function wholeHandshake(rows: readonly Row[], suite: SuiteId): Row | undefined {
  return rows.find(({ id, section, unit }) => {
    const [, name = '', step, engine] = id.split('/');
    const isOfSuite = name.includes(kems[suite]);
    return section === 'handshake' && unit === 'ms' && isOfSuite && step === 'whole' && engine === 'node';
  });
}

/** Mean seconds of CPU over `count` handshakes, a figure a round, after one round that warms up. */
function measureHandshakes(
  crypto: Suite,
  peer: PeerKind,
  rounds: number,
  count: number,
  stop: () => void,
): number[] {
  const identity = () => new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
  const identities = [identity(), identity()] as const;
  try {
    const round = (): number => {
      const pairs = Array.from({ length: count }, () => pairOf(crypto, peer, identities));
      const begin = process.cpuUsage();
      for (const pair of pairs) {
        stop();
        shakeHands(pair);
      }
      const { user, system } = process.cpuUsage(begin);
      return (user + system) / 1e6 / count;
    };
    return Array.from({ length: rounds + 1 }, round).slice(1);
  } finally {
    for (const each of identities) each.destroy();
  }
}

type Pair = readonly [PortableTunnel, PortableTunnel];

function pairOf(crypto: Suite, peer: PeerKind, [left, right]: readonly [Identity, Identity]): Pair {
  const open = (self: Identity, other: Identity, where: typeof at.left): PortableTunnel => {
    const tunnel = new PortableTunnel(instant(0), {
      crypto,
      identity: self,
      wallClock: () => unixMillis(Date.now()),
    });
    const kem = peer === 'classical' ? undefined : other.kem(peer)?.publicKey;
    const id = tunnel.engine.addPeer(instant(0), {
      publicKey: other.dh.publicKey,
      endpoint: where,
      ...(kem === undefined ? {} : { kemPublicKey: kem }),
    });
    tunnel.plane.setRoutes([{ kind: 'add', peer: id, prefix: new Uint8Array(4), bits: 0 }]);
    return tunnel;
  };
  return [open(left, right, at.right), open(right, left, at.left)];
}

/** From the packet that asks for a session to its arrival under it. */
function shakeHands([left, right]: Pair): void {
  left.handlePacket(instant(0), packet.slice());
  left.handleTimeout(instant(0));
  let arrived = 0;
  const carry = (from: PortableTunnel, to: PortableTunnel, source: typeof at.left): boolean => {
    let moved = false;
    for (let output = from.poll(); output !== undefined; output = from.poll()) {
      moved = true;
      if (output.kind === 'datagram') to.handleDatagram(instant(0), source, undefined, output.bytes);
      else arrived += 1;
    }
    return moved;
  };
  for (let moved = true; moved; ) moved = carry(left, right, at.left) || carry(right, left, at.right);
  if (arrived !== 1) throw new Error('a handshake did not carry its packet: the figure would mean nothing');
}

/** In words: `ML-KEM-768`. */
export function kindName(peer: PeerKind): string {
  return peer === 'classical' ? 'classical' : `ML-KEM-${kems[peer]}`;
}

export const hybridKinds: readonly SuiteId[] = suiteIds;
