/**
 * A UAPI set request → the configuration that results. Pure: nothing is applied here, and when one line cannot be carried out
 * nothing is at all, where WireGuard would stop half-way.
 *
 * What differs from WireGuard, and why:
 *  - `replace_peers` and `remove` do not forget what WireGuard has no word for: a peer that comes back keeps its KEM key, so
 *    that no `wg` command turns a hybrid peer into a classical one. Its session goes on if its keys are the same.
 *  - A new peer without KEM key could only be classical, which must be allowed in writing: `UapiPeers = classical`.
 *  - `listen_port=0`, which `wg setconf` sends for a file without ListenPort, keeps the port there is.
 */
import { Secret, sameBytes } from '@pqtun/core';
import type { EndpointSpec, PeerConfig, Prefix } from '@pqtun/tunnel';
import { formatEndpoint, formatPrefix, isName } from '../address-text.ts';
import type { DaemonConfig, DaemonTunnel } from '../config/model.ts';
import { peerProblems } from '../config/peer-rules.ts';
import type { PublicKeyCheck } from '../config/public-key-check.ts';
import { publicText } from '../secret-text.ts';
import { errno, UapiError } from './errno.ts';
import type { AllowedIpChange, PeerChange, SetRequest } from './request.ts';

/** KEM keys of hybrid peers that are gone, by public key in base64. */
export type KemMemory = ReadonlyMap<string, Uint8Array>;

export interface SetContext {
  readonly config: DaemonConfig;
  readonly keys: PublicKeyCheck;
  readonly memory: KemMemory;
  /** Where a peer (public key in base64) is now. */
  readonly endpointOf: (peer: string) => EndpointSpec | undefined;
}

export interface SetResult {
  /** Secrets that `context.config` does not have are copies of the request's. */
  readonly config: DaemonConfig;
  /** Peers we had, to be moved though their configuration may say the same as before: they had roamed. */
  readonly moved: readonly { readonly publicKey: Uint8Array; readonly endpoint: EndpointSpec }[];
  readonly memory: KemMemory;
}

/** Throws `UapiError`; then the copies of secrets made so far are wiped. */
export function applySet(request: SetRequest, context: SetContext): SetResult {
  const work = new SetWork(context);
  try {
    work.device(request.device);
    for (const change of request.peers) work.peer(change);
    return work.result();
  } catch (error) {
    work.discard();
    throw error;
  }
}

/** A peer being changed. */
interface Draft {
  readonly config: PeerConfig;
  readonly allowedIps: Map<string, Prefix>;
}

class SetWork {
  readonly #context: SetContext;
  readonly #before: ReadonlyMap<string, PeerConfig>;
  readonly #copies: Secret[] = [];
  readonly #moved = new Map<string, { publicKey: Uint8Array; endpoint: EndpointSpec }>();
  readonly #peers = new Map<string, Draft>();
  /** Whose each prefix is: the last to ask for one gets it. */
  readonly #owners = new Map<string, string>();
  #tunnel: DaemonTunnel;

