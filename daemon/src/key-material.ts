/** Keys as people pipe them: one bare key, lines of `genkey` or `pubkey`, or a section of a configuration. */
import { fingerprint, Identity, idOf, limits, Secret, type Suite, type SuiteId } from '@pqtun/core';
import { expectedKey, type KeyShape, type KeySources, readKey } from './config/key-source.ts';
import { tokens } from './config/tokenizer.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { trimmed } from './secret-text.ts';

/** Secrets are the caller's to destroy. */
export interface KeyMaterial {
  privateKey?: Secret;
  kemSeed?: Secret;
  publicKey?: Uint8Array;
  kemPublicKey?: Uint8Array;
}

export interface PublicKeys {
  /** X25519, 32 B. */
  readonly publicKey: Uint8Array;
  /** ML-KEM of the suite asked for. */
  readonly kemPublicKey: Uint8Array | undefined;
}

/**
 * Reads the first section of `text` that holds keys (`[Interface]` of a configuration, or a `[Peer]`), lines without a section,
 * or one bare private key. `text` stays the caller's to wipe. Throws `CommandError`; no message shows a value.
 */
export function readKeyMaterial(text: Uint8Array, sources: KeySources): KeyMaterial {
  const material: KeyMaterial = {};
  for (const token of tokens(text)) {
    if (token.kind === 'section' && Object.keys(material).length > 0) break;
    if (token.kind === 'entry') takeEntry(material, token.key, token.value, sources);
  }
  if (Object.keys(material).length > 0) return material;
  const bare = readKey(trimmed(text), shapes.privatekey, sources);
  if (bare.kind === 'key') return { privateKey: new Secret(bare.bytes) };
  throw new CommandError(
    exitCodes.failure,
    `no key on standard input: expected ${expectedKey(shapes.privatekey)}, or lines such as "PrivateKey = …"`,
  );
}

/** Wipes what is secret of it. */
export function destroyMaterial(material: KeyMaterial): void {
  material.privateKey?.destroy();
  material.kemSeed?.destroy();
}

/** Public keys from secret ones, or those that were given. */
export function publicKeysOf(material: KeyMaterial, crypto: Suite, suite: SuiteId): PublicKeys {
  if (material.privateKey === undefined) {
    if (material.publicKey === undefined) throw new CommandError(exitCodes.failure, 'expected a PrivateKey');
    return { publicKey: material.publicKey, kemPublicKey: material.kemPublicKey };
  }
  const identity = new Identity(crypto, material.privateKey, material.kemSeed);
  try {
    return { publicKey: identity.dh.publicKey, kemPublicKey: identity.kem(suite)?.publicKey };
  } finally {
    identity.destroy();
  }
}

/** The fingerprint of a hybrid party; the suite of given public keys follows the KEM key's length. */
export function fingerprintOf({ publicKey, kemPublicKey }: PublicKeys, crypto: Suite): string {
  if (kemPublicKey === undefined)
    throw new CommandError(
      exitCodes.failure,
      'an ID takes both keys: PrivateKey and KemSeed, or PublicKey and KemPublicKey',
    );
  const suite = limits.suiteIds.find((id) => limits.suites[id].kemPublicSize === kemPublicKey.length);
  if (suite === undefined || crypto.kemPublic(suite, kemPublicKey) === undefined) {
    throw new CommandError(exitCodes.failure, 'this KemPublicKey is no ML-KEM public key (FIPS 203 §7.2)');
  }
  return fingerprint(idOf(crypto, suite, publicKey, kemPublicKey));
}

const shapes = {
  privatekey: { name: 'PrivateKey', byteLengths: [limits.keySize], secret: true },
  kemseed: { name: 'KemSeed', byteLengths: [limits.kemSeedSize], secret: true },
  publickey: { name: 'PublicKey', byteLengths: [limits.dhSize], secret: false },
  kempublickey: {
    name: 'KemPublicKey',
    byteLengths: limits.suiteIds.map((id) => limits.suites[id].kemPublicSize),
    secret: false,
  },
} as const satisfies Record<string, KeyShape>;

const fields = {
  privatekey: 'privateKey',
  kemseed: 'kemSeed',
  publickey: 'publicKey',
  kempublickey: 'kemPublicKey',
} as const;

function takeEntry(material: KeyMaterial, key: string, value: Uint8Array, sources: KeySources): void {
  const name = key.toLowerCase();
  if (!isKeyName(name)) return;
  const shape: KeyShape = shapes[name];
  if (material[fields[name]] !== undefined)
    throw new CommandError(exitCodes.failure, `${shape.name} stands there twice`);
  const found = readKey(value, shape, sources);
  if (found.kind === 'refused')
    throw new CommandError(exitCodes.failure, `${shape.name}: got ${found.got}, expected ${found.expected}`);
  if (name === 'privatekey' || name === 'kemseed') material[fields[name]] = new Secret(found.bytes);
  else material[fields[name]] = found.bytes;
}

function isKeyName(name: string): name is keyof typeof shapes {
  return Object.hasOwn(shapes, name);
}
