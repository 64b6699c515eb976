/**
 * Address → the peer that owns its longest prefix, for IPv4 and IPv6: who receives a packet, and whose source an inner
 * packet may carry (protocol.md §5.4). A compressed binary trie for each version: a node is a prefix, its two children
 * continue it with a 0 or a 1 bit, and chains without a branch are one node. A look-up visits at most one node a branch.
 */
import { PqtunError } from '../errors.ts';
import { type PeerId, sameBytes } from '../types.ts';
import type { RouteChange } from './plane.ts';

export interface Prefix {
  /** 4 B or 16 B, host bits zero. Not modified. */
  readonly prefix: Uint8Array;
  readonly bits: number;
}

export class AllowedIps {
  readonly #tries: Record<4 | 16, Node | undefined> = { 4: undefined, 16: undefined };
  /** What each peer owns, by `prefixKey`. INVARIANT: the same prefixes with the same owners as in the tries. */
  readonly #owned = new Map<PeerId, Map<string, Prefix>>();

  /**
   * Applies all changes in order, or throws `PQTUN_BAD_CONFIG` naming the ill-formed prefix and applies none. Prefixes are
   * copied. Adding moves a prefix that another peer owns; removing one that the named peer does not own does nothing.
   */
  apply(changes: readonly RouteChange[]): void {
    for (const change of changes) if (change.kind !== 'clear') validate(change);
    for (const change of changes) {
      switch (change.kind) {
        case 'add':
          this.#add(change.peer, change);
          break;
        case 'remove':
          this.#remove(change.peer, change);
          break;
        case 'clear':
          this.removePeer(change.peer);
          break;
        default:
          change satisfies never;
      }
    }
  }

  /** The peer of the longest prefix that holds `ip` (4 B or 16 B), if any. */
  lookup(ip: Uint8Array): PeerId | undefined {
    return ip.length === 4 || ip.length === 16 ? this.lookupAt(ip, 0, ip.length) : undefined;
  }

  /** As `lookup`, for the `size` bytes at `offset` of a packet, which the caller knows to be there. Allocates nothing. */
  lookupAt(buffer: Uint8Array, offset: number, size: 4 | 16): PeerId | undefined {
    let best: PeerId | undefined;
    let known = 0; // bits that are known to match, from the node above
    let node = this.#tries[size];
    while (node !== undefined) {
      if (!holds(node, buffer, offset, known)) break;
      best = node.peer ?? best;
      if (node.bits === size * 8) break;
      known = node.bits;
      node = bitAt(buffer, offset, known) === 0 ? node.zero : node.one;
    }
    return best;
  }

  /** Gives one prefix to `peer`, away from whoever owned it. Throws as `apply`. */
  insert(peer: PeerId, prefix: Uint8Array, bits: number): void {
    this.apply([{ kind: 'add', peer, prefix, bits }]);
  }

  /** Takes exactly this prefix from `peer`, if it is the owner. Throws as `apply`. */
  remove(peer: PeerId, prefix: Uint8Array, bits: number): void {
    this.apply([{ kind: 'remove', peer, prefix, bits }]);
  }

  /** Takes every prefix from `peer`. */
  removePeer(peer: PeerId): void {
    for (const owned of this.entries(peer)) this.#remove(peer, owned);
  }

