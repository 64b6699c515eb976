/** The portable and the native plane side by side: every act goes to both, and whatever they do, say or are must be the same. */
import {
  type DataPlane,
  type DropCounters,
  dropReasons,
  type Endpoint,
  type Instant,
  instant,
  type LocalAddress,
  type PlaneMessage,
  type PlaneOutput,
  type PlaneReports,
  PortablePlane,
  Secret,
  type SessionIndex,
  type SessionInstall,
} from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { type NativePlaneOptions, NativeTestPlane } from 'tun-tap-native/testing/plane-data-plane';
import { nativePort, outputOf } from '../data-plane/native-port.ts';

/** A session without its secrets, and those. */
export interface SharedSession {
  readonly session: Omit<SessionInstall, 'sendKey' | 'receiveKey'>;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

interface Outputs {
  /** By session, and by inner flow; each in order. */
  readonly datagrams: Map<string, string[]>;
  readonly packets: Map<string, string[]>;
}

/** An act on a plane: what it returns is compared too. */
export type Act = (plane: DataPlane, now: Instant) => unknown;

export class Pair {
  readonly portable = new PortablePlane({ suite: nodeSuite() });
  readonly native: NativeTestPlane;
  readonly #port: DataPlane;
  now = instant(10_000_000);
  /** Acts and packets that went in, datagrams and packets that left, and messages that went up, of each plane. */
  readonly moved = { acts: 0, datagrams: 0, packets: 0, messages: 0 };

  constructor(options: NativePlaneOptions) {
    this.native = new NativeTestPlane(options);
    this.#port = nativePort(this.native);
  }

  get drops(): DropCounters {
    return this.portable.drops;
  }

  /** Ends whatever batch is under way, acts on both, and compares what came of it. */
  act(what: string, act: Act): void {
    this.settle(`before ${what}`);
    this.moved.acts += 1;
    const results = [this.portable, this.#port].map((plane) => outcomeOf(() => act(plane, this.now)));
    if (results[0] !== results[1])
      throw new Error(`${what}: portable gives ${results[0]}, native ${results[1]}`);
    this.settle(what);
  }

  install({ session, sendKey, receiveKey }: SharedSession): void {
    this.act('install', (plane, now) => {
      plane.install(now, {
        ...session,
        sendKey: Secret.copyOf(sendKey),
        receiveKey: Secret.copyOf(receiveKey),
      });
    });
  }

  /** Within a batch, which `settle` ends. */
  tun(packet: Uint8Array): void {
    this.moved.acts += 1;
    this.portable.handlePacket(this.now, packet);
    this.native.handlePacket(this.now, packet, 'more');
  }

  /** A super-frame for the native plane, and for the other what it stands for. */
  superFrame(frame: Uint8Array, packets: readonly Uint8Array[]): void {
    this.moved.acts += packets.length;
    for (const packet of packets) this.portable.handlePacket(this.now, packet);
    this.native.handleFrame(this.now, frame, 'more');
  }

  /** Datagrams of one length, but the last, which the native plane gets in one piece; within a batch. */
  udp(from: Endpoint, localAddress: LocalAddress | undefined, datagrams: readonly Uint8Array[]): void {
    this.moved.acts += datagrams.length;
    const whole = Uint8Array.from(datagrams.length === 1 ? (datagrams[0] ?? []) : Buffer.concat(datagrams));
    const segmentSize = datagrams.length > 1 ? (datagrams[0]?.length ?? 0) : 0;
    this.native.handleUdp(this.now, from, localAddress, whole, 'more', { segmentSize });
    for (const datagram of datagrams) {
      const copy = datagram.slice();
      if (copy[0] === 4) this.portable.handleTransport(this.now, from, localAddress, copy);
      else this.portable.handleOther(from, localAddress, copy);
    }
  }

  advanceSendCounter(index: SessionIndex, next: number): void {
    this.settle('before advance');
    this.portable.advanceSendCounter(index, next);
    this.native.advanceSendCounter(index, next);
  }

  /** Ends the batch and compares what left. */
  settle(what: string): void {
    this.native.flush(this.now);
    const portable: Outputs = { datagrams: new Map(), packets: new Map() };
    for (let output = this.portable.poll(); output !== undefined; output = this.portable.poll()) {
      note(portable, output);
      this.moved[output.kind === 'datagram' ? 'datagrams' : 'packets'] += 1;
    }
    const native: Outputs = { datagrams: new Map(), packets: new Map() };
    for (const output of this.native.drain()) note(native, outputOf(output));
    compare(what, 'datagrams', textOf(portable.datagrams), textOf(native.datagrams));
    compare(what, 'packets', textOf(portable.packets), textOf(native.packets));
  }

  /** Takes and compares all reports. */
  report(what: string): PlaneReports {
    this.settle(what);
    const portable = this.portable.takeReports();
    const native = this.#port.takeReports();
    compare(what, 'reports', reportText(portable), reportText(native));
    this.moved.messages += portable.messages.length;
    return portable;
  }

  /** Compares all state and counters. */
  compareState(what: string): void {
    this.settle(what);
    compare(what, 'state', stateText(this.portable.fingerprint()), stateText(this.native.fingerprint()));
    const totals = (of: (reason: (typeof dropReasons)[number]) => number) =>
      JSON.stringify(dropReasons.map((reason) => [reason, of(reason)]).filter(([, count]) => count !== 0));
    compare(
      what,
      'drops',
      totals((reason) => this.portable.drops.of(reason)),
      totals((reason) => this.native.total(reason)),
    );
  }
}

function outcomeOf(act: () => unknown): string {
  try {
    return JSON.stringify(act()) ?? 'nothing';
  } catch {
    return 'an exception';
  }
}

/** What of an IPv4 packet with DF means nothing: its identification, and with it the header's checksum. RFC 6864 §4.1. */
function meaningOf(packet: Uint8Array): Uint8Array {
  if ((packet[0] ?? 0) >>> 4 !== 4 || ((packet[6] ?? 0) & 0x40) === 0) return packet;
  return packet.slice().fill(0, 4, 6).fill(0, 10, 12);
}

function note(outputs: Outputs, output: PlaneOutput): void {
  if (output.kind === 'packet') {
    const text = latin1(meaningOf(output.bytes));
    // protocol, addresses and ports, or what stands there in a packet without
    const isV4 = text.charCodeAt(0) >>> 4 === 4;
    add(
      outputs.packets,
      isV4 ? text.slice(9, 10) + text.slice(12, 24) : text.slice(6, 7) + text.slice(8, 44),
      text,
    );
    return;
  }
  const text = latin1(output.bytes);
  const { to, localAddress } = output;
  // the receiver's index, or what stands there in a datagram of the engine
  add(outputs.datagrams, text.slice(0, 8), `${JSON.stringify([to, localAddress], plain)} ${text}`);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function add(lists: Map<string, string[]>, key: string, item: string): void {
  const list = lists.get(key) ?? [];
  list.push(item);
  lists.set(key, list);
}

function textOf(lists: ReadonlyMap<string, readonly string[]>): string {
  return [...lists]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, lines]) => lines.join('\n'))
    .join('\n\n');
}

