import { describe, expect, it } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import { nodeSuite } from '../crypto/node.ts';
import { Transcript, wrap } from './transcript.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.each([
  ['node', nodeSuite()],
  ['noble', nobleSuite()],
])('with the %s back end', (_name, suite) => {
  const begin = (): Transcript => Transcript.begin(suite, ascii('construction'), ascii('identifier'));
  const c0 = suite.hash(ascii('construction'));
  const h0 = suite.hash(c0, ascii('identifier'));

  it('C and H begin as §4 says and every operation moves them as it says', () => {
    const t = begin();
    t.mixHash(ascii('a'), ascii('b'), ascii('c'), ascii('d'));
    const h1 = suite.hash(h0, ascii('abcd'));
    t.mixKey(ascii('c'), ascii('d'));
    const [c1 = c0] = suite.kdf(c0, 1, ascii('cd'));
    const k = t.mixKeyAndKey(ascii('e'), ascii('f'), ascii('g'));
    const [c2 = c0, k2 = c0] = suite.kdf(c1, 2, ascii('efg'));
    expect(k).toEqual(k2);
    const sealed = t.sealAndMix(k, ascii('text'));
    expect(sealed).toEqual(suite.seal(k2, 0, h1, ascii('text')));
    expect(k).toEqual(new Uint8Array(32)); // wiped
    const h2 = suite.hash(h1, sealed);
    expect(t.derive(ascii('label'))).toEqual(suite.kdf(c2, 1, ascii('label'))[0]);
    const key = t.mixPresharedKey(ascii('q'));
    const [c3 = c0, tau = c0, k3] = suite.kdf(c2, 3, ascii('q'));
    expect(key).toEqual(k3);
    expect(t.split()).toEqual(suite.kdf(c3, 3, suite.hash(h2, tau)));
  });

  it('what does not open leaves H as it was, and the right one still opens', () => {
    const [a, b] = [begin(), begin()];
    const sealed = a.sealAndMix(a.mixKeyAndKey(ascii('k')), ascii('text'));
    const bad = sealed.slice();
    bad[3] = (bad[3] ?? 0) ^ 1;
    const fork = b.fork();
    expect(fork.openAndMix(fork.mixKeyAndKey(ascii('k')), bad)).toBeUndefined();
    const untouched = b.fork();
    untouched.mixKeyAndKey(ascii('k'));
    expect(fork.split()).toEqual(untouched.split());
    const other = b.fork();
    expect(other.openAndMix(other.mixKeyAndKey(ascii('k')), sealed)).toEqual(ascii('text'));
    expect(other.split()).toEqual(a.split());
    expect(fork.split()).not.toEqual(a.split());
  });

  it('a fork goes its own way, and its end is not the other’s', () => {
    const t = begin();
    const fork = t.fork();
    fork.mixHash(ascii('x'));
    fork.mixKey(ascii('y'));
    fork.destroy();
    expect(t.split()).toEqual(begin().split());
  });

  it('destroyed, it has neither C nor H', () => {
    const t = begin();
    t.mixKey(ascii('secret'));
    t.destroy();
    const nothing = new Uint8Array(32);
    expect(t.split()).toEqual(suite.kdf(nothing, 3, nothing));
  });

  it('wrapping is its own inverse and depends on every byte of the secret', () => {
    const secret = new Uint8Array(32).fill(5);
    const text = new Uint8Array(1088).fill(9);
    const wrapped = wrap(suite, secret, text);
    expect(wrapped).not.toEqual(text);
    expect(wrap(suite, secret, wrapped)).toEqual(text);
    secret[31] = 6;
    expect(wrap(suite, secret, wrapped)).not.toEqual(text);
  });
});
