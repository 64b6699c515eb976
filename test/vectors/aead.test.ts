import type { AeadKey } from '@pqtun/core/noble';
import { describe, test } from 'vitest';
import { NotRun, VectorReport, type Verdict } from '../kit/vector-report.ts';
import { fromHex, readVectors, readWycheproof, toHex } from '../kit/vectors.ts';
import { ways } from './ways.ts';

interface WycheproofAead {
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
}

interface StablelibAead {
  readonly key: string;
  readonly nonce: string;
  readonly aad?: string;
  readonly msg: string;
  readonly result: string;
}

const report = new VectorReport('ChaCha20-Poly1305 and XChaCha20-Poly1305');
const chacha = readWycheproof<WycheproofAead>('aead/wycheproof_chacha20_poly1305.json.gz');
const xchacha = readWycheproof<WycheproofAead>('aead/wycheproof_xchacha20_poly1305.json.gz');
const stablelib = readVectors<StablelibAead[]>('aead/stablelib_chacha20poly1305.json.gz');
const stablelibX = readVectors<StablelibAead[]>('aead/stablelib_xchacha20poly1305.json');

describe.each(ways)('through $way', ({ way, suite, backend }) => {
  test('ChaCha20-Poly1305 of Wycheproof, refusals included', () => {
    // through the back end's own form: none of these nonces is 4 zero bytes and a counter below 2^53
    report.run({ way, set: 'Wycheproof ChaCha20-Poly1305', expected: 316 }, chacha, (vector) => {
      if (vector.iv.length !== 24) return new NotRun('nonce of another length: ours are made from counters');
      return judge(backend.aead(fromHex(vector.key)), vector);
    });
  });

  test('ChaCha20-Poly1305 of stablelib', () => {
    report.run({ way, set: 'stablelib ChaCha20-Poly1305', expected: 67 }, stablelib, (vector) =>
      judge(backend.aead(fromHex(vector.key)), ofStablelib(vector)),
    );
  });

  test('XChaCha20-Poly1305 of Wycheproof, refusals included', () => {
    report.run({ way, set: 'Wycheproof XChaCha20-Poly1305', expected: 306 }, xchacha, (vector) => {
      if (vector.iv.length !== 48)
        return new NotRun('nonce of another length: a bug of ours by contract, and thrown');
      const [key, nonce, ad, message, sealed] = [
        vector.key,
        vector.iv,
        vector.aad,
        vector.msg,
        vector.ct + vector.tag,
      ].map(fromHex);
      if (!key || !nonce || !ad || !message || !sealed) return false;
      const opened = toHex(suite.xopen(key, nonce, ad, sealed));
      if (vector.result === 'invalid') return opened === undefined;
      return opened === vector.msg && toHex(suite.xseal(key, nonce, ad, message)) === vector.ct + vector.tag;
    });
  });

  test('XChaCha20-Poly1305 of the draft', () => {
    report.run({ way, set: 'draft-irtf-cfrg-xchacha', expected: 1 }, stablelibX, (vector) =>
      judge(backend.xaead(fromHex(vector.key)), ofStablelib(vector)),
    );
  });
});

type AeadCase = Omit<WycheproofAead, 'key'> & { readonly result: string };

/** Valid: seals to the answer and opens it again, both in place. Invalid: refuses, and leaves the output alone. */
function judge(key: AeadKey, vector: AeadCase): Verdict {
  const [nonce, ad, message] = [fromHex(vector.iv), fromHex(vector.aad), fromHex(vector.msg)];
  const expected = fromHex(vector.ct + vector.tag);
  if (vector.result === 'invalid') {
    const out = new Uint8Array(expected.length - 16).fill(0xa5);
    return !key.open(nonce, ad, expected, out) && out.every((byte) => byte === 0xa5);
  }
  const buffer = new Uint8Array(message.length + 16);
  const payload = buffer.subarray(0, message.length);
  payload.set(message);
  key.seal(nonce, ad, payload, buffer);
  if (toHex(buffer) !== vector.ct + vector.tag) return false;
  return key.open(nonce, ad, buffer, payload) && toHex(payload) === vector.msg;
}

function ofStablelib({ nonce, aad = '', msg, result }: StablelibAead): AeadCase {
  return { iv: nonce, aad, msg, ct: result.slice(0, -32), tag: result.slice(-32), result: 'valid' };
}
