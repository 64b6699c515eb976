import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { nobleBackend, nobleSuite } from './noble.ts';
import { nodeBackend, nodeSuite } from './node.ts';

const suite = nodeSuite();
const twin = nobleSuite();

test.each([nodeBackend, nobleBackend])(
  '$name: a key set up for many messages ends when it is destroyed',
  (backend) => {
    const [bytes, out] = [new Uint8Array(32), new Uint8Array(48)];
    for (const [key, nonce] of [
      [backend.aead(bytes), new Uint8Array(12)],
      [backend.xaead(bytes), new Uint8Array(24)],
    ] as const) {
      key.seal(nonce, bytes, bytes, out);
      expect(key.open(nonce, bytes, out, new Uint8Array(32))).toBe(true);
      key.destroy();
      const destroyed = expect.objectContaining({ code: 'PQTUN_SECRET_DESTROYED' });
      expect(() => key.seal(nonce, bytes, bytes, out)).toThrow(destroyed);
      expect(() => key.open(nonce, bytes, out, new Uint8Array(32))).toThrow(destroyed);
    }
  },
);

describe('nodeSuite', () => {
  test('agrees with more peers than it remembers, in any order', () => {
    const own = suite.dhPrivate();
    const peers = Array.from({ length: 20 }, () => twin.dhPrivate());
    const order = [...peers, ...peers.toReversed(), ...peers.slice(0, 3), ...peers.slice(0, 3)];
    for (const peer of order) expect(own.agree(peer.publicKey)).toEqual(peer.agree(own.publicKey));
  });

  test('a remembered peer key does not follow the buffer it came in', () => {
    const own = suite.dhPrivate();
    const [first, second] = [twin.dhPrivate(), twin.dhPrivate()];
    const buffer = new Uint8Array(100);
    for (const peer of [first, second, first]) {
      buffer.set(peer.publicKey, 37); // as a datagram buffer is used again
      expect(own.agree(buffer.subarray(37, 69))).toEqual(peer.agree(own.publicKey));
    }
  });

  test('takes keys from the middle of larger buffers', () => {
    const datagram = suite.random(3000);
    const secret = datagram.subarray(5, 37);
    expect(suite.dhPrivate(secret).publicKey).toEqual(twin.dhPrivate(secret.slice()).publicKey);
    const seed = datagram.subarray(100, 164);
    const { publicKey } = twin.kemPrivate(1, seed.slice());
    expect(suite.kemPrivate(1, seed).publicKey).toEqual(publicKey);
    datagram.set(publicKey, 1001);
    expect(suite.kemPublic(1, datagram.subarray(1001, 1001 + 1184))?.bytes).toEqual(publicKey);
    const nonce = datagram.subarray(3, 27); // no multiple of 4
    expect(suite.xseal(secret, nonce, seed, seed)).toEqual(
      twin.xseal(secret.slice(), nonce.slice(), seed, seed),
    );
  });

  test('has a name for people', () => {
    expect([suite.name, twin.name]).toEqual(['node', 'noble']);
  });

  test('keys show nothing of themselves when inspected', () => {
    const secret = new Uint8Array(32).fill(0xc5);
    const seed = new Uint8Array(64).fill(0xc5);
    const keys = [suite.recordKey(secret), suite.dhPrivate(secret), suite.kemPrivate(1, seed)];
    for (const key of keys)
      expect(inspect(key, { depth: 9, showHidden: true })).not.toMatch(/(197|c5)[, ]*(197|c5)/);
  });
});
