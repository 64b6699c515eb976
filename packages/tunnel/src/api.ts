/** What `openTunnel` gives back: the life of one tunnel, and what can be seen of it. */
import type { Drop, RekeyProfile, SuiteId } from '@pqtun/core';
import type { EndpointSpec, PeerConfig, Prefix, TunnelConfig } from './config.ts';

/** Where inner packets go. Adding one means: what is sent to it comes out of `onPackets` elsewhere. */
export interface PacketDevice {
  readonly name: string;
  readonly mtu: number;
  /** Bytes before and behind each packet delivered that may be overwritten; absent: none. With 16 and 31 nothing is copied. */
  readonly headroom?: number;
  readonly tailroom?: number;
  /** Starts delivery. Packets may be views with `headroom`/`tailroom` around them, valid until the callback returns. */
  start(onPackets: (packets: readonly Uint8Array[]) => void, onError: (error: Error) => void): void;
  /** Packets are valid until this returns. */
  write(packets: readonly Uint8Array[]): void;
  close(): void;
}

export type DeviceChoice =
  /** Creates a TUN (needs CAP_NET_ADMIN), or adopts `fd`. Sets its MTU; addresses and routes are the caller's. */
  | { readonly kind: 'tun'; readonly name?: string; readonly fd?: number; readonly mtu?: number }
  /** Any device of yours, `memoryDevice()` for one. */
  | { readonly kind: 'custom'; readonly device: PacketDevice };

/** What a system can do for the native plane, each of which can be missing alone. docs/data-plane.md. */
export const offloadNames = ['vnet-header', 'checksum', 'tso', 'uso', 'udp-gso', 'udp-gro'] as const;
export type OffloadName = (typeof offloadNames)[number];

export interface OffloadStatus {
  readonly name: OffloadName;
  readonly active: boolean;
  readonly reason: string | undefined;
}

/** Keeps what must survive a restart. Calls are synchronous so that a timestamp is on disk before it is on the wire (C6). */
export interface StateStore {
  /** Ceiling of the initiator's timestamp, 12 B, or `undefined` when none was kept. */
  loadTimestampCeiling(): Uint8Array | undefined;
  /** `false` when it could not be kept; the tunnel goes on in memory and raises `state-not-saved`. */
  saveTimestampCeiling(ceiling: Uint8Array): boolean;
  loadEndpoint(publicKey: Uint8Array): { ip: Uint8Array; port: number; scope: number } | undefined;
  saveEndpoint(publicKey: Uint8Array, at: { ip: Uint8Array; port: number; scope: number }): boolean;
}

export interface OpenOptions {
  readonly device: DeviceChoice;
  readonly state?: StateStore;
  /** Crypto back end. Default `node`. */
  readonly crypto?: 'node' | 'noble';
  /** UDP through the addon (batches, source address, mark, path MTU probing) or `node:dgram`. Default: addon when built. */
  readonly udp?: 'native' | 'portable';
  /**
   * What moves packets. `native`: the addon, inside which they stay; needs a TUN. `portable`: JavaScript, some twenty times
   * slower, and the only one for a device of yours. Default `auto`: native for a TUN, unless `udp` is `portable`.
   */
  readonly plane?: 'auto' | 'native' | 'portable';
  /** What the native plane seals packets with. Default `auto`: the fastest this machine and Node.js have. */
  readonly aead?: 'auto' | 'evp' | 'raw' | 'multibuffer';
  /** What the native plane may not ask of the system; all it may by default, and each is tried before it is trusted. */
  readonly offloads?: Readonly<Partial<Record<OffloadName, boolean>>>;
  /** Lowers the MSS of TCP through the native plane to what fits its MTU. Default true. */
  readonly clampMss?: boolean;
  /** Local addresses to bind, at most one IPv4 and one IPv6; default any of both. For tests on loopback. */
  readonly bind?: readonly string[];
  /** Initiates to every peer whose endpoint is known as soon as the tunnel is up, 50 a second. Default true. */
  readonly initiateOnStart?: boolean;
  /** Resolves the names of endpoints to address literals, in order of preference. Default: the system's resolver. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
}

export interface Tunnel extends AsyncDisposable {
  readonly interfaceName: string;
  readonly listenPort: number;
  /** Fingerprint of our own ID for each suite served; empty without a KEM key. */
  readonly fingerprints: ReadonlyMap<SuiteId, string>;
  /** Replaces the whole configuration: all or nothing; untouched peers keep their sessions. Throws `PQTUN_BAD_CONFIG`. */
  reconfigure(config: TunnelConfig): Promise<void>;
  addPeer(peer: PeerConfig): Promise<void>;
  /** Changes what is given of one peer, keeps its session where that is possible. `null` clears a value. */
  changePeer(publicKey: Uint8Array, change: PeerChange): Promise<void>;
  /** Ends its sessions at once. */
  removePeer(publicKey: Uint8Array): Promise<void>;
  /** Forgets the stored timestamp of a peer, so that one whose clock went back is heard again (§5.1 C3). */
  resetTimestamp(publicKey: Uint8Array): void;
  /**
   * Begins a handshake with a peer whose address is known, however young its session is; data goes on under that one meanwhile.
   * At most one in 5 s leaves (REKEY_TIMEOUT). Whether it came to a session, `peer-established` tells.
   */
  rekey(publicKey: Uint8Array): void;
  /** Sends one probe inside the tunnel; resolves with the round trip in milliseconds, rejects after `timeout` ms (default 5000). */
  ping(publicKey: Uint8Array, options?: { timeout?: number; size?: number }): Promise<number>;
  stats(): TunnelStats;
  /** Calls `listener` for every event; returns the function that ends it. */
  onEvent(listener: (event: TunnelEvent) => void): () => void;
  /** Orderly stop: exact timestamp kept, keys wiped, device closed. */
  close(): Promise<void>;
}

