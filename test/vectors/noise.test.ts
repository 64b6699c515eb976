/**
 * The eight known Noise_IKpsk2 transcripts. One names exactly our primitives. In the others a part the suite does not have (AES-GCM,
 * another hash) comes from node:crypto and the rest from the suite, so that DH, AEAD, hash and KDF each meet more than one.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';
import type { Suite } from '@pqtun/core/noble';
import { describe, expect, test } from 'vitest';
import { VectorReport } from '../kit/vector-report.ts';
import { fromHex, readVectors, toHex } from '../kit/vectors.ts';
import { NoiseIkPsk2, type NoisePrimitives } from './noise-ik.ts';
import { ways } from './ways.ts';

interface Transcript {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_psks: readonly [string];
  readonly init_static: string;
  readonly init_ephemeral: string;
  readonly init_remote_static: string;
  readonly resp_prologue: string;
  readonly resp_psks: readonly [string];
  readonly resp_static: string;
  readonly resp_ephemeral: string;
  readonly handshake_hash: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

const report = new VectorReport('Noise_IKpsk2');
const { vectors } = readVectors<{ vectors: Transcript[] }>('noise/ikpsk2.json');
const exact = 'Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s';

describe.each(ways)('through $way', ({ way, suite }) => {
  test('the transcript of exactly our primitives', () => {
    const ours = vectors.filter((vector) => vector.protocol_name === exact);
    report.run({ way, set: exact, expected: 1 }, ours, (vector) => repeats(suite, vector));
  });

  test('those that share some of our primitives', () => {
    const others = vectors.filter((vector) => vector.protocol_name !== exact);
    report.run({ way, set: 'others, the foreign part from node:crypto', expected: 7 }, others, (vector) =>
      repeats(suite, vector),
    );
  });

  test('a transcript with one changed byte does not come out', () => {
    const [vector] = vectors;
    expect(vector !== undefined && repeats(suite, { ...vector, init_psks: ['00'.repeat(32)] })).toBe(false);
  });
});

/** Both sides write what the transcript says, read each other, and end with its hash. */
function repeats(suite: Suite, vector: Transcript): boolean {
  const noise = primitives(suite, vector.protocol_name);
  const initiator = new NoiseIkPsk2(noise, {
    initiator: true,
    prologue: fromHex(vector.init_prologue),
    psk: fromHex(vector.init_psks[0]),
    staticKey: noise.keyPair(fromHex(vector.init_static)),
    ephemeralKey: noise.keyPair(fromHex(vector.init_ephemeral)),
    remoteStatic: fromHex(vector.init_remote_static),
  });
  const responder = new NoiseIkPsk2(noise, {
    initiator: false,
    prologue: fromHex(vector.resp_prologue),
    psk: fromHex(vector.resp_psks[0]),
    staticKey: noise.keyPair(fromHex(vector.resp_static)),
    ephemeralKey: noise.keyPair(fromHex(vector.resp_ephemeral)),
  });
  for (const [index, { payload, ciphertext }] of vector.messages.entries()) {
    const [writer, reader] = index % 2 === 0 ? [initiator, responder] : [responder, initiator];
    const message = writer.write(fromHex(payload));
    if (toHex(message) !== ciphertext || toHex(reader.read(message)) !== payload) return false;
  }
  return (
    toHex(initiator.handshakeHash) === vector.handshake_hash &&
    toHex(responder.handshakeHash) === vector.handshake_hash
  );
}

function primitives(suite: Suite, protocolName: string): NoisePrimitives {
  const [, , , cipher = '', hash = ''] = protocolName.split('_');
  return {
    protocolName,
    keyPair: (secret) => suite.dhPrivate(secret),
    ...(hash === 'BLAKE2s' ? suiteHash(suite) : foreignHash(hash)),
    ...(cipher === 'ChaChaPoly' ? { seal: suite.seal.bind(suite), open: suite.open.bind(suite) } : aesGcm),
  };
}

type HashPart = Pick<NoisePrimitives, 'hash' | 'hkdf' | 'hashLength'>;

function suiteHash(suite: Suite): HashPart {
  return {
    hashLength: 32,
    hash: (...parts) => suite.hash(...parts),
    hkdf: (chainingKey, input, outputs) => suite.kdf(chainingKey, outputs, input),
  };
}

function foreignHash(name: string): HashPart {
  const algorithm = { BLAKE2b: 'blake2b512', SHA256: 'sha256', SHA512: 'sha512' }[name] ?? name;
  const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]) => {
    const state = createHmac(algorithm, key);
    for (const part of parts) state.update(part);
    return new Uint8Array(state.digest());
  };
  return {
    hashLength: name === 'SHA256' ? 32 : 64,
    hash(...parts) {
      const state = createHash(algorithm);
      for (const part of parts) state.update(part);
      return new Uint8Array(state.digest());
    },
    hkdf(chainingKey, input, outputs) {
      const root = hmac(chainingKey, input);
      const results: Uint8Array[] = [];
      for (let i = 1; i <= outputs; i++)
        results.push(hmac(root, results.at(-1) ?? new Uint8Array(0), Uint8Array.of(i)));
      return results;
    },
  };
}

/** AES-256-GCM with Noise's nonce: 4 zero bytes ‖ BE64(counter). */
const aesGcm: Pick<NoisePrimitives, 'seal' | 'open'> = {
  seal(key, counter, ad, plaintext) {
    const cipher = createCipheriv('aes-256-gcm', key, bigEndianNonce(counter)).setAAD(ad);
    return new Uint8Array([...cipher.update(plaintext), ...cipher.final(), ...cipher.getAuthTag()]);
  },
  open(key, counter, ad, sealed) {
    const decipher = createDecipheriv('aes-256-gcm', key, bigEndianNonce(counter))
      .setAAD(ad)
      .setAuthTag(sealed.subarray(-16));
    try {
      return new Uint8Array([...decipher.update(sealed.subarray(0, -16)), ...decipher.final()]);
    } catch {
      return undefined;
    }
  },
};

function bigEndianNonce(counter: number): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, counter);
  return nonce;
}
