/** What the plane knows of one peer: where it is, its keypairs, what waits for it, and what has passed. */
import {
  type Endpoint,
  type LocalAddress,
  type PeerId,
  type SessionKind,
  sameBytes,
  sameEndpoint,
} from '../types.ts';
import { Keypairs } from './keypairs.ts';
import type { PeerActivity, PeerCounters, PeerSettings } from './plane.ts';
import { StagedQueue, type StagingBudget } from './staging.ts';

export class Remote {
  readonly id: PeerId;
  readonly keypairs = new Keypairs();
  readonly staged: StagedQueue;
  readonly counters = {
    bytesReceived: 0,
    bytesSent: 0,
    packetsReceived: 0,
    packetsSent: 0,
  } satisfies PeerCounters;
  endpoint: Endpoint | undefined;
  localAddress: LocalAddress | undefined;
  /** Largest outer UDP payload known to pass, in bytes; `undefined`: not known, no bound. */
  pathMtu: number | undefined;
  kind: SessionKind | undefined;
  /** What has happened since the last report; `undefined`: nothing. */
  activity: PeerActivity | undefined;

  constructor(id: PeerId, budget: StagingBudget) {
    this.id = id;
    this.staged = new StagedQueue(budget);
  }

  configure(settings: PeerSettings): void {
    if (settings.endpoint !== undefined) this.endpoint = settings.endpoint ?? undefined;
    if (settings.localAddress !== undefined) this.localAddress = settings.localAddress ?? undefined;
    if (settings.pathMtu !== undefined) this.pathMtu = settings.pathMtu;
    if (settings.kind !== undefined) this.kind = settings.kind;
  }

  /**
   * §5.4: takes over where an authenticated packet came from and to; `false` when that is where the peer was already. A
   * socket that cannot tell the local address leaves the known one, as long as the endpoint stays.
   */
  move(endpoint: Endpoint, localAddress: LocalAddress | undefined): boolean {
    const sameLocal = localAddress === undefined || sameLocalAddress(localAddress, this.localAddress);
    if (sameLocal && this.endpoint !== undefined && sameEndpoint(endpoint, this.endpoint)) return false;
    this.endpoint = endpoint;
    this.localAddress = localAddress;
    return true;
  }
}

function sameLocalAddress(a: LocalAddress, b: LocalAddress | undefined): boolean {
  return b !== undefined && a.interfaceIndex === b.interfaceIndex && sameBytes(a.ip, b.ip);
}
