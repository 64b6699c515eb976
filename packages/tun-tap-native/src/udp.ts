import {
  checkArray,
  checkBytes,
  checkFunction,
  checkInteger,
  checkObject,
  checkOneOf,
  checkOptionalBoolean,
  checkOptionalInteger,
} from './arguments.ts';
import { loadBinding, type UdpHandle } from './binding.ts';
import type { DatagramToSend, ReceivedDatagram, SendFailure, Udp, UdpCounters, UdpOptions } from './types.ts';
import { UdpRecords } from './udp-record.ts';

const noFailures: readonly SendFailure[] = Object.freeze([]);
/** Of linux/in.h. */
const pathMtuDiscoveries = { dont: 0, do: 2, probe: 3 } as const;
/** Bits of `flags`, as native/addon.cc reads them. */
const flagIpv6Only = 1;
const flagReusePort = 2;
const longestDatagram = 65_535;

/**
 * Opens a UDP socket bound to `options.ip` and `options.port`, or adopts `options.fd`, which stays the caller's when this
 * throws. Errors of the system carry `code` (`EADDRINUSE`, `EPERM` for a mark without CAP_NET_ADMIN, …).
 */
export function openUdp(options: UdpOptions): Udp {
  checkObject('options', options);
  const family = checkOneOf('options.family', options.family, [4, 6]);
  const discovery = checkOneOf('options.pathMtuDiscovery', options.pathMtuDiscovery ?? 'probe', [
    'probe',
    'do',
    'dont',
  ]);
  const handle = loadBinding().openUdp(
    family,
    options.ip === undefined
      ? new Uint8Array(0)
      : checkBytes('options.ip', options.ip, [family === 4 ? 4 : 16]),
    checkOptionalInteger('options.port', options.port, 0, 0xffff, 0),
    checkOptionalInteger('options.scope', options.scope, 0, 0xffffffff, 0),
    checkOptionalInteger('options.fd', options.fd, 0, 0x7fffffff, -1),
    (checkOptionalBoolean('options.ipv6Only', options.ipv6Only, true) ? flagIpv6Only : 0) |
      (checkOptionalBoolean('options.reusePort', options.reusePort, false) ? flagReusePort : 0),
    checkOptionalInteger('options.mark', options.mark, 0, 0xffffffff, 0),
    checkOptionalInteger('options.receiveBuffer', options.receiveBuffer, 1, 0x7fffffff, 0),
    checkOptionalInteger('options.sendBuffer', options.sendBuffer, 1, 0x7fffffff, 0),
    pathMtuDiscoveries[discovery],
    checkOptionalInteger('options.batch', options.batch, 1, 256, 64),
    checkOptionalInteger('options.longest', options.longest, 1, longestDatagram, longestDatagram),
  );
  return new NativeUdp(family, handle);
}

class NativeUdp implements Udp {
  readonly family: 4 | 6;
  readonly port: number;
  readonly #handle: UdpHandle;
  #fd: number;
  /** Mapped on the first start; a socket that only sends needs none. */
  #incoming: { readonly slab: ArrayBuffer; readonly records: UdpRecords } | undefined;
  #outgoing = UdpRecords.withCapacity(64);

  constructor(family: 4 | 6, handle: UdpHandle) {
    const info = loadBinding().udpInfo(handle);
    this.family = family;
    this.port = info.port;
    this.#handle = handle;
    this.#fd = info.fd;
  }

  get fd(): number {
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd < 0;
  }

  start(
    onDatagrams: (datagrams: readonly ReceivedDatagram[]) => void,
    onError: (error: NodeJS.ErrnoException) => void,
  ): void {
    checkFunction('onDatagrams', onDatagrams);
    checkFunction('onError', onError);
    const { slab, records } = this.#map();
    loadBinding().udpStart(this.#handle, (count) => onDatagrams(records.received(slab, count)), onError);
  }

  stop(): void {
    loadBinding().udpStop(this.#handle);
  }

  send(datagrams: readonly DatagramToSend[]): readonly SendFailure[] {
    checkArray('datagrams', datagrams);
    if (this.#outgoing.capacity < datagrams.length)
      this.#outgoing = UdpRecords.withCapacity(datagrams.length);
    const records = this.#outgoing;
    // All are checked before the first is sent.
    const bytes = datagrams.map((datagram, index) => {
      const name = `datagrams[${index}]`;
      records.write(index, name, datagram, this.family);
      return checkBytes(`${name}.bytes`, datagram.bytes);
    });
    const failed = loadBinding().udpSend(this.#handle, records.bytes, bytes);
    return failed === 0 ? noFailures : collectFailures(records, bytes.length);
  }

  setMark(mark: number): void {
    loadBinding().udpSetMark(this.#handle, checkInteger('mark', mark, 0, 0xffffffff));
  }

  counters(): UdpCounters {
    return loadBinding().udpCounters(this.#handle);
  }

  close(): void {
    this.#fd = -1;
    loadBinding().udpClose(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #map(): { readonly slab: ArrayBuffer; readonly records: UdpRecords } {
    if (this.#incoming === undefined) {
      const [slab, records] = loadBinding().udpBuffers(this.#handle);
      this.#incoming = { slab, records: new UdpRecords(records) };
    }
    return this.#incoming;
  }
}

function collectFailures(records: UdpRecords, count: number): SendFailure[] {
  const failures: SendFailure[] = [];
  for (let position = 0; position < count; position++) {
    const status = records.status(position);
    if (status !== 0) failures.push({ position, code: loadBinding().errorName(status) });
  }
  return failures;
}
