/**
 * Notices that the way to the peers has changed (protocol.md §5.2 N3). What matters is not every notice of the kernel but
 * whether packets to a peer would now leave otherwise: by another interface, from another address, over another gateway.
 * So our own TUN, and a container's interfaces, which come and go, disturb nothing.
 */
import { networkInterfaces } from 'node:os';
import { formatIp } from './address.ts';
import type { Native } from './native.ts';

export interface NetworkWatch {
  /** Call when a peer is found at `ip`: how it is reached now is what a change is measured by. */
  know(ip: Uint8Array): void;
  close(): void;
}

/** Notices come in bursts; an interface that comes up settles within this. */
export const settleFor = 300;
/** Destinations whose route is asked for at most. */
const maxDestinations = 256;

/** `destinations` gives the addresses of the peers, `mark` that of our sockets; `onChange` is called once a burst has settled. */
export function watchNetwork(
  native: Native,
  destinations: () => Iterable<Uint8Array>,
  mark: () => number,
  onChange: () => void,
): NetworkWatch {
  const netlink = native.openNetlink();
  const describeRoute = (ip: Uint8Array): string => {
    try {
      const { interfaceIndex, gateway, source } = netlink.routeTo(ip, mark());
      return `${interfaceIndex} ${source && formatIp(source)} ${gateway && formatIp(gateway)}`;
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : 'unreachable';
    }
  };
  const routes = new Map<string, string>();
  /** Asks anew; whether any destination is reached otherwise than last time, or was not asked for then. */
  const look = (): boolean => {
    const before = new Map(routes);
    routes.clear();
    let changed = false;
    for (const ip of destinations()) {
      const key = formatIp(ip);
      if (routes.has(key)) continue;
      if (routes.size >= maxDestinations) break;
      const route = describeRoute(ip);
      routes.set(key, route);
      if (before.get(key) !== route) changed = true;
    }
    return changed;
  };
  let settling: NodeJS.Timeout | undefined;
  const watch = netlink.watch(() => {
    settling ??= setTimeout(() => {
      settling = undefined;
      if (look()) onChange();
    }, settleFor);
  });
  return {
    know(ip) {
      const key = formatIp(ip);
      if (!routes.has(key) && routes.size < maxDestinations) routes.set(key, describeRoute(ip));
    },
    close() {
      clearTimeout(settling);
      watch.close();
    },
  };
}

/** Without the addon: compares the addresses of the machine now and then. */
export const compareEvery = 5_000;

export function watchAddresses(ownDevice: string, onChange: () => void): NetworkWatch {
  let known = describeAddresses(ownDevice);
  const timer = setInterval(() => {
    const now = describeAddresses(ownDevice);
    if (now === known) return;
    known = now;
    onChange();
  }, compareEvery).unref();
  return { know: () => undefined, close: () => clearInterval(timer) };
}

function describeAddresses(ownDevice: string): string {
  return Object.entries(networkInterfaces())
    .filter(([name]) => name !== ownDevice)
    .flatMap(([name, addresses = []]) => addresses.map(({ cidr }) => `${name} ${cidr}`))
    .sort()
    .join('\n');
}
