/** What a tunnel is made of. Built by hand, or by the daemon from a file. */
import type { RekeyProfile, Secret, SuiteId } from '@pqtun/core';

/** An address with prefix length; host bits zero for allowed IPs. */
export interface Prefix {
  /** 4 B or 16 B, network order. */
  readonly ip: Uint8Array;
  readonly bits: number;
}

/** An endpoint as configured: address or DNS name, and port. Names are resolved at start and again when the path is stale. */
export interface EndpointSpec {
  readonly host: string;
  readonly port: number;
}

export interface PeerConfig {
  /** X25519 public key, 32 B. Names the peer in every call of `Tunnel`. */
  readonly publicKey: Uint8Array;
  /** ML-KEM public key: 1184 B (suite 1) or 1568 B (suite 2). With it the peer is hybrid and never falls back. */
  readonly kemPublicKey?: Uint8Array;
  /** `require` needs `kemPublicKey`; `classical` speaks WireGuard's types 1 and 2 and must be asked for. */
  readonly mode: 'require' | 'classical';
  readonly presharedKey?: Secret;
  /** gk of this peer, used as initiator. */
  readonly deploymentKey?: Secret;
  readonly allowedIps: readonly Prefix[];
  readonly endpoint?: EndpointSpec;
  /** Seconds, 1 … 65535; absent: off. */
  readonly persistentKeepalive?: number;
  /** Default `standard`; `metered` is refused for a classical peer. */
  readonly rekeyProfile?: RekeyProfile;
}

export interface TunnelConfig {
  readonly privateKey: Secret;
  /** 64 B, d ‖ z. Without it only classical peers are possible. */
  readonly kemSeed?: Secret;
  /** gk: any of these is accepted from initiators; `'none'` stands for the empty string. Default: only `'none'`. At most 8. */
  readonly deploymentKeys?: readonly (Secret | 'none')[];
  /** 0 or absent: chosen by the kernel. */
  readonly listenPort?: number;
  /** SO_MARK of outer packets. */
  readonly fwMark?: number;
  readonly peers: readonly PeerConfig[];
  /** Suites served as responder. Default both. */
  readonly suites?: readonly SuiteId[];
  /** M, 508 … 1452. Default 1232. */
  readonly maxHandshakeDatagram?: number;
}
