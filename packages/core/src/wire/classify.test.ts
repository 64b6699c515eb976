import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dropReasons } from '../drop.ts';
import { sessionIndex } from '../types.ts';
import { type Classified, classify } from './classify.ts';
import { cutInitiation, cutResponse } from './fragment.ts';
import {
  classicalInitiation,
  classicalResponse,
  cookieReply,
  parseControl,
  writeTransportHeader,
} from './messages.ts';

/* The slow twin, written from protocol.md §3 with the table of §3.2 as numbers. */

const bodies = new Map([
  [0x11, { 1: 2380, 2: 3244, head: 8 }],
  [0x12, { 1: 2224, 2: 3184, head: 12 }],
]);
const counts = { 1: [2, 6], 2: [3, 7] } as const;

function judge(datagram: Uint8Array): string {
  const [type = -1, suite = 0, index = 0, count = 0] = datagram;
  const length = datagram.length;
  const body = bodies.get(type);
  if (type === -1) return 'bad-length';
  if (body !== undefined) {
    if (length < body.head + 32) return 'bad-length';
    if (suite !== 1 && suite !== 2) return 'suite-disabled';
    const [least, most] = counts[suite];
    if (count < least || count > most || index >= count) return 'bad-geometry';
    const full = Math.ceil(body[suite] / count);
    const slice = index === count - 1 ? body[suite] - full * (count - 1) : full;
    if (length !== body.head + slice + 32) return 'bad-geometry';
    return type === 0x11 ? 'initiation-fragment' : 'response-fragment';
  }
  const kinds = ['', 'classical-initiation', 'classical-response', 'cookie-reply', 'transport'];
  const kind = kinds[type];
  if (!kind) return 'unknown-type';
  if (type === 4 ? length < 32 : length !== { 1: 148, 2: 92, 3: 64 }[type]) return 'bad-length';
  if (suite + index + count !== 0) return 'reserved-bytes'; // bytes 1 to 3
  const view = new DataView(datagram.buffer, datagram.byteOffset);
  if (type === 4 && view.getBigUint64(8, true) >= 2n ** 53n) return 'counter-limit';
  return kind;
}

const verdict = (found: ReturnType<typeof classify>) => (typeof found === 'string' ? found : found.kind);

/** Compares without the price of an `expect` for each of millions. */
function agrees(datagram: Uint8Array): void {
  const found = verdict(classify(datagram));
  const wanted = judge(datagram);
  if (found !== wanted)
    expect.fail(`${datagram.length} B, ${datagram.subarray(0, 16)}: ${found}, not ${wanted}`);
}

const ramp = (length: number) => Uint8Array.from({ length }, (_, i) => (11 * i + 5) % 256);

function transport(length: number, counter = 0): Uint8Array {
  const datagram = ramp(length);
  writeTransportHeader(datagram, 0, sessionIndex(7), counter);
  return datagram;
}

const aClassicalInitiation = classicalInitiation.write({
  senderIndex: sessionIndex(0x80000001),
  unencryptedEphemeral: ramp(32),
  encryptedStatic: ramp(48),
  encryptedTimestamp: ramp(28),
  mac1: ramp(16),
  mac2: ramp(16).reverse(),
});
const aClassicalResponse = classicalResponse.write({
  senderIndex: sessionIndex(3),
  receiverIndex: sessionIndex(4),
  unencryptedEphemeral: ramp(32),
  encryptedNothing: ramp(16),
  mac1: ramp(16),
  mac2: ramp(16).reverse(),
});
const aCookieReply = cookieReply.write({
  receiverIndex: sessionIndex(5),
  nonce: ramp(24),
  encryptedCookie: ramp(32),
});
const senderIndex = sessionIndex(8);
const receiverIndex = sessionIndex(9);
const fragments = [
  ...cutInitiation({ suite: 1, senderIndex, body: ramp(2380), count: 2 }),
  ...cutInitiation({ suite: 2, senderIndex, body: ramp(3244), count: 7 }),
  ...cutResponse({ suite: 1, senderIndex, receiverIndex, body: ramp(2224), count: 6 }),
  ...cutResponse({ suite: 2, senderIndex, receiverIndex, body: ramp(3184), count: 3 }),
];
const wellFormed = [
  ...fragments,
  transport(32),
  transport(1452, 99),
  aClassicalInitiation,
  aClassicalResponse,
  aCookieReply,
];

