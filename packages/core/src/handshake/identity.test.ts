import { describe, expect, it } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import { PqtunError } from '../errors.ts';
import { fingerprint, Identity, idOf, peerKeys } from './identity.ts';

const crypto = nodeSuite();
const fresh = (): Identity =>
  new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
const kemKey = (identity: Identity, suite: 1 | 2): Uint8Array =>
  identity.kem(suite)?.publicKey ?? new Uint8Array(0);

describe('the fingerprint', () => {
  it.each([
    // by hand: 0x00… is all a; 0xff… is all 7, the last character holding one bit of the 256th: 1 0000 = q
    ['00'.repeat(32), `${'aaaa-'.repeat(12)}aaaa`],
    ['ff'.repeat(32), `${'7777-'.repeat(12)}777q`],
    // 00000 10000 11001 00001 01001 10110 00111 01000 … of 04 32 14 d8 e8: RFC 4648 by hand
    [`043214d8e8${'00'.repeat(27)}`, `aqzb-jwhi${'-aaaa'.repeat(11)}`],
    // 1 in the last bit: 255 zeros fill 51 characters, then 1 0000
    [`${'00'.repeat(31)}01`, `${'aaaa-'.repeat(12)}aaaq`],
    // and in the first: 10000 = q
    [`80${'00'.repeat(31)}`, `qaaa${'-aaaa'.repeat(12)}`],
  ])('of %s is base32 in groups of four', (hex, expected) => {
    expect(fingerprint(new Uint8Array(Buffer.from(hex, 'hex')))).toBe(expected);
  });

  it.each([
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw-6'],
    ['foob', 'mzxw-6yq'],
    ['fooba', 'mzxw-6ytb'],
    ['foobar', 'mzxw-6ytb-oi'],
  ])('of "%s", grouped, is the answer of RFC 4648 §10', (text, expected) => {
    expect(fingerprint(new TextEncoder().encode(text))).toBe(expected);
  });

  it('has 52 characters, each bit of the ID in one of them', () => {
    const id = crypto.random(32);
    const text = fingerprint(id);
    expect(text.replaceAll('-', '')).toMatch(/^[a-z2-7]{52}$/);
    for (let bit = 0; bit < 256; bit++) {
      const changed = id.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
      const differing = [...fingerprint(changed)].filter((character, i) => character !== text[i]);
      expect(differing).toHaveLength(1);
    }
  });
});

describe('§2 the ID', () => {
  it.each([1, 2] as const)(
    'of suite %i is HASH("pqtun-id" ‖ suite ‖ S ‖ PK), one seed for both suites',
    (suite) => {
      const seed = crypto.random(64);
      const self = new Identity(crypto, new Secret(crypto.random(32)), new Secret(seed.slice()));
      const pk = crypto.kemPrivate(suite, seed).publicKey;
      expect(kemKey(self, suite)).toEqual(pk);
      const whole = Buffer.concat([Buffer.from('pqtun-id'), Buffer.of(suite), self.dh.publicKey, pk]);
      expect(self.id(suite)).toEqual(nobleSuite().hash(new Uint8Array(whole)));
      expect(idOf(crypto, suite, self.dh.publicKey, pk)).toEqual(self.id(suite));
    },
  );

  it('there is none without a KEM seed', () => {
    const self = new Identity(crypto, new Secret(crypto.random(32)));
    expect([self.id(1), self.id(2), self.kem(1), self.kem(2)]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('a peer’s keys', () => {
  const self = fresh();
  const other = fresh();

  it('are copied, and the length of the KEM key tells the suite', () => {
    for (const suite of [1, 2] as const) {
      const dh = other.dh.publicKey.slice();
      const kem = kemKey(other, suite).slice();
      const keys = peerKeys(crypto, self, dh, kem);
      dh.fill(0);
      kem.fill(0);
      expect(keys).toMatchObject({
        kind: 'hybrid',
        suite,
        dhPublic: other.dh.publicKey,
        id: other.id(suite),
      });
      expect(keys.kind === 'hybrid' && keys.kemPublic.bytes).toEqual(kemKey(other, suite));
    }
    const dh = other.dh.publicKey.slice();
    const classical = peerKeys(crypto, self, dh);
    dh.fill(0);
    expect(classical).toEqual({ kind: 'classical', dhPublic: other.dh.publicKey, id: other.dh.publicKey });
  });

  const bad: readonly [string, () => unknown][] = [
    ['an X25519 key of 31 B', () => peerKeys(crypto, self, new Uint8Array(31).fill(0xab))],
    ['an X25519 key of 33 B', () => peerKeys(crypto, self, new Uint8Array(33).fill(0xab))],
    ['an X25519 key of low order', () => peerKeys(crypto, self, new Uint8Array(32))],
    ['a KEM key of 1183 B', () => peerKeys(crypto, self, other.dh.publicKey, kemKey(other, 1).slice(1))],
    ['an ML-KEM-512 key', () => peerKeys(crypto, self, other.dh.publicKey, new Uint8Array(800))],
    ['an empty KEM key', () => peerKeys(crypto, self, other.dh.publicKey, new Uint8Array(0))],
    ['a KEM key above q', () => peerKeys(crypto, self, other.dh.publicKey, new Uint8Array(1184).fill(0xff))],
    ['a private key of 31 B', () => new Identity(crypto, new Secret(new Uint8Array(31).fill(0xab)))],
    [
      'a KEM seed of 32 B',
      () => new Identity(crypto, new Secret(crypto.random(32)), new Secret(new Uint8Array(32).fill(0xab))),
    ],
  ];
  it.each(bad)('%s is refused with PQTUN_BAD_KEY, and no byte of a key is named', (_name, make) => {
    let error: unknown;
    try {
      make();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PqtunError);
    expect(error).toMatchObject({ code: 'PQTUN_BAD_KEY' });
    const said = `${error instanceof Error ? `${error.message} ${JSON.stringify(error)}` : ''}`;
    expect(said).not.toMatch(/abab|ffff|171,\s?171|255,\s?255/i);
    expect(said).not.toContain(Buffer.from(kemKey(other, 1).slice(1, 9)).toString('hex'));
  });
});

it('a KEM key of another length is told which lengths there are', () => {
  expect(() => peerKeys(crypto, fresh(), fresh().dh.publicKey, new Uint8Array(800))).toThrow(
    'an ML-KEM public key has 1184 (ML-KEM-768) or 1568 (ML-KEM-1024) bytes, this one 800',
  );
});

it('a destroyed identity gives no key any more', () => {
  const self = fresh();
  const other = fresh();
  self.destroy();
  expect(() => self.dh.agree(other.dh.publicKey)).toThrow(
    expect.objectContaining({ code: 'PQTUN_SECRET_DESTROYED' }),
  );
  expect(self.kem(1)).toBeUndefined();
});
