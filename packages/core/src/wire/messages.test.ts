import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sessionIndex } from '../types.ts';
import {
  classicalInitiation,
  classicalResponse,
  cookieReply,
  initiationBody,
  initiationFragmentHeader,
  initiationFragmentOverhead,
  macsOf,
  macTrailer,
  parseControl,
  probeAnswer,
  probeHead,
  responseBody,
  responseFragmentHeader,
  responseFragmentOverhead,
  setMac1,
  setMac2,
  transportHeader,
  transportOverhead,
  writeProbe,
  writeTransportHeader,
} from './messages.ts';

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

describe('sizes and offsets are those of the protocol', () => {
  test('body1 of suite 1 is the table of §3.2, 2380 B', () => {
    expect(initiationBody[1].size).toBe(2380);
    expect(initiationBody[1].offset).toEqual({
      unencryptedEphemeral: 0,
      unencryptedKemKey: 32,
      wrappedStaticCiphertext: 1216,
      encryptedIdentity: 2304,
      encryptedTimestamp: 2352,
    });
  });

  test('body2 of suite 1 is the table of §3.2, 2224 B', () => {
    expect(responseBody[1].size).toBe(2224);
    expect(responseBody[1].offset).toEqual({
      unencryptedEphemeral: 0,
      unencryptedKemCiphertext: 32,
      wrappedStaticCiphertext: 1120,
      encryptedNothing: 2208,
    });
  });

  test('bodies of suite 2 have KEM key and ciphertexts of 1568 B: 3244 B and 3184 B', () => {
    expect(initiationBody[2].size).toBe(3244);
    expect(initiationBody[2].offset).toEqual({
      unencryptedEphemeral: 0,
      unencryptedKemKey: 32,
      wrappedStaticCiphertext: 1600,
      encryptedIdentity: 3168,
      encryptedTimestamp: 3216,
    });
    expect(responseBody[2].size).toBe(3184);
    expect(responseBody[2].offset).toEqual({
      unencryptedEphemeral: 0,
      unencryptedKemCiphertext: 32,
      wrappedStaticCiphertext: 1600,
      encryptedNothing: 3168,
    });
  });

  test('fragment headers are 8 B and 12 B, overheads 40 B and 44 B (§3.1)', () => {
    expect(initiationFragmentHeader.size).toBe(8);
    expect(initiationFragmentHeader.offset).toEqual({
      type: 0,
      suite: 1,
      index: 2,
      count: 3,
      senderIndex: 4,
    });
    expect(responseFragmentHeader.size).toBe(12);
    expect(responseFragmentHeader.offset.receiverIndex).toBe(8);
    expect(macTrailer.offset).toEqual({ mac1: 0, mac2: 16 });
    expect([initiationFragmentOverhead, responseFragmentOverhead]).toEqual([40, 44]);
  });

  test('a cookie reply has 64 B, a transport header 16 B, its overhead 32 B (§3.3, §3.4)', () => {
    expect(cookieReply.size).toBe(64);
    expect(cookieReply.offset).toEqual({
      type: 0,
      reserved: 1,
      receiverIndex: 4,
      nonce: 8,
      encryptedCookie: 32,
    });
    expect(transportHeader.size).toBe(16);
    expect(transportHeader.offset).toEqual({ type: 0, reserved: 1, receiverIndex: 4, counter: 8 });
    expect(transportOverhead).toBe(32);
  });

  test('classical messages have 148 B and 92 B (§3)', () => {
    expect(classicalInitiation.size).toBe(148);
    expect(classicalInitiation.offset).toEqual({
      type: 0,
      reserved: 1,
      senderIndex: 4,
      unencryptedEphemeral: 8,
      encryptedStatic: 40,
      encryptedTimestamp: 88,
      mac1: 116,
      mac2: 132,
    });
    expect(classicalResponse.size).toBe(92);
    expect(classicalResponse.offset).toEqual({
      type: 0,
      reserved: 1,
      senderIndex: 4,
      receiverIndex: 8,
      unencryptedEphemeral: 12,
      encryptedNothing: 44,
      mac1: 60,
      mac2: 76,
    });
  });

  test('control messages have 16 B (§3.5)', () => {
    expect(probeHead.size).toBe(16);
    expect(probeAnswer.size).toBe(16);
    expect(probeAnswer.offset).toEqual({ kind: 0, token: 1, length: 9, padding: 11 });
  });
});

