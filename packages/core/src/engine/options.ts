/** What an engine and its peers may be configured to be, and how a contradiction is refused, before anything is changed. */
import type { Secret } from '../crypto/secret.ts';
import type { Suite } from '../crypto/suite.ts';
import { PqtunError } from '../errors.ts';
import type { Identity, PeerKeys } from '../handshake/identity.ts';
import {
  keySize,
  maxDeploymentKeys,
  maxMaxDatagram,
  minMaxDatagram,
  type RekeyProfile,
  timestampSize,
} from '../limits.ts';
import type { Peer } from '../peer/peer.ts';
import type { DataPlane } from '../plane/plane.ts';
import { defaultPolicy, type Policy } from '../policy.ts';
import { type Endpoint, type Millis, sameBytes, type UnixMillis } from '../types.ts';
import type { EngineContext } from './context.ts';

export interface EngineOptions {
  readonly crypto: Suite;
  readonly plane: DataPlane;
  /** Our static keys; the engine uses them and leaves their destruction to the caller. */
  readonly identity: Identity;
  readonly policy?: Partial<Policy>;
  /** Wall clock, read for one thing: the timestamp of an initiation. */
  readonly wallClock: () => UnixMillis;
  /** gk accepted from initiators, each 32 B or empty; 1 … 8. Default: only the empty one. Copied. */
  readonly deploymentKeys?: readonly Uint8Array[];
  /** C6: ceiling found at start, 12 B. */
  readonly timestampFloor?: Uint8Array;
  /** C6: keeps a ceiling across restarts before it returns; `false` when it could not. Default: memory only, always `true`. */
  readonly saveTimestampCeiling?: (ceiling: Uint8Array) => boolean;
}

export interface PeerOptions {
  /** X25519 public key, 32 B. */
  readonly publicKey: Uint8Array;
  /** ML-KEM public key, 1184 or 1568 B. With it the peer is hybrid and never falls back; without, it is classical. */
  readonly kemPublicKey?: Uint8Array;
  /** Q, 32 B. Copied. */
  readonly presharedKey?: Secret;
  /** gk towards this peer, 32 B. Copied into the keys made of it. */
  readonly deploymentKey?: Secret;
  readonly endpoint?: Endpoint;
  /** T4: at least a second; absent means none. */
  readonly persistentKeepalive?: Millis;
  readonly profile?: RekeyProfile;
}

/** What can change without ending the peer's sessions; `null` clears. */
export interface PeerUpdate {
  readonly presharedKey?: Secret | null;
  readonly deploymentKey?: Secret | null;
  readonly endpoint?: Endpoint | null;
  readonly persistentKeepalive?: Millis | null;
  readonly profile?: RekeyProfile;
}

/** With defaults for what is not given. Throws `PQTUN_BAD_CONFIG`. */
export function checkedPolicy(given: Partial<Policy> | undefined): Policy {
  const policy: Policy = { ...defaultPolicy, ...given };
  if (!(policy.maxDatagram >= minMaxDatagram && policy.maxDatagram <= maxMaxDatagram)) {
    throw new PqtunError(
      'PQTUN_BAD_CONFIG',
      `the largest handshake datagram lies between ${minMaxDatagram} and ${maxMaxDatagram}`,
    );
  }
  return policy;
}

/** C6's ceiling. Throws `PQTUN_BAD_CONFIG`. */
export function checkTimestampFloor(floor: Uint8Array | undefined): void {
  if (floor !== undefined && floor.length !== timestampSize)
    throw new PqtunError('PQTUN_BAD_CONFIG', `a timestamp ceiling has ${timestampSize} bytes`);
}

/** 1 … 8, each 32 B or empty. Throws `PQTUN_BAD_KEY`. */
export function checkDeploymentKeys(keys: readonly Uint8Array[]): void {
  if (keys.length < 1 || keys.length > maxDeploymentKeys) {
    throw new PqtunError('PQTUN_BAD_KEY', `between 1 and ${maxDeploymentKeys} deployment keys are possible`);
  }
  if (keys.some((key) => key.length !== 0 && key.length !== keySize)) {
    throw new PqtunError('PQTUN_BAD_KEY', `a deployment key has ${keySize} bytes`);
  }
}

/** Throws `PQTUN_BAD_KEY` for its keys, `PQTUN_BAD_CONFIG` for a contradiction. */
export function checkNewPeer(
  { identity, policy, peers }: EngineContext,
  keys: PeerKeys,
  options: PeerOptions,
): void {
  checkKeyLength(options.presharedKey, 'a pre-shared key');
  checkKeyLength(options.deploymentKey, 'a deployment key');
  checkKeepalive(options.persistentKeepalive);
  if (peers.byPublicKey(keys.dhPublic) !== undefined) {
    throw new PqtunError('PQTUN_BAD_CONFIG', 'a peer with this public key is there already');
  }
  if (sameBytes(keys.dhPublic, identity.dh.publicKey)) {
    throw new PqtunError('PQTUN_BAD_CONFIG', 'this public key is our own');
  }
  if (keys.kind === 'classical') {
    if (options.profile === 'metered') throw meteredClassical();
    if (options.deploymentKey !== undefined) throw classicalDeploymentKey();
    return;
  }
  if (identity.kem(keys.suite) === undefined) {
    throw new PqtunError('PQTUN_BAD_CONFIG', 'a peer with a KEM key needs a KEM seed of our own');
  }
  if (!policy.suites.includes(keys.suite)) {
    throw new PqtunError(
      'PQTUN_BAD_CONFIG',
      `the peer's KEM key is of suite ${keys.suite}, which is switched off`,
    );
  }
}

/** Throws `PQTUN_BAD_KEY` for its keys, `PQTUN_BAD_CONFIG` for a contradiction. */
export function checkUpdate(peer: Peer, update: PeerUpdate): void {
  checkKeyLength(update.presharedKey, 'a pre-shared key');
  checkKeyLength(update.deploymentKey, 'a deployment key');
  checkKeepalive(update.persistentKeepalive);
  if (peer.keys.kind !== 'classical') return;
  if (update.profile === 'metered') throw meteredClassical();
  if (update.deploymentKey != null) throw classicalDeploymentKey();
}

function checkKeyLength(key: Secret | null | undefined, what: string): void {
  if (key != null && key.length !== keySize)
    throw new PqtunError('PQTUN_BAD_KEY', `${what} has ${keySize} bytes`);
}

/** A timer that falls due again at once would never let go of the event loop. */
function checkKeepalive(interval: Millis | null | undefined): void {
  if (interval == null || (interval >= 1000 && Number.isFinite(interval))) return;
  throw new PqtunError('PQTUN_BAD_CONFIG', 'a persistent keepalive comes at most once a second');
}

const meteredClassical = (): PqtunError =>
  new PqtunError('PQTUN_BAD_CONFIG', 'the metered profile needs a hybrid peer: WireGuard has no such timers');
const classicalDeploymentKey = (): PqtunError =>
  new PqtunError('PQTUN_BAD_CONFIG', 'a deployment key needs a hybrid peer: WireGuard has none');
