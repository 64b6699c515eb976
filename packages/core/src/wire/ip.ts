/**
 * The inner IP header: version, true length, source, destination. protocol.md §3.4: the length is taken from the header,
 * what follows it is padding. RFC 791 §3.1, RFC 8200 §3.
 */
import type { Drop } from '../drop.ts';
import { readU16be } from './layout.ts';

/** Where things stand in the two headers, and how long the headers are at least. */
export const ipv4 = { headerSize: 20, totalLength: 2, source: 12, destination: 16, addressSize: 4 } as const;
export const ipv6 = {
  headerSize: 40,
  payloadLength: 4,
  source: 8,
  destination: 24,
  addressSize: 16,
} as const;

export type IpVersion = 4 | 6;

export interface InnerPacket {
  readonly version: IpVersion;
  /** Bytes of the packet by its own header; the payload may hold padding after them. */
  readonly length: number;
  /** 4 B or 16 B, view into the payload. */
  readonly source: Uint8Array;
  /** 4 B or 16 B, view into the payload. */
  readonly destination: Uint8Array;
}

/** Reads the header of the IP packet that `payload` begins with. For the hot path there is `innerLength`. */
export function parseInner(payload: Uint8Array): InnerPacket | Drop {
  const length = innerLength(payload, 0, payload.length);
  if (length < 0) return innerDrop(length);
  return {
    version: versionAt(payload, 0),
    length,
    source: sourceView(payload, 0),
    destination: destinationView(payload, 0),
  };
}

/** Whether a decrypted payload is a control message of §3.5: first byte 0x00 … 0x0f. An empty one is a keepalive. */
export function isControl(payload: Uint8Array): boolean {
  return (payload[0] ?? 0x10) < 0x10;
}

/** What `innerLength` returns instead of a length. */
export const badInnerPacket = -1;
export const badInnerLength = -2;

/** The Drop that a negative result of `innerLength` stands for. */
export function innerDrop(code: number): Drop {
  return code === badInnerPacket ? 'bad-inner-packet' : 'bad-inner-length';
}

/**
 * True length in bytes of the IP packet at `offset`, of which at most `available` B are there; `badInnerPacket` when it is
 * neither IPv4 nor IPv6, `badInnerLength` when the length is below the header's or above `available`. Allocates nothing.
 * When it is not negative, the whole fixed header lies within `available`.
 */
export function innerLength(buffer: Uint8Array, offset: number, available: number): number {
  if (available < 1) return badInnerPacket;
  const first = buffer[offset] as number; // `available` promises at least this byte
  // A length that is at least the header's and within `available` needs no other proof that the header is all there.
  if (first >>> 4 === 4) {
    const headerLength = (first & 0x0f) * 4;
    const length = readU16be(buffer, offset + ipv4.totalLength);
    const legal = headerLength >= ipv4.headerSize && length >= headerLength && length <= available;
    return legal ? length : badInnerLength;
  }
  if (first >>> 4 === 6) {
    const length = ipv6.headerSize + readU16be(buffer, offset + ipv6.payloadLength);
    return length <= available ? length : badInnerLength;
  }
  return badInnerPacket;
}

/* For the packet at `offset` when `innerLength` was not negative there. With `AllowedIps.lookupAt` no view is needed. */

export function versionAt(buffer: Uint8Array, offset: number): IpVersion {
  return (buffer[offset] as number) >>> 4 === 4 ? 4 : 6; // innerLength lets no other version pass
}

/** Bytes of an address of that version. */
export function addressSize(version: IpVersion): 4 | 16 {
  return version === 4 ? ipv4.addressSize : ipv6.addressSize;
}

/** Offset of the source address within the packet. */
export function sourceOffset(version: IpVersion): number {
  return version === 4 ? ipv4.source : ipv6.source;
}

/** Offset of the destination address within the packet. */
export function destinationOffset(version: IpVersion): number {
  return version === 4 ? ipv4.destination : ipv6.destination;
}

export function sourceView(buffer: Uint8Array, offset: number): Uint8Array {
  const version = versionAt(buffer, offset);
  const at = offset + sourceOffset(version);
  return buffer.subarray(at, at + addressSize(version));
}

export function destinationView(buffer: Uint8Array, offset: number): Uint8Array {
  const version = versionAt(buffer, offset);
  const at = offset + destinationOffset(version);
  return buffer.subarray(at, at + addressSize(version));
}