  /** What `peer` owns, in the order it was given. */
  entries(peer: PeerId): readonly Prefix[] {
    return [...(this.#owned.get(peer)?.values() ?? [])];
  }

  /** Prefixes of all peers. */
  get size(): number {
    let size = 0;
    for (const owned of this.#owned.values()) size += owned.size;
    return size;
  }

  /** Nodes of the tries: at most twice `size`, whatever was added and removed before. */
  get nodes(): number {
    return countNodes(this.#tries[4]) + countNodes(this.#tries[16]);
  }

  #add(peer: PeerId, { prefix, bits }: Prefix): void {
    const copy = Uint8Array.from(prefix);
    const size = sizeOf(copy);
    const place = { displaced: undefined as PeerId | undefined };
    this.#tries[size] = withPrefix(this.#tries[size], { prefix: copy, bits }, peer, place);
    if (place.displaced !== undefined) this.#disown(place.displaced, prefixKey(copy, bits));
    const owned = this.#owned.get(peer) ?? new Map<string, Prefix>();
    owned.set(prefixKey(copy, bits), { prefix: copy, bits });
    this.#owned.set(peer, owned);
  }

  #remove(peer: PeerId, { prefix, bits }: Prefix): void {
    if (!this.#disown(peer, prefixKey(prefix, bits))) return;
    const size = sizeOf(prefix);
    this.#tries[size] = withoutPrefix(this.#tries[size], prefix, bits);
  }

  #disown(peer: PeerId, key: string): boolean {
    const owned = this.#owned.get(peer);
    if (owned === undefined || !owned.delete(key)) return false;
    if (owned.size === 0) this.#owned.delete(peer);
    return true;
  }
}

/* The trie. Branch nodes have no peer and both children; every other node has a peer. Depth is at most 129. */

interface Node extends Prefix {
  peer: PeerId | undefined;
  /** Continues this prefix with a 0 bit. */
  zero: Node | undefined;
  /** Continues this prefix with a 1 bit. */
  one: Node | undefined;
}

/** The trie `node` with the prefix added; tells in `place` which peer had it. */
function withPrefix(
  node: Node | undefined,
  added: Prefix,
  peer: PeerId,
  place: { displaced: PeerId | undefined },
): Node {
  if (node === undefined) return { ...added, peer, zero: undefined, one: undefined };
  const shared = commonBits(node.prefix, added.prefix, Math.min(node.bits, added.bits));
  if (shared === node.bits && shared === added.bits) {
    place.displaced = node.peer;
    node.peer = peer;
    return node;
  }
  if (shared === node.bits) {
    if (bitAt(added.prefix, 0, shared) === 0) node.zero = withPrefix(node.zero, added, peer, place);
    else node.one = withPrefix(node.one, added, peer, place);
    return node;
  }
  const leaf: Node = { ...added, peer, zero: undefined, one: undefined };
  if (shared === added.bits) return adopt(leaf, node);
  const branch: Node = {
    prefix: masked(added.prefix, shared),
    bits: shared,
    peer: undefined,
    zero: undefined,
    one: undefined,
  };
  return adopt(adopt(branch, node), leaf);
}

/** The trie `node` without the prefix, which is in it. */
function withoutPrefix(node: Node | undefined, prefix: Uint8Array, bits: number): Node | undefined {
  if (node === undefined) return undefined;
  if (node.bits < bits) {
    if (bitAt(prefix, 0, node.bits) === 0) node.zero = withoutPrefix(node.zero, prefix, bits);
    else node.one = withoutPrefix(node.one, prefix, bits);
  } else {
    node.peer = undefined;
  }
  if (node.peer !== undefined || (node.zero !== undefined && node.one !== undefined)) return node;
  return node.zero ?? node.one;
}

function countNodes(node: Node | undefined): number {
  return node === undefined ? 0 : 1 + countNodes(node.zero) + countNodes(node.one);
}

function adopt(parent: Node, child: Node): Node {
  if (bitAt(child.prefix, 0, parent.bits) === 0) parent.zero = child;
  else parent.one = child;
  return parent;
}

/** Whether the address at `offset` begins with the node's prefix, given that its first `known` bits do. */
function holds(node: Node, buffer: Uint8Array, offset: number, known: number): boolean {
  const whole = node.bits >>> 3;
  for (let i = known >>> 3; i < whole; i++) if (buffer[offset + i] !== node.prefix[i]) return false;
  const rest = node.bits & 7;
  // `whole` is a byte of both when there is a rest: bits ≤ 8 × size
  return (
    rest === 0 || ((buffer[offset + whole] as number) ^ (node.prefix[whole] as number)) >>> (8 - rest) === 0
  );
}

/** Bit `n` of the address at `offset`, the first being 0. */
function bitAt(buffer: Uint8Array, offset: number, n: number): number {
  return ((buffer[offset + (n >>> 3)] as number) >>> (7 - (n & 7))) & 1; // n is below the bits of the address
}

/** Leading bits in which two addresses of one size agree, at most `limit`. */
function commonBits(a: Uint8Array, b: Uint8Array, limit: number): number {
  for (let i = 0; i * 8 < limit; i++) {
    const difference = (a[i] as number) ^ (b[i] as number); // i × 8 is below the bits of both
    if (difference !== 0) return Math.min(limit, i * 8 + Math.clz32(difference) - 24);
  }
  return limit;
}

/** A copy with all bits from `bits` on zero. */
function masked(ip: Uint8Array, bits: number): Uint8Array {
  return ip.map((byte, i) => byte & (0xff00 >>> Math.min(8, Math.max(0, bits - 8 * i))));
}

/* Checks and keys. */

function validate({ prefix, bits }: Prefix): void {
  if (prefix.length !== 4 && prefix.length !== 16) {
    throw new PqtunError('PQTUN_BAD_CONFIG', `allowed IP of ${prefix.length} bytes: expected 4 or 16`);
  }
  if (!(Number.isInteger(bits) && bits >= 0 && bits <= prefix.length * 8)) {
    const most = prefix.length * 8;
    throw new PqtunError(
      'PQTUN_BAD_CONFIG',
      `allowed IP ${text(prefix)}/${bits}: expected a length from 0 to ${most}`,
    );
  }
  if (!sameBytes(masked(prefix, bits), prefix)) {
    throw new PqtunError(
      'PQTUN_BAD_CONFIG',
      `allowed IP ${text(prefix)}/${bits}: expected no bits after the prefix`,
    );
  }
}

function text(ip: Uint8Array): string {
  if (ip.length === 4) return ip.join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((ip[2 * i] ?? 0) * 256 + (ip[2 * i + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}

function sizeOf(ip: Uint8Array): 4 | 16 {
  return ip.length === 4 ? 4 : 16; // validate lets no other length pass
}

function prefixKey(prefix: Uint8Array, bits: number): string {
  return String.fromCharCode(bits, ...prefix);
}
