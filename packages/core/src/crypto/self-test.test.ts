import { describe, expect, test } from 'vitest';
import { nobleSuite } from './noble.ts';
import { nodeSuite } from './node.ts';
import { selfTest } from './self-test.ts';
import type { DhPrivate, KemPrivate, KemPublic, RecordKey, Suite } from './suite.ts';

test.each([nodeSuite(), nobleSuite()].map((suite) => ({ suite, name: suite.name })))(
  '$name passes',
  ({ suite }) => {
    expect(() => selfTest(suite)).not.toThrow();
  },
);

/** Each entry is a fault in one primitive and the name under which the self-test must report it. */
const faults: readonly (readonly [
  reported: string,
  fault: string,
  overrides: (good: Suite) => Partial<Suite>,
])[] = [
  ['random', 'is stuck', () => ({ random: (length) => new Uint8Array(length) })],
  ['random', 'gives too little', (good) => ({ random: (length) => good.random(length - 1) })],
  ['equal', 'is always true', () => ({ equal: () => true })],
  ['equal', 'is always false', () => ({ equal: () => false })],
  [
    'equal',
    'compares no more than the shorter',
    (good) => ({
      equal: (a, b) => {
        const length = Math.min(a.length, b.length);
        return good.equal(a.subarray(0, length), b.subarray(0, length));
      },
    }),
  ],
  ['hash', 'flips a bit', (good) => ({ hash: (...parts) => flip(good.hash(...parts)) })],
  ['hash', 'gives a byte too few', (good) => ({ hash: (...parts) => good.hash(...parts).subarray(1) })],
  ['hash', 'gives its beginning', (good) => ({ hash: (...parts) => good.hash(...parts).subarray(0, 16) })],
  ['mac', 'flips a bit', (good) => ({ mac: (key, ...parts) => flip(good.mac(key, ...parts)) })],
  [
    'kdf',
    'flips a bit of its last output',
    (good) => ({
      kdf: (key, outputs, ...input) =>
        good.kdf(key, outputs, ...input).map((output, i) => (i === 2 ? flip(output) : output)),
    }),
  ],
  [
    'kdf',
    'gives an output too few',
    (good) => ({ kdf: (key, outputs, ...input) => good.kdf(key, outputs, ...input).slice(1) }),
  ],
  ['seal', 'flips a bit', (good) => ({ seal: (...given) => flip(good.seal(...given)) })],
  [
    'seal',
    'ignores associated data',
    (good) => ({ seal: (key, counter, _, plaintext) => good.seal(key, counter, none, plaintext) }),
  ],
  ['open', 'refuses', () => ({ open: () => undefined })],
  ['open', 'flips a bit', (good) => ({ open: (...given) => maybeFlip(good.open(...given)) })],
  ['open', 'accepts any tag', (good) => ({ open: (...given) => good.open(...given) ?? none })],
  ['xseal', 'flips a bit', (good) => ({ xseal: (...given) => flip(good.xseal(...given)) })],
  ['xopen', 'flips a bit', (good) => ({ xopen: (...given) => maybeFlip(good.xopen(...given)) })],
  ['xopen', 'accepts any tag', (good) => ({ xopen: (...given) => good.xopen(...given) ?? none })],
  ['stream', 'flips a bit', (good) => ({ stream: (key, data) => flip(good.stream(key, data)) })],
  [
    'recordKey',
    'seals with a flipped bit',
    (good) => ({
      recordKey: (key) => record(good.recordKey(key), { seal: (out) => void out.set(flip(out)) }),
    }),
  ],
  [
    'recordKey',
    'opens to a flipped bit',
    (good) => ({
      recordKey: (key) =>
        record(good.recordKey(key), {
          open: (verified, out) => {
            out.set(flip(out));
            return verified;
          },
        }),
    }),
  ],
  [
    'recordKey',
    'accepts any tag',
    (good) => ({ recordKey: (key) => record(good.recordKey(key), { open: () => true }) }),
  ],
  [
    'dhPrivate',
    'flips a bit of its public key',
    (good) => ({
      dhPrivate: (secret) => dh(good.dhPrivate(secret), { publicKey: flip }),
    }),
  ],
  [
    'dhPrivate',
    'flips a bit of its result',
    (good) => ({ dhPrivate: (secret) => dh(good.dhPrivate(secret), { agree: maybeFlip }) }),
  ],
  [
    'dhPrivate',
    'gives an all-zero result',
    (good) => ({
      dhPrivate: (secret) => dh(good.dhPrivate(secret), { agree: (shared) => shared ?? new Uint8Array(32) }),
    }),
  ],
  ...([1, 2] as const).flatMap((id): (readonly [string, string, (good: Suite) => Partial<Suite>])[] => [
    [
      `kemPrivate of suite ${id}`,
      'flips a bit of its public key',
      (good) => kemPrivate(good, id, { publicKey: flip }),
    ],
    [
      `kemPrivate of suite ${id}`,
      'flips a bit of its result',
      (good) => kemPrivate(good, id, { decapsulate: maybeFlip }),
    ],
    [
      `kemPrivate of suite ${id}`,
      'gives another key for every changed ciphertext',
      (good) =>
        kemPrivate(good, id, { decapsulate: (shared, call) => (call > 1 ? maybeFlip(shared) : shared) }),
    ],
    [
      `kemPrivate of suite ${id}`,
      'takes a ciphertext of another length',
      (good) => kemPrivate(good, id, { decapsulate: (shared) => shared ?? new Uint8Array(32) }),
    ],
    [
      `kemPrivate of suite ${id}`,
      'refuses changed ciphertexts openly',
      (good) => kemPrivate(good, id, { decapsulate: (shared, call) => (call > 1 ? undefined : shared) }),
    ],
    [
      `kemPublic of suite ${id}`,
      'flips a bit of its shared secret',
      (good) => kemPublic(good, id, { sharedSecret: flip }),
    ],
    [
      `kemPublic of suite ${id}`,
      'flips a bit of its ciphertext',
      (good) => kemPublic(good, id, { ciphertext: flip }),
    ],
    [
      `kemPublic of suite ${id}`,
      'refuses a good key',
      (good) => ({
        kemPublic: (suite, bytes) => (suite === id ? undefined : good.kemPublic(suite, bytes)),
      }),
    ],
    [
      `kemPublic of suite ${id}`,
      'accepts a key of another length',
      (good) => ({
        kemPublic: (suite, bytes) =>
          good.kemPublic(suite, bytes) ??
          (suite !== id || bytes[0] === 0xff
            ? undefined
            : good.kemPublic(suite, good.kemPrivate(suite).publicKey)),
      }),
    ],
    [
      `kemPublic of suite ${id}`,
      'accepts a bad modulus',
      (good) => ({
        kemPublic: (suite, bytes) =>
          good.kemPublic(
            suite,
            suite === id && bytes[0] === 0xff && bytes[1] === 0xff
              ? bytes.map((byte, i) => (i < 2 ? 0 : byte))
              : bytes,
          ),
      }),
    ],
  ]),
];

