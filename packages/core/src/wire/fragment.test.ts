import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxMaxDatagram, minMaxDatagram, type SuiteId, suiteIds, suites } from '../limits.ts';
import { sessionIndex } from '../types.ts';
import { classify } from './classify.ts';
import {
  cutInitiation,
  cutResponse,
  fullSliceLength,
  hdr1,
  hdr2,
  initiationCount,
  isLegalCount,
  isLegalSlice,
  Reassembly,
  responseCount,
  sliceLength,
} from './fragment.ts';
import { initiationBody, responseBody } from './messages.ts';

const anyByte = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const legalCounts = (suite: SuiteId) =>
  Array.from({ length: 10 }, (_, count) => count).filter((count) => isLegalCount(suite, count));
const every = suiteIds.flatMap((suite) => legalCounts(suite).map((count) => ({ suite, count })));
const total = (datagrams: readonly Uint8Array[]) => datagrams.reduce((sum, { length }) => sum + length, 0);

function counter(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 8)) % 256);
}

describe('the one legal geometry (§3.1)', () => {
  test('suite 1 has 2 to 6 fragments, suite 2 has 3 to 7', () => {
    expect(legalCounts(1)).toEqual([2, 3, 4, 5, 6]);
    expect(legalCounts(2)).toEqual([3, 4, 5, 6, 7]);
  });

  test('slices of every legal count add up to the body, all of length L but the last, none empty', () => {
    for (const { suite, count } of every) {
      for (const length of [initiationBody[suite].size, responseBody[suite].size]) {
        const slices = Array.from({ length: count }, (_, index) => sliceLength(length, count, index));
        expect(slices.reduce((a, b) => a + b)).toBe(length);
        expect(new Set(slices.slice(0, -1))).toEqual(new Set([Math.ceil(length / count)]));
        expect(fullSliceLength(length, count)).toBe(Math.ceil(length / count));
        expect(slices.at(-1)).toBeGreaterThan(0);
      }
    }
  });

  test('a slice is legal at its length, not one byte shorter or longer, nor at an index outside', () => {
    for (const { suite, count } of every) {
      const body = initiationBody[suite].size;
      for (let index = 0; index < count; index++) {
        const length = sliceLength(body, count, index);
        expect(isLegalSlice(suite, body, count, index, length)).toBe(true);
        expect(isLegalSlice(suite, body, count, index, length - 1)).toBe(false);
        expect(isLegalSlice(suite, body, count, index, length + 1)).toBe(false);
      }
      expect(isLegalSlice(suite, body, count, count, sliceLength(body, count, count - 1))).toBe(false);
    }
  });
});

describe('how many fragments', () => {
  test('default sizes of suite 1 are 2 × 1230 B and 2 × 1156 B', () => {
    const count = initiationCount(1, 1232);
    expect(count).toBe(2);
    const out = cutInitiation({ suite: 1, senderIndex: sessionIndex(1), body: new Uint8Array(2380), count });
    expect(out.map(({ length }) => length)).toEqual([1230, 1230]);
    const answer = responseCount(1, 1232, 1230, count);
    const back = cutResponse({
      suite: 1,
      senderIndex: sessionIndex(2),
      receiverIndex: sessionIndex(1),
      body: new Uint8Array(2224),
      count: answer,
    });
    expect(back.map(({ length }) => length)).toEqual([1156, 1156]);
  });

  test('every M from 508 to 1452 gives a legal count whose datagrams fit M', () => {
    for (const suite of suiteIds) {
      const body = new Uint8Array(initiationBody[suite].size);
      for (let m = minMaxDatagram; m <= maxMaxDatagram; m++) {
        const count = initiationCount(suite, m);
        expect(isLegalCount(suite, count)).toBe(true);
        const slices = Math.ceil(body.length / count);
        expect(slices + 40).toBeLessThanOrEqual(m);
        if (count > suites[suite].minFragments)
          expect(Math.ceil(body.length / (count - 1)) + 40).toBeGreaterThan(m);
      }
    }
    expect([initiationCount(1, 508), initiationCount(2, 508)]).toEqual([6, 7]);
    expect(() => initiationCount(1, 507)).toThrow(/out of range/);
    expect(() => initiationCount(1, 1453)).toThrow(/out of range/);
  });

  test('a response has a legal count, is in no sum larger than the initiation, and fits where that does not overrule', () => {
    for (const { suite, count } of every) {
      const largest = Math.ceil(initiationBody[suite].size / count) + 40;
      const asked = initiationBody[suite].size + 40 * count;
      for (let m = minMaxDatagram; m <= maxMaxDatagram; m++) {
        const answer = responseCount(suite, m, largest, count);
        expect(isLegalCount(suite, answer)).toBe(true);
        expect(answer).toBeLessThanOrEqual(count);
        expect(responseBody[suite].size + 44 * answer).toBeLessThanOrEqual(asked);
        const size = Math.ceil(responseBody[suite].size / answer) + 44;
        if (answer < count) expect(size).toBeLessThanOrEqual(Math.min(m, largest));
        expect(size).toBeLessThanOrEqual(largest); // what came in that size can go back in it
      }
    }
  });

  test('own M is overruled by the count of the initiation', () => {
    expect(responseCount(1, 508, 1230, 2)).toBe(2);
    expect(responseCount(1, 508, 1230, 6)).toBe(5);
    expect(responseCount(2, 508, 1122, 3)).toBe(3);
    expect(() => responseCount(1, 508, 1230, 7)).toThrow(/illegal number/);
    expect(() => responseCount(1, 508, 44, 6)).toThrow(/no room/);
  });
});

