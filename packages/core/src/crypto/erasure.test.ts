/**
 * Searches this process's memory for keys after they were used, wiped and collected. The rules of `secret.ts` and `node.ts`
 * stand on this: what looked clean by reading (noble's temporaries, short typed arrays) left copies.
 */
import { randomFillSync } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { nodeSuite } from './node.ts';
import { Secret, secretBytes } from './secret.ts';

const suite = nodeSuite();
const none = new Uint8Array(0);
const calls = 20;

/** Uses of a key; each wipes or destroys all it holds, as the callers of a suite must. */
const uses: readonly (readonly [primitive: string, keyLength: number, use: (key: Uint8Array) => void])[] = [
  [
    'recordKey',
    32,
    (key) => {
      const [record, plaintext, sealed] = [suite.recordKey(key), new Uint8Array(100), new Uint8Array(116)];
      record.seal(1, plaintext, sealed);
      record.open(1, sealed, plaintext);
      record.destroy();
    },
  ],
  ['seal and open', 32, (key) => suite.open(key, 2, none, suite.seal(key, 2, none, none))],
  [
    'xseal and xopen',
    32,
    (key) => {
      const nonce = new Uint8Array(24);
      suite.xopen(key, nonce, none, suite.xseal(key, nonce, none, none));
    },
  ],
  ['stream', 32, (key) => suite.stream(key, new Uint8Array(64))],
  ['mac', 32, (key) => suite.mac(key, new Uint8Array(100))],
  ['kdf, chaining key', 32, (key) => suite.kdf(key, 3, none)],
  ['kdf, input', 32, (key) => suite.kdf(new Uint8Array(32), 3, key)],
  ['hash input', 32, (key) => suite.hash(key)],
  ['equal', 32, (key) => suite.equal(key, new Uint8Array(32))],
  [
    'dhPrivate',
    32,
    (key) => {
      const own = suite.dhPrivate(key);
      own.agree(suite.dhPrivate().publicKey);
      own.destroy();
    },
  ],
  [
    'kemPrivate',
    64,
    (key) => {
      const own = suite.kemPrivate(1, key);
      own.decapsulate(new Uint8Array(1088));
      own.destroy();
    },
  ],
  ['Secret.copyOf', 32, (key) => Secret.copyOf(key).destroy()],
];

const peer = suite.dhPrivate();
const own = suite.dhPrivate();
const kem = suite.kemPrivate(1);
const sent = suite.kemPublic(1, kem.publicKey)?.encapsulate();
const chainingKey = suite.random(32);

/** Secrets that come out of a suite; the caller wipes them. */
const results: readonly (readonly [primitive: string, make: () => Uint8Array | undefined])[] = [
  ['random', () => suite.random(32)],
  ['kdf', () => suite.kdf(chainingKey, 1, none)[0]],
  ['agree', () => own.agree(peer.publicKey)],
  ['encapsulate', () => suite.kemPublic(1, kem.publicKey)?.encapsulate().sharedSecret],
  ['decapsulate', () => kem.decapsulate(sent?.ciphertext ?? none)],
];

describe.skipIf(!existsSync('/proc/self/mem'))('in memory, needs /proc/self/mem', () => {
  test('the search finds a key that is kept', async () => {
    const key = new MaskedKey(32);
    const kept = key.reveal();
    await collect();
    expect(countCopies([key])).toEqual([1]);
    kept.fill(0);
    expect(countCopies([key])).toEqual([0]);
  });

  test(`no copy of a key is left after ${calls} uses through the node suite`, async () => {
    const keys = uses.map(([, length, use]) => {
      const key = new MaskedKey(length);
      for (let call = 0; call < calls; call++) {
        const bytes = key.reveal();
        use(bytes);
        bytes.fill(0);
      }
      return key;
    });
    await collect();
    const left = countCopies(keys);
    const names = uses.map(([primitive]) => primitive);
    expect(Object.fromEntries(names.map((name, i) => [name, left[i]]))).toEqual(zeros(names));
  });

  test('no copy of a secret is left after the node suite gave it and the caller wiped it', async () => {
    sent?.sharedSecret.fill(0); // the same value as the one decapsulated below
    const secrets = results.map(([, make]) => {
      let secret: MaskedKey | undefined;
      for (let call = 0; call < calls; call++) {
        const bytes = make() ?? none;
        secret = new MaskedKey(bytes.length, bytes);
        bytes.fill(0);
      }
      return secret ?? new MaskedKey(32);
    });
    await collect();
    const left = countCopies(secrets);
    const names = results.map(([primitive]) => primitive);
    expect(Object.fromEntries(names.map((name, i) => [name, left[i]]))).toEqual(zeros(names));
  });
});

function zeros(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, 0]));
}

/** A secret kept only in a disguise, so that looking for it does not find the needle. */
class MaskedKey {
  readonly #masked: Uint8Array;

  /** Disguises `source`, or something random. */
  constructor(length: number, source?: Uint8Array) {
    this.#masked = randomFillSync(secretBytes(length));
    if (source !== undefined) for (let i = 0; i < length; i++) this.#masked[i] = (source[i] ?? 0) ^ 0x5a;
  }

  /** The key, or its first bytes, in memory the caller wipes. */
  reveal(length = this.#masked.length): Uint8Array {
    const key = secretBytes(length);
    for (let i = 0; i < length; i++) key[i] = (this.#masked[i] ?? 0) ^ 0x5a;
    return key;
  }

  /** Compares 24 B without taking off the disguise. */
  isAt(memory: Uint8Array, at: number): boolean {
    for (let i = 0; i < 24; i++) if (memory[at + i] !== ((this.#masked[i] ?? 0) ^ 0x5a)) return false;
    return true;
  }
}

/** How often each key stands in the writable memory of this process. */
function countCopies(keys: readonly MaskedKey[]): number[] {
  const counts = keys.map(() => 0);
  const starts = keys.map((key) => key.reveal(4)); // so few bytes may lie about
  const window = Buffer.alloc(1 << 20);
  const memory = openSync('/proc/self/mem', 'r');
  try {
    for (const [from, to] of writableRanges()) {
      for (let at = from; at < to; ) {
        window.fill(0); // or the window would find what it held before, in itself
        const length = read(memory, window, at, to - at);
        if (length === 0) break;
        for (const [i, key] of keys.entries())
          counts[i] = (counts[i] ?? 0) + countIn(window, length, starts[i], key);
        at += length === window.length ? length - 23 : length; // keys across the edge; none counted twice
      }
    }
  } finally {
    window.fill(0);
    closeSync(memory);
  }
  return counts;
}

function countIn(window: Buffer, length: number, start: Uint8Array | undefined, key: MaskedKey): number {
  let count = 0;
  if (start === undefined) return count;
  for (let at = window.indexOf(start); at >= 0 && at + 24 <= length; at = window.indexOf(start, at + 1)) {
    if (key.isAt(window, at)) count += 1;
  }
  return count;
}

function read(file: number, window: Buffer, position: number, length: number): number {
  try {
    return readSync(file, window, 0, Math.min(window.length, length), position);
  } catch {
    return 0; // a guard page
  }
}

function writableRanges(): [from: number, to: number][] {
  return [...readFileSync('/proc/self/maps', 'latin1').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)].map(
    ([, from = '0', to = '0']) => [Number.parseInt(from, 16), Number.parseInt(to, 16)],
  );
}

/** Collects all garbage; key objects are freed by finalizers, which run in turns of their own. */
async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc !== 'function') throw new Error('no gc');
  for (let round = 0; round < 5; round++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
