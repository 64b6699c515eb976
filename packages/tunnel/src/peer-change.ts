/** One peer's configuration with some of it changed. */
import type { PeerChange } from './api.ts';
import {
  checkEndpoint,
  checkKeepalive,
  checkKey,
  checkMode,
  checkObject,
  checkPrefixes,
  checkProfile,
} from './check-config.ts';
import type { PeerConfig } from './config.ts';

const keys: readonly (keyof PeerChange)[] = [
  'presharedKey',
  'deploymentKey',
  'endpoint',
  'allowedIps',
  'persistentKeepalive',
  'rekeyProfile',
];

/** Checks `change`, whose form nobody vouches for, and applies it: `null` clears, what is absent stays. Throws `PQTUN_BAD_CONFIG`. */
export function changedPeer(config: PeerConfig, change: PeerChange): PeerConfig {
  checkObject('change', 'change.', change, keys);
  const { presharedKey, deploymentKey, endpoint, persistentKeepalive, ...rest } = config;
  const changed: PeerConfig = {
    ...rest,
    ...pick('presharedKey', presharedKey, change.presharedKey, checkKey),
    ...pick('deploymentKey', deploymentKey, change.deploymentKey, checkKey),
    ...pick('endpoint', endpoint, change.endpoint, checkEndpoint),
    ...pick('persistentKeepalive', persistentKeepalive, change.persistentKeepalive, checkKeepalive),
    ...(change.allowedIps === undefined
      ? {}
      : { allowedIps: checkPrefixes('change.allowedIps', change.allowedIps) }),
    ...(change.rekeyProfile === undefined
      ? {}
      : { rekeyProfile: checkProfile('change.rekeyProfile', change.rekeyProfile) }),
  };
  checkMode('change', changed);
  return changed;
}

function pick<Key extends keyof PeerChange, T>(
  key: Key,
  old: T | undefined,
  change: unknown,
  check: (path: string, value: unknown) => T,
): { [K in Key]?: T } {
  const value = change === undefined ? old : change === null ? undefined : check(`change.${key}`, change);
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: T }); // the one key is Key
}
