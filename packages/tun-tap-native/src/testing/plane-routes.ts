import { bytesOf, planeEdge } from './plane-edge.ts';

/** What native/testing/allowed_ips_edge.cc exports. */
interface AllowedIpsEdge {
  create(): object;
  apply(table: object, changes: Uint8Array): number;
  lookupAll(table: object, size: number, addresses: Uint8Array, peers: Uint8Array): void;
  sizes(table: object): [prefixes: number, bytes: number];
}

export type Change =
  | {
      readonly kind: 'add' | 'remove';
      readonly peer: number;
      readonly prefix: Uint8Array;
      readonly bits: number;
    }
  | { readonly kind: 'clear'; readonly peer: number };

const kinds = ['add', 'remove', 'clear'] as const;
const changeSize = 24;
const noPeer = 0xffff_ffff;

/** The native table with the verbs of core's. Peers are slot numbers, below 2^32 − 1. */
export class NativeAllowedIps {
  readonly #edge = planeEdge<AllowedIpsEdge>('allowedIps');
  readonly #table = this.#edge.create();

  /** How many were applied: all, or none and this is the position of the first ill-formed one. */
  apply(changes: readonly Change[]): number {
    const view = new DataView(new ArrayBuffer(changes.length * changeSize));
    for (const [i, change] of changes.entries()) {
      const at = i * changeSize;
      view.setUint8(at, kinds.indexOf(change.kind));
      view.setUint32(at + 4, change.peer, true);
      if (change.kind === 'clear') continue;
      view.setUint8(at + 1, change.prefix.length);
      view.setUint8(at + 2, change.bits);
      new Uint8Array(view.buffer).set(change.prefix.subarray(0, 16), at + 8);
    }
    return this.#edge.apply(this.#table, new Uint8Array(view.buffer));
  }

  lookup(ip: Uint8Array): number | undefined {
    return this.lookupAll([ip])[0];
  }

  /** Addresses of one size. */
  lookupAll(addresses: readonly Uint8Array[]): (number | undefined)[] {
    const peers = new Uint32Array(addresses.length);
    this.lookupInto(addresses[0]?.length ?? 4, Uint8Array.from(Buffer.concat(addresses)), peers);
    return Array.from(peers, (peer) => (peer === noPeer ? undefined : peer));
  }

  /** Without anything but look-ups, for a bench. */
  lookupInto(size: number, addresses: Uint8Array, peers: Uint32Array): void {
    this.#edge.lookupAll(this.#table, size, addresses, bytesOf(peers));
  }

  get size(): number {
    return this.#edge.sizes(this.#table)[0];
  }

  /** Bytes allocated. */
  get memory(): number {
    return this.#edge.sizes(this.#table)[1];
  }
}
