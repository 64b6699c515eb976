/** The life of one tunnel: up, changed, watched, closed. The packets are `data-path.ts`'s, the peers `peer-book.ts`'s. */
import {
  type Endpoint,
  fingerprint,
  Identity,
  ipKey,
  limits,
  type PeerId,
  PqtunError,
  type SuiteId,
} from '@pqtun/core';
import type { PeerChange, Tunnel, TunnelEvent, TunnelStats } from './api.ts';
import { bad, checkConfig, checkKem, checkPeer } from './check-config.ts';
import type { PeerConfig, TunnelConfig } from './config.ts';
import type { DataPath, OpenedPath } from './data-path.ts';
import { DropTally } from './drop-tally.ts';
import { Events } from './events.ts';
import { type NetworkWatch, watchAddresses, watchNetwork } from './network-watch.ts';
import { type BookedPeer, named, PeerBook, type PeersChanged } from './peer-book.ts';
import { changedPeer } from './peer-change.ts';
import { PeerEndpoints } from './peer-endpoints.ts';
import { PeerPaths } from './peer-paths.ts';
import { checkPing, Pings } from './pings.ts';
import {
  deploymentKeys,
  engineSettings,
  type Settings,
  sameProtocol,
  settingsOf,
  TimestampKeeper,
} from './protocol.ts';
import { Reactions } from './reactions.ts';
import { literalEndpoint } from './resolve.ts';
import type { Runtime } from './runtime.ts';
import { tunnelStats } from './stats.ts';

export class LiveTunnel implements Tunnel {
  readonly #runtime: Runtime;
  readonly #path: DataPath;
  readonly #book: PeerBook;
  readonly #timestamps: TimestampKeeper;
  readonly #events = new Events();
  readonly #endpoints: PeerEndpoints;
  readonly #pings: Pings;
  readonly #paths: PeerPaths;
  readonly #reactions: Reactions;
  readonly #network: NetworkWatch;
  readonly #drops: DropTally;
  readonly #lastHandshakes = new Map<string, number>();
  #settings: Settings;
  #identity: Identity;
  #cookiesBefore = 0;
  /** Changes of the configuration, one after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** Takes over identity and path, and starts. When it throws the identity is still the caller's, the path closed. */
  static start(runtime: Runtime, config: TunnelConfig, identity: Identity, opened: OpenedPath): LiveTunnel {
    let tunnel: LiveTunnel | undefined;
    try {
      tunnel = new LiveTunnel(runtime, config, identity, opened);
      tunnel.#up(config.peers);
      return tunnel;
    } catch (error) {
      if (tunnel === undefined) void opened.close();
      else void tunnel.close();
      throw error;
    }
  }

