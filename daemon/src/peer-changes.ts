/** Requests of `pqtun set` → the configuration that results, and the steps that lead a running tunnel there. Pure. */
import { Secret } from '@pqtun/core';
import type { PeerChange, PeerConfig, Prefix } from '@pqtun/tunnel';
import { formatPrefix, parseEndpoint } from './address-text.ts';
import type { DaemonConfig } from './config/model.ts';
import { parseAllowedIp } from './config/peer-fields.ts';
import { peerProblems } from './config/peer-rules.ts';
import { type PublicKeyCheck, suiteOfKemKey } from './config/public-key-check.ts';
import { ControlError, type PeerChangeRequest } from './control/protocol.ts';
import { publicBytes, publicText } from './secret-text.ts';

export type PeerStep =
  | { readonly kind: 'add'; readonly peer: PeerConfig }
  | { readonly kind: 'change'; readonly publicKey: Uint8Array; readonly change: PeerChange }
  | { readonly kind: 'remove'; readonly publicKey: Uint8Array }
  | { readonly kind: 'reset-timestamp'; readonly publicKey: Uint8Array };

export interface PeerChanges {
  readonly config: DaemonConfig;
  readonly steps: readonly PeerStep[];
}

/**
 * Applies `requests` in order to a copy of `config`. Secrets the result keeps are copies; `secrets` stays the caller's. Throws
 * `ControlError` and changes nothing when one request cannot be carried out.
 */
export function changePeers(
  config: DaemonConfig,
  requests: readonly PeerChangeRequest[],
  secrets: readonly Secret[],
  keys: PublicKeyCheck,
): PeerChanges {
  const work = new PeerChangeWork(config, secrets, keys);
  try {
    for (const request of requests) work.apply(request);
  } catch (error) {
    work.discard();
    throw error;
  }
  return work.result();
}

class PeerChangeWork {
  readonly #config: DaemonConfig;
  readonly #secrets: readonly Secret[];
  readonly #keys: PublicKeyCheck;
  readonly #peers: Map<string, PeerConfig>;
  readonly #steps: PeerStep[] = [];
  readonly #copies: Secret[] = [];

  constructor(config: DaemonConfig, secrets: readonly Secret[], keys: PublicKeyCheck) {
    this.#config = config;
    this.#secrets = secrets;
    this.#keys = keys;
    this.#peers = new Map(config.tunnel.peers.map((peer) => [publicText(peer.publicKey), peer]));
  }

  apply(request: PeerChangeRequest): void {
    const publicKey = publicBytes(request.publicKey, 32);
    if (publicKey === undefined) throw refused(request, 'PublicKey', 'base64 of 32 bytes');
    const peer = this.#peers.get(request.publicKey);
    if (request.remove === true) return this.#remove(request, publicKey);
    if (peer === undefined && request.updateOnly === true) return;
    const changed = peer === undefined ? this.#added(request, publicKey) : this.#changed(request, peer);
    if (request.allowedIps !== undefined) this.#takeFromOthers(changed);
    this.#peers.set(request.publicKey, changed);
    if (peer === undefined) this.#steps.push({ kind: 'add', peer: changed });
    else this.#pushChange(request, changed);
    if (request.resetTimestamp === true) this.#steps.push({ kind: 'reset-timestamp', publicKey });
  }