describe('cut and reassembled', () => {
  test('hdr1 and hdr2 are the headers with index and count zeroed (§4)', () => {
    expect([...hdr1(1, sessionIndex(0x04030201))]).toEqual([0x11, 1, 0, 0, 1, 2, 3, 4]);
    expect([...hdr2(2, sessionIndex(0x04030201), sessionIndex(0xffeeddcc))]).toEqual([
      0x12, 2, 0, 0, 1, 2, 3, 4, 0xcc, 0xdd, 0xee, 0xff,
    ]);
  });

  test('fragments of every suite and count carry header, slice and zero macs, and classify gives them back', () => {
    for (const { suite, count } of every) {
      const body = counter(initiationBody[suite].size);
      const datagrams = cutInitiation({ suite, senderIndex: sessionIndex(0xfffefdfc), body, count });
      expect(total(datagrams)).toBe(body.length + 40 * count);
      datagrams.forEach((datagram, index) => {
        expect([...datagram.subarray(0, 8)]).toEqual([0x11, suite, index, count, 0xfc, 0xfd, 0xfe, 0xff]);
        expect(datagram.subarray(-32).every((byte) => byte === 0)).toBe(true);
        const full = Math.ceil(body.length / count);
        const slice = body.subarray(full * index, full * (index + 1));
        expect(classify(datagram)).toMatchObject({ kind: 'initiation-fragment', suite, index, count, slice });
      });
    }
  });

  test('a response of every suite and count puts sender before receiver', () => {
    for (const { suite, count } of every) {
      const body = counter(responseBody[suite].size);
      const senderIndex = sessionIndex(1);
      const receiverIndex = sessionIndex(2);
      cutResponse({ suite, senderIndex, receiverIndex, body, count }).forEach((datagram, index) => {
        expect([...datagram.subarray(0, 12)]).toEqual([0x12, suite, index, count, 1, 0, 0, 0, 2, 0, 0, 0]);
        expect(classify(datagram)).toMatchObject({ kind: 'response-fragment', senderIndex, receiverIndex });
      });
    }
  });

  test('any body in any order with any duplicates is put together byte for byte', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...every).chain(({ suite, count }) =>
          fc.record({
            suite: fc.constant(suite),
            count: fc.constant(count),
            body: anyByte(initiationBody[suite].size),
            order: fc.shuffledSubarray(
              Array.from({ length: 2 * count }, (_, i) => i % count),
              { minLength: 2 * count },
            ),
          }),
        ),
        ({ suite, count, body, order }) => {
          const datagrams = cutInitiation({ suite, senderIndex: sessionIndex(5), body, count });
          const reassembly = Reassembly.initiation(suite, count);
          const seen = new Set<number>();
          for (const index of order) {
            const fragment = classify(datagrams[index] ?? new Uint8Array());
            if (typeof fragment === 'string' || fragment.kind !== 'initiation-fragment')
              throw new Error('not a fragment');
            const copy = seen.has(index);
            expect(reassembly.has(index)).toBe(copy);
            seen.add(index);
            const expected = copy ? 'duplicate' : seen.size === count ? 'complete' : 'added';
            expect(reassembly.add(fragment.index, fragment.slice)).toBe(expected);
            expect(reassembly.complete).toBe(seen.size === count);
          }
          expect(reassembly.body).toEqual(body);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a second copy with other bytes changes nothing (§6)', () => {
    const reassembly = Reassembly.response(1, 2);
    expect(reassembly.add(0, new Uint8Array(1112).fill(1))).toBe('added');
    expect(reassembly.add(0, new Uint8Array(1112).fill(2))).toBe('duplicate');
    expect(() => reassembly.body).toThrow(/before it was complete/);
    expect(reassembly.add(1, new Uint8Array(1112).fill(3))).toBe('complete');
    expect(reassembly.add(1, new Uint8Array(1112).fill(4))).toBe('duplicate');
    expect(reassembly.body).toEqual(new Uint8Array(2224).fill(1, 0, 1112).fill(3, 1112));
  });

  test('a slice that classify did not check is a bug, not a message', () => {
    const reassembly = Reassembly.initiation(1, 2);
    expect(() => reassembly.add(0, new Uint8Array(1189))).toThrow(/another length/);
    expect(() => reassembly.add(2, new Uint8Array(1190))).toThrow(/another count/);
    expect(() => reassembly.add(-1, new Uint8Array(1190))).toThrow(/another count/);
    expect(() =>
      cutInitiation({ suite: 1, senderIndex: sessionIndex(1), body: new Uint8Array(2380), count: 7 }),
    ).toThrow(/illegal number/);
    expect(() =>
      cutInitiation({ suite: 1, senderIndex: sessionIndex(1), body: new Uint8Array(2379), count: 2 }),
    ).toThrow(/another length/);
    expect(() =>
      cutResponse({
        suite: 1,
        senderIndex: sessionIndex(1),
        receiverIndex: sessionIndex(1),
        body: new Uint8Array(2380),
        count: 2,
      }),
    ).toThrow(/another length/);
  });
});
