/** Addresses, prefixes and endpoints: text ↔ network-order bytes. Strict: what is not of the form is `undefined`. */
import type { EndpointSpec, Prefix } from '@pqtun/tunnel';

/** Dotted quad without leading zeros (4 B), or IPv6 of RFC 4291 §2.2 without zone (16 B). Fresh buffer. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** Shortest usual text: RFC 5952 for IPv6. */
export function formatIp(ip: Uint8Array): string {
  return ip.length === 4 ? ip.join('.') : formatIpv6(ip);
}

/** `address` or `address/bits`; host bits are kept. Without bits: /32 or /128. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (ip === undefined) return undefined;
  const most = ip.length * 8;
  const bits = slash < 0 ? most : parseInteger(text.slice(slash + 1), 0, most);
  return bits === undefined ? undefined : { ip, bits };
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatIp(prefix.ip)}/${prefix.bits}`;
}

/** The same prefix with host bits zero, as `wg` masks allowed IPs. */
export function masked(prefix: Prefix): Prefix {
  const ip = prefix.ip.map((byte, at) => {
    const kept = Math.min(8, Math.max(0, prefix.bits - at * 8));
    return byte & (0xff00 >> kept);
  });
  return { ip, bits: prefix.bits };
}

/** `host:port`, `[v6]:port`, `[fe80::1%eth0]:port`. A DNS name is kept as written; nothing is resolved here. */
export function parseEndpoint(text: string): EndpointSpec | undefined {
  const colon = text.lastIndexOf(':');
  const port = parseInteger(text.slice(colon + 1), 1, 65_535);
  if (colon < 1 || port === undefined) return undefined;
  const host = text.slice(0, colon);
  if (host.startsWith('[') && host.endsWith(']')) {
    const inner = host.slice(1, -1);
    return isZonedIpv6(inner) ? { host: inner, port } : undefined;
  }
  return parseIpv4(host) !== undefined || isDnsName(host) ? { host, port } : undefined;
}

export function formatEndpoint(at: EndpointSpec): string {
  return at.host.includes(':') ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;
}

/** Whether the host of an endpoint is no address literal, zone or not, and has to be looked up. */
export function isName({ host }: EndpointSpec): boolean {
  return parseIp(host.replace(/%.*$/, '')) === undefined;
}

/** Decimal digits only: no sign, space, exponent, `0x` or needless leading zero. */
export function parseInteger(text: string, least: number, most: number): number | undefined {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const ip = new Uint8Array(4);
  for (const [at, part] of parts.entries()) {
    const byte = parseInteger(part, 0, 255);
    if (byte === undefined) return undefined;
    ip[at] = byte;
  }
  return ip;
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupBytes(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groupBytes(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const given = head.length + tail.length;
  if (halves.length === 1 ? given !== 16 : given > 14) return undefined;
  const ip = new Uint8Array(16);
  ip.set(head, 0);
  ip.set(tail, 16 - tail.length);
  return ip;
}

/** Bytes of colon-separated groups; the last may be a dotted quad where `last` says that the address ends here. */
function groupBytes(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [at, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const quad = last && at === groups.length - 1 ? parseIpv4(group) : undefined;
    if (quad === undefined) return undefined;
    bytes.push(...quad);
  }
  return bytes.length > 16 ? undefined : bytes;
}

function formatIpv6(ip: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, at) => ((ip[at * 2] ?? 0) << 8) | (ip[at * 2 + 1] ?? 0));
  const zeros = longestZeroRun(groups);
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (zeros.length < 2) return text(groups);
  return `${text(groups.slice(0, zeros.start))}::${text(groups.slice(zeros.start + zeros.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [at, group] of groups.entries()) {
    if (group !== 0) start = at + 1;
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start };
  }
  return best;
}

function isZonedIpv6(text: string): boolean {
  const percent = text.indexOf('%');
  if (percent < 0) return parseIpv6(text) !== undefined;
  return (
    parseIpv6(text.slice(0, percent)) !== undefined && /^[0-9A-Za-z_.@-]{1,15}$/.test(text.slice(percent + 1))
  );
}

/** RFC 1123 names, and underscores, which occur. A name whose last label is all digits is a mistyped address. */
function isDnsName(text: string): boolean {
  if (text.length > 253) return false;
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  if (/^[0-9]+$/.test(labels.at(-1) ?? '')) return false;
  return labels.every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));
}
