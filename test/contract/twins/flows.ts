/** TCP and UDP flows through sessions that live: super-frames out, and packets in that belong together, whole trains of them. */
import { endpoint, type PeerId, peerId, limits as protocol, sessionIndex } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import type { Random } from 'tun-tap-native/testing/random';
import {
  type Headers,
  headersLength,
  plainHeaders,
  plainHeaders6,
  randomHeaders,
  segmentsOf,
  superFrame,
  tcpFlag,
} from 'tun-tap-native/testing/segments';
import { header } from '../data-plane/bench.ts';
import type { Pair, SharedSession } from './pair.ts';

const suite = nodeSuite();
const none = new Uint8Array(0);
const peers = [1, 2].map(peerId);
/** Most of what a whole super-frame has. */
const longestFrame = 65_535;

export class Flows {
  readonly #random: Random;
  readonly #pair: Pair;
  readonly #sessions = new Map<PeerId, SharedSession>();
  #sealed = 0;
  #sequence = 1000;

  constructor(random: Random, pair: Pair) {
    this.#random = random;
    this.#pair = pair;
    for (const peer of peers) {
      pair.act('setPeer', (plane) => plane.setPeer(peer, { endpoint: place(peer), pathMtu: 1452 }));
      pair.act('setRoutes', (plane) =>
        plane.setRoutes([
          { kind: 'add', peer, prefix: Uint8Array.of(10, peer, 0, 0), bits: 16 },
          { kind: 'add', peer, prefix: v6(peer, 0), bits: 32 },
        ]),
      );
      const shared: SharedSession = {
        session: {
          peer,
          role: 'initiator',
          localIndex: sessionIndex(peer),
          remoteIndex: sessionIndex(100 + peer),
          timestamp: new Uint8Array(12),
          bornAt: pair.now,
          limits: protocol.sessionLimits('standard'),
          kind: 'hybrid',
          winsCrossing: false,
        },
        sendKey: random.bytes(32),
        receiveKey: random.bytes(32),
      };
      pair.install(shared);
      this.#sessions.set(peer, shared);
    }
  }

  step(): string {
    const random = this.#random;
    const name = random.pick([
      'superFrame',
      'superFrame',
      'segments',
      'segments',
      'segments',
      'packet',
      'shell',
    ] as const);
    this[name]();
    if (random.chance(0.3)) this.#pair.settle(name);
    return name;
  }

  superFrame(): void {
    const random = this.#random;
    const headers = { ...randomHeaders(random), ...this.#addresses('out') };
    const segmentSize = random.pick([1, 536, 1208, 1380, 1380, 1380]);
    const most = Math.min(longestFrame - headersLength(headers), 100 * segmentSize);
    const payload = random.bytes(random.chance(0.1) ? most : random.below(Math.min(most, 8000)));
    const packets = segmentsOf(headers, payload, segmentSize);
    // A segment that does not fit is told once a super-frame, and once a packet by the other plane.
    if (packets.some(({ length }) => length > 1420)) return;
    this.#pair.superFrame(superFrame(headers, payload, segmentSize), packets);
  }

  /** One to three flows, each of which the kernel could have had as one super-frame, in turns. */
  segments(): void {
    const random = this.#random;
    const peer = random.pick(peers);
    const flows = Array.from({ length: 1 + random.below(3) }, () => this.#flow(peer));
    const packets: Uint8Array[] = [];
    for (
      let left = flows.filter(({ length }) => length > 0);
      left.length > 0;
      left = left.filter(({ length }) => length > 0)
    ) {
      const flow = random.pick(left);
      packets.push(...flow.splice(0, 1 + random.below(8)));
    }
    if (random.chance(0.1)) packets.reverse();
    for (const packet of packets)
      if (random.chance(0.01)) packet[packet.length - 1] = (packet.at(-1) ?? 0) ^ 1;
    this.#receive(peer, packets);
  }

  packet(): void {
    const headers = { ...plainHeaders, ...this.#addresses('out') };
    const packet = segmentsOf(headers, this.#random.bytes(this.#random.below(1300)), 1300)[0];
    if (packet !== undefined) this.#pair.tun(packet);
  }

  /** What the shell may find out while it runs. */
  shell(): void {
    const random = this.#random;
    this.#pair.settle('before allow');
    this.#pair.native.allow({
      coalesce: random.chance(0.8),
      trains: random.chance(0.8),
      refuseSuperFrames: random.chance(0.3),
    });
  }

  #flow(peer: PeerId): Uint8Array[] {
    const random = this.#random;
    const tcp = random.chance(0.7);
    const headers: Headers = {
      ...this.#addresses('in', peer),
      protocol: tcp ? 'tcp' : 'udp',
      ports: [443, 5000 + random.below(5)],
      ipFlags: random.pick([0b010, 0b010, 0b000]),
      identification: random.below(65_536),
      sequence: this.#sequence,
      flags: tcpFlag.ack | (random.chance(0.3) ? tcpFlag.psh : 0) | (random.chance(0.1) ? tcpFlag.cwr : 0),
    };
    const size = random.pick([100, 1208, 1360]);
    this.#sequence += size * 60;
    return segmentsOf(headers, random.bytes(1 + random.below(size * 30)), size);
  }

  /** In trains of equal datagrams, as the kernel joins them, the last perhaps shorter. */
  #receive(peer: PeerId, packets: readonly Uint8Array[]): void {
    let train: Uint8Array[] = [];
    const flush = () => {
      if (train.length > 0) this.#pair.udp(place(peer), undefined, train);
      train = [];
    };
    for (const packet of packets) {
      const datagram = this.#seal(peer, packet);
      const [first] = train;
      if (first !== undefined && datagram.length > first.length) flush();
      train.push(datagram);
      if (datagram.length < (train[0]?.length ?? 0) || train.length === 45) flush();
    }
    flush();
  }

  #seal(peer: PeerId, packet: Uint8Array): Uint8Array {
    const shared = this.#sessions.get(peer);
    if (shared === undefined) throw new Error('a peer without a session');
    const payload = new Uint8Array(Math.min(1420, Math.ceil(packet.length / 16) * 16));
    payload.set(packet);
    const counter = this.#sealed++;
    const sealed = suite.seal(shared.receiveKey, counter, none, payload);
    const datagram = new Uint8Array(16 + sealed.length);
    datagram.set(header(shared.session.localIndex, counter));
    datagram.set(sealed, 16);
    return datagram;
  }

  #addresses(way: 'in' | 'out', peer = this.#random.pick(peers)): Headers {
    const isV4 = this.#random.chance(0.6);
    const theirs = isV4 ? Uint8Array.of(10, peer, 0, 1 + this.#random.below(2)) : v6(peer, 1);
    const ours = isV4 ? Uint8Array.of(10, 200, 0, 1) : v6(200, 1);
    const [source, destination] = way === 'in' ? [theirs, ours] : [ours, theirs];
    return { ...(isV4 ? plainHeaders : plainHeaders6), source, destination };
  }
}

const place = (n: number) => endpoint(Uint8Array.of(192, 0, 2, n), 51_820);

function v6(n: number, last: number): Uint8Array {
  const ip = new Uint8Array(16);
  ip.set([0xfd, 0, 0, n]);
  ip[15] = last;
  return ip;
}
