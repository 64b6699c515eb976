/** The slow twin of the routing trie: a list, and bits compared one by one. */
import type { PeerId, RouteChange } from '@pqtun/core';

interface Route {
  readonly peer: PeerId;
  /** As many characters 0 and 1 as the prefix has bits, and the size of its address in front. */
  readonly key: string;
  readonly text: string;
}

export class RouteList {
  #routes: Route[] = [];

  apply(change: RouteChange): void {
    const { peer } = change;
    if (change.kind === 'clear') {
      this.#routes = this.#routes.filter((route) => route.peer !== peer);
      return;
    }
    const key = bitsOf(change.prefix, change.bits);
    const owner = this.#routes.find((route) => route.key === key)?.peer;
    if (change.kind === 'remove' && owner !== peer) return;
    this.#routes = this.#routes.filter((route) => route.key !== key);
    if (change.kind === 'add') this.#routes.push({ peer, key, text: `${change.prefix}/${change.bits}` });
  }

  lookup(ip: Uint8Array): PeerId | undefined {
    const bits = bitsOf(ip, ip.length * 8);
    const matching = this.#routes.filter(({ key }) => bits.startsWith(key));
    return matching.sort((a, b) => b.key.length - a.key.length)[0]?.peer;
  }

  entries(peer: PeerId): string[] {
    return this.#routes.filter((route) => route.peer === peer).map(({ text }) => text);
  }

  get size(): number {
    return this.#routes.length;
  }
}

function bitsOf(ip: Uint8Array, bits: number): string {
  const all = [...ip].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return `${ip.length} ${all.slice(0, bits)}`;
}
