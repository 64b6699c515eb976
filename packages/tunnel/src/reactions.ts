/** What follows from what happens: events of the engine become the tunnel's, refusals of the system are counted and acted on. */
import type { Endpoint, EngineEvent, Instant } from '@pqtun/core';
import type { OffloadName } from './api.ts';
import type { Clock } from './clock.ts';
import type { DataPath, RefusedDatagrams } from './data-path.ts';
import type { DropTally } from './drop-tally.ts';
import type { Events } from './events.ts';
import type { BookedPeer, PeerBook } from './peer-book.ts';
import type { PeerEndpoints } from './peer-endpoints.ts';
import type { PeerPaths } from './peer-paths.ts';
import type { Pings } from './pings.ts';

export interface ReactionParts {
  readonly clock: Clock;
  readonly loop: Pick<DataPath, 'protocol' | 'call'>;
  readonly book: PeerBook;
  readonly events: Events;
  readonly endpoints: PeerEndpoints;
  readonly pings: Pings;
  readonly paths: PeerPaths;
  readonly drops: DropTally;
  /** Wall clock of each peer's last handshake, by key. */
  readonly lastHandshakes: Map<string, number>;
  readonly isClosing: () => boolean;
  /** A peer is found at this address. */
  readonly onPeerAt: (ip: Uint8Array) => void;
}

/** A source address that is gone makes every datagram fail until the kernel's notice comes; more often is not looked. */
const sourceLostEvery = 1_000;
/** Near the threshold load comes and goes within milliseconds, with every handshake: it has ended when it stayed away for this long. */
const calmAfter = 5_000;

export class Reactions {
  readonly #parts: ReactionParts;
  /** When load was last seen, from the telling of its beginning to that of its end. */
  #loadSeenAt: Instant | undefined;
  #sourceLostAt: number | undefined;
  readonly #offloadsTold = new Set<OffloadName>();

  constructor(parts: ReactionParts) {
    this.#parts = parts;
  }

  /** Call after each turn. */
  onTurn(now: Instant, events: readonly EngineEvent[]): void {
    const { loop, drops, isClosing } = this.#parts;
    for (const event of events) this.#onEngineEvent(now, event);
    if (isClosing()) return; // a listener may have
    drops.poke(now);
    this.#watchLoad(now, loop.protocol.engine.isUnderLoad(now));
  }

  #watchLoad(now: Instant, underLoad: boolean): void {
    const seenAt = this.#loadSeenAt;
    if (underLoad) {
      this.#loadSeenAt = now;
      if (seenAt === undefined) this.#parts.events.tell({ id: 'under-load', on: true });
    } else if (seenAt !== undefined && now - seenAt >= calmAfter) {
      this.#loadSeenAt = undefined;
      this.#parts.events.tell({ id: 'under-load', on: false });
    }
  }

  /** Call when the system refused datagrams. */
  onSendFailed({ to, length, isTransport, count }: RefusedDatagrams, code: string): void {
    const { drops, paths } = this.#parts;
    if (code !== 'EMSGSIZE' || !isTransport) {
      drops.countSendFailed(code, count);
      return;
    }
    drops.count('too-big', count);
    paths.onTooBig(to, length, this.#whereabouts());
  }

  /** Call when the system refused a source address of ours, which is then gone, though nobody has told yet. */
  onSourceLost(): void {
    const now = this.#parts.clock.now();
    if (this.#sourceLostAt !== undefined && now - this.#sourceLostAt < sourceLostEvery) return;
    this.#sourceLostAt = now;
    this.onNetworkChange();
  }

  /** Call when the system does something for us no longer. One that comes back is seen in the statistics, and enough. */
  onOffloadChanged(offload: OffloadName, active: boolean, reason: string | undefined): void {
    if (active || this.#offloadsTold.has(offload)) return;
    this.#offloadsTold.add(offload);
    this.#parts.events.tell({ id: 'offload-off', offload, reason: reason ?? 'unknown' });
  }

  /** N3: a local address or route has changed. */
  onNetworkChange(): void {
    const { loop, paths, isClosing } = this.#parts;
    if (isClosing()) return;
    loop.call((now, { engine }) => engine.handleNetworkChange(now));
    paths.onNetworkChange();
  }

  #onEngineEvent(now: Instant, event: EngineEvent): void {
    const { book, endpoints, events, paths, pings } = this.#parts;
    if (event.kind === 'timestamp-not-kept') return events.tell({ id: 'state-not-saved', what: 'timestamp' });
    if (event.kind === 'pong') {
      paths.onPong(now, event.token);
      return pings.onPong(event.token, event.roundTrip);
    }
    const peer = book.byId(event.peer);
    if (peer === undefined) return; // removed by a listener of an earlier event
    const { publicKey } = peer.config;
    switch (event.kind) {
      case 'peer-established':
        return this.#onEstablished(now, peer, event);
      case 'peer-expired':
        paths.onPeerGone(peer.id);
        return events.tell({ id: 'peer-expired', publicKey });
      case 'handshake-gave-up':
        return events.tell({ id: 'handshake-gave-up', publicKey });
      case 'peer-roamed':
        this.#onPeerAt(now, peer, event.endpoint);
        return endpoints.onConfirmed(now, peer, event.endpoint, true);
      case 'path-stale':
        return endpoints.onPathStale(peer);
      default:
        event satisfies never;
    }
  }

  #onEstablished(
    now: Instant,
    peer: BookedPeer,
    { role, duration }: Extract<EngineEvent, { kind: 'peer-established' }>,
  ): void {
    const { endpoints, events, lastHandshakes, loop, pings } = this.#parts;
    const { publicKey } = peer.config;
    lastHandshakes.set(peer.key, Date.now());
    const { endpoint, suite } = loop.protocol.engine.status(now, peer.id);
    if (endpoint !== undefined) {
      this.#onPeerAt(now, peer, endpoint);
      endpoints.onConfirmed(now, peer, endpoint, false);
    }
    pings.onEstablished(peer.id);
    events.tell({ id: 'peer-established', publicKey, suite, role, duration });
  }

  #onPeerAt(now: Instant, { id, config }: BookedPeer, endpoint: Endpoint): void {
    this.#parts.onPeerAt(endpoint.ip);
    if (config.mode !== 'classical') this.#parts.paths.onPeerAt(now, id, endpoint);
  }

  *#whereabouts() {
    const { book, clock, loop } = this.#parts;
    const now = clock.now();
    for (const { id } of book.all) yield loop.protocol.engine.status(now, id);
  }
}
