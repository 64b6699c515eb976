/**
 * Where each peer is: first from its configuration, by name if need be, or from where it was before a restart; then wherever
 * its authenticated packets come from, which the engine sees to. protocol.md §5.4; stale paths: §5.2 N3.
 */
import { type Endpoint, type Instant, ipKey, sameEndpoint } from '@pqtun/core';
import { formatEndpoint } from './address.ts';
import type { PeerConfig } from './config.ts';
import type { DataPath } from './data-path.ts';
import { EndpointLog } from './endpoint-log.ts';
import type { Events } from './events.ts';
import type { BookedPeer, PeerBook, PeersChanged } from './peer-book.ts';
import { literalEndpoint, Resolver } from './resolve.ts';
import type { Runtime } from './runtime.ts';
import { StartQueue } from './start-queue.ts';

export interface PeerEndpointsOptions {
  readonly runtime: Runtime;
  readonly loop: Pick<DataPath, 'call'>;
  readonly book: PeerBook;
  readonly events: Events;
  /** Whether somebody waits for a session with this peer. */
  readonly isAwaited: (peer: BookedPeer) => boolean;
}

export class PeerEndpoints {
  readonly #options: PeerEndpointsOptions;
  readonly #resolver: Resolver;
  readonly #log: EndpointLog;
  readonly #startQueue: StartQueue;

  constructor(options: PeerEndpointsOptions) {
    const { runtime, events } = options;
    this.#options = options;
    this.#resolver = new Resolver({
      lookup: runtime.lookup,
      now: () => runtime.clock.now(),
      onResolved: (key, at) => this.#onResolved(key, at),
      onUnresolved: (key, host) => this.#onUnresolved(key, host),
    });
    this.#log = new EndpointLog({
      store: runtime.state,
      onRoamed: (key, at) => this.#tellRoamed(key, at),
      onNotSaved: () => events.tell({ id: 'state-not-saved', what: 'endpoint' }),
    });
    this.#startQueue = new StartQueue((key) => this.#begin(key));
  }

  /** Where a peer is when it is added: as configured; else in `known`; without a configured endpoint, as stored. */
  first(config: PeerConfig, known: ReadonlyMap<string, Endpoint>): Endpoint | undefined {
    const { endpoint, publicKey } = config;
    return (
      (endpoint && literalEndpoint(endpoint)) ??
      known.get(ipKey(publicKey)) ??
      (endpoint === undefined ? this.#stored(publicKey) : undefined)
    );
  }

  /** Call when peers have changed. `initiate`: handshakes with the new ones begin as soon as they can. */
  settle({ gone, added, redirected }: PeersChanged, initiate: boolean): void {
    for (const { key } of gone) {
      this.#resolver.forget(key);
      this.#log.forget(key);
    }
    for (const { key, id, config } of redirected) {
      this.#resolver.forget(key);
      const endpoint = config.endpoint && literalEndpoint(config.endpoint);
      if (endpoint === undefined) continue;
      this.#options.loop.call((now, { engine }) => engine.updatePeer(now, id, { endpoint }));
    }
    for (const { key, config } of [...added, ...redirected]) {
      if (config.endpoint === undefined || literalEndpoint(config.endpoint) !== undefined) continue;
      this.#resolver.watch(key, config.endpoint);
    }
    if (initiate) for (const { key } of added) this.#startQueue.add(key);
  }

  /** Call when a packet has confirmed where a peer is; `moved`: it is another place than before. */
  onConfirmed(now: Instant, { key, config }: BookedPeer, at: Endpoint, moved: boolean): void {
    this.#log.note(now, key, config.publicKey, at, moved);
  }

  /** Call when a peer has not answered where it was last. */
  onPathStale({ key }: BookedPeer): void {
    this.#resolver.refresh(key);
  }

  /** Call before all peers go, to come anew: nothing under way has an effect any more. */
  clear(): void {
    this.#resolver.clear();
    this.#startQueue.close();
  }

  /** Keeps what is still to be kept. */
  close(): void {
    this.clear();
    this.#log.close();
  }

  #onResolved(key: string, at: Endpoint): void {
    const peer = this.#options.book.byKey(key);
    if (peer === undefined) return;
    const wasUnknown = this.#options.loop.call((now, { engine }) => {
      const { endpoint, sessionAge, initiating } = engine.status(now, peer.id);
      if (endpoint !== undefined && sameEndpoint(endpoint, at)) return false;
      // a peer that talks to us is where it says; a name only helps to find one that does not
      if (endpoint !== undefined && sessionAge !== undefined && !initiating) return false;
      engine.updatePeer(now, peer.id, { endpoint: at });
      return endpoint === undefined;
    });
    if (wasUnknown) this.#startIfWanted(peer);
  }

  #onUnresolved(key: string, host: string): void {
    const { book, events, loop } = this.#options;
    const peer = book.byKey(key);
    if (peer === undefined) return;
    const { publicKey } = peer.config;
    const stored = this.#stored(publicKey);
    const used = loop.call((now, { engine }) => {
      if (stored === undefined || engine.status(now, peer.id).endpoint !== undefined) return false;
      engine.updatePeer(now, peer.id, { endpoint: stored });
      return true;
    });
    if (used) this.#startIfWanted(peer);
    events.tell({ id: 'endpoint-unresolved', publicKey, host });
  }

  #startIfWanted(peer: BookedPeer): void {
    const { runtime, isAwaited } = this.#options;
    if (runtime.initiateOnStart || isAwaited(peer)) this.#startQueue.add(peer.key);
  }

  #begin(key: string): void {
    const peer = this.#options.book.byKey(key);
    if (peer === undefined) return;
    this.#options.loop.call((now, { engine }) => {
      if (engine.status(now, peer.id).sessionAge === undefined) engine.initiate(now, peer.id);
    });
  }

  #stored(publicKey: Uint8Array): Endpoint | undefined {
    try {
      return this.#options.runtime.state?.loadEndpoint(publicKey);
    } catch {
      return undefined; // a start without it is slower, not wrong
    }
  }

  #tellRoamed(key: string, at: Endpoint): void {
    const peer = this.#options.book.byKey(key);
    if (peer === undefined) return;
    const { publicKey } = peer.config;
    this.#options.events.tell({ id: 'peer-roamed', publicKey, endpoint: formatEndpoint(at) });
  }
}