function as<K extends Classified['kind']>(kind: K, datagram: Uint8Array): Extract<Classified, { kind: K }> {
  const found = classify(datagram);
  if (typeof found === 'string' || found.kind !== kind)
    throw new Error(`expected ${kind}, found ${verdict(found)}`);
  return found as Extract<Classified, { kind: K }>; // its kind was just compared
}

describe('what each message carries', () => {
  test('an initiation fragment', () => {
    const [datagram = new Uint8Array()] = cutInitiation({
      suite: 1,
      senderIndex,
      body: ramp(2380),
      count: 2,
    });
    datagram.set(ramp(32), datagram.length - 32);
    const found = as('initiation-fragment', datagram);
    expect(found).toEqual({
      kind: 'initiation-fragment',
      suite: 1,
      index: 0,
      count: 2,
      senderIndex,
      slice: ramp(2380).subarray(0, 1190),
      mac1: ramp(32).subarray(0, 16),
      mac2: ramp(32).subarray(16),
      mac1Input: datagram.subarray(0, 1198),
      mac2Input: datagram.subarray(0, 1214),
    });
  });

  test('a response fragment', () => {
    const datagrams = cutResponse({ suite: 1, senderIndex, receiverIndex, body: ramp(2224), count: 2 });
    const found = as('response-fragment', datagrams[1] ?? new Uint8Array());
    expect(found).toMatchObject({ suite: 1, index: 1, count: 2, senderIndex, receiverIndex });
    expect(found.slice).toEqual(ramp(2224).subarray(1112));
    expect([found.mac1Input.length, found.mac2Input.length]).toEqual([1124, 1140]);
  });

  test('a cookie reply and a transport message', () => {
    expect(classify(aCookieReply)).toEqual({
      kind: 'cookie-reply',
      receiverIndex: 5,
      nonce: ramp(24),
      sealed: ramp(32),
    });
    expect(classify(transport(48, 2 ** 40 + 1))).toEqual({
      kind: 'transport',
      receiverIndex: 7,
      counter: 2 ** 40 + 1,
    });
  });

  test('classical messages', () => {
    expect(classify(aClassicalInitiation)).toEqual({
      kind: 'classical-initiation',
      senderIndex: 0x80000001,
      unencryptedEphemeral: ramp(32),
      encryptedStatic: ramp(48),
      encryptedTimestamp: ramp(28),
      mac1: ramp(16),
      mac2: ramp(16).reverse(),
      mac1Input: aClassicalInitiation.subarray(0, 116),
      mac2Input: aClassicalInitiation.subarray(0, 132),
    });
    expect(classify(aClassicalResponse)).toMatchObject({
      kind: 'classical-response',
      senderIndex: 3,
      receiverIndex: 4,
      mac1Input: aClassicalResponse.subarray(0, 60),
      mac2Input: aClassicalResponse.subarray(0, 76),
    });
  });

  test('is views into the datagram, never copies', () => {
    for (const datagram of wellFormed) {
      const views = Object.values(classify(datagram)).filter((value) => value instanceof Uint8Array);
      for (const view of views) expect(view.buffer).toBe(datagram.buffer);
    }
  });
});