  constructor(context: SetContext) {
    this.#context = context;
    this.#tunnel = context.config.tunnel;
    this.#before = new Map(this.#tunnel.peers.map((peer) => [publicText(peer.publicKey), peer]));
    for (const [name, config] of this.#before) this.#keep(name, config, config.allowedIps);
  }

  device({ privateKey, listenPort = 0, fwMark, replacePeers }: SetRequest['device']): void {
    if (privateKey !== undefined) this.#setPrivateKey(privateKey);
    if (listenPort !== 0) this.#tunnel = { ...this.#tunnel, listenPort };
    if (fwMark !== undefined) {
      const { fwMark: _old, ...rest } = this.#tunnel;
      this.#tunnel = fwMark === 0 ? rest : { ...rest, fwMark };
    }
    if (replacePeers === true) {
      this.#peers.clear();
      this.#owners.clear();
    }
  }

  peer(change: PeerChange): void {
    const { keys } = this.#context;
    const name = publicText(change.publicKey);
    if (this.#isOurs(change.publicKey)) return; // a file that lists every party may be given to each
    const there = this.#peers.get(name);
    if (change.remove === true) return this.#remove(name);
    if (there === undefined && change.updateOnly === true) return;
    const known = this.#before.get(name);
    if (known === undefined) {
      const problem = keys.dhProblem(change.publicKey, undefined); // low order
      if (problem !== undefined) throw refused(name, errno.invalid, problem);
    }
    const start = there?.config ?? this.#added(name, change);
    const config = this.#changed(name, start, change);
    this.#keep(name, config, there?.allowedIps.values() ?? []);
    for (const step of change.allowedIps) this.#allow(name, step);
  }

  result(): SetResult {
    const peers = Array.from(this.#peers.values(), ({ config, allowedIps }) => ({
      ...config,
      allowedIps: [...allowedIps.values()],
    }));
    const config = { ...this.#context.config, tunnel: { ...this.#tunnel, peers } };
    const moved = [...this.#moved].filter(([name]) => this.#peers.has(name)).map(([, to]) => to);
    return { config, moved, memory: this.#remembered() };
  }

  discard(): void {
    for (const copy of this.#copies) copy.destroy();
  }

  /* device */

  #setPrivateKey(key: Secret | null): void {
    const { privateKey: old, ...rest } = this.#tunnel;
    const next = this.#secret(key, old);
    this.#tunnel = next === undefined ? rest : { ...rest, privateKey: next };
    for (const [name, { config }] of this.#peers) if (this.#isOurs(config.publicKey)) this.#remove(name);
  }

  #isOurs(publicKey: Uint8Array): boolean {
    const { privateKey } = this.#tunnel;
    return privateKey !== undefined && this.#context.keys.isOwn(publicKey, privateKey);
  }

  /* peers */

  /** A peer of this key as it begins: what WireGuard has no word for is kept from before. */
  #added(name: string, { publicKey, kemPublicKey }: PeerChange): PeerConfig {
    const before = this.#before.get(name);
    const known = before?.kemPublicKey ?? this.#context.memory.get(name);
    const kem = kemPublicKey === undefined ? known : this.#kemKey(name, kemPublicKey, known);
    const mode = kem === undefined ? this.#classical(name, before) : 'require';
    return {
      publicKey: before?.publicKey ?? publicKey,
      ...(kem && { kemPublicKey: kem }),
      mode,
      ...(before?.deploymentKey && { deploymentKey: before.deploymentKey }),
      ...(before?.rekeyProfile && { rekeyProfile: before.rekeyProfile }),
      allowedIps: [],
    };
  }

  #classical(name: string, before: PeerConfig | undefined): 'classical' {
    if (before === undefined && this.#context.config.uapiPeers === 'refuse') {
      const why =
        'a new peer without kem_public_key would be classical; UapiPeers = classical in [Interface] allows it, ' +
        '`pqtun set` adds a hybrid one';
      throw refused(name, errno.notSupported, why);
    }
    return 'classical';
  }

  #changed(name: string, peer: PeerConfig, change: PeerChange): PeerConfig {
    const { presharedKey, endpoint, persistentKeepalive, mode, ...rest } = peer;
    const psk =
      change.presharedKey === undefined
        ? presharedKey
        : this.#secret(change.presharedKey, presharedKey ?? this.#before.get(name)?.presharedKey);
    const place = change.endpoint === undefined ? endpoint : this.#place(name, change);
    const seconds = change.persistentKeepalive ?? persistentKeepalive ?? 0;
    const changed: PeerConfig = {
      ...rest,
      ...(change.kemPublicKey && {
        kemPublicKey: this.#kemKey(name, change.kemPublicKey, peer.kemPublicKey),
      }),
      mode: change.kemPublicKey === undefined ? mode : 'require',
      ...(psk && { presharedKey: psk }),
      ...(place && { endpoint: place }),
      ...(seconds > 0 && { persistentKeepalive: seconds }),
    };
    this.#checkRules(name, changed);
    return changed;
  }

  #kemKey(name: string, key: Uint8Array, there: Uint8Array | undefined): Uint8Array {
    if (there !== undefined && sameBytes(there, key)) return there; // a reference in the file survives
    if (this.#context.keys.kemAccepted(key)) return key;
    throw refused(name, errno.invalid, 'kem_public_key: not an ML-KEM public key (FIPS 203 §7.2)');
  }

