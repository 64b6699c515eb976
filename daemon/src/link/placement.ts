/** What a plan needs to know of the system as it is: free table and rule priorities, and the MTU of the paths to the peers. */
import type { Netlink } from 'tun-tap-native';
import { parseIp } from '../address-text.ts';
import type { DaemonConfig } from '../config/model.ts';
import type { Placement } from './plan.ts';

/** `wg-quick`'s number, for table and mark. */
const firstTable = 51_820;
/** The kernel's own rule for the main table; ours must come before it. */
const mainRulePriority = 32_766;
/** IPv6 40, UDP 8, message 32: the most a transport message adds. */
export const tunnelOverhead = 80;
const defaultPathMtu = 1500;
/** What IPv6 needs of every link (RFC 8200 §5), and the least IPv4 knows (RFC 791 §3.2). */
const minMtuOfIpv6 = 1280;
const minMtuOfIpv4 = 68;
const maxTunnelMtu = 65_535;

/** A table without routes and two rule priorities without rules. The configured FwMark is the table, as `wg-quick` does it. */
export function choosePlacement(config: DaemonConfig, netlink: Netlink): Placement {
  const taken = new Set([...netlink.rules(4), ...netlink.rules(6)].map((rule) => rule.priority ?? 0));
  let priority = mainRulePriority - 2;
  while (priority > 1 && (taken.has(priority) || taken.has(priority + 1))) priority--;
  return { mark: config.tunnel.fwMark ?? freeTable(netlink), priority };
}

function freeTable(netlink: Netlink): number {
  let table = firstTable;
  while (netlink.routes(4, table).length + netlink.routes(6, table).length > 0) table++;
  return table;
}

/**
 * The tunnel's MTU: configured, else the smallest MTU of the routes to `endpoints` less `tunnelOverhead`, else 1420. `wg-quick`
 * takes the largest; a packet has to fit the narrowest path, though, and we have no way to give each peer its own. With an IPv6
 * address it is never below 1280, for IPv6 would not work; without one a path of 576 B gets the tunnel that fits it.
 */
export function chooseMtu(config: DaemonConfig, endpoints: readonly Uint8Array[], netlink: Netlink): number {
  if (config.link.mtu !== undefined) return config.link.mtu;
  const mtus = endpoints.map((ip) => routeMtu(ip, netlink)).filter((mtu) => mtu !== undefined);
  const path = mtus.length > 0 ? Math.min(...mtus) : defaultPathMtu;
  const least = config.link.addresses.some(({ ip }) => ip.length === 16) ? minMtuOfIpv6 : minMtuOfIpv4;
  return Math.min(maxTunnelMtu, Math.max(least, path - tunnelOverhead));
}

function routeMtu(ip: Uint8Array, netlink: Netlink): number | undefined {
  try {
    const { mtu } = netlink.routeTo(ip);
    return mtu > 0 ? mtu : undefined;
  } catch {
    return undefined; // unreachable now; it says nothing about the path there will be
  }
}

/** Peers' endpoints that are written as addresses. Names are not resolved for this: it would delay the start. */
export function literalEndpoints(config: DaemonConfig): Uint8Array[] {
  return config.tunnel.peers.flatMap((peer) => {
    const ip = peer.endpoint && parseIp(peer.endpoint.host.replace(/%.*$/, ''));
    return ip === undefined ? [] : [ip];
  });
}
