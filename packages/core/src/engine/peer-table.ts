/** Who there is: peers by id and by key, from where those in session speak, and whose timer is next. */
import { invariant } from '../errors.ts';
import type { Peer } from '../peer/peer.ts';
import { type Endpoint, endpointKey, type Instant, ipKey, type PeerId, peerId } from '../types.ts';
import { Deadlines } from './deadlines.ts';

export class PeerTable {
  readonly #peers = new Map<PeerId, Peer>();
  /** Hybrid peers by ID, classical ones by public key. Map keys are of public bytes only, here and below. */
  readonly #byIdentity = new Map<string, Peer>();
  readonly #byPublicKey = new Map<string, Peer>();
  /** How many peers with a live session are confirmed at each source. §6 pool A. */
  readonly #liveSources = new Map<string, number>();
  readonly #deadlines = new Deadlines();
  #classical = 0;
  #nextId = 1;

  /** An id no peer had before. */
  newId(): PeerId {
    return peerId(this.#nextId++);
  }

  add(peer: Peer): void {
    this.#peers.set(peer.id, peer);
    this.#byIdentity.set(ipKey(peer.keys.id), peer);
    this.#byPublicKey.set(ipKey(peer.keys.dhPublic), peer);
    if (peer.keys.kind === 'classical') this.#classical += 1;
  }

  /** The caller has ended its sessions and wipes its secrets. */
  remove(peer: Peer): void {
    this.#setLiveSource(peer, undefined);
    this.#deadlines.set(peer.id, undefined);
    this.#peers.delete(peer.id);
    this.#byIdentity.delete(ipKey(peer.keys.id));
    this.#byPublicKey.delete(ipKey(peer.keys.dhPublic));
    if (peer.keys.kind === 'classical') this.#classical -= 1;
  }

  /** Keeps deadlines and sources in step: call after a peer's timers, sessions or endpoint changed. One that is gone is let be. */
  touch(peer: Peer): void {
    if (!this.#peers.has(peer.id)) return;
    this.#deadlines.set(peer.id, peer.timers.next()?.at);
    const live = peer.hasSession && peer.endpoint !== undefined ? endpointKey(peer.endpoint) : undefined;
    if (live !== peer.liveSource) this.#setLiveSource(peer, live);
  }

  find(id: PeerId): Peer | undefined {
    return this.#peers.get(id);
  }

  /** One that was added and is not gone. */
  get(id: PeerId): Peer {
    const peer = this.#peers.get(id);
    invariant(peer !== undefined, 'a peer that was never added, or is gone');
    return peer;
  }

  /** By what an initiation claims: the ID of a hybrid peer, the public key of a classical one. */
  byIdentity(identity: Uint8Array): Peer | undefined {
    return this.#byIdentity.get(ipKey(identity));
  }

  /** By X25519 public key, of either kind. */
  byPublicKey(publicKey: Uint8Array): Peer | undefined {
    return this.#byPublicKey.get(ipKey(publicKey));
  }

  /** In the order they were added. A copy: peers may go while it is walked. */
  all(): Peer[] {
    return [...this.#peers.values()];
  }

  get hasClassical(): boolean {
    return this.#classical > 0;
  }

  /** Whether a peer in session is confirmed at this source. Anybody may forge it. */
  isLiveSource(source: Endpoint): boolean {
    return this.#liveSources.has(endpointKey(source));
  }

  get liveSources(): number {
    return this.#liveSources.size;
  }

  /** The earliest deadline, and whose. */
  nextDue(): { readonly at: Instant; readonly peer: Peer } | undefined {
    const due = this.#deadlines.next();
    return due && { at: due.at, peer: this.get(due.peer) };
  }

  #setLiveSource(peer: Peer, source: string | undefined): void {
    if (peer.liveSource !== undefined) {
      const left = (this.#liveSources.get(peer.liveSource) ?? 1) - 1;
      if (left > 0) this.#liveSources.set(peer.liveSource, left);
      else this.#liveSources.delete(peer.liveSource);
    }
    if (source !== undefined) this.#liveSources.set(source, (this.#liveSources.get(source) ?? 0) + 1);
    peer.liveSource = source;
  }
}
