/**
 * A data plane with its own TUN, sockets and thread: JavaScript gives it keys and routes and hears what happened, and sees no
 * packet. The verbs are those of `PlaneVerbs`; what is here is the shell around them. native/loop.
 */
import {
  checkArray,
  checkBytes,
  checkFunction,
  checkInteger,
  checkObject,
  checkOneOf,
  checkOptionalBoolean,
  checkOptionalInteger,
  outOfRange,
} from './arguments.ts';
import { loadBinding, type NativeHandle } from './binding.ts';
import { openNetlink } from './netlink.ts';
import type { PlaneEndpoint } from './plane-types.ts';
import { PlaneVerbs, type PlaneVerbsBinding } from './plane-verbs.ts';
import { checkDeviceName } from './tun.ts';

/** Of `enum class Offload` in native/loop/offloads.h, in its order. */
export const offloadNames = ['vnet-header', 'checksum', 'tso', 'uso', 'udp-gso', 'udp-gro'] as const;
export type OffloadName = (typeof offloadNames)[number];

/** Of `enum class LoopCounter` in native/loop/loop_counters.h, which says what each counts, in its order. */
export const loopCounterNames = [
  'turns',
  'tunFramesRead',
  'tunBytesRead',
  'tunSuperFramesRead',
  'tunFramesWritten',
  'tunBytesWritten',
  'tunSuperFramesWritten',
  'tunFramesDropped',
  'tunFramesRefused',
  'udpReads',
  'udpDatagramsReceived',
  'udpBytesReceived',
  'udpReceiveErrors',
  'udpSends',
  'udpDatagramsSent',
  'udpBytesSent',
  'udpTrainsSent',
  'udpTrainDatagramsSent',
  'udpDatagramsDropped',
  'udpDatagramsFailed',
  'udpWaits',
  'wakeUps',
] as const;
export type LoopCounters = Readonly<Record<(typeof loopCounterNames)[number], number>>;

export interface PlaneUdpOptions {
  /** 0, the default: chosen by the kernel. */
  readonly port?: number;
  /** Local addresses, at most one of each family; absent: any IPv4 and any IPv6, as far as this machine has both. */
  readonly bind?: readonly Uint8Array[];
  /** SO_MARK, needs CAP_NET_ADMIN. 0 or absent: none. */
  readonly mark?: number;
  /** Bytes, default 8 MiB; beyond the system's limit with CAP_NET_ADMIN alone. */
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
}

export interface DataPlaneOptions {
  /**
   * Creates a device or attaches to a persistent one of that name (`%d` is numbered by the kernel, default `tun%d`), or adopts an open
   * descriptor, which is closed with the plane. The length of the device's queue is its owner's to choose.
   */
  readonly tun?: { readonly name?: string; readonly fd?: number };
  readonly udp?: PlaneUdpOptions;
  /** Tunnel MTU in bytes, which the device gets too. Absent: 1420, but an adopted device keeps the one it has. */
  readonly mtu?: number;
  /** `auto`, the default: the fastest that is there. Any other is taken as an order. */
  readonly aead?: 'auto' | 'evp' | 'raw' | 'multibuffer';
  /** `false`: never tried. */
  readonly offloads?: Readonly<Partial<Record<OffloadName, boolean>>>;
  /** Lowers the MSS of TCP that passes through to what fits the MTU. Default false. */
  readonly clampMss?: boolean;
  /** Frames, and datagrams, read in one turn at most, 1 … 256. Default 64. */
  readonly batch?: number;
}

export interface OffloadStatus {
  readonly name: OffloadName;
  readonly active: boolean;
  /** Why it is off; or what could not be tested of one that is on. */
  readonly reason: string | undefined;
}

export type AeadName = Exclude<DataPlaneOptions['aead'], 'auto' | undefined>;

export interface AeadStatus {
  readonly name: AeadName;
  /** Why it is not here; absent: it is. */
  readonly reason: string | undefined;
}

export interface DataPlaneStatus {
  readonly aead: {
    readonly name: string;
    /** Why it is no faster one; absent when it is the fastest, or was ordered. */
    readonly reason: string | undefined;
  };
  readonly offloads: readonly OffloadStatus[];
}

