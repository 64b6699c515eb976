import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { planeEdge } from './testing/plane-edge.ts';
import { Random } from './testing/random.ts';

const edge = planeEdge<{
  hChaCha20(key: Uint8Array, nonce: Uint8Array, subkey: Uint8Array): void;
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    text: Uint8Array,
    sealed: Uint8Array,
  ): boolean;
}>('xchacha');

function seal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, text: Uint8Array): Buffer {
  const sealed = Buffer.alloc(text.length + 16);
  expect(edge.seal(key, nonce, associated, text, sealed)).toBe(true);
  return sealed;
}

function hChaCha20(key: Uint8Array, nonce: Uint8Array): Buffer {
  const subkey = Buffer.alloc(32);
  edge.hChaCha20(key, nonce, subkey);
  return subkey;
}

/** HChaCha20 out of a ChaCha20 block by node:crypto, whose additions are undone. */
function hChaCha20Twin(key: Uint8Array, nonce: Uint8Array): Buffer {
  const block = createCipheriv('chacha20', key, nonce).update(new Uint8Array(64));
  const constants = Buffer.from('expand 32-byte k');
  const out = Buffer.alloc(32);
  for (let i = 0; i < 4; i++) {
    out.writeUInt32LE((block.readUInt32LE(4 * i) - constants.readUInt32LE(4 * i)) >>> 0, 4 * i);
    const word = Buffer.from(nonce).readUInt32LE(4 * i);
    out.writeUInt32LE((block.readUInt32LE(48 + 4 * i) - word) >>> 0, 16 + 4 * i);
  }
  return out;
}

describe('§1 XAEAD: native XChaCha20-Poly1305', () => {
  it('makes the subkey of draft-irtf-cfrg-xchacha-03 §2.2.1', () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => i);
    const nonce = Buffer.from('000000090000004a0000000031415927', 'hex');
    expect(hChaCha20(key, nonce).toString('hex')).toBe(
      '82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc',
    );
  });

  it('seals as draft-irtf-cfrg-xchacha-03 A.3.1 does', () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i);
    const nonce = Uint8Array.from({ length: 24 }, (_, i) => 0x40 + i);
    const associated = Buffer.from('50515253c0c1c2c3c4c5c6c7', 'hex');
    const text = Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    expect(seal(key, nonce, associated, text).toString('hex')).toBe(
      'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216' +
        'cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b1' +
        '3b52ec0875924c1c7987947deafd8780acf49',
    );
  });

  it('seals what node:crypto seals under the subkey, whatever was sealed before, in 5,000 seeded cases', () => {
    const random = new Random(11);
    for (let i = 0; i < 5_000; i++) {
      const [key, nonce] = [random.bytes(32), random.bytes(24)];
      const [associated, text] = [random.bytes(random.below(40)), random.bytes(random.below(200))];
      const subkey = hChaCha20Twin(key, nonce.subarray(0, 16));
      expect(hChaCha20(key, nonce.subarray(0, 16)).equals(subkey)).toBe(true);
      const inner = Buffer.concat([Buffer.alloc(4), nonce.subarray(16)]);
      const cipher = createCipheriv('chacha20-poly1305', subkey, inner, { authTagLength: 16 });
      cipher.setAAD(associated, { plaintextLength: text.length });
      const expected = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
      expect(seal(key, nonce, associated, text).equals(expected), `case ${i}`).toBe(true);
    }
  });

  it('seals in place', () => {
    const random = new Random(12);
    const [key, nonce, associated] = [random.bytes(32), random.bytes(24), random.bytes(16)];
    const buffer = Buffer.alloc(32);
    buffer.set(random.bytes(16));
    const expected = seal(key, nonce, associated, Uint8Array.from(buffer.subarray(0, 16)));
    expect(edge.seal(key, nonce, associated, buffer.subarray(0, 16), buffer)).toBe(true);
    expect(buffer.equals(expected)).toBe(true);
  });
});
