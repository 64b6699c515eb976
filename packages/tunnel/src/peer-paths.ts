/** The paths to the peers: what each takes is searched, learnt from our own system, told to the plane, and kept to be shown. */
import { type Endpoint, type Instant, type PeerId, sameEndpoint } from '@pqtun/core';
import type { Clock, ClockTimer } from './clock.ts';
import type { DataPath } from './data-path.ts';
import { PathLimits, pathAfterRefusal } from './path-limits.ts';
import { type FoundPath, PathSearch } from './path-search.ts';

export interface PeerPathsOptions {
  readonly clock: Clock;
  readonly loop: Pick<DataPath, 'protocol' | 'call' | 'mtu'>;
  /** MTU of our own route to an address, as far as the system tells. */
  readonly routeMtu: (ip: Uint8Array) => number | undefined;
  /** A path takes more or less than was known; `mtu`: the longest outer packet. */
  readonly onChange: (peer: PeerId, mtu: number) => void;
}

export class PeerPaths {
  readonly #options: PeerPathsOptions;
  readonly #limits = new PathLimits();
  readonly #search: PathSearch;
  readonly #timer: ClockTimer;

  constructor(options: PeerPathsOptions) {
    const { clock, loop, routeMtu } = options;
    this.#options = options;
    this.#search = new PathSearch({
      mtu: () => loop.mtu,
      routeMtu,
      send: (peer, length) => loop.call((now, { engine }) => engine.ping(now, peer, length)),
      bytesSent: (peer) => loop.protocol.engine.peerCounters([peer])[0]?.bytesSent ?? 0,
      onFound: (peer, found) => this.#learn(peer, found),
    });
    this.#timer = clock.timer(() => {
      this.#search.onTimeout(clock.now());
      this.#arm();
    });
  }

  /** The longest outer packet known to reach a peer, in bytes; `undefined`: not known. */
  of(peer: PeerId): number | undefined {
    return this.#limits.of(peer);
  }

  /** Call when a session with a hybrid peer stands, and when it is found elsewhere. Others know no probes. */
  onPeerAt(now: Instant, peer: PeerId, endpoint: Endpoint): void {
    this.#search.begin(now, peer, endpoint);
    this.#arm();
  }

  /** Call when there is no session left to send probes under. What was found stays until it is found to be otherwise. */
  onPeerGone(peer: PeerId): void {
    this.#search.forget(peer);
  }

  onPong(now: Instant, token: Uint8Array): void {
    this.#search.onPong(now, token);
  }

  /** Call when our own system refused a transport datagram of `length` B to `to`. `peers`: who may be there. */
  onTooBig(
    to: Endpoint,
    length: number,
    peers: Iterable<{ id: PeerId; endpoint: Endpoint | undefined }>,
  ): void {
    const left = pathAfterRefusal(to, length, this.#options.routeMtu(to.ip));
    if (left === undefined) return;
    for (const { id, endpoint } of peers)
      if (endpoint !== undefined && sameEndpoint(endpoint, to)) this.#learn(id, left);
  }

  /** Call when routes changed. */
  onNetworkChange(): void {
    const { clock, loop } = this.#options;
    this.#limits.lift(loop.protocol);
    this.#search.restart(clock.now());
    this.#arm();
  }

  forget(peer: PeerId): void {
    this.#search.forget(peer);
    this.#limits.forget(peer);
  }

  /** Call when the peers' numbers mean nothing any more. */
  clear(): void {
    this.#search.clear();
    this.#limits.clear();
  }

  close(): void {
    this.#search.clear();
    this.#timer.close();
  }

  #learn(peer: PeerId, found: FoundPath): void {
    const { loop, onChange } = this.#options;
    if (this.#limits.set(loop.protocol, peer, found)) onChange(peer, found.mtu);
  }

  /** A timer that fires early does no harm. */
  #arm(): void {
    const at = this.#search.nextDeadline();
    if (at !== undefined) this.#timer.arm(at);
  }
}