export type DataPlaneEvent =
  /** The system refused `count` datagrams to one place. */
  | {
      readonly kind: 'send-failed';
      readonly to: PlaneEndpoint;
      /** Of the shortest of them, in bytes: where `code` is `EMSGSIZE`, the path takes less. */
      readonly length: number;
      /** Whether they were sealed packets; else handshake or cookie datagrams. */
      readonly isTransport: boolean;
      readonly code: string;
      readonly count: number;
    }
  /** A local address is ours no more; what was to leave from it left from another. */
  | { readonly kind: 'source-lost' }
  | ({ readonly kind: 'offload-changed' } & OffloadStatus);

export interface DataPlaneCallbacks {
  /**
   * There is something for `takeReports` or `takeEvents`, of which both are to be asked: at once where the engine has to act, within
   * 25 ms where it has only to note. One call for all that has come.
   */
  onReports(): void;
  /** Packets have ceased to flow: the device is gone (`EBADFD`), or a socket. Said once; verbs still work, until `close`. */
  onLost(error: NodeJS.ErrnoException): void;
}

export interface NativeDataPlane extends PlaneVerbs {
  readonly name: string;
  /** 0 when an adopted device lives in another network namespace. */
  readonly interfaceIndex: number;
  /** UDP port. */
  readonly port: number;
  /** Tunnel MTU in bytes. */
  readonly mtu: number;
  readonly closed: boolean;
  /** Starts the thread, once. Until `close` it keeps the process alive. */
  start(callbacks: DataPlaneCallbacks): void;
  /** Bounded: at most 64 entries of refused datagrams; what is beyond is in `counters` alone. */
  takeEvents(): readonly DataPlaneEvent[];
  /** Other sockets in place of those there are, which stay when this throws the system's error; sessions stay in any case. */
  rebind(options: PlaneUdpOptions): void;
  setMark(mark: number): void;
  status(): DataPlaneStatus;
  /** Totals since the beginning; costs no call. */
  counters(): LoopCounters;
  /** Ends the thread, wipes all keys, releases the device. Harmless when repeated; also done by the garbage collector. */
  close(): void;
  [Symbol.dispose](): void;
}

export type DataPlaneHandle = NativeHandle<'data-plane'>;

/** port, ipv4 and ipv6 to bind to (none: any), mark, receiveBuffer, sendBuffer */
type UdpArguments = [
  port: number,
  ipv4: Uint8Array,
  ipv6: Uint8Array,
  mark: number,
  receiveBuffer: number,
  sendBuffer: number,
];

/** What native/data_plane_edge.cc exports. */
export interface DataPlaneBinding {
  readonly planeVerbs: PlaneVerbsBinding;
  openDataPlane(
    name: string,
    fd: number,
    mtu: number,
    aead: string,
    offloads: number,
    clampMss: boolean,
    batch: number,
    ...udp: UdpArguments
  ): DataPlaneHandle;
  dataPlaneInfo(plane: DataPlaneHandle): { name: string; interfaceIndex: number; port: number };
  dataPlaneStatus(plane: DataPlaneHandle): {
    aead: { name: string; reason: string };
    offloads: RawOffload[];
  };
  dataPlaneCounters(plane: DataPlaneHandle): ArrayBuffer;
  dataPlaneStart(
    plane: DataPlaneHandle,
    onNews: () => void,
    onLost: (error: NodeJS.ErrnoException) => void,
  ): void;
  dataPlaneRebind(plane: DataPlaneHandle, ...udp: UdpArguments): void;
  dataPlaneSetMark(plane: DataPlaneHandle, mark: number): void;
  dataPlaneTakeEvents(
    plane: DataPlaneHandle,
  ): { sendFailures: RawFailure[]; sourceLost: boolean; offloads: RawOffload[] } | undefined;
  dataPlaneClose(plane: DataPlaneHandle): void;
  testDataPlaneOffloads(offloads: number): RawOffload[];
  testDataPlaneAeads(): { name: AeadName; reason: string }[];
}

interface RawOffload {
  readonly name: OffloadName;
  readonly active: boolean;
  /** Empty: none. */
  readonly reason: string;
}

