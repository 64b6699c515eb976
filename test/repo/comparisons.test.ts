import { describe, expect, it } from 'vitest';
import { sources } from './layers.ts';
import { callsOf } from './syntax.ts';
import { text } from './tree.ts';

const product = sources.filter((path) => /^(packages|daemon)\//.test(path));
/** These stop at the first difference, so their time tells where it is. */
const hasty = new Set(['sameBytes', 'compareBytes', 'Buffer.compare', 'Buffer.equals']);

/** Every value compared in such a way, and why that tells nobody anything. */
const isPublic: readonly RegExp[] = [
  /[tT]imestamp\b|\bleast\b|#ceiling\b/, // of an initiation that has been authenticated
  /[pP]ublic(Key)?\b/, // keys that everybody may know
  /\b(initiator|responder)\b/, // IDs, as N4 compares them
  /\bip\b|\bprefix\b|\bdestination\b|\blast\b/, // addresses
];
/** Public, though their names do not say so. */
const known = new Set([
  'sameBytes(a, b)', // peer-book.ts: KEM public keys
  'sameBytes(x, y)', // protocol.ts: KEM public keys
  'sameBytes(there, key)', // set-config.ts: KEM public keys
]);

describe('secrets', () => {
  it('are compared by the suite, in constant time: what is compared otherwise is public', () => {
    const calls = product.flatMap((path) => callsOf(path, hasty).map((call) => ({ path, call })));
    expect(calls.length).toBeGreaterThan(10);
    const doubtful = calls.filter(
      ({ call }) => !known.has(call) && !isPublic.some((word) => word.test(call)),
    );
    expect(doubtful).toEqual([]);
  });

  it('are compared by OpenSSL in the back end of node', () => {
    expect(text('packages/core/src/crypto/node.ts')).toMatch(/^ {2}equal: timingSafeEqual,$/m);
  });
});