describe('limits', () => {
  test('a counter of 2^53 − 1 is the last that passes; 2^53 and all above are counter-limit (§3.4, §5.3)', () => {
    const datagram = transport(32);
    const counter = new DataView(datagram.buffer);
    for (const passes of [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n]) {
      counter.setBigUint64(8, passes, true);
      expect(as('transport', datagram).counter).toBe(Number(passes));
    }
    for (const refused of [2n ** 53n, 2n ** 53n + 1n, 2n ** 60n, 2n ** 64n - 1n]) {
      counter.setBigUint64(8, refused, true);
      expect(classify(datagram)).toBe('counter-limit');
    }
  });

  test('a transport message has 32 B at least, and no length above is wrong: the MTU may cut padding short', () => {
    expect(classify(transport(32).subarray(0, 31))).toBe('bad-length');
    expect(classify(transport(32))).toMatchObject({ kind: 'transport' });
    expect(classify(transport(33))).toMatchObject({ kind: 'transport' });
  });

  test('suites other than 1 and 2 are disabled, whatever the rest', () => {
    const [datagram = new Uint8Array()] = fragments;
    for (const suite of [0, 3, 0x10, 255]) {
      const other = Uint8Array.from(datagram);
      other[1] = suite;
      expect(classify(other)).toBe('suite-disabled');
    }
  });
});

describe('hostile datagrams, against the slow twin', () => {
  const first = [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x10, 0x11, 0x12, 0x13, 0x41, 0xff];

  test.each([
    ['zeros after the type', new Uint8Array(65_535)],
    ['a legal fragment head of suite 1', new Uint8Array(65_535).fill(1, 1, 3).fill(2, 3, 4)],
    ['a legal fragment head of suite 2', new Uint8Array(65_535).fill(2, 1, 2).fill(6, 2, 3).fill(7, 3, 4)],
    ['ones', new Uint8Array(65_535).fill(0xff)],
    ['other bytes', ramp(65_535)],
  ])('of every length 0 to 65,535 and type of interest: %s', (_, buffer) => {
    for (const type of first) {
      buffer[0] = type;
      for (let length = 0; length <= buffer.length; length++) agrees(buffer.subarray(0, length));
    }
  });

  test('of every suite, index and count at every length a fragment could have', () => {
    const buffer = ramp(1760);
    for (const type of [0x11, 0x12]) {
      for (const suite of [1, 2]) {
        for (let count = 0; count <= 8; count++) {
          for (let index = 0; index <= 8; index++) {
            buffer.set([type, suite, index, count]);
            for (let length = 36; length <= buffer.length; length++) agrees(buffer.subarray(0, length));
          }
        }
      }
    }
  });

  test('with any one byte of the header changed to anything', () => {
    for (const datagram of wellFormed) {
      for (let at = 0; at < 16; at++) {
        const mutated = Uint8Array.from(datagram);
        for (let value = 0; value < 256; value++) {
          mutated[at] = value;
          agrees(mutated);
        }
      }
    }
  });

  test('truncated or grown by one byte are nothing but transport', () => {
    for (const datagram of wellFormed) {
      const isTransport = datagram[0] === 4;
      const grown = new Uint8Array(datagram.length + 1);
      grown.set(datagram);
      for (const other of [datagram.subarray(0, -1), grown]) {
        agrees(other);
        if (!isTransport) expect(typeof classify(other)).toBe('string');
      }
    }
  });

  test('of random bytes behind a random type are a known kind or a known reason', () => {
    const reasons: ReadonlySet<string> = new Set(dropReasons);
    fc.assert(
      fc.property(fc.constantFrom(...first), fc.uint8Array({ maxLength: 1500 }), (type, datagram) => {
        if (datagram.length > 0) datagram[0] = type;
        agrees(datagram);
        const found = classify(datagram);
        expect(typeof found === 'object' || reasons.has(found)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('as control payloads of every length and first byte never throw; legal ones have legal lengths (§3.5)', () => {
    const buffer = ramp(65_535);
    for (let kind = 0; kind <= 16; kind++) {
      buffer[0] = kind;
      for (let length = 0; length <= buffer.length; length++) {
        const found = parseControl(buffer.subarray(0, length));
        const probe = (kind === 1 || kind === 3) && length >= 16 && length % 16 === 0;
        const answer = kind === 2 && length === 16;
        if ((typeof found === 'object') !== (probe || answer)) expect.fail(`kind ${kind}, ${length} B`);
      }
    }
  });
});
