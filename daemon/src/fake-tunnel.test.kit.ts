/** A `Tunnel` that remembers what it was asked; for tests of what is around it. */
import { dropReasons, Secret } from '@pqtun/core';
import type {
  OpenOptions,
  PeerConfig,
  PeerStats,
  Tunnel,
  TunnelConfig,
  TunnelEvent,
  TunnelStats,
} from '@pqtun/tunnel';
import { publicText } from './secret-text.ts';

export class FakeTunnel implements Tunnel {
  readonly calls: string[] = [];
  readonly interfaceName: string;
  readonly listenPort: number;
  readonly fingerprints = new Map([[1 as const, 'aaaa-bbbb']]);
  config: TunnelConfig;
  closed = false;
  offloads: TunnelStats['offloads'] = [];
  /** Calls that start with this word reject. */
  failing: string | undefined;
  readonly #options: OpenOptions;
  readonly #listeners = new Set<(event: TunnelEvent) => void>();

  constructor(config: TunnelConfig, options: OpenOptions) {
    this.config = config;
    this.#options = options;
    this.interfaceName = options.device.kind === 'tun' ? (options.device.name ?? '') : '';
    this.listenPort = config.listenPort ?? 40_000;
    this.#call('open');
  }

  get options(): OpenOptions {
    return this.#options;
  }

  emit(event: TunnelEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async reconfigure(config: TunnelConfig): Promise<void> {
    this.#call(`reconfigure ${config.peers.length}`);
    this.config = config;
  }

  async addPeer(peer: PeerConfig): Promise<void> {
    this.#call(`add ${keyOf(peer.publicKey)}`);
    this.config = { ...this.config, peers: [...this.config.peers, peer] };
  }

  async changePeer(publicKey: Uint8Array, change: object): Promise<void> {
    const shown = Object.entries(change).map(
      ([key, value]) =>
        `${key}=${value instanceof Secret ? `secret ${value.borrow()[0]}` : JSON.stringify(value)}`,
    );
    this.#call(`change ${keyOf(publicKey)} ${shown.join(' ')}`);
  }

  async removePeer(publicKey: Uint8Array): Promise<void> {
    this.#call(`remove ${keyOf(publicKey)}`);
  }

  resetTimestamp(publicKey: Uint8Array): void {
    this.#call(`reset ${keyOf(publicKey)}`);
  }

  rekey(publicKey: Uint8Array): void {
    this.#call(`rekey ${keyOf(publicKey)}`);
  }

  async ping(): Promise<number> {
    this.#call('ping');
    return 1.5;
  }

  stats(): TunnelStats {
    return {
      interfaceName: this.interfaceName,
      listenPort: this.listenPort,
      mtu: 1420,
      fwMark: this.config.fwMark ?? 0,
      publicKey: new Uint8Array(32),
      crypto: 'node',
      plane: 'portable',
      aead: { name: 'node', reason: 'packets pass through JavaScript' },
      offloads: this.offloads,
      planeCounters: {},
      udp: 'native',
      underLoad: false,
      loopDelay: { bounds: [20], counts: [2, 1] },
      peers: this.config.peers.map(statsOf),
      drops: Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as TunnelStats['drops'], // all of them
      cookieRepliesSent: 0,
      downgradesRefused: 0,
    };
  }

  onEvent(listener: (event: TunnelEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#call('close');
    this.closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #call(text: string): void {
    this.calls.push(text);
    if (this.failing !== undefined && text.startsWith(this.failing)) throw new Error(`${text} failed`);
  }
}

function statsOf(peer: PeerConfig): PeerStats {
  return {
    publicKey: peer.publicKey,
    mode: peer.mode,
    suite: peer.kemPublicKey === undefined ? undefined : 1,
    fingerprint: undefined,
    endpoint: undefined,
    allowedIps: peer.allowedIps,
    persistentKeepalive: peer.persistentKeepalive,
    rekeyProfile: peer.rekeyProfile ?? 'standard',
    hasPresharedKey: peer.presharedKey !== undefined,
    pqState: 'none',
    sessionAge: undefined,
    role: undefined,
    lastHandshake: undefined,
    handshakeDuration: undefined,
    handshakesCompleted: 0,
    bytesReceived: 0,
    bytesSent: 0,
    packetsReceived: 0,
    packetsSent: 0,
    roundTrip: undefined,
    pathMtu: undefined,
  };
}

const keyOf = (publicKey: Uint8Array) => publicText(publicKey).slice(0, 6);
