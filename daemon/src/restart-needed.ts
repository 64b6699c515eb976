/** Which keys of a new configuration a running daemon cannot take over, because they shape the device or the way it is routed. */
import { formatIp } from './address-text.ts';
import { formatOffloads } from './config/interface-fields.ts';
import type { DaemonConfig } from './config/model.ts';

/** Names of the keys whose change takes a restart; empty: the new configuration can be applied. */
export function restartNeeded(before: DaemonConfig, after: DaemonConfig): string[] {
  const held: [string, (config: DaemonConfig) => unknown][] = [
    ['MTU', ({ link }) => link.mtu],
    ['Table', ({ link }) => link.table],
    ['Plane', ({ dataPath }) => dataPath.plane],
    ['Aead', ({ dataPath }) => dataPath.aead],
    ['Offloads', ({ dataPath }) => formatOffloads(dataPath.offloads)],
    ['ClampMss', ({ dataPath }) => dataPath.clampMss],
    ['DNS', ({ link }) => [...link.dnsServers.map(formatIp), ...link.dnsSearch].join()],
  ];
  return held.filter(([, value]) => value(before) !== value(after)).map(([name]) => name);
}
