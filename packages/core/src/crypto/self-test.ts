/** Known answers at start: a suite that computes wrongly must not run. */
import { PqtunError } from '../errors.ts';
import {
  aeadAnswer,
  dhAnswer,
  hashAnswer,
  type KemAnswer,
  kdfAnswer,
  kemAnswers,
  macAnswer,
  recordAnswer,
  streamAnswer,
  xaeadAnswer,
} from './self-test-answers.ts';
import type { Suite } from './suite.ts';

/**
 * Runs every primitive of `suite` once against a known answer, refusals included. Throws `PQTUN_SELF_TEST` naming the first
 * primitive that is wrong. Takes a few milliseconds over node:crypto, some tens over noble. Call once per process and suite.
 */
export function selfTest(suite: Suite): void {
  for (const [primitive, passes] of checks) {
    let cause: unknown = 'the answer differs';
    try {
      if (passes(suite)) continue;
    } catch (error) {
      cause = error;
    }
    throw new PqtunError('PQTUN_SELF_TEST', `self-test: ${primitive} is wrong in suite ${suite.name}`, {
      cause,
    });
  }
}

type Check = readonly [primitive: string, passes: (suite: Suite) => boolean];

const checks: readonly Check[] = [
  ['random', (suite) => suite.random(32).length === 32 && !same(suite.random(32), suite.random(32))],
  [
    'equal',
    (suite) =>
      suite.equal(bytes(1, 2), bytes(1, 2)) &&
      !suite.equal(bytes(1, 2), bytes(1, 3)) &&
      !suite.equal(bytes(1), bytes(1, 2)),
  ],
  ['hash', (suite) => same(suite.hash(hashAnswer.input), hashAnswer.digest)],
  ['mac', (suite) => same(suite.mac(macAnswer.key, macAnswer.input), macAnswer.tag)],
  ['kdf', checkKdf],
  [
    'seal',
    (suite) =>
      same(
        suite.seal(aeadAnswer.key, aeadAnswer.counter, aeadAnswer.ad, aeadAnswer.plaintext),
        aeadAnswer.sealed,
      ),
  ],
  ['open', checkOpen],
  [
    'xseal',
    (suite) =>
      same(
        suite.xseal(xaeadAnswer.key, xaeadAnswer.nonce, xaeadAnswer.ad, xaeadAnswer.plaintext),
        xaeadAnswer.sealed,
      ),
  ],
  ['xopen', checkXopen],
  [
    'stream',
    (suite) =>
      same(
        suite.stream(streamAnswer.key, new Uint8Array(streamAnswer.keyStream.length)),
        streamAnswer.keyStream,
      ),
  ],
  ['recordKey', checkRecordKey],
  ['dhPrivate', checkDh],
  ...kemAnswers.flatMap((answer): Check[] => [
    [`kemPrivate of suite ${answer.suite}`, (suite) => checkKemPrivate(suite, answer)],
    [`kemPublic of suite ${answer.suite}`, (suite) => checkKemPublic(suite, answer)],
  ]),
];

function checkKdf(suite: Suite): boolean {
  const outputs = suite.kdf(kdfAnswer.key, 3, kdfAnswer.input);
  return outputs.length === 3 && kdfAnswer.outputs.every((expected, i) => same(outputs[i], expected));
}

function checkOpen(suite: Suite): boolean {
  const { key, counter, ad, plaintext, sealed } = aeadAnswer;
  return (
    same(suite.open(key, counter, ad, sealed), plaintext) &&
    suite.open(key, counter, ad, flipped(sealed)) === undefined
  );
}

function checkXopen(suite: Suite): boolean {
  const { key, nonce, ad, plaintext, sealed } = xaeadAnswer;
  return (
    same(suite.xopen(key, nonce, ad, sealed), plaintext) &&
    suite.xopen(key, nonce, ad, flipped(sealed)) === undefined
  );
}

/** In place, as records are. */
function checkRecordKey(suite: Suite): boolean {
  const { key, counter, plaintext, sealed } = recordAnswer;
  const record = suite.recordKey(key);
  const buffer = new Uint8Array(sealed.length);
  const payload = buffer.subarray(0, plaintext.length);
  payload.set(plaintext);
  record.seal(counter, payload, buffer);
  const right = same(buffer, sealed) && record.open(counter, buffer, payload) && same(payload, plaintext);
  const refused = !record.open(counter, flipped(sealed), payload);
  record.destroy();
  return right && refused;
}

function checkDh(suite: Suite): boolean {
  const key = suite.dhPrivate(dhAnswer.secret);
  const right = same(key.publicKey, dhAnswer.publicKey) && same(key.agree(dhAnswer.peer), dhAnswer.shared);
  const refused = key.agree(new Uint8Array(32)) === undefined;
  key.destroy();
  return right && refused;
}

function checkKemPrivate(suite: Suite, answer: KemAnswer): boolean {
  const key = suite.kemPrivate(answer.suite, answer.seed);
  const right =
    same(suite.hash(key.publicKey), answer.keyDigest) &&
    same(key.decapsulate(answer.ciphertext), answer.sharedSecret) &&
    same(key.decapsulate(flipped(answer.ciphertext)), answer.rejected) &&
    key.decapsulate(answer.ciphertext.subarray(1)) === undefined;
  key.destroy();
  return right;
}

/** Encapsulation has no known answer (a back end may draw its own chance), so it must agree with decapsulation. */
function checkKemPublic(suite: Suite, answer: KemAnswer): boolean {
  const secret = suite.kemPrivate(answer.suite, answer.seed);
  const key = suite.kemPublic(answer.suite, secret.publicKey);
  if (key === undefined) return false;
  const { sharedSecret, ciphertext } = key.encapsulate();
  const right = same(secret.decapsulate(ciphertext), sharedSecret);
  const modulus = new Uint8Array(secret.publicKey).fill(0xff, 0, 2); // a first coefficient of 4095, above q
  const refused =
    suite.kemPublic(answer.suite, modulus) === undefined &&
    suite.kemPublic(answer.suite, secret.publicKey.subarray(1)) === undefined;
  secret.destroy();
  return right && refused;
}

/** Plain comparison: the suite's own is under test, and nothing here is secret. */
function same(actual: Uint8Array | undefined, expected: Uint8Array): boolean {
  return (
    actual !== undefined &&
    actual.length === expected.length &&
    actual.every((byte, i) => byte === expected[i])
  );
}

function flipped(source: Uint8Array): Uint8Array {
  return source.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}
