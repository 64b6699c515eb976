/** A whole configuration as the daemon holds it: what the tunnel is made of, and what the system around it gets. */
import { Secret } from '@pqtun/core';
import type { OffloadName, OpenOptions, Prefix, TunnelConfig } from '@pqtun/tunnel';

/** As `TunnelConfig`, but there may be no key yet, or none any more: `wg` sets and clears it. A file always has one. */
export type DaemonTunnel = Omit<TunnelConfig, 'privateKey'> & { readonly privateKey?: Secret };

/** What becomes of a new peer over the UAPI socket that comes without a KEM key. */
export type UapiPeers = 'refuse' | 'classical';

export interface DaemonConfig {
  readonly tunnel: DaemonTunnel;
  readonly link: LinkConfig;
  readonly dataPath: DataPathConfig;
  readonly hooks: Hooks;
  /** Write the configuration back on an orderly stop. */
  readonly saveConfig: boolean;
  readonly uapiPeers: UapiPeers;
  /** `# friendly_name = …` of a peer, by its public key in base64; a label for people and exporters. */
  readonly friendlyNames: ReadonlyMap<string, string>;
  /** Where a key was written as `file:…` or `credential:…`: by the key object, so that saving never copies a key into the file. */
  readonly references: ReadonlyMap<object, string>;
}

export interface LinkConfig {
  /** With host bits: the interface's own addresses. */
  readonly addresses: readonly Prefix[];
  /** Absent: from the routes to the peers. */
  readonly mtu?: number;
  readonly dnsServers: readonly Uint8Array[];
  readonly dnsSearch: readonly string[];
  /** `auto`: main table, and policy rules for a default route; `off`: no routes; else every route into this table. */
  readonly table: 'auto' | 'off' | number;
  /** The device alone, as wireguard-go leaves it: whoever started us sets it up, and gives it addresses and routes. */
  readonly unmanaged?: true;
}

/** How packets are to be moved: `openTunnel`'s options of these names, which say what each means. */
export interface DataPathConfig {
  readonly plane: PlaneChoice;
  readonly aead: NonNullable<OpenOptions['aead']>;
  /** Those that are switched off, as `false`. */
  readonly offloads: NonNullable<OpenOptions['offloads']>;
  readonly clampMss: boolean;
}
export const planeChoices = ['auto', 'native', 'portable'] as const;
export type PlaneChoice = (typeof planeChoices)[number];
export const aeadChoices = ['auto', 'evp', 'raw', 'multibuffer'] as const satisfies DataPathConfig['aead'][];
/** One of each, or it is no record: the tunnel's own list is not loaded by commands that need no tunnel. */
const offloads: Record<OffloadName, OffloadName> = {
  'vnet-header': 'vnet-header',
  checksum: 'checksum',
  tso: 'tso',
  uso: 'uso',
  'udp-gso': 'udp-gso',
  'udp-gro': 'udp-gro',
};
export const offloadNames: readonly OffloadName[] = Object.values(offloads);
export const defaultDataPath: DataPathConfig = { plane: 'auto', aead: 'auto', offloads: {}, clampMss: true };

export const hookKinds = ['preUp', 'postUp', 'preDown', 'postDown'] as const;
export type HookKind = (typeof hookKinds)[number];
export type Hooks = Readonly<Record<HookKind, readonly string[]>>;

/** Every secret of a configuration, for those who must destroy or copy them. */
export function secretsOf(config: DaemonTunnel): Secret[] {
  const found: (Secret | 'none' | undefined)[] = [
    config.privateKey,
    config.kemSeed,
    ...(config.deploymentKeys ?? []),
  ];
  for (const peer of config.peers) found.push(peer.presharedKey, peer.deploymentKey);
  return found.filter((candidate) => candidate instanceof Secret);
}

/** Wipes every secret of `config`; harmless when repeated. */
export function destroyConfig(config: DaemonConfig): void {
  for (const secret of secretsOf(config.tunnel)) secret.destroy();
}

/** What wireguard-go starts with: a device and nothing else. `wg` does the rest. */
export function emptyConfig(uapiPeers: UapiPeers, kemSeed: Secret | undefined): DaemonConfig {
  return {
    tunnel: { ...(kemSeed && { kemSeed }), peers: [] },
    link: { addresses: [], dnsServers: [], dnsSearch: [], table: 'off', unmanaged: true },
    dataPath: defaultDataPath,
    hooks: { preUp: [], postUp: [], preDown: [], postDown: [] },
    saveConfig: false,
    uapiPeers,
    friendlyNames: new Map(),
    references: new Map(),
  };
}
