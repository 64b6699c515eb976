/** One end of the enumerated tunnel: a real engine with its portable plane, its identity, and what its application sent and got. */
import {
  type Endpoint,
  endpoint,
  type Identity,
  type Instant,
  instant,
  type PeerId,
  PortableTunnel,
  type Role,
  type Suite,
  sameBytes,
  unixMillis,
} from '@pqtun/core';
import { innerPacket, ip, newYear2026 } from '../kit/index.ts';
import { type SealLog, type SessionKeyNames, WatchedSuite } from './watched-suite.ts';

export type Side = 0 | 1;
export const sides: readonly Side[] = [0, 1];
export const otherSide = (side: Side): Side => (side === 0 ? 1 : 0);
export const nameOf = (side: Side): string => 'ab'.charAt(side);

/** Where a party's session indices begin: far above every other number in a state's text, and so known by their size. */
export const firstIndex: Readonly<Record<Side, number>> = { 0: 0x4000_0000, 1: 0x8000_0000 };

const addresses: Readonly<Record<Side, Endpoint>> = {
  0: endpoint(ip('192.0.2.1'), 51820),
  1: endpoint(ip('198.51.100.1'), 51820),
};
const inner: Readonly<Record<Side, string>> = { 0: '10.0.0.1', 1: '10.0.0.2' };
const packetLength = 64;
const serialOffset = 20;

export interface AppPacket {
  readonly bytes: Uint8Array;
  readonly sentAt: number;
  /** Sealed at least once. */
  left: boolean;
  arrivedAt: number | undefined;
}

export interface Sent {
  readonly bytes: Uint8Array;
  /** Of a transport datagram: `keepalive`, `data 3`, `control 1`. */
  readonly payload: string | undefined;
}

export interface PartyOptions {
  readonly side: Side;
  readonly base: Suite;
  readonly log: SealLog;
  readonly identity: Identity;
}

export class Party {
  readonly side: Side;
  readonly name: string;
  readonly suite: WatchedSuite;
  readonly tunnel: PortableTunnel;
  readonly address: Endpoint;
  readonly identity: Identity;
  readonly packets: AppPacket[] = [];
  /** Keys of each session, by local index. */
  readonly sessionKeys = new Map<number, SessionKeyNames>();
  /** Sessions confirmed, in order. */
  readonly confirmations: { readonly role: Role; readonly at: Instant }[] = [];
  readonly violations: string[] = [];
  loaded = false;
  peer: PeerId | undefined;
  #payloads: string[] = [];

  constructor({ side, base, log, identity }: PartyOptions, clock: { readonly now: Instant }) {
    this.side = side;
    this.name = nameOf(side);
    this.address = addresses[side];
    this.identity = identity;
    this.suite = new WatchedSuite(base, firstIndex[side], log, (plaintext) => this.#onSealed(plaintext));
    this.tunnel = new PortableTunnel(instant(0), {
      crypto: this.suite,
      identity,
      wallClock: () => unixMillis(newYear2026 + clock.now),
    });
  }

  addPeer(other: Party, { classical, knowsEndpoint }: { classical: boolean; knowsEndpoint: boolean }): void {
    const kem = other.identity.kem(1)?.publicKey;
    const { engine, plane } = this.tunnel;
    this.peer = engine.addPeer(instant(0), {
      publicKey: other.identity.dh.publicKey,
      ...(classical || kem === undefined ? {} : { kemPublicKey: kem }),
      ...(knowsEndpoint ? { endpoint: other.address } : {}),
    });
    plane.setRoutes([{ kind: 'add', peer: this.peer, prefix: ip('0.0.0.0'), bits: 0 }]);
  }

  /** One inner packet into the tunnel, unlike every other. */
  send(now: Instant): void {
    const bytes = innerPacket(
      inner[this.side],
      inner[otherSide(this.side)],
      packetLength,
      this.packets.length,
    );
    new DataView(bytes.buffer).setUint32(serialOffset, this.packets.length);
    this.packets.push({ bytes, sentAt: now, left: false, arrivedAt: undefined });
    this.tunnel.handlePacket(now, bytes);
  }

  setLoad(loaded: boolean): void {
    this.loaded = loaded;
    this.tunnel.engine.setLoopDelay(loaded ? 1000 : 0);
  }

  deadline(): Instant | undefined {
    return this.tunnel.nextDeadline()?.at;
  }

  /** Takes what is to be sent; inner packets are compared with what `sender` gave its end. I2, I3. */
  drain(now: Instant, sender: Party): Sent[] {
    const sent: Sent[] = [];
    for (let output = this.tunnel.poll(); output !== undefined; output = this.tunnel.poll()) {
      if (output.kind === 'packet') this.#onDelivered(now, sender, output.bytes);
      else {
        const payload = output.bytes[0] === 4 ? this.#payloads.shift() : undefined;
        sent.push({ bytes: output.bytes.slice(), payload });
      }
    }
    for (let event = this.tunnel.pollEvent(); event !== undefined; event = this.tunnel.pollEvent()) {
      if (event.kind === 'peer-established') this.confirmations.push({ role: event.role, at: now });
    }
    return sent;
  }

  #onSealed(plaintext: Uint8Array): void {
    const first = plaintext[0];
    if (first === undefined) this.#payloads.push('keepalive');
    else if (first >> 4 === 4) {
      const serial = serialOf(plaintext);
      this.#payloads.push(`data ${serial}`);
      const packet = this.packets[serial];
      if (packet !== undefined) packet.left = true;
    } else this.#payloads.push(`control ${first}`);
  }

  #onDelivered(now: Instant, sender: Party, bytes: Uint8Array): void {
    const packet = bytes.length === packetLength ? sender.packets[serialOf(bytes)] : undefined;
    if (packet === undefined || !sameBytes(packet.bytes, bytes)) {
      this.violations.push(`I3: ${this.name} was given a packet that ${sender.name} never sent`);
      return;
    }
    if (packet.arrivedAt !== undefined)
      this.violations.push(`I2: ${this.name} was given packet ${serialOf(bytes)} twice`);
    packet.arrivedAt ??= now;
  }
}

const serialOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(serialOffset);
