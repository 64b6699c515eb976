/**
 * Many peers of one hub in one process: a real engine and portable plane each, over one UDP socket. Each has an address of its own from
 * a prefix that is ours as a whole, so the hub's limits of a source see as many sources as there are peers.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { endpoint, Identity, instant, PortableTunnel, Secret, type Suite, unixMillis } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { bootTime, openUdp, type ReceivedDatagram, type Udp } from 'tun-tap-native';
import { numbered, parseIp } from './address.ts';

/** A hub to meet. Keys in base64; `hub` and `inside` are IPv4 addresses. */
export interface CrowdMeeting {
  readonly count: number;
  readonly hub: string;
  readonly port: number;
  /** X25519 and ML-KEM-768. */
  readonly publicKey: string;
  readonly kemPublicKey: string;
  /** Where a packet inside the tunnel goes, which asks for a session. */
  readonly inside: string;
  /** First two bytes of the members' inner and outer addresses. */
  readonly innerPrefix: readonly [number, number];
  readonly outerPrefix: readonly [number, number];
  /** Sessions begun a second. */
  readonly rate: number;
}

interface Member {
  readonly tunnel: PortableTunnel;
  readonly localIp: Uint8Array;
  isConnected: boolean;
}

const suite = 1;
const port = 40_000;
/** Members are numbered from here on: their addresses do not end in .0.0 or .0.1. */
export const firstMember = 256;
/** Between two looks at who is due. Milliseconds. */
const tick = 20;
const receiveBuffer = 8 * 1024 * 1024;

export class Crowd {
  readonly #crypto: Suite = nodeSuite();
  readonly #identities: readonly Identity[];
  #udp: Udp | undefined;
  /** Members keep their sessions as long as the crowd is there: a silent one would be called anew by the hub. */
  #timer: NodeJS.Timeout | undefined;
  #members: Member[] = [];

  constructor(count: number) {
    const random = (length: number): Secret => new Secret(this.#crypto.random(length));
    this.#identities = Array.from({ length: count }, () => {
      const [key, seed] = [random(32), random(64)];
      const identity = new Identity(this.#crypto, key, seed);
      key.destroy();
      seed.destroy();
      return identity;
    });
  }

  /** X25519 and ML-KEM-768, in base64. */
  publicKeys(): (readonly [string, string])[] {
    return this.#identities.map(
      (identity) =>
        [base64(identity.dh.publicKey), base64(identity.kem(suite)?.publicKey ?? new Uint8Array())] as const,
    );
  }

  /** Resolves with how many have a session: all, or those after `patience` ms. */
  async meet(meeting: CrowdMeeting, patience: number): Promise<number> {
    this.dismiss();
    this.#udp = openUdp({ family: 4, port, receiveBuffer });
    this.#udp.start(
      (datagrams) => {
        for (const datagram of datagrams) this.#take(datagram);
      },
      (error) => {
        throw error;
      },
    );
    this.#timer = setInterval(() => this.#serveTimers(), tick);
    const begin = performance.now();
    const count = Math.min(meeting.count, this.#identities.length);
    const connected = (): number => this.#members.filter(({ isConnected }) => isConnected).length;
    while (connected() < count && performance.now() - begin < patience) {
      const due = Math.min(count, Math.ceil(((performance.now() - begin) / 1000) * meeting.rate));
      while (this.#members.length < due) this.#begin(meeting, this.#members.length);
      await pause(tick);
    }
    return connected();
  }

  /** Ends all sessions without a word. */
  dismiss(): void {
    clearInterval(this.#timer);
    this.#udp?.close();
    this.#udp = undefined;
    this.#members = [];
  }

  close(): void {
    this.dismiss();
    for (const identity of this.#identities) identity.destroy();
  }

  #begin(meeting: CrowdMeeting, at: number): void {
    const identity = this.#identities[at];
    if (identity === undefined) return;
    const now = instant(bootTime());
    const tunnel = new PortableTunnel(now, {
      crypto: this.#crypto,
      identity,
      wallClock: () => unixMillis(Date.now()),
    });
    const peer = tunnel.engine.addPeer(now, {
      publicKey: Buffer.from(meeting.publicKey, 'base64'),
      kemPublicKey: Buffer.from(meeting.kemPublicKey, 'base64'),
      endpoint: endpoint(parseIp(meeting.hub), meeting.port),
    });
    tunnel.plane.setRoutes([{ kind: 'add', peer, prefix: new Uint8Array(4), bits: 0 }]);
    const localIp = parseIp(numbered(meeting.outerPrefix, firstMember + at));
    const member: Member = { tunnel, localIp, isConnected: false };
    this.#members.push(member);
    const inner = parseIp(numbered(meeting.innerPrefix, firstMember + at));
    tunnel.handlePacket(now, innerPacket(inner, parseIp(meeting.inside)));
    tunnel.handleTimeout(now);
    this.#flush(member);
  }

  /** What came to an address is its member's. */
  #take({ bytes, from, localIp }: ReceivedDatagram): void {
    const [, , high = 0, low = 0] = localIp;
    const member = this.#members[(high << 8) + low - firstMember];
    if (member === undefined) return;
    const source = endpoint(from.ip.slice(), from.port);
    member.tunnel.handleDatagram(instant(bootTime()), source, undefined, bytes);
    this.#flush(member);
  }

  #serveTimers(): void {
    const now = instant(bootTime());
    for (const member of this.#members) {
      const deadline = member.tunnel.nextDeadline();
      if (deadline === undefined || deadline.at > now) continue;
      member.tunnel.handleTimeout(now);
      this.#flush(member);
    }
  }

  #flush(member: Member): void {
    const { tunnel, localIp } = member;
    for (let output = tunnel.poll(); output !== undefined; output = tunnel.poll()) {
      if (output.kind !== 'datagram') continue; // the hub's kernel answers the packet; nobody here wants that
      this.#udp?.send([{ bytes: output.bytes, to: output.to, localIp }]);
    }
    for (let event = tunnel.pollEvent(); event !== undefined; event = tunnel.pollEvent()) {
      if (event.kind === 'peer-established') member.isConnected = true;
    }
  }
}

/** 20 B of IPv4 header, of no protocol. */
function innerPacket(from: Uint8Array, to: Uint8Array): Uint8Array {
  const packet = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0, ...from, ...to); // 253: RFC 3692
  let sum = 0;
  for (let i = 0; i < packet.length; i += 2) sum += ((packet[i] ?? 0) << 8) + (packet[i + 1] ?? 0);
  sum = (sum & 0xffff) + (sum >>> 16);
  const checksum = ~(sum + (sum >>> 16)) & 0xffff;
  packet.set([checksum >> 8, checksum & 255], 10);
  return packet;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