describe('written bytes', () => {
  test('a cookie reply is type 3, three zeros, little-endian index, nonce, sealed cookie', () => {
    const values = {
      receiverIndex: sessionIndex(0x01020304),
      nonce: filled(24, 7),
      encryptedCookie: filled(32, 9),
    };
    const wire = cookieReply.write(values);
    expect([...wire]).toEqual([3, 0, 0, 0, 4, 3, 2, 1, ...filled(24, 7), ...filled(32, 9)]);
  });

  test('the hot transport header equals its slow twin for every index and counter', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.maxSafeNat(),
        fc.nat(40),
        (number, counter, at) => {
          const receiverIndex = sessionIndex(number);
          const fast = filled(60, 0xee);
          const slow = filled(60, 0xee);
          writeTransportHeader(fast, at, receiverIndex, counter);
          transportHeader.write({ receiverIndex, counter }, slow, at);
          expect(fast).toEqual(slow);
          expect(transportHeader.read(fast, at)).toEqual({ receiverIndex, counter });
        },
      ),
    );
  });

  test('mac1 and mac2 go to the last 32 bytes, and macsOf gives back what each covers', () => {
    const datagram = filled(148, 1);
    setMac1(datagram, filled(16, 2));
    setMac2(datagram, filled(16, 3));
    const macs = macsOf(datagram);
    expect(macs.mac1).toEqual(filled(16, 2));
    expect(macs.mac2).toEqual(filled(16, 3));
    expect(macs.mac1Input).toEqual(filled(116, 1));
    expect([...macs.mac2Input]).toEqual([...filled(116, 1), ...filled(16, 2)]);
    expect(() => setMac1(datagram, filled(32, 2))).toThrow(/mac1/);
    expect(() => setMac2(datagram, filled(15, 2))).toThrow(/mac2/);
  });
});

describe('control payloads (§3.5)', () => {
  const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

  test('a probe of any legal length is zeros after its token and reads back', () => {
    for (const kind of ['probe', 'path-probe'] as const) {
      for (const length of [16, 32, 64, 1424, 65_520]) {
        const payload = writeProbe(kind, token, length);
        expect(payload.length).toBe(length);
        expect([...payload.subarray(0, 9)]).toEqual([kind === 'probe' ? 1 : 3, ...token]);
        expect(payload.subarray(9).every((byte) => byte === 0)).toBe(true);
        expect(parseControl(payload)).toEqual({ kind, token, length });
      }
    }
    expect(() => writeProbe('probe', token, 17)).toThrow(/illegal length/);
    expect(() => writeProbe('probe', token, 0)).toThrow(/illegal length/);
  });

  test('an answer is 0x02, token, little-endian length, zeros', () => {
    const payload = probeAnswer.write({ token, length: 0x0590 });
    expect([...payload]).toEqual([2, ...token, 0x90, 0x05, 0, 0, 0, 0, 0]);
    expect(parseControl(payload)).toEqual({ kind: 'answer', token, length: 0x0590 });
  });

  test('probes shorter than 16 B or not a multiple of 16, other answers and unknown kinds are unknown', () => {
    for (const first of [1, 3]) {
      for (let length = 1; length <= 70; length++) {
        const payload = new Uint8Array(length);
        payload[0] = first;
        const legal = length === 16 || length === 32 || length === 48 || length === 64;
        const found = parseControl(payload);
        expect(typeof found === 'object' || found, `length ${length}`).toBe(legal || 'unknown-control');
      }
    }
    for (const length of [1, 15, 17, 32]) {
      const payload = new Uint8Array(length);
      payload[0] = 2;
      expect(parseControl(payload)).toBe('unknown-control');
    }
    for (const first of [0, 4, 5, 15, 16, 255]) {
      const payload = new Uint8Array(16);
      payload[0] = first;
      expect(parseControl(payload)).toBe('unknown-control');
    }
    expect(parseControl(new Uint8Array(0))).toBe('unknown-control');
  });
});