describe('names the primitive when', () => {
  test.each(faults)('%s %s', (reported, _, overrides) => {
    const good = nodeSuite();
    expect(() => selfTest(faulty(good, overrides(good)))).toThrow(
      expect.objectContaining({
        code: 'PQTUN_SELF_TEST',
        message: `self-test: ${reported} is wrong in suite faulty`,
      }),
    );
  });

  test('it throws, and keeps the error as the cause', () => {
    const cause = new Error('broken');
    const bad = faulty(nodeSuite(), {
      stream: () => {
        throw cause;
      },
    });
    expect(() => selfTest(bad)).toThrow(expect.objectContaining({ code: 'PQTUN_SELF_TEST', cause }));
  });
});

test('ends every key it makes', () => {
  const good = nodeSuite();
  let [made, ended] = [0, 0];
  const counted = <K extends { destroy(): void }>(key: K): K => {
    made += 1;
    const destroy = key.destroy.bind(key);
    key.destroy = () => {
      ended += 1;
      destroy();
    };
    return key;
  };
  selfTest(
    faulty(good, {
      recordKey: (key) => counted(good.recordKey(key)),
      dhPrivate: (secret) => counted(good.dhPrivate(secret)),
      kemPrivate: (suite, seed) => counted(good.kemPrivate(suite, seed)),
    }),
  );
  expect([made, ended]).toEqual([6, 6]);
});

