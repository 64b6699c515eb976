/** What sending and receiving share, and the one way by which a keypair is erased. */
import type { Endpoint, Instant, LocalAddress, PeerId } from '../types.ts';
import { AllowedIps } from './allowed-ips.ts';
import type { Keypair, RecordKeys } from './keypairs.ts';
import { Remote } from './remote.ts';
import { Reports } from './reports.ts';
import { SessionTable } from './session-table.ts';
import { stagingBudget } from './staging.ts';

/** What leaves the plane: a datagram for the socket, or an inner packet, in its true length, for the TUN. */
export type PlaneOutput =
  | {
      readonly kind: 'datagram';
      readonly to: Endpoint;
      readonly localAddress: LocalAddress | undefined;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'packet'; readonly peer: PeerId; readonly bytes: Uint8Array };

export class PlaneState {
  readonly suite: RecordKeys;
  /** Tunnel MTU: padding stops there. */
  mtu: number;
  readonly remotes = new Map<PeerId, Remote>();
  readonly sessions = new SessionTable();
  readonly routes = new AllowedIps();
  readonly reports = new Reports();
  readonly staging = stagingBudget();
  readonly outputs: PlaneOutput[] = [];

  constructor(suite: RecordKeys, mtu: number) {
    this.suite = suite;
    this.mtu = mtu;
  }

  /** The peer of that number, made known if it is not. */
  remote(peer: PeerId): Remote {
    let remote = this.remotes.get(peer);
    if (remote === undefined) {
      remote = new Remote(peer, this.staging);
      this.remotes.set(peer, remote);
    }
    return remote;
  }

  /** The session that this peer may be sent to under: current, young enough (T6), with counters left. */
  usable(now: Instant, remote: Remote): Keypair | undefined {
    const current = remote.keypairs.current;
    if (current === undefined) return undefined;
    if (current.expired(now)) {
      this.eraseReported(now, remote, current);
      return undefined;
    }
    return current.sendCounter.action === 'refuse' ? undefined : current;
  }

  /** Erases what has reached its age, so that no rotation keeps or weighs it. T6. */
  eraseExpired(now: Instant, remote: Remote): void {
    for (const keypair of remote.keypairs.all()) {
      if (keypair.expired(now)) this.eraseReported(now, remote, keypair);
    }
  }

  erase(now: Instant, remote: Remote, keypair: Keypair): void {
    remote.keypairs.remove(keypair);
    this.sessions.erase(now, keypair);
  }

  /** Erases a keypair by the plane's own decision, of which the engine must hear. */
  eraseReported(now: Instant, remote: Remote, keypair: Keypair): void {
    this.erase(now, remote, keypair);
    this.reports.of(remote).retired.push(keypair.localIndex);
  }
}
