/**
 * The answer to `status`, and what `pqtun show --json` prints: this shape is documented and grows only. Times are milliseconds,
 * sizes bytes, keys base64; `null` is "unknown" or "none".
 */
import type { PeerStats, Tunnel, TunnelStats } from '@pqtun/tunnel';
import { z } from 'zod';
import { formatIp, formatPrefix } from '../address-text.ts';
import type { DaemonConfig } from '../config/model.ts';
import { publicText } from '../secret-text.ts';

const count = z.number();
const maybe = <T extends z.ZodType>(type: T) => type.nullable();

export const peerStatus = z.object({
  publicKey: z.string(),
  friendlyName: maybe(z.string()),
  mode: z.literal(['require', 'classical']),
  suite: maybe(z.int()),
  fingerprint: maybe(z.string()),
  endpoint: maybe(z.string()),
  allowedIps: z.array(z.string()),
  /** Seconds; 0 is off. */
  persistentKeepalive: count,
  rekeyProfile: z.literal(['standard', 'metered']),
  hasPresharedKey: z.boolean(),
  pqState: z.literal(['none', 'hybrid', 'classical']),
  sessionAge: maybe(count),
  role: maybe(z.literal(['initiator', 'responder'])),
  /** Since 1970. */
  lastHandshake: maybe(count),
  handshakeDuration: maybe(count),
  handshakesCompleted: count,
  bytesReceived: count,
  bytesSent: count,
  packetsReceived: count,
  packetsSent: count,
  roundTrip: maybe(count),
  pathMtu: maybe(count),
});
export type PeerStatus = z.infer<typeof peerStatus>;

export const status = z.object({
  interface: z.string(),
  /** `null`: no private key yet, or none any more, and so no peers. */
  publicKey: maybe(z.string()),
  /** By suite number. */
  fingerprints: z.record(z.string(), z.string()),
  listenPort: count,
  mtu: count,
  /** 0 is off. */
  fwMark: count,
  addresses: z.array(z.string()),
  crypto: z.string(),
  plane: z.string(),
  udp: z.string(),
  /** What seals packets, and why it is nothing faster. */
  aead: z.object({ name: z.string(), reason: maybe(z.string()) }).default({ name: 'unknown', reason: null }),
  /** What the system could do for the native plane, and does or does not. */
  offloads: z
    .array(z.object({ name: z.string(), active: z.boolean(), reason: maybe(z.string()) }))
    .default([]),
  /** What the native plane's loop has counted since the start, by name. */
  planeCounters: z.record(z.string(), count).default({}),
  underLoad: z.boolean(),
  /** How late the event loop was: `counts[i]` measurements were at most `bounds[i]` and above the bound before; one more: the rest. */
  loopDelay: z.object({ bounds: z.array(count), counts: z.array(count) }),
  /** When the daemon was ready, since 1970. */
  since: count,
  pid: count,
  version: z.string(),
  peers: z.array(peerStatus),
  /** Every reason of protocol.md §7, zeros included. */
  drops: z.record(z.string(), count),
  cookieRepliesSent: count,
  downgradesRefused: count,
});
export type Status = z.infer<typeof status>;

export interface StatusInput {
  readonly stats: TunnelStats;
  readonly fingerprints: Tunnel['fingerprints'];
  readonly config: DaemonConfig;
  readonly since: number;
  readonly version: string;
}

export function statusOf({ stats, fingerprints, config, since, version }: StatusInput): Status {
  const keyless = config.tunnel.privateKey === undefined;
  return {
    interface: stats.interfaceName,
    publicKey: keyless ? null : publicText(stats.publicKey),
    fingerprints: keyless
      ? {}
      : Object.fromEntries(Array.from(fingerprints, ([suite, text]) => [String(suite), text])),
    listenPort: stats.listenPort,
    mtu: stats.mtu,
    fwMark: stats.fwMark,
    addresses: config.link.addresses.map(formatPrefix),
    crypto: stats.crypto,
    plane: stats.plane,
    udp: stats.udp,
    aead: { name: stats.aead.name, reason: stats.aead.reason ?? null },
    offloads: stats.offloads.map(({ name, active, reason }) => ({ name, active, reason: reason ?? null })),
    planeCounters: { ...stats.planeCounters },
    underLoad: stats.underLoad,
    loopDelay: { bounds: [...stats.loopDelay.bounds], counts: [...stats.loopDelay.counts] },
    since,
    pid: process.pid,
    version,
    peers: stats.peers.map((peer) => peerStatusOf(peer, config.friendlyNames)),
    drops: { ...stats.drops },
    cookieRepliesSent: stats.cookieRepliesSent,
    downgradesRefused: stats.downgradesRefused,
  };
}

function peerStatusOf(peer: PeerStats, names: ReadonlyMap<string, string>): PeerStatus {
  const publicKey = publicText(peer.publicKey);
  return {
    publicKey,
    friendlyName: names.get(publicKey) ?? null,
    mode: peer.mode,
    suite: peer.suite ?? null,
    fingerprint: peer.fingerprint ?? null,
    endpoint: peer.endpoint === undefined ? null : addressText(peer.endpoint),
    allowedIps: peer.allowedIps.map(formatPrefix),
    persistentKeepalive: peer.persistentKeepalive ?? 0,
    rekeyProfile: peer.rekeyProfile,
    hasPresharedKey: peer.hasPresharedKey,
    pqState: peer.pqState,
    sessionAge: peer.sessionAge ?? null,
    role: peer.role ?? null,
    lastHandshake: peer.lastHandshake ?? null,
    handshakeDuration: peer.handshakeDuration ?? null,
    handshakesCompleted: peer.handshakesCompleted,
    bytesReceived: peer.bytesReceived,
    bytesSent: peer.bytesSent,
    packetsReceived: peer.packetsReceived,
    packetsSent: peer.packetsSent,
    roundTrip: peer.roundTrip ?? null,
    pathMtu: peer.pathMtu ?? null,
  };
}

/** `address:port` of where a peer is; a zone as its number. */
export function addressText(at: { ip: Uint8Array; port: number; scope: number }): string {
  const ip = formatIp(at.ip);
  if (at.ip.length === 4) return `${ip}:${at.port}`;
  return at.scope === 0 ? `[${ip}]:${at.port}` : `[${ip}%${at.scope}]:${at.port}`;
}
