/** The two ends of the loop: a socket and a device, both in batches. */
import type { Endpoint, LocalAddress, OutgoingDatagram } from '@pqtun/core';

export type { PacketDevice } from './api.ts';

export interface IncomingDatagram {
  /** Overwritten by whoever takes it; valid until the callback returns. */
  readonly bytes: Uint8Array;
  /** May be kept. */
  readonly from: Endpoint;
  /** Where it was sent to, if the socket can tell. May be kept. */
  readonly localAddress: LocalAddress | undefined;
}

/** What a socket has to say. None of these may throw. */
export interface SocketEvents {
  onDatagrams(datagrams: readonly IncomingDatagram[]): void;
  /** The system refused one datagram; the others of its batch have gone. `code`: `EMSGSIZE`, `ENETUNREACH`, `EPERM`, … */
  onSendFailed(datagram: OutgoingDatagram, code: string): void;
  /** A source address is ours no more; what was to leave from it was sent from another. */
  onSourceLost(): void;
  /** Receiving has ended. */
  onError(error: Error): void;
}

/** UDP over IPv4 and IPv6 on one port. */
export interface DatagramSocket {
  readonly kind: 'native' | 'portable';
  readonly port: number;
  /** Whether bytes may be reused as soon as `send` returns; otherwise they must stay as they are. */
  readonly sendsAtOnce: boolean;
  start(events: SocketEvents): void;
  /** Sends each; one that fails is reported and stops no other. Never throws for what the network does. */
  send(datagrams: readonly OutgoingDatagram[]): void;
  /** Sets the mark of what is sent from now on. Throws the system's error, or `PQTUN_UNSUPPORTED`. */
  setMark(mark: number): void;
  close(): Promise<void>;
}

export interface SocketOptions {
  /** 0: chosen by the kernel. */
  readonly port: number;
  readonly mark: number;
  /** Local addresses, at most one of each family; `undefined`: any IPv4 and any IPv6. */
  readonly bind: readonly Uint8Array[] | undefined;
}
