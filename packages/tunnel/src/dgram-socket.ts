/**
 * DatagramSocket over node:dgram: anywhere Node runs, at some cost. It knows no local address of what it receives, sets no
 * mark, and leaves "don't fragment" to the system's default.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { type Endpoint, type OutgoingDatagram, PqtunError } from '@pqtun/core';
import { endpointOf, formatIp } from './address.ts';
import { bindFamilies, type FamilyBinding } from './bind-families.ts';
import type { DatagramSocket, SocketEvents, SocketOptions } from './io.ts';

/** Asked of the system, which gives what it allows. */
const bufferSize = 4 * 1024 * 1024;
/** Senders whose address is kept parsed. */
const maxKnownSenders = 1024;
/** Errors of receiving that say nothing about the socket: ICMP somebody sent, or no memory just now. Reading goes on. */
const transient = new Set([
  'EAGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOBUFS',
  'ENOMEM',
]);

/** Throws the system's error with `code`, `EADDRINUSE` for one; `PQTUN_UNSUPPORTED` for a mark. */
export async function openDgramSocket(options: SocketOptions): Promise<DatagramSocket> {
  if (options.mark !== 0) throw noMark();
  const { sockets, port } = await bindFamilies<Socket>(options, open, close);
  return new DgramSocket(sockets, port);
}

class DgramSocket implements DatagramSocket {
  readonly kind = 'portable';
  readonly sendsAtOnce = false; // what the kernel has no room for waits in libuv, by reference
  readonly port: number;
  readonly #sockets: ReadonlyMap<4 | 6, Socket>;
  /** Text of an address, by the array that holds it: endpoints are kept, so the same array comes with every datagram. */
  readonly #texts = new WeakMap<Uint8Array, string>();
  readonly #senders = new Map<string, Endpoint>();
  #events: SocketEvents | undefined;

  constructor(sockets: ReadonlyMap<4 | 6, Socket>, port: number) {
    this.#sockets = sockets;
    this.port = port;
  }

  start(events: SocketEvents): void {
    this.#events = events;
    for (const socket of this.#sockets.values()) {
      socket.on('message', (bytes, info) => this.#onMessage(bytes, info));
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (!transient.has(error.code ?? '')) this.#events?.onError(error);
      });
    }
  }

  send(datagrams: readonly OutgoingDatagram[]): void {
    if (this.#events === undefined) return; // closed, or not started: nobody to report to
    for (const datagram of datagrams) this.#sendOne(datagram);
  }

  setMark(mark: number): void {
    if (mark !== 0) throw noMark();
  }

  async close(): Promise<void> {
    this.#events = undefined;
    await Promise.all([...this.#sockets.values()].map(close));
  }

  #sendOne(datagram: OutgoingDatagram): void {
    const { to, bytes } = datagram;
    const socket = this.#sockets.get(to.ip.length === 4 ? 4 : 6);
    if (socket === undefined) {
      this.#events?.onSendFailed(datagram, 'EAFNOSUPPORT');
      return;
    }
    const onSent = (error: NodeJS.ErrnoException | null): void => {
      if (error !== null) this.#events?.onSendFailed(datagram, error.code ?? 'EIO');
    };
    try {
      socket.send(bytes, to.port, this.#text(to), onSent);
    } catch (error) {
      onSent(error as NodeJS.ErrnoException); // dgram throws Errors with `code`
    }
  }

  #text(to: Endpoint): string {
    const known = this.#texts.get(to.ip);
    if (known !== undefined) return known;
    const text = to.scope === 0 ? formatIp(to.ip) : `${formatIp(to.ip)}%${to.scope}`;
    if (to.scope === 0) this.#texts.set(to.ip, text);
    return text;
  }

  #onMessage(bytes: Uint8Array, { address, port }: RemoteInfo): void {
    const key = `${address}|${port}`;
    let from = this.#senders.get(key);
    if (from === undefined) {
      from = endpointOf(address, port);
      if (from === undefined) return; // a zone that vanished in this instant
      if (this.#senders.size >= maxKnownSenders) this.#senders.clear();
      this.#senders.set(key, from);
    }
    this.#events?.onDatagrams([{ bytes, from, localAddress: undefined }]);
  }
}

function open({ family, ip, port }: FamilyBinding): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    recvBufferSize: bufferSize,
    sendBufferSize: bufferSize,
    // addresses are literals: without this, each send would wait for a turn of the loop to learn so
    lookup: (address, _options, callback) => callback(null, address, family),
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port, exclusive: true, ...(ip === undefined ? {} : { address: formatIp(ip) }) }, () => {
      socket.removeAllListeners('error');
      resolve({ socket, port: socket.address().port });
    });
  });
}

function close(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    try {
      socket.close(() => resolve());
    } catch {
      resolve(); // closed already
    }
  });
}

const noMark = (): PqtunError =>
  new PqtunError('PQTUN_UNSUPPORTED', 'fwMark needs the addon tun-tap-native: node:dgram cannot set a mark');