const none = new Uint8Array(0);

function flip(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 0x40 : byte));
}

function maybeFlip(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : flip(bytes);
}

/** A suite of bound methods of `good`, some replaced. */
function faulty(good: Suite, overrides: Partial<Suite>): Suite {
  return {
    name: 'faulty',
    random: (length) => good.random(length),
    hash: (...parts) => good.hash(...parts),
    mac: (key, ...parts) => good.mac(key, ...parts),
    kdf: (key, outputs, ...input) => good.kdf(key, outputs, ...input),
    seal: (...given) => good.seal(...given),
    open: (...given) => good.open(...given),
    xseal: (...given) => good.xseal(...given),
    xopen: (...given) => good.xopen(...given),
    stream: (key, data) => good.stream(key, data),
    equal: (a, b) => good.equal(a, b),
    recordKey: (key) => good.recordKey(key),
    dhPrivate: (secret) => good.dhPrivate(secret),
    kemPrivate: (suite, seed) => good.kemPrivate(suite, seed),
    kemPublic: (suite, bytes) => good.kemPublic(suite, bytes),
    ...overrides,
  };
}

function record(
  good: RecordKey,
  after: { seal?: (out: Uint8Array) => void; open?: (verified: boolean, out: Uint8Array) => boolean },
): RecordKey {
  return {
    seal(counter, plaintext, out) {
      good.seal(counter, plaintext, out);
      after.seal?.(out);
    },
    open(counter, sealed, out) {
      const verified = good.open(counter, sealed, out);
      return after.open === undefined ? verified : after.open(verified, out);
    },
    destroy: () => good.destroy(),
  };
}

type Bytes = Uint8Array | undefined;

function dh(
  good: DhPrivate,
  after: { publicKey?: (bytes: Uint8Array) => Uint8Array; agree?: (shared: Bytes) => Bytes },
): DhPrivate {
  return {
    publicKey: after.publicKey?.(good.publicKey) ?? good.publicKey,
    agree: (peer) => (after.agree ?? ((shared) => shared))(good.agree(peer)),
    destroy: () => good.destroy(),
  };
}

function kemPrivate(
  good: Suite,
  id: 1 | 2,
  after: {
    publicKey?: (bytes: Uint8Array) => Uint8Array;
    /** `call` counts from 1. */
    decapsulate?: (shared: Bytes, call: number) => Bytes;
  },
): Partial<Suite> {
  const wrap = (key: KemPrivate): KemPrivate => {
    let calls = 0;
    return {
      suite: key.suite,
      publicKey: after.publicKey?.(key.publicKey) ?? key.publicKey,
      decapsulate(ciphertext) {
        calls += 1;
        const shared = key.decapsulate(ciphertext);
        return after.decapsulate === undefined ? shared : after.decapsulate(shared, calls);
      },
      destroy: () => key.destroy(),
    };
  };
  return {
    kemPrivate: (suite, seed) =>
      suite === id ? wrap(good.kemPrivate(suite, seed)) : good.kemPrivate(suite, seed),
  };
}

function kemPublic(
  good: Suite,
  id: 1 | 2,
  after: { sharedSecret?: (bytes: Uint8Array) => Uint8Array; ciphertext?: (bytes: Uint8Array) => Uint8Array },
): Partial<Suite> {
  const wrap = (key: KemPublic): KemPublic => ({
    suite: key.suite,
    bytes: key.bytes,
    encapsulate() {
      const { sharedSecret, ciphertext } = key.encapsulate();
      return {
        sharedSecret: after.sharedSecret?.(sharedSecret) ?? sharedSecret,
        ciphertext: after.ciphertext?.(ciphertext) ?? ciphertext,
      };
    },
  });
  return {
    kemPublic(suite, bytes) {
      const key = good.kemPublic(suite, bytes);
      return key === undefined || suite !== id ? key : wrap(key);
    },
  };
}