  discard(): void {
    for (const copy of this.#copies) copy.destroy();
  }

  result(): PeerChanges {
    const tunnel = { ...this.#config.tunnel, peers: [...this.#peers.values()] };
    return { config: { ...this.#config, tunnel }, steps: this.#steps };
  }

  #remove(request: PeerChangeRequest, publicKey: Uint8Array): void {
    if (this.#peers.delete(request.publicKey)) this.#steps.push({ kind: 'remove', publicKey });
  }

  #added(request: PeerChangeRequest, publicKey: Uint8Array): PeerConfig {
    const kemPublicKey =
      request.kemPublicKey === undefined ? undefined : this.#kemKey(request, request.kemPublicKey);
    const problem = this.#keys.dhProblem(publicKey, this.#config.tunnel.privateKey);
    if (problem !== undefined) throw refused(request, 'PublicKey', `another party's key, this is ${problem}`);
    const fresh: PeerConfig = {
      publicKey,
      ...(kemPublicKey && { kemPublicKey }),
      mode: request.mode ?? 'require',
      allowedIps: [],
    };
    return this.#changed({ ...request, mode: undefined, kemPublicKey: undefined }, fresh);
  }

  #kemKey(request: PeerChangeRequest, text: string): Uint8Array {
    const key = publicBytes(text, 1184) ?? publicBytes(text, 1568);
    if (key === undefined || suiteOfKemKey(key) === undefined)
      throw refused(request, 'KemPublicKey', 'base64 of 1184 or 1568 bytes');
    if (!this.#keys.kemAccepted(key))
      throw refused(request, 'KemPublicKey', 'an ML-KEM public key (FIPS 203 §7.2)');
    return key;
  }

  #changed(request: PeerChangeRequest, peer: PeerConfig): PeerConfig {
    if (request.kemPublicKey !== undefined || request.mode !== undefined) {
      throw refused(request, 'KemPublicKey, Mode', 'them with a new peer only: remove this one first');
    }
    const { presharedKey, deploymentKey, endpoint, persistentKeepalive, ...rest } = peer;
    const changed: PeerConfig = {
      ...rest,
      ...given('presharedKey', this.#secret(request.presharedKey, presharedKey)),
      ...given('deploymentKey', this.#secret(request.deploymentKey, deploymentKey)),
      ...given(
        'endpoint',
        request.endpoint === undefined ? endpoint : this.#endpoint(request, request.endpoint),
      ),
      ...given('persistentKeepalive', changedKeepalive(request.persistentKeepalive, persistentKeepalive)),
      ...(request.allowedIps !== undefined && { allowedIps: this.#allowedIps(request, request.allowedIps) }),
      ...(request.rekeyProfile !== undefined && { rekeyProfile: request.rekeyProfile }),
    };
    this.#checkRules(request, changed);
    return changed;
  }

  #checkRules(request: PeerChangeRequest, peer: PeerConfig): void {
    const traits = {
      hybrid: peer.kemPublicKey !== undefined,
      mode: peer.mode,
      rekeyProfile: peer.rekeyProfile,
      hasDeploymentKey: peer.deploymentKey !== undefined,
    };
    const [problem] = peerProblems(traits, this.#config.tunnel.kemSeed !== undefined);
    if (problem !== undefined)
      throw refused(request, problem.key, `${problem.expected} (got ${problem.got})`);
  }

  /** `undefined` leaves, `null` clears, a number is a secret of this request. */
  #secret(index: number | null | undefined, before: Secret | undefined): Secret | undefined {
    if (index === undefined) return before;
    if (index === null) return undefined;
    const secret = this.#secrets[index];
    if (secret === undefined) throw new ControlError('bad-request', 'a key that is not in the request');
    const copy = Secret.copyOf(secret.borrow());
    this.#copies.push(copy);
    return copy;
  }

  #endpoint(request: PeerChangeRequest, text: string | null): PeerConfig['endpoint'] {
    if (text === null) return undefined;
    const endpoint = parseEndpoint(text);
    if (endpoint === undefined) throw refused(request, 'Endpoint', 'host:port or [address]:port');
    return endpoint;
  }

  #allowedIps(request: PeerChangeRequest, texts: readonly string[]): Prefix[] {
    const unique = new Map<string, Prefix>();
    for (const text of texts) {
      const prefix = parseAllowedIp(text);
      if (prefix === undefined) throw refused(request, 'AllowedIPs', 'prefixes such as 10.0.0.0/8');
      unique.set(formatPrefix(prefix), prefix);
    }
    return [...unique.values()];
  }

  /** A prefix belongs to one peer: as `wg set` does, the last to ask gets it. */
  #takeFromOthers(taker: PeerConfig): void {
    const taken = new Set(taker.allowedIps.map(formatPrefix));
    for (const [text, peer] of this.#peers) {
      if (text === publicText(taker.publicKey)) continue;
      const allowedIps = peer.allowedIps.filter((prefix) => !taken.has(formatPrefix(prefix)));
      if (allowedIps.length === peer.allowedIps.length) continue;
      this.#peers.set(text, { ...peer, allowedIps });
      this.#steps.push({ kind: 'change', publicKey: peer.publicKey, change: { allowedIps } });
    }
  }

  /** Only what was asked for, so that an endpoint a peer roamed to is not reset by a change of something else. */
  #pushChange(request: PeerChangeRequest, peer: PeerConfig): void {
    const change: PeerChange = {
      ...(request.presharedKey !== undefined && { presharedKey: peer.presharedKey ?? null }),
      ...(request.deploymentKey !== undefined && { deploymentKey: peer.deploymentKey ?? null }),
      ...(request.endpoint !== undefined && { endpoint: peer.endpoint ?? null }),
      ...(request.allowedIps !== undefined && { allowedIps: peer.allowedIps }),
      ...(request.persistentKeepalive !== undefined && {
        persistentKeepalive: peer.persistentKeepalive ?? null,
      }),
      ...(request.rekeyProfile !== undefined && { rekeyProfile: request.rekeyProfile }),
    };
    if (Object.keys(change).length > 0)
      this.#steps.push({ kind: 'change', publicKey: peer.publicKey, change });
  }
}

function changedKeepalive(asked: number | null | undefined, before: number | undefined): number | undefined {
  if (asked === undefined) return before;
  return asked === null || asked === 0 ? undefined : asked;
}

function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V }); // one key, of this value
}

function refused(request: PeerChangeRequest, key: string, expected: string): ControlError {
  return new ControlError('bad-config', `peer ${request.publicKey}: ${key}: expected ${expected}`);
}
