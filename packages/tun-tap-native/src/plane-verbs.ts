/**
 * The verbs of a native data plane, with the names, argument order and shapes of @pqtun/core's port. Both addons have them: the shipped
 * one behind a plane with its loop, the one for tests behind a plane with a recorder. Arguments become numbers and packed bytes
 * here, so that no JavaScript runs while the plane is held. native/plane_verbs.cc.
 */
import { encodeGateSettings, type GateSettings } from './gate-settings.ts';
import { decodePlaneReports } from './plane-reports.ts';
import type {
  NativePlaneReports,
  PlaneDatagram,
  PlaneEndpoint,
  PlaneLocalAddress,
  PlanePeerCounters,
  PlanePeerSettings,
  PlanePlace,
  PlaneRouteChange,
  PlaneSession,
} from './plane-types.ts';

/** What native/plane_verbs.cc adds to an exported object. `plane` is the handle of its owner. */
export interface PlaneVerbsBinding {
  install(plane: object, now: number, session: Uint8Array, sendKey: Uint8Array, receiveKey: Uint8Array): void;
  retire(plane: object, now: number, index: number): void;
  wipeKeys(plane: object, now: number, peer: number): void;
  removePeer(plane: object, now: number, peer: number): void;
  setPeer(plane: object, peer: number, settings: Uint8Array): void;
  resetTimestamp(plane: object, peer: number): void;
  /** `false`: one is ill-formed, and none was applied. */
  setRoutes(plane: object, changes: Uint8Array): boolean;
  /** `place` is empty for the peer's endpoint. */
  transmit(plane: object, now: number, peer: number, payload: Uint8Array, place: Uint8Array): boolean;
  flushStaged(plane: object, now: number, peer: number): void;
  purgeStaged(plane: object, peer: number): void;
  sendDatagram(plane: object, place: Uint8Array, bytes: Uint8Array): void;
  setGate(plane: object, settings: Uint8Array): void;
  takeReports(plane: object, mostOfLane: number): ArrayBuffer;
  /** `peers`: u32 each; of each four f64, in host byte order. */
  peerCounters(plane: object, peers: Uint8Array): ArrayBuffer;
  setMtu(plane: object, mtu: number): void;
}

/** Messages of each lane that one call of takeReports() gives at most, unless it is told. */
const allMessages = 0xffff_ffff;
const recordOverhead = 32;
/** What a UDP datagram over IPv4 can carry, less the record's own bytes. */
const largestPayload = 65_507 - recordOverhead;
const placeSize = 48;
const none = new Uint8Array(0);

export class PlaneVerbs {
  readonly #binding: PlaneVerbsBinding;
  readonly #plane: object;

  constructor(binding: PlaneVerbsBinding, plane: object) {
    this.#binding = binding;
    this.#plane = plane;
  }

  install(now: number, session: PlaneSession): void {
    for (const key of [session.sendKey, session.receiveKey])
      if (key.length !== 32) throw new RangeError('a session key has 32 bytes');
    if (session.timestamp.length !== 12) throw new RangeError('a timestamp has 12 bytes');
    this.#binding.install(this.#plane, now, packSession(session), session.sendKey, session.receiveKey);
  }

  retire(now: number, index: number): void {
    this.#binding.retire(this.#plane, now, index);
  }

  wipeKeys(now: number, peer: number): void {
    this.#binding.wipeKeys(this.#plane, now, peer);
  }

  removePeer(now: number, peer: number): void {
    this.#binding.removePeer(this.#plane, now, peer);
  }

  setPeer(peer: number, settings: PlanePeerSettings): void {
    this.#binding.setPeer(this.#plane, peer, packPeerSettings(settings));
  }

  resetTimestamp(peer: number): void {
    this.#binding.resetTimestamp(this.#plane, peer);
  }

