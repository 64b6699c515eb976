/** Two whole tunnels and nothing between them, for tests of an engine that has a peer to talk to. */
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import { Identity } from '../handshake/identity.ts';
import { type Endpoint, endpoint, type Instant, instant, type PeerId, unixMillis } from '../types.ts';
import type { PeerOptions } from './options.ts';
import { PortableTunnel } from './portable-tunnel.ts';

const crypto = nodeSuite();
export const nowhere = new Uint8Array(0);
/** IPv4, 20 B, from and to anywhere. */
export const packet = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);
export const at = (host: number, port = 51820): Endpoint => endpoint(Uint8Array.of(192, 0, 2, host), port);

export function never(): never {
  throw new Error('not there');
}

export class Side {
  readonly identity = new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
  readonly tunnel: PortableTunnel;
  readonly home: Endpoint;
  readonly delivered: Uint8Array[] = [];
  peer: PeerId | undefined;

  constructor(host: number) {
    this.home = at(host);
    this.tunnel = new PortableTunnel(instant(0), {
      crypto,
      identity: this.identity,
      wallClock: () => unixMillis(1_767_225_600_000),
    });
  }

  add(other: Side, options: Partial<PeerOptions> = {}, hybrid = true): PeerId {
    const { dh } = other.identity;
    const kem = hybrid ? { kemPublicKey: other.identity.kem(1)?.publicKey ?? nowhere } : {};
    this.peer = this.tunnel.engine.addPeer(instant(0), { publicKey: dh.publicKey, ...kem, ...options });
    this.tunnel.plane.setRoutes([{ kind: 'add', peer: this.peer, prefix: new Uint8Array(4), bits: 0 }]);
    return this.peer;
  }

  /** Datagrams that want to leave. */
  take(): { to: Endpoint; bytes: Uint8Array }[] {
    const datagrams: { to: Endpoint; bytes: Uint8Array }[] = [];
    for (let output = this.tunnel.poll(); output !== undefined; output = this.tunnel.poll()) {
      if (output.kind === 'datagram') datagrams.push(output);
      else this.delivered.push(output.bytes.slice());
    }
    return datagrams;
  }

  events(): string[] {
    const kinds: string[] = [];
    for (let event = this.tunnel.pollEvent(); event !== undefined; event = this.tunnel.pollEvent())
      kinds.push(event.kind);
    return kinds;
  }
}

/** Two sides that know each other; the left one knows where the right one is. */
export function pair(hybrid = true) {
  const [left, right] = [new Side(1), new Side(2)];
  const toRight = left.add(right, { endpoint: right.home }, hybrid);
  const toLeft = right.add(left, {}, hybrid);
  /** Hands datagrams over until nobody has one more; `lose` takes those of one side away. */
  const settle = (now: Instant, lose?: Side) => {
    for (let more = true; more; ) {
      more = false;
      for (const [from, to] of [
        [left, right],
        [right, left],
      ] as const) {
        for (const { bytes } of from.take()) {
          if (from === lose) continue;
          to.tunnel.handleDatagram(now, from.home, undefined, bytes);
          more = true;
        }
      }
    }
  };
  /** The left side begins at once. */
  const begin = (now = instant(0)) => {
    left.tunnel.engine.initiate(now, toRight);
    left.tunnel.handleTimeout(now);
  };
  const connect = (now = instant(0)) => {
    begin(now);
    settle(now);
  };
  return { left, right, toRight, toLeft, begin, settle, connect };
}
