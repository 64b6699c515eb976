/** Keys and configuration files of the daemons that are measured. Secrets go from bytes to a private file, and are wiped. */
import { Identity, Secret, type Suite, wipe } from '@pqtun/core';
import type { PrivateFolder } from './private-folder.ts';

export interface PublicKeys {
  /** X25519 and ML-KEM-768, in base64. */
  readonly publicKey: string;
  readonly kemPublicKey: string;
}

/** Fresh static keys of one daemon. */
export class SiteKeys implements PublicKeys, Disposable {
  readonly publicKey: string;
  readonly kemPublicKey: string;
  readonly #privateKey: Secret;
  readonly #kemSeed: Secret;

  constructor(crypto: Suite) {
    this.#privateKey = new Secret(crypto.random(32));
    this.#kemSeed = new Secret(crypto.random(64));
    const identity = new Identity(crypto, this.#privateKey, this.#kemSeed);
    this.publicKey = Buffer.from(identity.dh.publicKey).toString('base64');
    this.kemPublicKey = Buffer.from(identity.kem(1)?.publicKey ?? new Uint8Array()).toString('base64');
    identity.destroy();
  }

  /** Bytes of the two lines of `[Interface]`: the caller's, to be wiped. */
  secretLines(): Uint8Array {
    return lines('PrivateKey = ', this.#privateKey.borrow(), '\nKemSeed = ', this.#kemSeed.borrow(), '\n');
  }

  [Symbol.dispose](): void {
    this.#privateKey.destroy();
    this.#kemSeed.destroy();
  }
}

export interface SitePeer extends PublicKeys {
  /** As `10.88.0.2/32`. */
  readonly allowedIps: string;
  /** As `192.0.2.2:51820`. */
  readonly endpoint?: string;
}

export interface Site {
  readonly keys: SiteKeys;
  /** As `10.88.0.1/16`. */
  readonly address: string;
  readonly port: number;
  readonly mtu: number;
  readonly peers: readonly SitePeer[];
}

/** Writes `name` into the folder; its path. */
export function writeConfig(folder: PrivateFolder, name: string, site: Site): string {
  const secret = site.keys.secretLines();
  const rest = [
    `Address = ${site.address}`,
    `ListenPort = ${site.port}`,
    `MTU = ${site.mtu}`,
    ...site.peers.flatMap(({ publicKey, kemPublicKey, allowedIps, endpoint }) => [
      '[Peer]',
      `PublicKey = ${publicKey}`,
      `KemPublicKey = ${kemPublicKey}`,
      `AllowedIPs = ${allowedIps}`,
      ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`]),
    ]),
    '',
  ].join('\n');
  const content = Buffer.concat([Buffer.from('[Interface]\n'), secret, Buffer.from(rest)]);
  try {
    return folder.write(name, content);
  } finally {
    wipe(secret);
    wipe(content);
  }
}

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const padding = 0x3d;

/** Base64 (RFC 4648 §4) as bytes: a secret never becomes a string. */
export function base64Bytes(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(padding);
  for (let i = 0, at = 0; i < bytes.length; i += 3, at += 4) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    const sextets = [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63];
    const used = Math.min(3, bytes.length - i) + 1;
    for (let j = 0; j < used; j++) text[at + j] = alphabet[sextets[j] ?? 0] ?? padding;
  }
  return text;
}

/** Words as they are, bytes in base64. */
function lines(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const encoded = parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : base64Bytes(part)));
  const all = new Uint8Array(encoded.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const [i, part] of encoded.entries()) {
    all.set(part, at);
    at += part.length;
    if (typeof parts[i] !== 'string') wipe(part);
  }
  return all;
}