type RawFailure = Omit<Extract<DataPlaneEvent, { kind: 'send-failed' }>, 'kind'>;

/** An Ethernet path of 1500 B less outer IPv6, UDP and 32 B around each packet. */
const defaultMtu = 1420;
const defaultBuffer = 8 * 1024 * 1024;
const smallestMtu = 68;
const largestMtu = 65_535;
const none = new Uint8Array(0);
const noEvents: readonly DataPlaneEvent[] = Object.freeze([]);

/**
 * Opens device and sockets, finds out which offloads work here, and moves nothing until `start`. A descriptor stays the caller's
 * when this throws, unless it was the MTU that could not be set: then it is closed. Needs CAP_NET_ADMIN; errors of the system carry `code` (`EPERM`, `EBUSY`, `EADDRINUSE`, …), and an AEAD engine that was
 * ordered and is not there `ERR_AEAD_UNAVAILABLE`.
 */
export function openDataPlane(options: DataPlaneOptions = {}): NativeDataPlane {
  checkObject('options', options);
  const { tun = {}, udp = {} } = options;
  checkObject('options.tun', tun);
  const name = tun.name === undefined ? 'tun%d' : checkDeviceName('options.tun.name', tun.name);
  const fd = checkOptionalInteger('options.tun.fd', tun.fd, 0, 0x7fffffff, -1);
  const mtu = checkOptionalInteger('options.mtu', options.mtu, smallestMtu, largestMtu, defaultMtu);
  const plane = new OpenedDataPlane(
    loadBinding().openDataPlane(
      name,
      fd,
      mtu,
      checkOneOf('options.aead', options.aead ?? 'auto', ['auto', 'evp', 'raw', 'multibuffer']),
      offloadBits(options.offloads),
      checkOptionalBoolean('options.clampMss', options.clampMss, false),
      checkOptionalInteger('options.batch', options.batch, 1, 256, 64),
      ...udpArguments('options.udp', udp),
    ),
    mtu,
  );
  try {
    plane.settleMtu(options.mtu ?? (fd < 0 ? defaultMtu : undefined));
    return plane;
  } catch (error) {
    plane.close();
    throw error;
  }
}

/** Which offloads a plane would find here, without opening a device: those of the TUN are said to be there if the kernel knows them. */
export function testOffloads(offloads?: DataPlaneOptions['offloads']): readonly OffloadStatus[] {
  return loadBinding().testDataPlaneOffloads(offloadBits(offloads)).map(offloadStatus);
}

/** Which AEAD engines a plane would find here, the fastest first, and why others are not. Each proves itself by known answers. */
export function testAeads(): readonly AeadStatus[] {
  return loadBinding()
    .testDataPlaneAeads()
    .map(({ name, reason }) => ({ name, reason: reason === '' ? undefined : reason }));
}

function offloadBits(offloads: DataPlaneOptions['offloads']): number {
  if (offloads === undefined) return (1 << offloadNames.length) - 1;
  checkObject('options.offloads', offloads);
  for (const name of Object.keys(offloads)) checkOneOf('an offload', name, offloadNames);
  return offloadNames.reduce((bits, name, position) => {
    const on = checkOptionalBoolean(`options.offloads.${name}`, offloads[name], true);
    return on ? bits | (1 << position) : bits;
  }, 0);
}

function udpArguments(name: string, options: PlaneUdpOptions): UdpArguments {
  checkObject(name, options);
  const { bind = [] } = options;
  checkArray(`${name}.bind`, bind);
  const addresses = bind.map((ip) => checkBytes(`${name}.bind`, ip, [4, 16]));
  const [ipv4 = none, secondIpv4] = addresses.filter((ip) => ip.length === 4);
  const [ipv6 = none, secondIpv6] = addresses.filter((ip) => ip.length === 16);
  if (secondIpv4 !== undefined || secondIpv6 !== undefined)
    throw outOfRange(`${name}.bind`, 'at most one address of each family', `${bind.length} addresses`);
  return [
    checkOptionalInteger(`${name}.port`, options.port, 0, 0xffff, 0),
    ipv4,
    ipv6,
    checkOptionalInteger(`${name}.mark`, options.mark, 0, 0xffffffff, 0),
    checkOptionalInteger(`${name}.receiveBuffer`, options.receiveBuffer, 1, 0x7fffffff, defaultBuffer),
    checkOptionalInteger(`${name}.sendBuffer`, options.sendBuffer, 1, 0x7fffffff, defaultBuffer),
  ];
}