/** Bytes as numbers, and what is not there left out. */
function plain(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}

function reportText({ activity, messages, drops }: PlaneReports): string {
  return JSON.stringify(
    {
      activity: activity
        .toSorted((a, b) => a.peer - b.peer)
        .map(({ roamed, ...rest }) => ({ ...sorted(rest), roamed: roamed && sorted(roamed) })),
      messages: messages.map(messageText).toSorted(),
      drops: [...drops].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    },
    plain,
  );
}

const messageText = (message: PlaneMessage): string => JSON.stringify(sorted(message), plain);

function sorted(object: object): object {
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, isObject(value) ? sorted(value) : value]),
  );
}

function isObject(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** The portable plane has `highest` where the native one has one more, and bytes of reports as objects. */
function stateText(fingerprint: string): string {
  const state: unknown = JSON.parse(fingerprint, (key, value: unknown) => {
    if (!isObject(value)) return value;
    if ('peers' in value && Array.isArray(value.peers))
      return sorted({ ...value, peers: value.peers.toSorted((a, b) => a.id - b.id) });
    if ('highest' in value) {
      const { highest, ...rest } = value;
      return sorted({ ...rest, nextToReceive: Number(highest) + 1 });
    }
    if (key === 'ip' || key === 'timestamp') return Object.values(value);
    return sorted(value);
  });
  return JSON.stringify(state);
}

function compare(what: string, of: string, portable: string, native: string): void {
  if (portable === native) return;
  const length = Math.min(portable.length, native.length);
  let at = 0;
  while (at < length && portable[at] === native[at]) at++;
  const excerpt = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 300), at + 200));
  throw new Error(
    `${what}: ${of} differ at ${at}\nportable: ${excerpt(portable)}\nnative:   ${excerpt(native)}`,
  );
}
