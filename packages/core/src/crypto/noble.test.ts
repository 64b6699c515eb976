import { describe, expect, test } from 'vitest';
import { nobleSuite } from './noble.ts';

/** Draws 0, 1, 2 … as bytes of each draw. */
function countingSuite() {
  let draw = 0;
  return nobleSuite({ random: (length) => new Uint8Array(length).fill(draw++) });
}

describe('nobleSuite', () => {
  test('with a given source of randomness everything it makes repeats, encapsulation included', () => {
    const run = () => {
      const suite = countingSuite();
      const [dh, kem] = [suite.dhPrivate(), suite.kemPrivate(1)];
      const key = suite.kemPublic(1, kem.publicKey);
      return [dh.publicKey, kem.publicKey, key?.encapsulate(), key?.encapsulate(), suite.random(7)];
    };
    const [first, second] = [run(), run()];
    expect(second).toEqual(first);
    expect(first[2]).not.toEqual(first[3]); // m is drawn for each
  });

  test('without one it draws from the platform', () => {
    const suite = nobleSuite();
    expect(suite.random(32)).not.toEqual(suite.random(32));
    const kem = suite.kemPrivate(1);
    const key = suite.kemPublic(1, kem.publicKey);
    expect(key?.encapsulate().sharedSecret).not.toEqual(key?.encapsulate().sharedSecret);
  });
});
