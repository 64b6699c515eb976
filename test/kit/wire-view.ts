/** What an eavesdropper sees: kinds, indices and counters in the clear of protocol.md §3, read off recorded datagrams. */
import type { Datagram } from './world.ts';

export type WireKind = 'initiation' | 'response' | 'cookie' | 'transport' | 'other';

const kinds: Readonly<Record<number, WireKind>> = {
  1: 'initiation',
  2: 'response',
  3: 'cookie',
  4: 'transport',
  17: 'initiation',
  18: 'response',
};

export function kindOf({ bytes }: { readonly bytes: Uint8Array }): WireKind {
  return kinds[bytes[0] ?? 0] ?? 'other';
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

/** `sender_index` of an initiation or response. */
export const senderIndexOf = ({ bytes }: { readonly bytes: Uint8Array }): number => wordAt(bytes, 4);

/** `receiver_index` of a response, cookie reply or transport datagram. */
export function receiverIndexOf(datagram: { readonly bytes: Uint8Array }): number {
  return wordAt(datagram.bytes, kindOf(datagram) === 'response' ? 8 : 4);
}

/** Counter of a transport datagram. */
export const counterOf = ({ bytes }: { readonly bytes: Uint8Array }): bigint =>
  new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(8, true);

/** Payload length of a transport datagram, padding included. */
export const payloadLengthOf = ({ bytes }: { readonly bytes: Uint8Array }): number => bytes.length - 32;

/** One initiation as it was sent: the datagrams of each time it left. */
export interface SentInitiation {
  readonly index: number;
  readonly at: number;
  readonly transmissions: { readonly at: number; readonly datagrams: Datagram[] }[];
}

/** The initiations among `wire`, in order, each with its copies. */
export function initiationsIn(wire: readonly Datagram[]): SentInitiation[] {
  const found = new Map<number, SentInitiation>();
  for (const datagram of wire) {
    if (kindOf(datagram) !== 'initiation') continue;
    const index = senderIndexOf(datagram);
    const initiation = found.get(index) ?? { index, at: datagram.at, transmissions: [] };
    found.set(index, initiation);
    const last = initiation.transmissions.at(-1);
    const isNew = last === undefined || last.at !== datagram.at || isFirstFragment(datagram);
    if (isNew) initiation.transmissions.push({ at: datagram.at, datagrams: [datagram] });
    else last.datagrams.push(datagram);
  }
  return [...found.values()];
}

function isFirstFragment({ bytes }: Datagram): boolean {
  return bytes[0] === 1 || bytes[2] === 0;
}

/** All bytes before mac2 of a handshake datagram. */
export const beforeMac2 = ({ bytes }: { readonly bytes: Uint8Array }): Uint8Array =>
  bytes.subarray(0, bytes.length - 16);

/** mac2 of a handshake datagram is not zero. */
export const hasMac2 = ({ bytes }: { readonly bytes: Uint8Array }): boolean =>
  bytes.subarray(bytes.length - 16).some((byte) => byte !== 0);

/**
 * The session under which a transport datagram was sent, by its initiator's index; `undefined` when `wire` shows no response
 * that made it.
 */
export function sessionOf(wire: readonly Datagram[], transport: Datagram): number | undefined {
  const index = receiverIndexOf(transport);
  for (const datagram of wire) {
    if (kindOf(datagram) !== 'response') continue;
    if (index === senderIndexOf(datagram) || index === receiverIndexOf(datagram))
      return receiverIndexOf(datagram);
  }
  return undefined;
}
