/** The contract of `Suite`, kept by both back ends alone and by each pair: what one makes, the other takes. */
import { nobleSuite, type Suite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../kit/index.ts';

const node = nodeSuite();
const noble = nobleSuite();
const ways: readonly (readonly [maker: Suite, taker: Suite])[] = [
  [node, node],
  [noble, noble],
  [node, noble],
  [noble, node],
];
const both = [node, noble];
const counters = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1];
const lengths = [0, 1, 15, 16, 17, 63, 64, 65, 1420, 9000];
const suiteIds = [1, 2] as const;
const ciphertextSize = { 1: 1088, 2: 1568 } as const;

const random = seededRandom('contract');
const filled = (length: number): Uint8Array => random(length);
const concat = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));
const flip = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
const bug = expect.objectContaining({ code: 'PQTUN_INVARIANT' });
const destroyed = expect.objectContaining({ code: 'PQTUN_SECRET_DESTROYED' });

describe.each(ways.map(([maker, taker]) => ({ maker, taker, name: `${maker.name} to ${taker.name}` })))(
  'made by one, taken by the other: $name',
  ({ maker, taker }) => {
    test('hash, mac, kdf and stream give the same bytes', () => {
      for (const length of lengths) {
        const input = filled(length);
        expect(maker.hash(input)).toEqual(taker.hash(input));
        for (const keyLength of [16, 32]) {
          const key = filled(keyLength);
          expect(maker.mac(key, input)).toEqual(taker.mac(key, input));
        }
        const key = filled(32);
        expect(maker.stream(key, input)).toEqual(taker.stream(key, input));
        expect(taker.stream(key, maker.stream(key, input))).toEqual(input);
        expect(maker.kdf(key, 3, input)).toEqual(taker.kdf(key, 3, input));
      }
    });

    test('opens what the other sealed, at every counter and length', () => {
      const key = filled(32);
      for (const counter of counters) {
        for (const length of lengths) {
          const [ad, plaintext] = [filled(length % 64), filled(length)];
          const sealed = maker.seal(key, counter, ad, plaintext);
          expect(sealed).toHaveLength(length + 16);
          expect(taker.open(key, counter, ad, sealed)).toEqual(plaintext);
        }
      }
    });

    test('opens what the other sealed with a long nonce', () => {
      for (const length of lengths) {
        const [key, nonce, ad, plaintext] = [filled(32), filled(24), filled(16), filled(length)];
        expect(taker.xopen(key, nonce, ad, maker.xseal(key, nonce, ad, plaintext))).toEqual(plaintext);
      }
    });

    test('opens records of the other, which are AEAD without associated data (protocol.md §3.4)', () => {
      const key = filled(32);
      const [sender, receiver] = [maker.recordKey(key), taker.recordKey(key)];
      for (const counter of counters) {
        for (const length of lengths) {
          const plaintext = filled(length);
          const [sealed, opened] = [new Uint8Array(length + 16), new Uint8Array(length)];
          sender.seal(counter, plaintext, sealed);
          expect(sealed).toEqual(taker.seal(key, counter, new Uint8Array(0), plaintext));
          expect(receiver.open(counter, sealed, opened)).toBe(true);
          expect(opened).toEqual(plaintext);
        }
      }
    });

    test('seals and opens records in place, wherever they lie in a larger buffer', () => {
      const key = filled(32);
      const [sender, receiver] = [maker.recordKey(key), taker.recordKey(key)];
      for (const length of lengths) {
        for (const offset of [0, 1, 3, 16, 21]) {
          const buffer = filled(offset + length + 16 + 7);
          const [before, plaintext, after] = [
            buffer.slice(0, offset),
            buffer.slice(offset, offset + length),
            buffer.slice(offset + length + 16),
          ];
          const payload = buffer.subarray(offset, offset + length);
          const record = buffer.subarray(offset, offset + length + 16);
          sender.seal(7, payload, record);
          expect(record).toEqual(taker.seal(key, 7, new Uint8Array(0), plaintext));
          expect(receiver.open(7, record, payload)).toBe(true);
          expect(payload).toEqual(plaintext);
          expect(buffer.slice(0, offset)).toEqual(before);
          expect(buffer.slice(offset + length + 16)).toEqual(after);
        }
      }
    });

    test('agrees on a DH secret', () => {
      const [a, b] = [maker.dhPrivate(), taker.dhPrivate()];
      const shared = a.agree(b.publicKey);
      expect(shared).toHaveLength(32);
      expect(b.agree(a.publicKey)).toEqual(shared);
    });

    test('derives the same public keys from the same secrets', () => {
      const [secret, seed] = [filled(32), filled(64)];
      expect(maker.dhPrivate(secret).publicKey).toEqual(taker.dhPrivate(secret).publicKey);
      for (const id of suiteIds) {
        expect(maker.kemPrivate(id, seed).publicKey).toEqual(taker.kemPrivate(id, seed).publicKey);
      }
    });

    test.each(suiteIds)('decapsulates what the other encapsulated, suite %i', (id) => {
      const secret = taker.kemPrivate(id);
      const key = maker.kemPublic(id, secret.publicKey);
      expect(key?.bytes).toEqual(secret.publicKey);
      const [first, second] = [key?.encapsulate(), key?.encapsulate()];
      expect(first?.ciphertext).toHaveLength(ciphertextSize[id]);
      expect(secret.decapsulate(first?.ciphertext ?? filled(0))).toEqual(first?.sharedSecret);
      expect(secret.decapsulate(second?.ciphertext ?? filled(0))).toEqual(second?.sharedSecret);
      expect(second?.sharedSecret).not.toEqual(first?.sharedSecret);
    });

    test.each(suiteIds)(
      'rejects a changed ciphertext implicitly, with the same key on both sides, suite %i',
      (id) => {
        const seed = filled(64);
        const [a, b] = [maker.kemPrivate(id, seed), taker.kemPrivate(id, seed)];
        const sent = maker.kemPublic(id, a.publicKey)?.encapsulate();
        for (const at of [0, 500, ciphertextSize[id] - 1]) {
          const changed = flip(sent?.ciphertext ?? filled(0), at);
          const rejected = a.decapsulate(changed);
          expect(rejected).toHaveLength(32);
          expect(rejected).not.toEqual(sent?.sharedSecret);
          expect(b.decapsulate(changed)).toEqual(rejected);
        }
      },
    );
  },
);

