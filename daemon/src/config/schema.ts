/**
 * The configuration as a model for tools: zod schema, and the JSON Schema made from it (`pqtun check --schema`).
 *
 * It describes the same keys as the file, in camel case. `modelOf` gives the model of a configuration with every secret
 * replaced by `"(hidden)"`, which `pqtun check --json` prints. `schemaVersion` grows when a key changes its meaning.
 */
import { limits, type Secret } from '@pqtun/core';
import type { PeerConfig } from '@pqtun/tunnel';
import { z } from 'zod';
import { formatEndpoint, formatIp, formatPrefix, parseEndpoint, parsePrefix } from '../address-text.ts';
import { base64Length, publicText } from '../secret-text.ts';
import { maxMtu, minMtu } from './interface-fields.ts';
import { aeadChoices, type DaemonConfig, offloadNames, planeChoices } from './model.ts';

// Code generation from strings is switched off in the daemon; zod must not even try.
z.config({ jitless: true });

export const schemaVersion = 1;
const hidden = '(hidden)';

const reference = '(file|credential):.+';
const key = (bytes: number, what: string) =>
  z
    .string()
    .regex(
      new RegExp(
        `^([A-Za-z0-9+/]{${base64Length(bytes) - padding(bytes)}}={${padding(bytes)}}|\\(hidden\\)|${reference})$`,
      ),
    )
    .describe(what);
const text = (parse: (value: string) => unknown, what: string) =>
  z
    .string()
    .refine((value) => parse(value) !== undefined, { error: `expected ${what}` })
    .describe(what);
const prefix = text(parsePrefix, 'address/bits');
const hooks = z.array(z.string().min(1)).optional().describe('shell commands; only with --allow-hooks');

export const interfaceModel = z.strictObject({
  privateKey: key(32, 'X25519 private key, 32 bytes base64, file:PATH or credential:NAME'),
  kemSeed: key(64, 'ML-KEM seed d ‖ z, 64 bytes').optional(),
  deploymentKey: z
    .array(z.union([z.literal('none'), key(32, 'deployment key, 32 bytes')]))
    .max(limits.maxDeploymentKeys)
    .optional(),
  address: z.array(prefix).optional(),
  listenPort: z.int().min(0).max(65_535).optional(),
  mtu: z.int().min(minMtu).max(maxMtu).optional(),
  dns: z.array(z.string()).optional().describe('name servers and search domains'),
  table: z.union([z.literal(['auto', 'off']), z.int().min(1).max(0xffff_ffff)]).optional(),
  fwMark: z.int().min(0).max(0xffff_ffff).optional(),
  plane: z
    .literal([...planeChoices])
    .optional()
    .describe('what moves packets; auto: the addon, inside which they stay'),
  aead: z
    .literal([...aeadChoices])
    .optional()
    .describe('what the native plane seals packets with'),
  offloads: z
    .partialRecord(z.enum(offloadNames), z.boolean())
    .optional()
    .describe('what the native plane may ask of the system; false: it does without'),
  clampMss: z.boolean().optional().describe('lower the MSS of TCP through the native plane to what fits'),
  preUp: hooks,
  postUp: hooks,
  preDown: hooks,
  postDown: hooks,
  saveConfig: z.boolean().optional(),
  uapiPeers: z
    .literal(['refuse', 'classical'])
    .optional()
    .describe(
      'new peers without a KEM key over the UAPI socket: refused, or classical, which is not post-quantum',
    ),
});

export const peerModel = z.strictObject({
  publicKey: key(32, 'X25519 public key, 32 bytes'),
  kemPublicKey: z
    .union([key(1184, 'ML-KEM-768 public key: suite 1'), key(1568, 'ML-KEM-1024 public key: suite 2')])
    .optional(),
  mode: z
    .literal(['require', 'classical'])
    .optional()
    .describe('require with a kemPublicKey; classical must be asked for'),
  presharedKey: key(32, 'pre-shared key, 32 bytes').optional(),
  deploymentKey: key(32, "this peer's deployment key, 32 bytes").optional(),
  allowedIPs: z.array(prefix).optional(),
  endpoint: text(parseEndpoint, 'host:port').optional(),
  persistentKeepalive: z.int().min(0).max(65_535).optional().describe('seconds; 0 is off'),
  rekeyProfile: z.literal(['standard', 'metered']).optional(),
  friendlyName: z.string().max(256).optional(),
});

export const configModel = z.strictObject({
  version: z.literal(schemaVersion),
  interface: interfaceModel,
  peers: z.array(peerModel),
});
export type ConfigModel = z.infer<typeof configModel>;

/** JSON Schema (draft 2020-12) of `configModel`. */
export function jsonSchema(): object {
  return {
    $id: `urn:pqtun:config:${schemaVersion}`,
    title: 'pqtun configuration',
    ...z.toJSONSchema(configModel),
  };
}

/** The model of a configuration; secrets show as `"(hidden)"`, or as the reference they were written as. */
export function modelOf(config: DaemonConfig): ConfigModel {
  const { tunnel, link } = config;
  const secret = (value: Secret) => config.references.get(value) ?? hidden;
  const dns = [...link.dnsServers.map(formatIp), ...link.dnsSearch];
  return {
    version: schemaVersion,
    interface: {
      privateKey: tunnel.privateKey === undefined ? hidden : secret(tunnel.privateKey),
      ...(tunnel.kemSeed && { kemSeed: secret(tunnel.kemSeed) }),
      ...(tunnel.deploymentKeys && {
        deploymentKey: tunnel.deploymentKeys.map((gk) => (gk === 'none' ? gk : secret(gk))),
      }),
      address: link.addresses.map(formatPrefix),
      ...(tunnel.listenPort !== undefined && { listenPort: tunnel.listenPort }),
      ...(link.mtu !== undefined && { mtu: link.mtu }),
      ...(dns.length > 0 && { dns }),
      table: link.table,
      fwMark: tunnel.fwMark ?? 0,
      ...config.dataPath,
      ...Object.fromEntries(Object.entries(config.hooks).filter(([, commands]) => commands.length > 0)),
      saveConfig: config.saveConfig,
      uapiPeers: config.uapiPeers,
    },
    peers: tunnel.peers.map((peer) => peerModelOf(peer, config, secret)),
  };
}

function peerModelOf(
  peer: PeerConfig,
  config: DaemonConfig,
  secret: (value: Secret) => string,
): ConfigModel['peers'][number] {
  const publicKey = publicText(peer.publicKey);
  const friendlyName = config.friendlyNames.get(publicKey);
  return {
    publicKey,
    ...(peer.kemPublicKey && {
      kemPublicKey: config.references.get(peer.kemPublicKey) ?? publicText(peer.kemPublicKey),
    }),
    mode: peer.mode,
    ...(peer.presharedKey && { presharedKey: secret(peer.presharedKey) }),
    ...(peer.deploymentKey && { deploymentKey: secret(peer.deploymentKey) }),
    allowedIPs: peer.allowedIps.map(formatPrefix),
    ...(peer.endpoint && { endpoint: formatEndpoint(peer.endpoint) }),
    persistentKeepalive: peer.persistentKeepalive ?? 0,
    rekeyProfile: peer.rekeyProfile ?? 'standard',
    ...(friendlyName !== undefined && { friendlyName }),
  };
}

function padding(bytes: number): number {
  return (3 - (bytes % 3)) % 3;
}
