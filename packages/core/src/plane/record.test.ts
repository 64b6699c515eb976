import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import { sessionLimits } from '../limits.ts';
import { sessionIndex } from '../types.ts';
import { PacketBuffer } from './packet-buffer.ts';
import { boundedLimits, openRecord, paddedLength, payloadWithin, SendCounter, sealRecord } from './record.ts';

const suite = nobleSuite();
const key = new Uint8Array(32).fill(7);
const limits = (rekeyAfterMessages: number, rejectAfterMessages: number) => ({
  ...sessionLimits('standard'),
  rekeyAfterMessages,
  rejectAfterMessages,
});

describe('send counter', () => {
  test('says ok below, rekey from REKEY_AFTER_MESSAGES on, refuse from REJECT_AFTER_MESSAGES on (§5.3)', () => {
    const counter = new SendCounter(limits(2, 4));
    const said = [];
    for (let i = 0; i < 4; i++) said.push([counter.action, counter.take()]);
    expect(said).toEqual([
      ['ok', 0],
      ['ok', 1],
      ['rekey', 2],
      ['rekey', 3],
    ]);
    expect(counter.action).toBe('refuse');
    expect(() => counter.take()).toThrow('beyond its limit');
    expect(counter.next).toBe(4);
  });

  test.each([2 ** 31, 2 ** 32, 2 ** 52])('counts on exactly past %d', (edge) => {
    const counter = new SendCounter(sessionLimits('standard'));
    counter.advanceTo(edge - 1);
    expect([counter.take(), counter.take(), counter.take()]).toEqual([edge - 1, edge, edge + 1]);
  });

  test('stands at the portable limits: rekey from 2^52, none from 2^53 − 2^13 − 1', () => {
    const counter = new SendCounter(sessionLimits('standard'));
    counter.advanceTo(2 ** 52 - 1);
    expect(counter.action).toBe('ok');
    counter.take();
    expect(counter.action).toBe('rekey');
    counter.advanceTo(2 ** 53 - 2 ** 13 - 2);
    expect(counter.take()).toBe(2 ** 53 - 2 ** 13 - 2);
    expect(counter.action).toBe('refuse');
  });

  test('never goes back', () => {
    const counter = new SendCounter(sessionLimits('standard'));
    counter.advanceTo(5);
    counter.advanceTo(5); // to where it is: no step back
    expect(() => counter.advanceTo(4)).toThrow('forward');
    expect(() => counter.advanceTo(2 ** 53)).toThrow('forward');
    expect(counter.next).toBe(5);
  });

  test('limits of the native plane are bounded by what safe integers hold', () => {
    const { rekeyAfterMessages, rejectAfterMessages } = boundedLimits(limits(2 ** 60, 2 ** 64 - 2 ** 13 - 1));
    expect([rekeyAfterMessages, rejectAfterMessages]).toEqual([2 ** 52, 2 ** 53 - 2 ** 13 - 1]);
    expect(boundedLimits(limits(3, 5))).toEqual(limits(3, 5));
  });
});

describe('padding (§3.4)', () => {
  test.each([
    [0, 0],
    [1, 16],
    [15, 16],
    [16, 16],
    [17, 32],
    [1407, 1408],
    [1408, 1408],
    [1409, 1420],
    [1420, 1420],
    [1421, 1421],
    [9000, 9000],
  ])('%d B become %d B under a tunnel MTU of 1420', (length, padded) => {
    expect(paddedLength(length, 1420, Number.POSITIVE_INFINITY)).toBe(padded);
  });

  test('does not go beyond what the path takes either', () => {
    expect(payloadWithin(1300)).toBe(1268);
    expect([1263, 1264, 1265, 1268].map((length) => paddedLength(length, 1420, 1268))).toEqual([
      1264, 1264, 1268, 1268,
    ]);
  });

  test('never shortens, never adds more than 15 B', () => {
    fc.assert(
      fc.property(fc.nat(70_000), fc.nat(70_000), fc.nat(70_000), (length, mtu, largest) => {
        const padded = paddedLength(length, mtu, largest);
        expect(padded).toBeGreaterThanOrEqual(length);
        expect(padded - length).toBeLessThan(16);
      }),
    );
  });
});

describe('record', () => {
  test('is header, AEAD(payload ‖ zeros), byte for byte what the plain suite gives', () => {
    const packet = Uint8Array.from({ length: 21 }, (_, i) => i + 1);
    const memory = new Uint8Array(100).fill(0xee);
    memory.set(packet, 20);
    const sealed = sealRecord(
      suite.recordKey(key),
      sessionIndex(0x04030201),
      0x1_0000_0005,
      new PacketBuffer(memory, 20, 21),
      32,
    );
    const padded = new Uint8Array(32);
    padded.set(packet);
    const header = [4, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 1, 0, 0, 0];
    expect([...sealed]).toEqual([...header, ...suite.seal(key, 0x1_0000_0005, new Uint8Array(0), padded)]);
    expect(
      [...memory.subarray(0, 4), ...memory.subarray(4 + 16 + 32 + 16)].every((byte) => byte === 0xee),
    ).toBe(true);
  });

  test('opens in place what it sealed, at every length', () => {
    const records = suite.recordKey(key);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (packet, counter) => {
        const padded = paddedLength(packet.length, 1420, 1420);
        const datagram = sealRecord(records, sessionIndex(1), counter, PacketBuffer.copyOf(packet), padded);
        expect(datagram.length).toBe(32 + padded);
        const payload = openRecord(records, counter, datagram);
        expect(payload?.buffer).toBe(datagram.buffer);
        expect(payload?.subarray(0, packet.length)).toEqual(packet);
        expect(payload?.subarray(packet.length).every((byte) => byte === 0)).toBe(true);
      }),
    );
  });

  test('opens under no other counter and no other key', () => {
    const seal = () =>
      sealRecord(suite.recordKey(key), sessionIndex(1), 3, PacketBuffer.copyOf(new Uint8Array(5)), 16);
    expect(openRecord(suite.recordKey(key), 4, seal())).toBeUndefined();
    expect(openRecord(suite.recordKey(new Uint8Array(32)), 3, seal())).toBeUndefined();
    expect(openRecord(suite.recordKey(key), 3, seal())).toHaveLength(16);
  });
});
