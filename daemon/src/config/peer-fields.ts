/** The keys of `[Peer]`, and the draft they fill. */
import { limits, type RekeyProfile, type Secret } from '@pqtun/core';
import type { EndpointSpec, PeerConfig, Prefix } from '@pqtun/tunnel';
import { masked, parseEndpoint, parseInteger, parsePrefix } from '../address-text.ts';
import { type Field, list, publicKey, scalar, secretKey } from './fields.ts';

export interface PeerDraft {
  readonly line: number;
  publicKey?: Uint8Array;
  kemPublicKey?: Uint8Array;
  mode?: PeerConfig['mode'];
  presharedKey?: Secret;
  deploymentKey?: Secret;
  readonly allowedIps: Prefix[];
  endpoint?: EndpointSpec;
  /** Seconds; 0 is off. */
  persistentKeepalive?: number;
  rekeyProfile?: RekeyProfile;
  friendlyName?: string;
}

export function peerDraft(line: number): PeerDraft {
  return { line, allowedIps: [] };
}

export const peerFields: readonly Field<PeerDraft>[] = [
  publicKey('PublicKey', [limits.keySize], (draft, bytes) => {
    draft.publicKey = bytes;
  }),
  publicKey(
    'KemPublicKey',
    limits.suiteIds.map((suite) => limits.suites[suite].kemPublicSize),
    (draft, bytes) => {
      draft.kemPublicKey = bytes;
    },
  ),
  scalar('Mode', 'require or classical', parseMode, (draft, mode) => {
    draft.mode = mode;
  }),
  secretKey('PresharedKey', limits.keySize, (draft, secret) => {
    draft.presharedKey = secret;
  }),
  secretKey('DeploymentKey', limits.keySize, (draft, secret) => {
    draft.deploymentKey = secret;
  }),
  list(
    'AllowedIPs',
    'prefixes such as 10.0.0.0/8, fd00::/16',
    parseAllowedIp,
    (draft, found) => draft.allowedIps.push(...found),
    true,
  ),
  scalar(
    'Endpoint',
    'host:port, 192.0.2.1:port, [2001:db8::1]:port or [fe80::1%eth0]:port',
    parseEndpoint,
    (draft, endpoint) => {
      draft.endpoint = endpoint;
    },
  ),
  scalar('PersistentKeepalive', 'off, or seconds from 0 to 65535', parseKeepalive, (draft, seconds) => {
    draft.persistentKeepalive = seconds;
  }),
  scalar('RekeyProfile', 'standard or metered', parseProfile, (draft, profile) => {
    draft.rekeyProfile = profile;
  }),
];

/** Host bits are masked, as `wg` does. */
export function parseAllowedIp(text: string): Prefix | undefined {
  const prefix = parsePrefix(text);
  return prefix && masked(prefix);
}

export function parseKeepalive(text: string): number | undefined {
  return text.toLowerCase() === 'off' ? 0 : parseInteger(text, 0, 65_535);
}

export function parseProfile(text: string): RekeyProfile | undefined {
  const word = text.toLowerCase();
  return word === 'standard' || word === 'metered' ? word : undefined;
}

export function parseMode(text: string): PeerConfig['mode'] | undefined {
  const word = text.toLowerCase();
  return word === 'require' || word === 'classical' ? word : undefined;
}