describe.each(both.map((suite) => ({ suite, name: suite.name })))(
  'refusals and ownership of $name',
  ({ suite }) => {
    test('joined parts and several parts are the same input', () => {
      const [key, a, b, c] = [filled(32), filled(5), filled(0), filled(200)];
      const joined = concat(a, b, c);
      expect(suite.hash(a, b, c)).toEqual(suite.hash(joined));
      expect(suite.hash()).toEqual(suite.hash(new Uint8Array(0)));
      expect(suite.mac(key, a, b, c)).toEqual(suite.mac(key, joined));
      expect(suite.kdf(key, 3, a, b, c)).toEqual(suite.kdf(key, 3, joined));
      expect(suite.kdf(key, 2)).toEqual(suite.kdf(key, 2, new Uint8Array(0)));
    });

    test('kdf with fewer outputs gives the first ones', () => {
      const [key, input] = [filled(32), filled(40)];
      const three = suite.kdf(key, 3, input);
      expect(suite.kdf(key, 1, input)).toEqual(three.slice(0, 1));
      expect(suite.kdf(key, 2, input)).toEqual(three.slice(0, 2));
    });

    test('refuses every flipped bit of a short sealed message, with undefined and not by throwing', () => {
      const [key, nonce, ad] = [filled(32), filled(24), filled(9)];
      const sealed = suite.seal(key, 3, ad, filled(5));
      const xsealed = suite.xseal(key, nonce, ad, filled(5));
      for (let bit = 0; bit < sealed.length * 8; bit++) {
        const flipBit = (bytes: Uint8Array) =>
          bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        expect(suite.open(key, 3, ad, flipBit(sealed))).toBeUndefined();
        expect(suite.xopen(key, nonce, ad, flipBit(xsealed))).toBeUndefined();
      }
    });

    test('refuses another key, counter, nonce or associated data', () => {
      const [key, nonce, ad, plaintext] = [filled(32), filled(24), filled(9), filled(33)];
      const sealed = suite.seal(key, 2 ** 32, ad, plaintext);
      expect(suite.open(flip(key, 0), 2 ** 32, ad, sealed)).toBeUndefined();
      expect(suite.open(key, 0, ad, sealed)).toBeUndefined(); // equal low words
      expect(suite.open(key, 2 ** 32, flip(ad, 8), sealed)).toBeUndefined();
      expect(suite.open(key, 2 ** 32, new Uint8Array(0), sealed)).toBeUndefined();
      const xsealed = suite.xseal(key, nonce, ad, plaintext);
      expect(suite.xopen(key, flip(nonce, 23), ad, xsealed)).toBeUndefined();
      expect(suite.xopen(key, flip(nonce, 0), ad, xsealed)).toBeUndefined();
    });

    test('refuses anything shorter than a tag', () => {
      const [key, nonce, ad] = [filled(32), filled(24), filled(0)];
      const record = suite.recordKey(key);
      for (let length = 0; length < 16; length++) {
        const short = suite.seal(key, 0, ad, ad).subarray(0, length);
        expect(suite.open(key, 0, ad, short)).toBeUndefined();
        expect(suite.xopen(key, nonce, ad, short)).toBeUndefined();
        expect(record.open(0, short, new Uint8Array(0))).toBe(false);
      }
    });

    test('refuses a record with a flipped tag, body or counter', () => {
      const record = suite.recordKey(filled(32));
      const sealed = new Uint8Array(116);
      record.seal(5, filled(100), sealed);
      for (const at of [0, 99, 100, 115])
        expect(record.open(5, flip(sealed, at), new Uint8Array(100))).toBe(false);
      expect(record.open(6, sealed, new Uint8Array(100))).toBe(false);
      expect(record.open(5, sealed, new Uint8Array(100))).toBe(true);
    });

    test('throws an invariant for wrong lengths and counters of our own', () => {
      const [k31, k32, k33, none] = [filled(31), filled(32), filled(33), filled(0)];
      const record = suite.recordKey(k32);
      const wrong: (() => unknown)[] = [
        ...[k31, k33, none].flatMap((key) => [
          () => suite.mac(key, none),
          () => suite.kdf(key, 1, none),
          () => suite.seal(key, 0, none, none),
          () => suite.open(key, 0, none, k32),
          () => suite.xseal(key, filled(24), none, none),
          () => suite.xopen(key, filled(24), none, k32),
          () => suite.stream(key, none),
          () => suite.recordKey(key),
          () => suite.dhPrivate(key),
          () => suite.kemPrivate(1, key),
          () => suite.dhPrivate(k32).agree(key),
        ]),
        ...[23, 25, 12].flatMap((length) => [
          () => suite.xseal(k32, filled(length), none, none),
          () => suite.xopen(k32, filled(length), none, k32),
        ]),
        ...[63, 65].map((length) => () => suite.kemPrivate(2, filled(length))),
        ...[-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY].flatMap((counter) => [
          () => suite.seal(k32, counter, none, none),
          () => suite.open(k32, counter, none, k32),
          () => record.seal(counter, none, filled(16)),
          () => record.open(counter, filled(16), none),
        ]),
        () => record.seal(0, filled(10), filled(25)),
        () => record.seal(0, filled(10), filled(27)),
        () => record.open(0, filled(26), filled(9)),
        () => record.open(0, filled(26), filled(11)),
      ];
      for (const call of wrong) expect(call).toThrow(bug);
    });

    test('a refused record leaves the output as it was', () => {
      const record = suite.recordKey(filled(32));
      const out = filled(20);
      const before = out.slice();
      expect(record.open(0, filled(36), out)).toBe(false);
      expect(out).toEqual(before);
    });

    test('destroyed keys throw, and destroying twice is harmless', () => {
      const record = suite.recordKey(filled(32));
      const dh = suite.dhPrivate();
      const kem = suite.kemPrivate(1);
      for (const key of [record, dh, kem, record, dh, kem]) key.destroy();
      expect(() => record.seal(0, filled(0), filled(16))).toThrow(destroyed);
      expect(() => record.open(0, filled(16), filled(0))).toThrow(destroyed);
      expect(() => dh.agree(filled(32))).toThrow(destroyed);
      expect(() => kem.decapsulate(filled(1088))).toThrow(destroyed);
    });

    test('copies keys, so that the caller may wipe his', () => {
      const [key, secret, seed] = [filled(32), filled(32), filled(64)];
      const kemBytes = suite.kemPrivate(1, seed).publicKey.slice();
      const [record, dh, kem] = [suite.recordKey(key), suite.dhPrivate(secret), suite.kemPrivate(1, seed)];
      const kemKey = suite.kemPublic(1, kemBytes);
      const peer = suite.dhPrivate();
      const expected = { sealed: suite.seal(key, 0, filled(0), filled(0)), shared: peer.agree(dh.publicKey) };
      for (const bytes of [key, secret, seed, kemBytes]) bytes.fill(0);
      const sealed = new Uint8Array(16);
      record.seal(0, filled(0), sealed);
      expect(sealed).toEqual(expected.sealed);
      expect(dh.agree(peer.publicKey)).toEqual(expected.shared);
      const sent = kemKey?.encapsulate();
      expect(kem.decapsulate(sent?.ciphertext ?? filled(0))).toEqual(sent?.sharedSecret);
      expect(kemKey?.bytes).toEqual(kem.publicKey);
    });

    test('leaves its inputs as they were', () => {
      const inputs = [filled(32), filled(24), filled(20), filled(77)] as const;
      const before = inputs.map((bytes) => bytes.slice());
      const [key, nonce, ad, data] = inputs;
      suite.hash(data, ad);
      suite.mac(key, data);
      suite.kdf(key, 3, data);
      suite.stream(key, data);
      suite.seal(key, 1, ad, data);
      suite.open(key, 1, ad, data);
      suite.xseal(key, nonce, ad, data);
      suite.xopen(key, nonce, ad, data);
      suite.dhPrivate(key).agree(suite.dhPrivate().publicKey);
      expect(inputs).toEqual(before);
    });

    test('gives fresh plain arrays with a buffer to themselves', () => {
      const [key, nonce, none] = [filled(32), filled(24), filled(0)];
      const kem = suite.kemPrivate(2);
      const sent = suite.kemPublic(2, kem.publicKey)?.encapsulate();
      const dh = suite.dhPrivate();
      const outputs = [
        suite.random(24),
        suite.hash(key),
        suite.mac(key, none),
        ...suite.kdf(key, 3, none),
        suite.seal(key, 0, none, key),
        suite.open(key, 0, none, suite.seal(key, 0, none, key)),
        suite.xseal(key, nonce, none, key),
        suite.xopen(key, nonce, none, suite.xseal(key, nonce, none, key)),
        suite.stream(key, key),
        dh.publicKey,
        dh.agree(suite.dhPrivate().publicKey),
        kem.publicKey,
        sent?.ciphertext,
        sent?.sharedSecret,
        kem.decapsulate(sent?.ciphertext ?? none),
      ];
      for (const output of outputs) {
        expect(output?.constructor).toBe(Uint8Array);
        expect(output?.buffer.byteLength).toBe(output?.byteLength);
      }
    });

    test('refuses DH results that are all zero', () => {
      const key = suite.dhPrivate();
      for (const first of [0, 1])
        expect(key.agree(Uint8Array.of(first, ...new Uint8Array(31)))).toBeUndefined();
    });

    test.each(suiteIds)('refuses KEM keys and ciphertexts of a wrong length, suite %i', (id) => {
      const secret = suite.kemPrivate(id);
      const other = suite.kemPrivate(id === 1 ? 2 : 1);
      const { publicKey } = secret;
      for (const bytes of [publicKey.subarray(1), concat(publicKey, filled(1)), filled(0), other.publicKey]) {
        expect(suite.kemPublic(id, bytes)).toBeUndefined();
      }
      const sent = suite.kemPublic(id, publicKey)?.encapsulate().ciphertext ?? filled(0);
      for (const bytes of [sent.subarray(1), concat(sent, filled(1)), filled(0)]) {
        expect(secret.decapsulate(bytes)).toBeUndefined();
      }
    });

    test.each(suiteIds)(
      'refuses a KEM key with a coefficient of q or more, wherever it stands, suite %i',
      (id) => {
        const { publicKey } = suite.kemPrivate(id);
        const coefficients = ((publicKey.length - 32) * 8) / 12;
        for (const at of [0, 1, 2, coefficients / 2, coefficients - 2, coefficients - 1]) {
          for (const [value, accepted] of [
            [3328, true],
            [3329, false],
            [4095, false],
          ] as const) {
            // q − 1, q, the largest
            const key = suite.kemPublic(id, withCoefficient(publicKey, at, value));
            expect(key !== undefined, `coefficient ${at} of ${value}`).toBe(accepted);
          }
        }
      },
    );

    test('equal compares content and length', () => {
      const a = filled(40);
      expect(suite.equal(a, a.slice())).toBe(true);
      expect(suite.equal(filled(0), filled(0))).toBe(true);
      for (const at of [0, 20, 39]) expect(suite.equal(a, flip(a, at))).toBe(false);
      expect(suite.equal(a, a.subarray(1))).toBe(false);
      expect(suite.equal(a, filled(0))).toBe(false);
    });

    test('fresh keys differ', () => {
      expect(suite.dhPrivate().publicKey).not.toEqual(suite.dhPrivate().publicKey);
      expect(suite.kemPrivate(1).publicKey).not.toEqual(suite.kemPrivate(1).publicKey);
      expect(suite.random(32)).not.toEqual(suite.random(32));
    });

    test('keys show no secret when printed', () => {
      const secret = filled(32);
      const seed = filled(64);
      const shown = [suite.recordKey(secret), suite.dhPrivate(secret), suite.kemPrivate(1, seed)].map(
        (key) => JSON.stringify(key) + String(key),
      );
      for (const text of shown) expect(text.replace(/"publicKey":\{[^}]*\}/, '')).not.toMatch(/\d{2,}/);
    });
  },
);

/** `key` with its 12-bit coefficient number `at` replaced: FIPS 203 Alg. 5, two coefficients in three bytes. */
function withCoefficient(key: Uint8Array, at: number, value: number): Uint8Array {
  const copy = key.slice();
  const [even, odd] = at % 2 === 0 ? [value, coefficient(key, at + 1)] : [coefficient(key, at - 1), value];
  copy.set([even & 0xff, (even >> 8) | ((odd & 0xf) << 4), odd >> 4], Math.floor(at / 2) * 3);
  return copy;
}

function coefficient(key: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0] = key.subarray(Math.floor(at / 2) * 3);
  return at % 2 === 0 ? a | ((b & 0xf) << 8) : (b >> 4) | (c << 4);
}