export interface PeerChange {
  readonly presharedKey?: PeerConfig['presharedKey'] | null;
  readonly deploymentKey?: PeerConfig['deploymentKey'] | null;
  /** An address moves the peer there, though it was configured already and the peer has roamed since. */
  readonly endpoint?: EndpointSpec | null;
  readonly allowedIps?: readonly Prefix[];
  readonly persistentKeepalive?: number | null;
  readonly rekeyProfile?: RekeyProfile;
}

export interface PeerStats {
  readonly publicKey: Uint8Array;
  readonly mode: 'require' | 'classical';
  readonly suite: SuiteId | undefined;
  /** Fingerprint of a hybrid peer: ID in base32, groups of 4. */
  readonly fingerprint: string | undefined;
  readonly endpoint: { readonly ip: Uint8Array; readonly port: number; readonly scope: number } | undefined;
  readonly allowedIps: readonly Prefix[];
  readonly persistentKeepalive: number | undefined;
  readonly rekeyProfile: RekeyProfile;
  readonly hasPresharedKey: boolean;
  /** `none`: no session; `hybrid`: ML-KEM and X25519; `classical`: X25519 alone. */
  readonly pqState: 'none' | 'hybrid' | 'classical';
  /** Milliseconds since the current session began. */
  readonly sessionAge: number | undefined;
  readonly role: 'initiator' | 'responder' | undefined;
  /** Wall clock of the last completed handshake, milliseconds since 1970. */
  readonly lastHandshake: number | undefined;
  /** From first initiation sent to session, milliseconds, of the last handshake we initiated. */
  readonly handshakeDuration: number | undefined;
  readonly handshakesCompleted: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  /** Last measured round trip in milliseconds. */
  readonly roundTrip: number | undefined;
  /** The longest outer packet known to reach the peer, in bytes; `undefined`: not known. A classical peer's is known when our own system says so. */
  readonly pathMtu: number | undefined;
}

export interface TunnelStats {
  readonly interfaceName: string;
  readonly listenPort: number;
  readonly mtu: number;
  readonly fwMark: number;
  readonly publicKey: Uint8Array;
  readonly crypto: string;
  readonly plane: 'portable' | 'native';
  /** What seals and opens packets, and why it is nothing faster. */
  readonly aead: { readonly name: string; readonly reason: string | undefined };
  /** What the system could do for the native plane, and does or does not. Empty with the portable one. */
  readonly offloads: readonly OffloadStatus[];
  /** What the native plane's loop has counted since the start, by name. Empty with the portable one. */
  readonly planeCounters: Readonly<Record<string, number>>;
  readonly udp: 'native' | 'portable';
  readonly underLoad: boolean;
  /**
   * How late the event loop was, measured some 50 times a second while there was traffic: `counts[i]` measurements were at most
   * `bounds[i]` milliseconds late and later than the bound before; `counts` has one more for what was later than all.
   */
  readonly loopDelay: { readonly bounds: readonly number[]; readonly counts: readonly number[] };
  readonly peers: readonly PeerStats[];
  readonly drops: Readonly<Record<Drop, number>>;
  readonly cookieRepliesSent: number;
  readonly downgradesRefused: number;
}

/** Event ids are stable; docs/operations.md lists them. Peers are named by public key. */
export type TunnelEvent =
  | {
      readonly id: 'peer-established';
      readonly publicKey: Uint8Array;
      readonly suite: SuiteId | undefined;
      readonly role: 'initiator' | 'responder';
      readonly duration: number | undefined;
    }
  | { readonly id: 'peer-expired'; readonly publicKey: Uint8Array }
  /** The path to a peer takes other packets than was known; `mtu`: the longest outer one, in bytes. */
  | { readonly id: 'path-mtu'; readonly publicKey: Uint8Array; readonly mtu: number }
  | { readonly id: 'handshake-gave-up'; readonly publicKey: Uint8Array }
  | { readonly id: 'peer-roamed'; readonly publicKey: Uint8Array; readonly endpoint: string }
  /** At most one per reason and second. `code`: the system's error behind the last `send-failed`. */
  | { readonly id: 'dropped'; readonly reason: Drop; readonly total: number; readonly code?: string }
  /** When load begins, and when it has stayed away for five seconds. */
  | { readonly id: 'under-load'; readonly on: boolean }
  | { readonly id: 'state-not-saved'; readonly what: string }
  | { readonly id: 'endpoint-unresolved'; readonly publicKey: Uint8Array; readonly host: string }
  /** The system failed at it while it ran, or lacks it: the native plane goes on without, only slower. Once for each. */
  | { readonly id: 'offload-off'; readonly offload: OffloadName; readonly reason: string }
  /** The device, or the socket, is gone; the tunnel closes. */
  | { readonly id: 'device-lost'; readonly reason: string }
  /** A mistake of ours was met; the tunnel closes. */
  | { readonly id: 'failed'; readonly reason: string };