  private constructor(runtime: Runtime, config: TunnelConfig, identity: Identity, opened: OpenedPath) {
    this.#runtime = runtime;
    this.#settings = settingsOf(config);
    this.#identity = identity;
    const { clock, native, suite } = runtime;
    this.#book = new PeerBook(suite);
    this.#timestamps = new TimestampKeeper(runtime);
    this.#path = opened.connect(this.#engineFor(config, identity), {
      onTurn: (now, events) => this.#reactions.onTurn(now, events),
      onSendFailed: (datagram, code) => this.#reactions.onSendFailed(datagram, code),
      onSourceLost: () => this.#reactions.onSourceLost(),
      onOffloadChanged: (name, active, reason) => this.#reactions.onOffloadChanged(name, active, reason),
      onDeviceLost: ({ message }) => this.#end({ id: 'device-lost', reason: message }),
      onFailure: (error) => this.#fail(error),
    });
    this.#drops = new DropTally(
      () => this.#path.protocol.engine.drops,
      (event) => this.#events.tell(event),
    );
    this.#pings = new Pings((peer, length) =>
      this.#path.call((now, { engine }) => engine.ping(now, peer, length)),
    );
    this.#endpoints = new PeerEndpoints({
      runtime,
      loop: this.#path,
      book: this.#book,
      events: this.#events,
      isAwaited: ({ id }) => this.#pings.waits(id),
    });
    this.#paths = new PeerPaths({
      clock,
      loop: this.#path,
      routeMtu: (ip) => this.#routeMtu(ip),
      onChange: (id, mtu) => this.#tellPath(id, mtu),
    });
    this.#reactions = new Reactions({
      clock,
      loop: this.#path,
      book: this.#book,
      events: this.#events,
      endpoints: this.#endpoints,
      pings: this.#pings,
      paths: this.#paths,
      drops: this.#drops,
      lastHandshakes: this.#lastHandshakes,
      isClosing: () => this.#closing !== undefined,
      onPeerAt: (ip) => this.#network.know(ip),
    });
    const onChange = () => this.#reactions.onNetworkChange();
    const mark = () => this.#settings.fwMark ?? 0;
    this.#network =
      native === undefined
        ? watchAddresses(this.interfaceName, onChange)
        : watchNetwork(native, () => this.#destinations(this.#book.all), mark, onChange);
  }

  #up(peers: readonly PeerConfig[]): void {
    this.#path.start();
    this.#settle(this.#apply(peers), this.#runtime.initiateOnStart);
  }

  /* what can be seen */

  get interfaceName(): string {
    return this.#path.interfaceName;
  }

  get listenPort(): number {
    return this.#path.port;
  }

  get fingerprints(): ReadonlyMap<SuiteId, string> {
    const prints = new Map<SuiteId, string>();
    for (const suite of this.#settings.suites ?? limits.suiteIds) {
      const id = this.#identity.id(suite);
      if (id !== undefined) prints.set(suite, fingerprint(id));
    }
    return prints;
  }

  stats(): TunnelStats {
    const { protocol } = this.#path;
    return tunnelStats(this.#runtime.clock.now(), {
      protocol,
      peers: [...this.#book.all],
      lastHandshakes: this.#lastHandshakes,
      paths: this.#paths,
      drops: this.#drops,
      cookiesBefore: this.#cookiesBefore,
      fixed: {
        interfaceName: this.interfaceName,
        listenPort: this.listenPort,
        mtu: this.#path.mtu,
        fwMark: this.#settings.fwMark ?? 0,
        publicKey: this.#identity.dh.publicKey,
        crypto: this.#runtime.suite.name,
        ...this.#path.facts(),
      },
    });
  }

  onEvent(listener: (event: TunnelEvent) => void): () => void {
    return this.#events.listen(listener);
  }

  /* changes */

  reconfigure(config: TunnelConfig): Promise<void> {
    return this.#change(async () => {
      const checked = checkConfig(config);
      const identity = new Identity(this.#runtime.suite, checked.privateKey, checked.kemSeed);
      const goesOn = sameProtocol(
        { identity: this.#identity, config: this.#settings },
        { identity, config: checked },
      );
      try {
        this.#book.checkKeys(identity, named(checked.peers), !goesOn);
        await this.#rebind(checked);
      } catch (error) {
        identity.destroy();
        throw error;
      }
      // from here on nothing fails
      if (goesOn) identity.destroy();
      const restarted = goesOn ? undefined : this.#restart(checked, identity);
      this.#settings = settingsOf(checked);
      this.#path.call((_now, { engine }) => engine.setDeploymentKeys(deploymentKeys(checked)));
      this.#settle(this.#apply(checked.peers, restarted), restarted !== undefined);
    });
  }

  addPeer(peer: PeerConfig): Promise<void> {
    return this.#change(async () => {
      const checked = checkPeer('peer', peer);
      const key = ipKey(checked.publicKey);
      if (this.#book.byKey(key) !== undefined) throw bad('peer.publicKey', 'is that of a peer we have');
      checkKem(
        'peer',
        checked,
        this.#identity.kem(1) !== undefined,
        this.#settings.suites ?? limits.suiteIds,
      );
      this.#book.checkKeys(this.#identity, new Map([['peer', checked]]), false);
      this.#settle(this.#apply([...this.#configs(), checked], undefined, key), false);
    });
  }

  changePeer(publicKey: Uint8Array, change: PeerChange): Promise<void> {
    return this.#change(async () => {
      const peer = this.#book.find(publicKey);
      const changed = changedPeer(peer.config, change);
      const configs = this.#configs().map((config) => (config === peer.config ? changed : config));
      this.#settle(this.#apply(configs, undefined, peer.key), false);
      const { endpoint } = change;
      if (endpoint === undefined) return;
      // also when it is configured already: the peer may have roamed, and whoever calls wants it there
      const there = endpoint === null ? null : literalEndpoint(endpoint);
      if (there === undefined) return; // a name: looked up if it is another than before
      this.#path.call((now, { engine }) => engine.updatePeer(now, peer.id, { endpoint: there }));
    });
  }

  removePeer(publicKey: Uint8Array): Promise<void> {
    return this.#change(async () => {
      const peer = this.#book.find(publicKey);
      this.#settle(this.#apply(this.#configs().filter((config) => config !== peer.config)), false);
    });
  }

  resetTimestamp(publicKey: Uint8Array): void {
    this.#requireOpen();
    const { id } = this.#book.find(publicKey);
    this.#path.call((_now, { engine }) => engine.resetTimestamp(id));
  }

  rekey(publicKey: Uint8Array): void {
    this.#requireOpen();
    const { id } = this.#book.find(publicKey);
    this.#path.call((now, { engine }) => engine.initiate(now, id));
  }

  async ping(publicKey: Uint8Array, options: { timeout?: number; size?: number } = {}): Promise<number> {
    this.#requireOpen();
    const { timeout, size } = checkPing(options);
    const { id, config } = this.#book.find(publicKey);
    if (config.mode === 'classical') {
      throw new PqtunError('PQTUN_UNSUPPORTED', 'a classical peer knows no probes: WireGuard has none');
    }
    const answer = this.#pings.start(id, timeout, size);
    if (this.#pings.waits(id)) this.#path.call((now, { engine }) => engine.initiate(now, id));
    return answer;
  }

  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#closing = promise; // before anything else: listeners may close, too
    this.#shutDown().then(resolve, reject);
    return promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /* how changes are made */

  /** One change after the other; a failed one stops no later one. */
  #change(act: () => Promise<void>): Promise<void> {
    const change = this.#changes.then(() => {
      this.#requireOpen();
      return act();
    });
    this.#changes = change.catch(() => undefined);
    return change;
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new PqtunError('PQTUN_CLOSED', 'the tunnel is closed');
  }

  #configs(): PeerConfig[] {
    return [...this.#book.all].map(({ config }) => config);
  }

  #engineFor(config: TunnelConfig, identity: Identity) {
    return engineSettings({ runtime: this.#runtime, config, identity, timestamps: this.#timestamps });
  }

  #apply(
    peers: readonly PeerConfig[],
    known: ReadonlyMap<string, Endpoint> = new Map(),
    winner?: string,
  ): PeersChanged {
    const endpointOf = (config: PeerConfig) => this.#endpoints.first(config, known);
    try {
      return this.#path.call((now, protocol) => this.#book.apply(now, protocol, peers, endpointOf, winner));
    } catch (error) {
      this.#fail(error); // all was checked: what is left now is neither the old configuration nor the new one
      throw error;
    }
  }

  /** What follows from what `#apply` has changed. */
  #settle(changed: PeersChanged, initiate: boolean): void {
    for (const { key, id } of changed.gone) {
      this.#paths.forget(id);
      this.#lastHandshakes.delete(key);
      this.#pings.end('the peer was removed', id);
    }
    this.#endpoints.settle(changed, initiate);
    const found = this.#destinations([...changed.added, ...changed.redirected]);
    for (const ip of found) this.#network.know(ip);
  }

  /** Opens or marks what the new configuration wants otherwise; the last step that can fail. */
  async #rebind(config: TunnelConfig): Promise<void> {
    const { listenPort = 0, fwMark = 0 } = config;
    if (listenPort === 0 || listenPort === this.listenPort) {
      if (fwMark !== (this.#settings.fwMark ?? 0)) this.#path.setMark(fwMark);
      return;
    }
    await this.#path.rebind(listenPort, fwMark);
    this.#requireOpen();
  }

  /** Ends every session and begins anew as another party. Where the peers were last is kept for the same configured endpoint. */
  #restart(config: TunnelConfig, identity: Identity): Map<string, Endpoint> {
    const engine = this.#engineFor(config, identity);
    const old = this.#path.protocol;
    const known = this.#path.call((now) => {
      const whereabouts = this.#book.whereabouts(now, old, config.peers);
      old.engine.stop(now);
      return whereabouts;
    });
    this.#drops.carry();
    this.#cookiesBefore += old.engine.cookieRepliesSent;
    this.#pings.end('the identity was changed');
    this.#endpoints.clear();
    this.#paths.clear();
    this.#lastHandshakes.clear();
    this.#book.clear();
    this.#identity.destroy();
    this.#identity = identity;
    this.#path.renew(engine);
    return known;
  }

  async #shutDown(): Promise<void> {
    this.#network.close();
    this.#drops.close();
    this.#endpoints.close();
    this.#paths.close();
    try {
      this.#path.call((now, { engine }) => engine.stop(now));
    } catch {
      // after a failure of ours the engine may refuse even this; what remains is closed all the same
    }
    const closed = this.#path.close();
    this.#pings.end('the tunnel was closed');
    this.#book.clear();
    this.#identity.destroy();
    await Promise.all([closed, this.#changes]);
  }

  #fail(error: unknown): void {
    this.#end({ id: 'failed', reason: error instanceof Error ? error.message : 'unknown' });
  }

  #end(event: TunnelEvent): void {
    if (this.#closing !== undefined) return;
    const closing = this.close();
    this.#events.tell(event);
    closing.catch(() => undefined); // whoever calls `close` gets it
  }

  /* small parts */

  *#destinations(peers: Iterable<BookedPeer>): Iterable<Uint8Array> {
    const now = this.#runtime.clock.now();
    for (const { id } of peers) {
      const { endpoint } = this.#path.protocol.engine.status(now, id);
      if (endpoint !== undefined) yield endpoint.ip;
    }
  }

  #tellPath(id: PeerId, mtu: number): void {
    const peer = this.#book.byId(id);
    if (peer !== undefined) this.#events.tell({ id: 'path-mtu', publicKey: peer.config.publicKey, mtu });
  }

  #routeMtu(ip: Uint8Array): number | undefined {
    try {
      return this.#runtime.native?.openNetlink().routeTo(ip, this.#settings.fwMark ?? 0).mtu;
    } catch {
      return undefined;
    }
  }
}
