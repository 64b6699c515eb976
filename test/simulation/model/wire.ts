/** What stands in the clear of a datagram, read as docs/protocol.md §3 draws it; the model's own reading, not the engine's. */

export type Seen =
  | {
      readonly type: 'initiation';
      readonly classical: boolean;
      readonly fragment: number;
      readonly count: number;
      readonly sender: number;
    }
  | {
      readonly type: 'response';
      readonly classical: boolean;
      readonly fragment: number;
      readonly count: number;
      readonly sender: number;
      readonly receiver: number;
    }
  | { readonly type: 'cookie'; readonly receiver: number }
  | { readonly type: 'transport'; readonly receiver: number; readonly counter: number }
  | { readonly type: 'other' };

const other: Seen = { type: 'other' };

/** Reads a datagram of any content. A counter beyond 2^53 is not exact, which is beyond every limit anyway. */
export function read(bytes: Uint8Array): Seen {
  switch (bytes[0]) {
    case 0x01: // §3: WireGuard's initiation, 148 B
      if (bytes.length !== 148) return other;
      return { type: 'initiation', classical: true, fragment: 0, count: 1, sender: word(bytes, 4) };
    case 0x02: // §3: WireGuard's response, 92 B
      if (bytes.length !== 92) return other;
      return {
        type: 'response',
        classical: true,
        fragment: 0,
        count: 1,
        sender: word(bytes, 4),
        receiver: word(bytes, 8),
      };
    case 0x03: // §3.3
      return bytes.length === 64 ? { type: 'cookie', receiver: word(bytes, 4) } : other;
    case 0x04: // §3.4
      if (bytes.length < 32) return other;
      return {
        type: 'transport',
        receiver: word(bytes, 4),
        counter: word(bytes, 8) + 2 ** 32 * word(bytes, 12),
      };
    case 0x11: // §3.1: 8 B before the slice, 32 B behind it
      if (bytes.length < 41) return other;
      return {
        type: 'initiation',
        classical: false,
        fragment: bytes[2] ?? 0,
        count: bytes[3] ?? 0,
        sender: word(bytes, 4),
      };
    case 0x12: // §3.1: 12 B before the slice
      if (bytes.length < 45) return other;
      return {
        type: 'response',
        classical: false,
        fragment: bytes[2] ?? 0,
        count: bytes[3] ?? 0,
        sender: word(bytes, 4),
        receiver: word(bytes, 8),
      };
    default:
      return other;
  }
}

/**
 * What makes two datagrams the same to a receiver: all bytes, but mac2 (the last 16) of a handshake message, which no other
 * part of it covers. §3.1.
 */
export function contentOf(bytes: Uint8Array, seen: Seen): string {
  const end = seen.type === 'initiation' || seen.type === 'response' ? bytes.length - 16 : bytes.length;
  return latin1(bytes.subarray(0, end));
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Length of an inner packet as its header says, 0 when there is none. §3.4. */
export function innerLength(payload: Uint8Array): number {
  const version = (payload[0] ?? 0) >> 4;
  if (version === 4) return half(payload, 2);
  return version === 6 ? 40 + half(payload, 4) : 0;
}

/** Source address of an inner packet: 4 or 16 B. */
export function innerSource(packet: Uint8Array): Uint8Array {
  return (packet[0] ?? 0) >> 4 === 4 ? packet.subarray(12, 16) : packet.subarray(8, 24);
}

function half(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)) +
    (bytes[at + 3] ?? 0) * 2 ** 24
  );
}