class OpenedDataPlane extends PlaneVerbs implements NativeDataPlane {
  readonly name: string;
  readonly interfaceIndex: number;
  readonly #handle: DataPlaneHandle;
  readonly #counters: BigUint64Array;
  #mtu: number;
  #port: number;
  #closed = false;

  constructor(handle: DataPlaneHandle, mtu: number) {
    super(loadBinding().planeVerbs, handle);
    const info = loadBinding().dataPlaneInfo(handle);
    this.#handle = handle;
    this.#counters = new BigUint64Array(loadBinding().dataPlaneCounters(handle));
    this.name = info.name;
    this.interfaceIndex = info.interfaceIndex;
    this.#port = info.port;
    this.#mtu = mtu;
  }

  get mtu(): number {
    return this.#mtu;
  }

  get port(): number {
    return this.#port;
  }

  get closed(): boolean {
    return this.#closed;
  }

  start(callbacks: DataPlaneCallbacks): void {
    checkObject('callbacks', callbacks);
    checkFunction('callbacks.onReports', callbacks.onReports);
    checkFunction('callbacks.onLost', callbacks.onLost);
    loadBinding().dataPlaneStart(
      this.#handle,
      () => callbacks.onReports(),
      (error) => callbacks.onLost(error),
    );
  }

  takeEvents(): readonly DataPlaneEvent[] {
    const taken = loadBinding().dataPlaneTakeEvents(this.#handle);
    if (taken === undefined) return noEvents;
    return [
      ...taken.sendFailures.map((failure) => ({ kind: 'send-failed' as const, ...failure })),
      ...(taken.sourceLost ? [{ kind: 'source-lost' as const }] : []),
      ...taken.offloads.map((raw) => ({ kind: 'offload-changed' as const, ...offloadStatus(raw) })),
    ];
  }

  rebind(options: PlaneUdpOptions): void {
    loadBinding().dataPlaneRebind(this.#handle, ...udpArguments('options', options));
    this.#port = loadBinding().dataPlaneInfo(this.#handle).port;
  }

  setMark(mark: number): void {
    loadBinding().dataPlaneSetMark(this.#handle, checkInteger('mark', mark, 0, 0xffffffff));
  }

  /** Of the plane and of the device. */
  override setMtu(mtu: number): void {
    checkInteger('mtu', mtu, smallestMtu, largestMtu);
    if (this.interfaceIndex !== 0) openNetlink().setLink(this.name, { mtu });
    this.#tellMtu(mtu);
  }

  /** The device gets the MTU that is wanted; where none is, the plane gets the device's. */
  settleMtu(wanted: number | undefined): void {
    const found = this.interfaceIndex === 0 ? undefined : openNetlink().link(this.name)?.mtu;
    if (wanted !== undefined && found !== undefined && wanted !== found) return this.setMtu(wanted);
    this.#tellMtu(wanted ?? found ?? defaultMtu);
  }

  status(): DataPlaneStatus {
    const { aead, offloads } = loadBinding().dataPlaneStatus(this.#handle);
    return {
      aead: { name: aead.name, reason: aead.reason === '' ? undefined : aead.reason },
      offloads: offloads.map(offloadStatus),
    };
  }

  counters(): LoopCounters {
    const entries = loopCounterNames.map((name, position) => [name, Number(this.#counters[position])]);
    return Object.fromEntries(entries) as LoopCounters; // of every name, one
  }

  close(): void {
    this.#closed = true;
    loadBinding().dataPlaneClose(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #tellMtu(mtu: number): void {
    super.setMtu(mtu);
    this.#mtu = mtu;
  }
}

function offloadStatus({ name, active, reason }: RawOffload): OffloadStatus {
  return { name, active, reason: reason === '' ? undefined : reason };
}
