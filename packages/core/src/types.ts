/** The nouns every layer shares. Branded, so that a millisecond never passes for an index; no behaviour but construction. */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A point on the boot-time clock (CLOCK_BOOTTIME), in milliseconds; fractions allowed. It runs on in suspend. */
export type Instant = Brand<number, 'Instant'>;
/** A span of time in milliseconds. */
export type Millis = Brand<number, 'Millis'>;
/** Wall-clock time in milliseconds since 1970 (UTC). Used for one thing: the timestamp of an initiation. */
export type UnixMillis = Brand<number, 'UnixMillis'>;
/** One configured remote party, numbered by the engine; never reused within one engine. */
export type PeerId = Brand<number, 'PeerId'>;
/** 32-bit session index as it stands in `sender_index` and `receiver_index`. protocol.md §2. */
export type SessionIndex = Brand<number, 'SessionIndex'>;

export const instant = (milliseconds: number): Instant => milliseconds as Instant;
export const millis = (milliseconds: number): Millis => milliseconds as Millis;
export const unixMillis = (milliseconds: number): UnixMillis => milliseconds as UnixMillis;
export const peerId = (n: number): PeerId => n as PeerId;
export const sessionIndex = (n: number): SessionIndex => (n >>> 0) as SessionIndex;

/** `at + span`, still an instant. */
export const later = (at: Instant, span: Millis): Instant => (at + span) as Instant;
/** Milliseconds from `from` to `to`; negative when `to` lies before. */
export const elapsed = (from: Instant, to: Instant): Millis => (to - from) as Millis;

/** Which end of a handshake a party was. */
export type Role = 'initiator' | 'responder';
/** A hybrid peer has a KEM key; a classical one speaks WireGuard's types 1 and 2. protocol.md §3. */
export type SessionKind = 'hybrid' | 'classical';

/** Outer address and port of a remote party. Build it with `endpoint()` so that mapped addresses compare equal. */
export interface Endpoint {
  /** 4 B (IPv4) or 16 B (IPv6), network order. Never an IPv4-mapped IPv6 address. Not modified after construction. */
  readonly ip: Uint8Array;
  /** 1 … 65535. */
  readonly port: number;
  /** Interface index of a link-local IPv6 address, else 0. */
  readonly scope: number;
}

/** The local address (and interface) a datagram came to; answers leave from there. */
export interface LocalAddress {
  /** 4 B or 16 B, network order. */
  readonly ip: Uint8Array;
  /** Interface index, 0 when unknown. */
  readonly interfaceIndex: number;
}

/** An endpoint with IPv4-mapped IPv6 (::ffff:a.b.c.d) reduced to its 4 bytes: one address, one form, one map key. */
export function endpoint(ip: Uint8Array, port: number, scope = 0): Endpoint {
  return { ip: unmapped(ip), port, scope };
}

/** Reduces ::ffff:a.b.c.d to 4 B; any other address is returned as it came. */
export function unmapped(ip: Uint8Array): Uint8Array {
  if (ip.length !== 16 || ip[10] !== 0xff || ip[11] !== 0xff) return ip;
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return ip;
  return ip.subarray(12);
}

/** Map key of an address: Latin-1 string of its bytes, so 4 B and 16 B never collide. */
export function ipKey(ip: Uint8Array): string {
  return String.fromCharCode(...ip);
}

/** Map key of an endpoint: address, port, scope. */
export function endpointKey(at: Endpoint): string {
  return String.fromCharCode(at.port, at.scope & 0xffff, at.scope >>> 16, ...at.ip);
}

/** Map key of the source prefix that quotas count by: /32 of IPv4, /64 of IPv6. protocol.md §5.1 C4, §6. */
export function prefixKey(ip: Uint8Array): string {
  return ip.length === 4 ? ipKey(ip) : ipKey(ip.subarray(0, 8));
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.scope === b.scope && sameBytes(a.ip, b.ip);
}

/** Compares public bytes. Not for secrets: it stops at the first difference. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Orders public byte strings as unsigned big-endian numbers: < 0, 0, > 0. Timestamps and IDs compare so. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number); // both indices are below the shorter length
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
