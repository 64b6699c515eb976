/** Who a party is: static X25519 and ML-KEM keys, and the ID made of them. protocol.md §2. */
import { idLabel } from '../crypto/labels.ts';
import type { Secret } from '../crypto/secret.ts';
import type { DhPrivate, KemPrivate, KemPublic, Suite } from '../crypto/suite.ts';
import { PqtunError } from '../errors.ts';
import { dhSize, kemSeedSize, keySize, type SuiteId, suiteIds, suites } from '../limits.ts';

/** ID = HASH("pqtun-id" ‖ suite ‖ S ‖ PK), 32 B. */
export function idOf(crypto: Suite, suite: SuiteId, dhPublic: Uint8Array, kemPublic: Uint8Array): Uint8Array {
  return crypto.hash(idLabel, Uint8Array.of(suite), dhPublic, kemPublic);
}

const base32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** The ID as people compare it: lower-case base32 (RFC 4648, no padding) in groups of 4. */
export function fingerprint(id: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of id) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += base32[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  if (bits > 0) text += base32[(value << (5 - bits)) & 31];
  return (text.match(/.{1,4}/g) ?? []).join('-');
}

/** Our KEM key of a suite, and the ID made with it (32 B). */
export interface OwnKeys {
  readonly kem: KemPrivate;
  readonly id: Uint8Array;
}

/** Our own static keys. One KEM seed serves every suite, with an ID in each. */
export class Identity {
  readonly dh: DhPrivate;
  readonly #kems = new Map<SuiteId, OwnKeys>();

  /**
   * `privateKey` 32 B, `kemSeed` 64 B (d ‖ z) or absent for a party with classical peers only; both stay the caller's.
   * Throws `PQTUN_BAD_KEY` for a wrong length.
   */
  constructor(crypto: Suite, privateKey: Secret, kemSeed?: Secret) {
    if (privateKey.length !== keySize)
      throw new PqtunError('PQTUN_BAD_KEY', `an X25519 private key has ${keySize} bytes`);
    if (kemSeed !== undefined && kemSeed.length !== kemSeedSize) {
      throw new PqtunError('PQTUN_BAD_KEY', `an ML-KEM seed has ${kemSeedSize} bytes (d, then z)`);
    }
    this.dh = crypto.dhPrivate(privateKey.borrow());
    if (kemSeed === undefined) return;
    for (const suite of suiteIds) {
      const kem = crypto.kemPrivate(suite, kemSeed.borrow());
      this.#kems.set(suite, { kem, id: idOf(crypto, suite, this.dh.publicKey, kem.publicKey) });
    }
  }

  /** `undefined` without a KEM seed; so are the two below. */
  own(suite: SuiteId): OwnKeys | undefined {
    return this.#kems.get(suite);
  }

  kem(suite: SuiteId): KemPrivate | undefined {
    return this.own(suite)?.kem;
  }

  id(suite: SuiteId): Uint8Array | undefined {
    return this.own(suite)?.id;
  }

  destroy(): void {
    this.dh.destroy();
    for (const { kem } of this.#kems.values()) kem.destroy();
    this.#kems.clear();
  }
}

/** Static public keys of a hybrid peer, checked. */
export interface HybridPeerKeys {
  readonly kind: 'hybrid';
  readonly suite: SuiteId;
  readonly dhPublic: Uint8Array;
  readonly kemPublic: KemPublic;
  readonly id: Uint8Array;
}

/** Static public key of a classical peer (WireGuard); its "ID" for N4 is the key itself. */
export interface ClassicalPeerKeys {
  readonly kind: 'classical';
  readonly dhPublic: Uint8Array;
  readonly id: Uint8Array;
}

export type PeerKeys = HybridPeerKeys | ClassicalPeerKeys;

/**
 * Checks a peer's public keys: X25519 32 B; ML-KEM 1184 B (suite 1) or 1568 B (suite 2), the suite follows its length.
 * Copies both. Throws `PQTUN_BAD_KEY` naming what is wrong; a low-order X25519 key, which would give an all-zero DH, is refused.
 */
export function peerKeys(
  crypto: Suite,
  self: Identity,
  dhPublic: Uint8Array,
  kemPublic?: Uint8Array,
): PeerKeys {
  if (dhPublic.length !== dhSize)
    throw new PqtunError('PQTUN_BAD_KEY', `an X25519 public key has ${dhSize} bytes`);
  const shared = self.dh.agree(dhPublic);
  if (shared === undefined) throw new PqtunError('PQTUN_BAD_KEY', 'this X25519 public key is of low order');
  shared.fill(0);
  const dh = new Uint8Array(dhPublic);
  if (kemPublic === undefined) return { kind: 'classical', dhPublic: dh, id: dh };
  const suite = suiteIds.find((id) => suites[id].kemPublicSize === kemPublic.length);
  if (suite === undefined) {
    const sizes = suiteIds.map((id) => `${suites[id].kemPublicSize} (ML-KEM-${suites[id].kem})`).join(' or ');
    throw new PqtunError(
      'PQTUN_BAD_KEY',
      `an ML-KEM public key has ${sizes} bytes, this one ${kemPublic.length}`,
    );
  }
  const key = crypto.kemPublic(suite, kemPublic);
  if (key === undefined)
    throw new PqtunError('PQTUN_BAD_KEY', 'this ML-KEM public key fails the modulus check (FIPS 203 §7.2)');
  return { kind: 'hybrid', suite, dhPublic: dh, kemPublic: key, id: idOf(crypto, suite, dh, key.bytes) };
}
