/** Addresses as text: what the operating system's interfaces of Node take and give. */
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Endpoint, endpoint, unmapped } from '@pqtun/core';

/** Parses an address literal; `undefined` for anything else. A zone (`%eth0`, `%3`) is left to `parseScoped`. */
export function parseIp(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return parseIpv4(text);
  return isIPv6(text) && !text.includes('%') ? unmapped(parseIpv6(text)) : undefined;
}

/** As `parseIp`, with the zone of a link-local address as interface index. An unknown zone is no address here. */
export function parseScoped(text: string): { ip: Uint8Array; scope: number } | undefined {
  const [address = '', zone] = text.split('%', 2);
  const ip = parseIp(address);
  if (ip === undefined || zone === undefined) return ip && { ip, scope: 0 };
  const scope = interfaceIndex(zone);
  return ip.length === 16 && scope > 0 ? { ip, scope } : undefined;
}

/** `a.b.c.d`, or IPv6 as in RFC 5952. */
export function formatIp(ip: Uint8Array): string {
  if (ip.length === 4) return ip.join('.');
  const groups: string[] = [];
  for (let i = 0; i + 1 < ip.length; i += 2)
    groups.push((((ip[i] ?? 0) << 8) | (ip[i + 1] ?? 0)).toString(16));
  const run = longestZeroRun(groups);
  if (run.length < 2) return groups.join(':');
  return `${groups.slice(0, run.start).join(':')}::${groups.slice(run.start + run.length).join(':')}`;
}

/** `a.b.c.d:port` or `[ip%scope]:port`. */
export function formatEndpoint(at: Endpoint): string {
  if (at.ip.length === 4) return `${formatIp(at.ip)}:${at.port}`;
  return `[${formatIp(at.ip)}${at.scope === 0 ? '' : `%${at.scope}`}]:${at.port}`;
}

/** The endpoint that Node's `rinfo` names. */
export function endpointOf(address: string, port: number): Endpoint | undefined {
  const parsed = parseScoped(address);
  return parsed && endpoint(parsed.ip, port, parsed.scope);
}

/** Index of the interface with this name or number; 0 when there is none. */
function interfaceIndex(zone: string): number {
  if (/^[0-9]{1,9}$/.test(zone)) return Number(zone);
  return (
    networkInterfaces()[zone]?.find((each) => each.family === 'IPv6' && each.scopeid !== 0)?.scopeid ?? 0
  );
}

function parseIpv4(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number);
}

function parseIpv6(text: string): Uint8Array {
  const [head = '', tail] = text.split('::', 2);
  const front = groupBytes(head);
  const back = tail === undefined ? [] : groupBytes(tail);
  return Uint8Array.from([...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back]);
}

function groupBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return [...parseIpv4(group)];
    const value = Number.parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
}

function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
