/**
 * Which peers there are, as configured: finds out what a new list changes, and changes just that in engine and plane.
 * Peers by X25519 public key; what is kept of a configuration is copied, and its secrets are wiped when it goes.
 */
import {
  type Endpoint,
  type Identity,
  type Instant,
  invariant,
  ipKey,
  millis,
  type PeerId,
  type PeerOptions,
  type PeerUpdate,
  PqtunError,
  peerKeys,
  type RouteChange,
  Secret,
  type Suite,
  sameBytes,
} from '@pqtun/core';
import { bad } from './check-config.ts';
import type { EndpointSpec, PeerConfig, Prefix } from './config.ts';
import type { Protocol } from './data-path.ts';

export interface BookedPeer {
  readonly key: string;
  readonly id: PeerId;
  /** Copies of our own. `allowedIps` holds what is this peer's in the end. */
  readonly config: PeerConfig;
}

/** What became of the peers: their endpoints are the caller's to settle. */
export interface PeersChanged {
  readonly gone: readonly BookedPeer[];
  readonly added: readonly BookedPeer[];
  /** The configured endpoint is another than before, or there is none any more. */
  readonly redirected: readonly BookedPeer[];
}

export class PeerBook {
  readonly #suite: Suite;
  #peers = new Map<string, BookedPeer>();
  #byId = new Map<PeerId, BookedPeer>();
  #routes = new Map<string, { readonly prefix: Prefix; readonly peer: PeerId }>();

  constructor(suite: Suite) {
    this.#suite = suite;
  }

  /** In the order they were configured. */
  get all(): IterableIterator<BookedPeer> {
    return this.#peers.values();
  }

  byKey(key: string): BookedPeer | undefined {
    return this.#peers.get(key);
  }

  byId(id: PeerId): BookedPeer | undefined {
    return this.#byId.get(id);
  }

  /** Throws `PQTUN_BAD_CONFIG` when no peer has this public key. */
  find(publicKey: Uint8Array): BookedPeer {
    const peer = publicKey instanceof Uint8Array ? this.#peers.get(ipKey(publicKey)) : undefined;
    if (peer === undefined) throw new PqtunError('PQTUN_BAD_CONFIG', 'publicKey: no peer has this key');
    return peer;
  }

  /** Checks the keys of peers that are new here, or of all under another identity. `path` names the peer in errors. */
  checkKeys(identity: Identity, peers: ReadonlyMap<string, PeerConfig>, anew: boolean): void {
    for (const [path, peer] of peers) {
      const old = this.#peers.get(ipKey(peer.publicKey));
      if (!anew && old !== undefined && sameKind(old.config, peer)) continue;
      if (sameBytes(peer.publicKey, identity.dh.publicKey)) throw bad(`${path}.publicKey`, 'is our own');
      try {
        peerKeys(this.#suite, identity, peer.publicKey, peer.kemPublicKey);
      } catch (error) {
        if (error instanceof PqtunError) throw bad(path, error.message);
        throw error;
      }
    }
  }

  /**
   * Makes `configs` the peers of this protocol. `configs` have passed `checkConfig` and `checkKeys`, so nothing here fails
   * half-way. A prefix that several list goes to the last of them, or to `winner`. Unchanged peers are not touched.
   */
  apply(
    now: Instant,
    protocol: Protocol,
    configs: readonly PeerConfig[],
    endpointOf: (config: PeerConfig) => Endpoint | undefined,
    winner?: string,
  ): PeersChanged {
    const owners = ownersOf(configs, winner);
    const gone: BookedPeer[] = [];
    const added: BookedPeer[] = [];
    const redirected: BookedPeer[] = [];
    const before = this.#peers;
    const after = new Map<string, BookedPeer>();
    const wanted = new Set(configs.map(({ publicKey }) => ipKey(publicKey)));
    for (const peer of before.values()) {
      if (wanted.has(peer.key)) continue;
      protocol.engine.removePeer(now, peer.id);
      wipeSecrets(peer.config);
      gone.push(peer);
    }
    for (const config of configs) {
      const key = ipKey(config.publicKey);
      const allowedIps = config.allowedIps.filter((prefix) => owners.get(prefixKey(prefix)) === key);
      const old = before.get(key);
      if (old !== undefined && sameKind(old.config, config)) {
        const kept = this.#change(now, protocol, old, config, allowedIps);
        after.set(key, kept);
        if (!sameSpec(old.config.endpoint, config.endpoint)) redirected.push(kept);
        continue;
      }
      if (old !== undefined) {
        protocol.engine.removePeer(now, old.id);
        wipeSecrets(old.config);
        gone.push(old);
      }
      const id = protocol.engine.addPeer(now, peerOptions(config, endpointOf(config)));
      const peer = { key, id, config: keep(config, allowedIps) };
      after.set(key, peer);
      added.push(peer);
    }
    this.#peers = after;
    this.#byId = new Map([...after.values()].map((peer) => [peer.id, peer]));
    this.#applyRoutes(protocol);
    return { gone, added, redirected };
  }

  /** Where each peer is now, if its configured endpoint is to stay the same. */
  whereabouts(now: Instant, { engine }: Protocol, next: readonly PeerConfig[]): Map<string, Endpoint> {
    const known = new Map<string, Endpoint>();
    for (const config of next) {
      const peer = this.#peers.get(ipKey(config.publicKey));
      if (peer === undefined || !sameSpec(peer.config.endpoint, config.endpoint)) continue;
      const { endpoint } = engine.status(now, peer.id);
      if (endpoint !== undefined) known.set(peer.key, endpoint);
    }
    return known;
  }

  /** Forgets what was applied, for an engine that is no more; secrets are wiped. */
  clear(): void {
    for (const { config } of this.#peers.values()) wipeSecrets(config);
    this.#peers = new Map();
    this.#byId = new Map();
    this.#routes = new Map();
  }

  #change(
    now: Instant,
    protocol: Protocol,
    old: BookedPeer,
    config: PeerConfig,
    allowedIps: readonly Prefix[],
  ): BookedPeer {
    const update = this.#difference(old.config, config);
    if (Object.keys(update).length > 0) protocol.engine.updatePeer(now, old.id, update);
    if (config === old.config && allowedIps.length === config.allowedIps.length) return old;
    // copied before the old ones are wiped: what did not change may be the very same
    const kept = keep(config, allowedIps);
    wipeSecrets(old.config);
    return { key: old.key, id: old.id, config: kept };
  }

  /** What the engine must be told; endpoints apart. */
  #difference(old: PeerConfig, config: PeerConfig): PeerUpdate {
    const { persistentKeepalive, rekeyProfile = 'standard' } = config;
    return {
      ...(this.#sameSecret(old.presharedKey, config.presharedKey)
        ? {}
        : { presharedKey: config.presharedKey ?? null }),
      ...(this.#sameSecret(old.deploymentKey, config.deploymentKey)
        ? {}
        : { deploymentKey: config.deploymentKey ?? null }),
      ...(old.persistentKeepalive === persistentKeepalive
        ? {}
        : {
            persistentKeepalive:
              persistentKeepalive === undefined ? null : millis(persistentKeepalive * 1000),
          }),
      ...((old.rekeyProfile ?? 'standard') === rekeyProfile ? {} : { profile: rekeyProfile }),
    };
  }