  #checkRules(name: string, peer: PeerConfig): void {
    const traits = {
      hybrid: peer.kemPublicKey !== undefined,
      mode: peer.mode,
      rekeyProfile: peer.rekeyProfile,
      hasDeploymentKey: peer.deploymentKey !== undefined,
    };
    const [problem] = peerProblems(traits, this.#tunnel.kemSeed !== undefined);
    if (problem !== undefined)
      throw refused(name, errno.invalid, `${problem.key}: expected ${problem.expected}`);
  }

  /** `wg` resolves names itself: a name in our configuration stays when the peer is where it was told to be. */
  #place(name: string, { publicKey, endpoint }: PeerChange): EndpointSpec | undefined {
    if (endpoint === undefined) return undefined;
    const before = this.#before.get(name)?.endpoint;
    const now = this.#context.endpointOf(name);
    const isThere = now !== undefined && formatEndpoint(now) === formatEndpoint(endpoint);
    this.#moved.delete(name);
    if (isThere) return before !== undefined && isName(before) ? before : endpoint;
    // another configured endpoint than before moves the peer by itself
    const sameAsBefore = before !== undefined && formatEndpoint(before) === formatEndpoint(endpoint);
    if (sameAsBefore) this.#moved.set(name, { publicKey, endpoint });
    return endpoint;
  }

  #allow(name: string, step: AllowedIpChange): void {
    const own = this.#peers.get(name)?.allowedIps;
    if (own === undefined) return;
    if (step.kind === 'clear') {
      for (const text of own.keys()) this.#owners.delete(text);
      own.clear();
      return;
    }
    const text = formatPrefix(step.prefix);
    const owner = this.#owners.get(text);
    if (step.kind === 'remove') {
      if (owner !== name) return;
      this.#owners.delete(text);
      own.delete(text);
      return;
    }
    if (owner !== undefined && owner !== name) this.#peers.get(owner)?.allowedIps.delete(text);
    this.#owners.set(text, name);
    own.set(text, step.prefix);
  }

  #keep(name: string, config: PeerConfig, allowedIps: Iterable<Prefix>): void {
    const allowed = new Map<string, Prefix>();
    for (const prefix of allowedIps) {
      const text = formatPrefix(prefix);
      const owner = this.#owners.get(text);
      if (owner !== undefined && owner !== name) this.#peers.get(owner)?.allowedIps.delete(text);
      this.#owners.set(text, name);
      allowed.set(text, prefix);
    }
    this.#peers.set(name, { config, allowedIps: allowed });
  }

  #remove(name: string): void {
    for (const text of this.#peers.get(name)?.allowedIps.keys() ?? []) this.#owners.delete(text);
    this.#peers.delete(name);
  }

  /** KEM keys of hybrid peers that this request removed, and of those removed before, unless they are back. */
  #remembered(): KemMemory {
    const memory = new Map(this.#context.memory);
    for (const [name, { kemPublicKey }] of this.#before)
      if (kemPublicKey !== undefined) memory.set(name, kemPublicKey);
    for (const name of this.#peers.keys()) memory.delete(name);
    for (const name of memory.keys()) {
      if (memory.size <= maxRemembered) break;
      memory.delete(name); // the oldest
    }
    return memory;
  }

  /** A copy to keep; the secret there is when it is the same, so that a reference in the file survives. */
  #secret(given: Secret | null, there: Secret | undefined): Secret | undefined {
    if (given === null) return undefined;
    if (there !== undefined && sameSecret(given, there)) return there;
    const copy = Secret.copyOf(given.borrow());
    this.#copies.push(copy);
    return copy;
  }
}

/** 5 MB of ML-KEM-768 keys. */
const maxRemembered = 4096;

/** Without a branch on the contents. */
function sameSecret(a: Secret, b: Secret): boolean {
  const [x, y] = [a.borrow(), b.borrow()];
  let difference = x.length ^ y.length;
  for (let at = 0; at < x.length; at++) difference |= (x[at] ?? 0) ^ (y[at] ?? 0);
  return difference === 0;
}

function refused(name: string, number: 22 | 95, why: string): UapiError {
  return new UapiError(number, `peer ${name}: ${why}`);
}
