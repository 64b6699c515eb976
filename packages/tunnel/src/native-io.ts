/** Socket and device over the addon: batches, source addresses, marks, packets sealed where they were read. */
import {
  endpoint,
  headRoom,
  type LocalAddress,
  type OutgoingDatagram,
  PqtunError,
  tailRoom,
} from '@pqtun/core';
import type { Netlink, ReceivedDatagram, Tun, Udp } from 'tun-tap-native';
import type { DeviceChoice } from './api.ts';
import { bindFamilies } from './bind-families.ts';
import type { DatagramSocket, PacketDevice, SocketEvents, SocketOptions } from './io.ts';
import type { Native } from './native.ts';

const bufferSize = 8 * 1024 * 1024;
/** Longest datagram that can be ours: 65,535 B of inner packet with its record around it does not fit UDP anyway. */
const longest = 65_535;

/** Opens IPv4 and IPv6 sockets on one port. Throws the system's error with `code`. */
export async function openNativeSocket(native: Native, options: SocketOptions): Promise<DatagramSocket> {
  const { sockets, port } = await bindFamilies<Udp>(
    options,
    async ({ family, ip, port }) => {
      const socket = native.openUdp({
        family,
        port,
        longest,
        ...(ip === undefined ? {} : { ip }),
        ...(options.mark === 0 ? {} : { mark: options.mark }),
        receiveBuffer: bufferSize,
        sendBuffer: bufferSize,
      });
      return { socket, port: socket.port };
    },
    async (socket) => socket.close(),
  );
  return new NativeSocket(sockets, port);
}

/** A source address given up with these is no longer ours, or no longer leads anywhere. */
const sourceLost = new Set(['EINVAL', 'EADDRNOTAVAIL', 'ENETUNREACH', 'ENODEV']);

class NativeSocket implements DatagramSocket {
  readonly kind = 'native';
  readonly sendsAtOnce = true;
  readonly port: number;
  readonly #sockets: ReadonlyMap<4 | 6, Udp>;
  #events: SocketEvents | undefined;

  constructor(sockets: ReadonlyMap<4 | 6, Udp>, port: number) {
    this.#sockets = sockets;
    this.port = port;
  }

  start(events: SocketEvents): void {
    this.#events = events;
    for (const socket of this.#sockets.values()) {
      socket.start(
        (datagrams) => this.#events?.onDatagrams(datagrams.map(incoming)),
        (error) => this.#events?.onError(error),
      );
    }
  }

  send(datagrams: readonly OutgoingDatagram[]): void {
    const families = { 4: [] as OutgoingDatagram[], 6: [] as OutgoingDatagram[] };
    for (const datagram of datagrams) families[datagram.to.ip.length === 4 ? 4 : 6].push(datagram);
    this.#sendFamily(4, families[4]);
    this.#sendFamily(6, families[6]);
  }

  setMark(mark: number): void {
    for (const socket of this.#sockets.values()) socket.setMark(mark);
  }

  async close(): Promise<void> {
    this.#events = undefined;
    for (const socket of this.#sockets.values()) socket.close();
  }

  #sendFamily(family: 4 | 6, datagrams: readonly OutgoingDatagram[]): void {
    if (datagrams.length === 0 || this.#events === undefined) return;
    const socket = this.#sockets.get(family);
    if (socket === undefined) {
      for (const datagram of datagrams) this.#events.onSendFailed(datagram, 'EAFNOSUPPORT');
      return;
    }
    const withoutSource: OutgoingDatagram[] = [];
    for (const { position, code } of socket.send(datagrams.map(outgoing))) {
      const datagram = datagrams[position];
      if (datagram === undefined) continue;
      if (datagram.localAddress !== undefined && sourceLost.has(code)) withoutSource.push(datagram);
      else this.#events?.onSendFailed(datagram, code);
    }
    if (withoutSource.length === 0) return;
    for (const { position, code } of socket.send(withoutSource.map(({ bytes, to }) => ({ bytes, to })))) {
      const datagram = withoutSource[position];
      if (datagram !== undefined) this.#events?.onSendFailed(datagram, code);
    }
    this.#events?.onSourceLost();
  }
}

function incoming({ bytes, from, localIp, interfaceIndex }: ReceivedDatagram) {
  return {
    bytes,
    from: endpoint(from.ip, from.port, from.scope),
    localAddress: localIp.length === 0 ? undefined : { ip: localIp, interfaceIndex },
  };
}

function outgoing({ bytes, to, localAddress }: OutgoingDatagram) {
  if (localAddress === undefined || localAddress.ip.length !== to.ip.length) return { bytes, to };
  return { bytes, to, localIp: localAddress.ip, ...interfaceOf(to.scope, localAddress) };
}

/**
 * The interface is pinned for link-local destinations alone, which mean nothing without it. For others the source address is
 * asked for and routing decides the way: with two uplinks the way back need not be the way in.
 */
function interfaceOf(scope: number, { interfaceIndex }: LocalAddress): { interfaceIndex?: number } {
  return scope === 0 ? {} : { interfaceIndex };
}

/** The default tunnel MTU: an Ethernet path of 1500 B less outer IPv6, UDP and our own 32 B. */
export const defaultMtu = 1420;

/**
 * Creates a TUN, or adopts `fd`, and sets its MTU where one is given or the device is new. Throws the system's error with
 * `code`, `EPERM` for one.
 */
export function openNativeDevice(
  native: Native,
  choice: Extract<DeviceChoice, { kind: 'tun' }>,
): PacketDevice & { readonly interfaceIndex: number } {
  const tun = native.openTun({
    headroom: headRoom,
    tailroom: tailRoom,
    ...(choice.name === undefined ? {} : { name: choice.name }),
    ...(choice.fd === undefined ? {} : { fd: choice.fd }),
  });
  try {
    if (tun.kind !== 'tun')
      throw new PqtunError('PQTUN_BAD_CONFIG', 'device.fd: expected a TUN, this is a TAP');
    return new NativeDevice(tun, settleMtu(native.openNetlink(), tun.name, choice));
  } catch (error) {
    tun.close();
    throw error;
  }
}

/** An adopted device keeps its MTU unless told otherwise: whoever opened it may have left us no right to set one. */
function settleMtu(netlink: Netlink, name: string, choice: { fd?: number; mtu?: number }): number {
  const found = netlink.link(name)?.mtu;
  const wanted = choice.mtu ?? (choice.fd === undefined ? defaultMtu : undefined);
  if (wanted === undefined || wanted === found) return found ?? defaultMtu;
  netlink.setLink(name, { mtu: wanted });
  return wanted;
}

class NativeDevice implements PacketDevice {
  readonly name: string;
  readonly mtu: number;
  readonly interfaceIndex: number;
  readonly headroom = headRoom;
  readonly tailroom = tailRoom;
  readonly #tun: Tun;

  constructor(tun: Tun, mtu: number) {
    this.#tun = tun;
    this.name = tun.name;
    this.mtu = mtu;
    this.interfaceIndex = tun.interfaceIndex;
  }

  start(onPackets: (packets: readonly Uint8Array[]) => void, onError: (error: Error) => void): void {
    this.#tun.start(onPackets, onError);
  }

  write(packets: readonly Uint8Array[]): void {
    this.#tun.write(packets); // what the kernel has no room for is lost, as on any interface
  }

  close(): void {
    this.#tun.close();
  }
}