  /** Applies all changes in order or, when one is ill-formed, throws a RangeError and applies none. */
  setRoutes(changes: readonly PlaneRouteChange[]): void {
    if (!this.#binding.setRoutes(this.#plane, packRoutes(changes)))
      throw new RangeError('a prefix has no bits behind its length');
  }

  /** `payload` is empty (a keepalive) or a whole control payload: a multiple of 16 B whose first byte is below 0x10. */
  transmit(now: number, peer: number, payload: Uint8Array, to?: PlanePlace): boolean {
    const ours = payload.length === 0 || ((payload[0] ?? 0xff) < 0x10 && payload.length % 16 === 0);
    if (!ours || payload.length > largestPayload)
      throw new RangeError('only keepalives and whole control payloads are transmitted');
    const place = to === undefined ? none : packPlace(to.endpoint, to.localAddress);
    return this.#binding.transmit(this.#plane, now, peer, payload, place);
  }

  flushStaged(now: number, peer: number): void {
    this.#binding.flushStaged(this.#plane, now, peer);
  }

  purgeStaged(peer: number): void {
    this.#binding.purgeStaged(this.#plane, peer);
  }

  sendDatagrams(datagrams: readonly PlaneDatagram[]): void {
    for (const { to, localAddress, bytes } of datagrams)
      this.#binding.sendDatagram(this.#plane, packPlace(to, localAddress), bytes);
  }

  /** What strangers must pass before takeReports() shows their datagrams. Before the first call, nothing. */
  setGate(settings: GateSettings): void {
    const packed = encodeGateSettings(settings);
    try {
      this.#binding.setGate(this.#plane, packed);
    } finally {
      packed.fill(0);
    }
  }

  /**
   * Every report since the last call. Of each lane of messages at most `mostOfLane` are given, peers before strangers; what is left waits
   * for the next call, which is to be in another turn of the event loop.
   */
  takeReports(mostOfLane: number = allMessages): NativePlaneReports {
    return decodePlaneReports(this.#binding.takeReports(this.#plane, mostOfLane));
  }

  /** Of each of these peers, in their order; zeros for one that is unknown. One wait for the plane's thread for all of them. */
  peerCounters(peers: readonly number[]): PlanePeerCounters[] {
    const asked = new Uint8Array(Uint32Array.from(peers).buffer);
    const counts = new Float64Array(this.#binding.peerCounters(this.#plane, asked));
    return peers.map((_, i) => {
      const [bytesReceived = 0, bytesSent = 0, packetsReceived = 0, packetsSent = 0] = counts.subarray(4 * i);
      return { bytesReceived, bytesSent, packetsReceived, packetsSent };
    });
  }

  /** Tunnel MTU in bytes, where padding stops. */
  setMtu(mtu: number): void {
    this.#binding.setMtu(this.#plane, mtu);
  }
}

/** peer, local index, remote index u32; role, kind, wins a byte each; 0; five limits' times and counts, bornAt first, f64; timestamp. */
function packSession(session: PlaneSession): Uint8Array {
  const packed = new Uint8Array(76);
  const view = new DataView(packed.buffer);
  view.setUint32(0, session.peer, true);
  view.setUint32(4, session.localIndex, true);
  view.setUint32(8, session.remoteIndex, true);
  packed.set([Number(session.role === 'responder'), Number(session.kind === 'classical')], 12);
  packed[14] = Number(session.winsCrossing);
  const { limits } = session;
  const numbers = [
    session.bornAt,
    limits.rekeyAfterTime,
    limits.rejectAfterTime,
    limits.rekeyOnReceiveAfter,
    limits.rekeyAfterMessages,
    limits.rejectAfterMessages,
  ];
  for (const [i, number] of numbers.entries()) view.setFloat64(16 + 8 * i, number, true);
  packed.set(session.timestamp, 64);
  return packed;
}

/** What is set (1 endpoint, 2 local address, 4 kind) and the kind, a byte each; 0 u16; path MTU u32; place. */
function packPeerSettings(settings: PlanePeerSettings): Uint8Array {
  const { endpoint, localAddress, pathMtu, kind } = settings;
  const fits =
    pathMtu === undefined || (Number.isInteger(pathMtu) && pathMtu > recordOverhead && pathMtu <= 65_535);
  if (!fits) throw new RangeError('a path must take more than an empty record, 32 bytes, and at most 65,535');
  const packed = new Uint8Array(8 + placeSize);
  packed[0] =
    Number(endpoint !== undefined) + 2 * Number(localAddress !== undefined) + 4 * Number(kind !== undefined);
  packed[1] = Number(kind === 'classical');
  new DataView(packed.buffer).setUint32(4, pathMtu ?? 0, true);
  if (endpoint) writeEndpoint(packed, 8, endpoint);
  if (localAddress) writeLocalAddress(packed, 8 + 24, localAddress);
  return packed;
}

const routeKinds = ['add', 'remove', 'clear'] as const;

/** Each 24 B: kind, size and bits a byte each; 0; peer u32; prefix. */
function packRoutes(changes: readonly PlaneRouteChange[]): Uint8Array {
  const packed = new Uint8Array(24 * changes.length);
  const view = new DataView(packed.buffer);
  for (const [i, change] of changes.entries()) {
    const at = 24 * i;
    packed[at] = routeKinds.indexOf(change.kind);
    view.setUint32(at + 4, change.peer, true);
    if (change.kind === 'clear') continue;
    const { prefix, bits } = change;
    checkAddress(prefix, 'a prefix');
    if (!(Number.isInteger(bits) && bits >= 0 && bits <= 8 * prefix.length))
      throw new RangeError(
        `a prefix of ${prefix.length} bytes has a length of 0 to ${8 * prefix.length} bits`,
      );
    packed[at + 1] = prefix.length;
    packed[at + 2] = bits;
    packed.set(prefix, at + 8);
  }
  return packed;
}

/** Endpoint: ip 16, its size a byte, 0, port u16, scope u32; local address: ip 16, its size u32, interface index u32. */
export function packPlace(endpoint: PlaneEndpoint, localAddress: PlaneLocalAddress | undefined): Uint8Array {
  const packed = new Uint8Array(placeSize);
  writeEndpoint(packed, 0, endpoint);
  if (localAddress !== undefined) writeLocalAddress(packed, 24, localAddress);
  return packed;
}

function writeEndpoint(packed: Uint8Array, at: number, { ip, port, scope }: PlaneEndpoint): void {
  checkAddress(ip, 'an endpoint');
  packed.set(ip, at);
  packed[at + 16] = ip.length;
  const view = new DataView(packed.buffer);
  view.setUint16(at + 18, port, true);
  view.setUint32(at + 20, scope, true);
}

function writeLocalAddress(packed: Uint8Array, at: number, local: PlaneLocalAddress): void {
  checkAddress(local.ip, 'a local address');
  packed.set(local.ip, at);
  const view = new DataView(packed.buffer);
  view.setUint32(at + 16, local.ip.length, true);
  view.setUint32(at + 20, local.interfaceIndex, true);
}

function checkAddress(ip: Uint8Array, what: string): void {
  if (ip.length !== 4 && ip.length !== 16) throw new RangeError(`${what} has 4 or 16 bytes of address`);
}
