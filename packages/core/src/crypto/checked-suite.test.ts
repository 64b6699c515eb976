import { describe, expect, test } from 'vitest';
import { owned } from './backend.ts';
import { checkedSuite } from './checked-suite.ts';
import { nobleBackend } from './noble.ts';

const bug = expect.objectContaining({ code: 'PQTUN_INVARIANT' });

describe('checkedSuite', () => {
  test('nonces are 4 zero bytes and the counter in little endian (protocol.md §1 AEAD)', () => {
    const nonces: string[] = [];
    const suite = checkedSuite({
      ...nobleBackend,
      aead: () => ({
        seal: (nonce) => void nonces.push(Buffer.from(nonce).toString('hex')),
        open: () => false,
        destroy: () => {},
      }),
    });
    const key = new Uint8Array(32);
    const record = suite.recordKey(key);
    for (const counter of [0, 1, 0x01020304, 2 ** 32 - 1, 2 ** 32, 0x0a0b0c0d0e0f1 * 2, 2 ** 53 - 1]) {
      suite.seal(key, counter, key, key);
      record.seal(counter, new Uint8Array(0), new Uint8Array(16));
    }
    expect(nonces).toEqual(
      [
        '000000000000000000000000',
        '000000000100000000000000',
        '000000000403020100000000',
        '00000000ffffffff00000000',
        '000000000000000001000000',
        '00000000e2c1a18161410100',
        '00000000ffffffffffff1f00',
      ].flatMap((nonce) => [nonce, nonce]),
    );
  });

  test('draws keys from the given source, in the lengths the protocol has', () => {
    const lengths: number[] = [];
    const suite = checkedSuite(nobleBackend, {
      random: (length) => {
        lengths.push(length);
        return new Uint8Array(length).fill(3);
      },
    });
    const dh = suite.dhPrivate();
    const kem = suite.kemPrivate(1);
    suite.random(5);
    expect(lengths).toEqual([32, 64, 5]);
    expect(dh.publicKey).toEqual(suite.dhPrivate(new Uint8Array(32).fill(3)).publicKey);
    expect(kem.publicKey).toEqual(suite.kemPrivate(1, new Uint8Array(64).fill(3)).publicKey);
    suite.kemPublic(1, kem.publicKey)?.encapsulate();
    expect(lengths).toEqual([32, 64, 5, 32]);
  });

  test('wipes what it drew for a key', () => {
    const drawn: Uint8Array[] = [];
    const suite = checkedSuite(nobleBackend, {
      random: (length) => {
        const bytes = new Uint8Array(length).fill(3);
        drawn.push(bytes);
        return bytes;
      },
    });
    const kem = suite.kemPrivate(1);
    suite.dhPrivate();
    suite.kemPublic(1, kem.publicKey)?.encapsulate();
    expect(drawn).toHaveLength(3);
    for (const bytes of drawn) expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  test('ends every key it sets up for one message, and wipes the intermediate value of KDFn', () => {
    let [made, destroyed] = [0, 0];
    const outputs: Uint8Array[] = [];
    const counted = (aead: typeof nobleBackend.aead): typeof nobleBackend.aead => {
      return (key) => {
        made += 1;
        const held = aead(key);
        return {
          seal: (...given) => held.seal(...given),
          open: (...given) => held.open(...given),
          destroy() {
            destroyed += 1;
            held.destroy();
          },
        };
      };
    };
    const suite = checkedSuite({
      ...nobleBackend,
      aead: counted(nobleBackend.aead),
      xaead: counted(nobleBackend.xaead),
      hmac(key, parts) {
        const output = nobleBackend.hmac(key, parts);
        outputs.push(output);
        return output;
      },
    });
    const [key, nonce] = [new Uint8Array(32), new Uint8Array(24)];
    for (const tag of [suite.seal(key, 0, key, key), new Uint8Array(20)]) suite.open(key, 0, key, tag);
    for (const tag of [suite.xseal(key, nonce, key, key), new Uint8Array(20)])
      suite.xopen(key, nonce, key, tag);
    expect([made, destroyed]).toEqual([6, 6]);
    const given = suite.kdf(key, 3, key);
    expect(given).toHaveLength(3);
    expect(outputs).toEqual([new Uint8Array(32), ...given]);
  });

  test('a source of randomness that gives too little is a bug', () => {
    const suite = checkedSuite(nobleBackend, { random: (length) => new Uint8Array(length - 1) });
    expect(() => suite.random(32)).toThrow(bug);
    expect(() => suite.dhPrivate()).toThrow(bug);
    expect(() => suite.kemPrivate(2)).toThrow(bug);
  });

  test('equal never hands unequal lengths to the back end, whose comparison throws for them', () => {
    const suite = checkedSuite({
      ...nobleBackend,
      equal: () => {
        throw new Error('compared');
      },
    });
    expect(suite.equal(new Uint8Array(1), new Uint8Array(2))).toBe(false);
  });
});

describe('owned', () => {
  test('takes over an array that has its buffer to itself', () => {
    const alone = Uint8Array.of(1, 2, 3);
    expect(owned(alone)).toBe(alone);
    const buffer = Buffer.alloc(20, 7);
    const view = owned(buffer);
    expect(view.constructor).toBe(Uint8Array);
    expect(view.buffer).toBe(buffer.buffer);
  });

  test('copies a piece of a larger buffer and wipes the piece', () => {
    const pool = Uint8Array.of(1, 2, 3, 4, 5);
    const copy = owned(pool.subarray(1, 3));
    expect(copy).toEqual(Uint8Array.of(2, 3));
    expect(copy.buffer.byteLength).toBe(2);
    expect(pool).toEqual(Uint8Array.of(1, 0, 0, 4, 5));
  });
});
