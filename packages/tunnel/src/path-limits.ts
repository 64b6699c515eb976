/** What the paths to the peers take, as far as it is known: the plane is told, and tells senders inside by ICMP what is too long. */
import type { Endpoint, PeerId } from '@pqtun/core';
import type { Protocol } from './data-path.ts';
import { type FoundPath, headersTo, smallestMtu } from './path-search.ts';

/** No bound: no UDP payload is larger. */
const unbounded = 65_535;

export class PathLimits {
  readonly #known = new Map<PeerId, FoundPath>();

  /** The longest outer packet known to reach a peer, in bytes; `undefined`: not known. */
  of(peer: PeerId): number | undefined {
    return this.#known.get(peer)?.mtu;
  }

  /** Whether it is another than before. */
  set({ plane }: Protocol, peer: PeerId, found: FoundPath): boolean {
    const before = this.#known.get(peer);
    this.#known.set(peer, found);
    if (before?.limit !== found.limit) plane.setPeer(peer, { pathMtu: found.limit ?? unbounded });
    return before?.mtu !== found.mtu;
  }

  /** Call when routes changed: nothing is known any more. */
  lift({ plane }: Protocol): void {
    for (const [peer, { limit }] of this.#known)
      if (limit !== undefined) plane.setPeer(peer, { pathMtu: unbounded });
    this.#known.clear();
  }

  /** Call when the peers' numbers mean nothing any more. */
  clear(): void {
    this.#known.clear();
  }

  forget(peer: PeerId): void {
    this.#known.delete(peer);
  }
}

/**
 * What our own system leaves of a path whose datagram of `length` B it refused (EMSGSIZE; sockets have DF set). `undefined`: a route that
 * takes nothing is broken, and says nothing about the path.
 */
export function pathAfterRefusal(
  to: Endpoint,
  length: number,
  routeMtu: number | undefined,
): FoundPath | undefined {
  const limit = Math.min((routeMtu ?? smallestMtu) - headersTo(to), length - 1);
  if (limit < smallestMtu - headersTo({ ip: new Uint8Array(16) })) return undefined;
  return { mtu: limit + headersTo(to), limit };
}
