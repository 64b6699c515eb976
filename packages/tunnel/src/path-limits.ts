/**
 * What to do when our own system says that a datagram is too long for its interface (EMSGSIZE; sockets have DF set): the
 * plane is told how much fits, and from then on tells the senders inside by ICMP. Longer paths are not probed here.
 */
import { type Endpoint, type PeerId, sameEndpoint } from '@pqtun/core';
import type { Protocol } from './data-path.ts';

/** What every path must take: the smallest MTU of IPv6, less outer IP and UDP headers. */
const smallestMtu = 1280;
const headers = { ipv4: 28, ipv6: 48 } as const;
/** No bound: no UDP payload is larger. */
const unbounded = 65_535;

export class PathLimits {
  /** MTU of the route to an address, as far as the system tells. */
  readonly #routeMtu: (ip: Uint8Array) => number | undefined;
  readonly #limits = new Map<PeerId, number>();

  constructor(routeMtu: (ip: Uint8Array) => number | undefined) {
    this.#routeMtu = routeMtu;
  }

  /** Largest UDP payload towards a peer; `undefined`: no bound known. */
  of(peer: PeerId): number | undefined {
    return this.#limits.get(peer);
  }

  /** Call when a transport datagram of `length` B to `to` was refused. `peers`: who may be there. */
  lower(
    protocol: Protocol,
    to: Endpoint,
    length: number,
    peers: Iterable<{ id: PeerId; endpoint: Endpoint | undefined }>,
  ): void {
    const mtu = this.#routeMtu(to.ip) ?? smallestMtu;
    const fits = Math.min(mtu - (to.ip.length === 4 ? headers.ipv4 : headers.ipv6), length - 1);
    const least = smallestMtu - headers.ipv6;
    if (fits < least) return; // not the path: a route that takes nothing is broken
    for (const { id, endpoint } of peers) {
      if (endpoint === undefined || !sameEndpoint(endpoint, to)) continue;
      this.#limits.set(id, fits);
      protocol.plane.setPeer(id, { pathMtu: fits });
    }
  }

  /** Call when routes changed. */
  lift(protocol: Protocol): void {
    for (const id of this.#limits.keys()) protocol.plane.setPeer(id, { pathMtu: unbounded });
    this.#limits.clear();
  }

  /** Call when the peers' numbers mean nothing any more. */
  clear(): void {
    this.#limits.clear();
  }

  forget(peer: PeerId): void {
    this.#limits.delete(peer);
  }
}