  #sameSecret(a: Secret | undefined, b: Secret | undefined): boolean {
    if (a === undefined || b === undefined) return a === b;
    return this.#suite.equal(a.borrow(), b.borrow());
  }

  /** Moves routes in one call, so that no packet ever finds a prefix without its owner. */
  #applyRoutes(protocol: Protocol): void {
    const after = new Map<string, { readonly prefix: Prefix; readonly peer: PeerId }>();
    for (const { id, config } of this.#peers.values()) {
      for (const prefix of config.allowedIps) after.set(prefixKey(prefix), { prefix, peer: id });
    }
    const changes: RouteChange[] = [];
    for (const [key, { prefix, peer }] of this.#routes) {
      if (after.has(key) || !this.#byId.has(peer)) continue; // a removed peer took its routes along
      changes.push({ kind: 'remove', peer, prefix: prefix.ip, bits: prefix.bits });
    }
    for (const [key, { prefix, peer }] of after) {
      if (this.#routes.get(key)?.peer === peer) continue;
      changes.push({ kind: 'add', peer, prefix: prefix.ip, bits: prefix.bits });
    }
    if (changes.length > 0) protocol.plane.setRoutes(changes);
    this.#routes = after;
  }
}

/** The peers of a whole configuration with their names in errors. */
export function named(peers: readonly PeerConfig[]): Map<string, PeerConfig> {
  return new Map(peers.map((peer, i) => [`peers[${i}]`, peer]));
}

/** Peers whose keys and mode are the same are the same peer; with others its sessions mean nothing. */
function sameKind(old: PeerConfig, config: PeerConfig): boolean {
  const [a, b] = [old.kemPublicKey, config.kemPublicKey];
  if (old.mode !== config.mode || (a === undefined) !== (b === undefined)) return false;
  return a === undefined || b === undefined || sameBytes(a, b);
}

function sameSpec(a: EndpointSpec | undefined, b: EndpointSpec | undefined): boolean {
  return a?.host === b?.host && a?.port === b?.port;
}

export function prefixKey({ ip, bits }: Prefix): string {
  return `${ipKey(ip)}/${bits}`;
}

/** Who has each prefix in the end. */
function ownersOf(configs: readonly PeerConfig[], winner: string | undefined): Map<string, string> {
  const owners = new Map<string, string>();
  const give = ({ publicKey, allowedIps }: PeerConfig): void => {
    for (const prefix of allowedIps) owners.set(prefixKey(prefix), ipKey(publicKey));
  };
  for (const config of configs) give(config);
  for (const config of configs) if (ipKey(config.publicKey) === winner) give(config);
  return owners;
}

function peerOptions(config: PeerConfig, endpoint: Endpoint | undefined): PeerOptions {
  const { publicKey, kemPublicKey, presharedKey, deploymentKey, persistentKeepalive, rekeyProfile } = config;
  invariant(
    (kemPublicKey === undefined) === (config.mode === 'classical'),
    'checkConfig has seen to the mode',
  );
  return {
    publicKey,
    ...(kemPublicKey === undefined ? {} : { kemPublicKey }),
    ...(presharedKey === undefined ? {} : { presharedKey }),
    ...(deploymentKey === undefined ? {} : { deploymentKey }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(persistentKeepalive === undefined ? {} : { persistentKeepalive: millis(persistentKeepalive * 1000) }),
    ...(rekeyProfile === undefined ? {} : { profile: rekeyProfile }),
  };
}

/** A configuration to be kept: `config` was copied by `checkConfig` but for its secrets. */
function keep(config: PeerConfig, allowedIps: readonly Prefix[]): PeerConfig {
  const { presharedKey, deploymentKey } = config;
  return {
    ...config,
    allowedIps,
    ...(presharedKey === undefined ? {} : { presharedKey: Secret.copyOf(presharedKey.borrow()) }),
    ...(deploymentKey === undefined ? {} : { deploymentKey: Secret.copyOf(deploymentKey.borrow()) }),
  };
}

function wipeSecrets({ presharedKey, deploymentKey }: PeerConfig): void {
  presharedKey?.destroy();
  deploymentKey?.destroy();
}
