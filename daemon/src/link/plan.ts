/** Configuration → the acts that put it into the system, in order. Pure; what depends on the system comes as `Placement`. */
import type { Prefix } from '@pqtun/tunnel';
import { formatIp, formatPrefix } from '../address-text.ts';
import type { DaemonConfig } from '../config/model.ts';
import type { Act } from './act.ts';

/** Where a full tunnel's rules go, free of others' when it was chosen. `placement.ts` chooses. */
export interface Placement {
  /** Routing table and firewall mark of a full tunnel, as `wg-quick` uses one number for both. */
  readonly mark: number;
  /** Of the first of two rules that follow each other. */
  readonly priority: number;
}

export interface PlanInput {
  readonly config: DaemonConfig;
  readonly device: string;
  readonly mtu: number;
  /** Packets that may wait for us in the device; absent: as the kernel has it. */
  readonly queueLength?: number | undefined;
  readonly placement: Placement | undefined;
  /** `net.ipv4.conf.all.src_valid_mark` as it is. */
  readonly srcValidMark: string;
}

export const mainTable = 254;
export const srcValidMark = 'net/ipv4/conf/all/src_valid_mark';

/** Whether the configuration sends everything through the tunnel, so that marks and policy rules are needed. */
export function isFullTunnel(config: DaemonConfig): boolean {
  return config.link.table === 'auto' && defaultFamilies(config).length > 0;
}

/** Addresses, link up, name servers, routes (longest prefix first, as `wg-quick` does), rules. */
export function planLink(input: PlanInput): Act[] {
  const { config, device, mtu, queueLength } = input;
  if (config.link.unmanaged === true) return [];
  const acts: Act[] = config.link.addresses.map((address) => ({
    kind: 'address',
    device,
    prefix: formatPrefix(address),
  }));
  acts.push({ kind: 'up', device, mtu, ...(queueLength !== undefined && { queueLength }) });
  if (config.link.dnsServers.length > 0) {
    acts.push({
      kind: 'dns',
      device,
      servers: config.link.dnsServers.map(formatIp),
      search: [...config.link.dnsSearch],
    });
  }
  acts.push(...planRoutes(input));
  return unique(acts);
}

function planRoutes({ config, device, placement, srcValidMark: before }: PlanInput): Act[] {
  const { table } = config.link;
  if (table === 'off') return [];
  const prefixes = config.tunnel.peers.flatMap((peer) => peer.allowedIps).sort((a, b) => b.bits - a.bits);
  const routed = table === 'auto' ? prefixes.filter(({ bits }) => bits > 0) : prefixes;
  const acts: Act[] = routed.map((prefix) => ({
    kind: 'route',
    device,
    prefix: formatPrefix(prefix),
    ...(table !== 'auto' && { table }),
  }));
  if (!isFullTunnel(config)) return acts;
  if (placement === undefined) throw new TypeError('a full tunnel needs a placement');
  for (const family of defaultFamilies(config)) acts.push(...planDefault(family, device, placement, before));
  return acts;
}

/**
 * What does not carry the tunnel's mark goes into the tunnel's table; its own datagrams carry the mark and go as before, so
 * there is no loop. Before that, the main table is asked for anything more specific than a default route.
 */
function planDefault(family: 4 | 6, device: string, { mark, priority }: Placement, before: string): Act[] {
  const acts: Act[] = [];
  // Else the kernel's reverse path filter, which looks without the mark, drops the answers to our own datagrams. First, so
  // that it is undone last, when our own rules no longer need it.
  if (family === 4) acts.push({ kind: 'sysctl', name: srcValidMark, value: '1', before });
  acts.push(
    { kind: 'route', device, prefix: family === 4 ? '0.0.0.0/0' : '::/0', table: mark },
    { kind: 'rule', family, priority: priority + 1, table: mark, exceptMark: mark },
    { kind: 'rule', family, priority, table: mainTable, suppressPrefixLength: 0 },
  );
  return acts;
}

function defaultFamilies(config: DaemonConfig): (4 | 6)[] {
  const isDefault =
    (family: 4 | 6) =>
    ({ ip, bits }: Prefix) =>
      bits === 0 && ip.length === (family === 4 ? 4 : 16);
  const families: (4 | 6)[] = [4, 6];
  return families.filter((family) =>
    config.tunnel.peers.some((peer) => peer.allowedIps.some(isDefault(family))),
  );
}

function unique(acts: readonly Act[]): Act[] {
  return [...new Map(acts.map((act) => [JSON.stringify(act), act])).values()];
}
