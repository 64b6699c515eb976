import { describe, expect, it } from 'vitest';
import { costsOf, lengthsOf } from './intervals.ts';

describe('the marks of a run', () => {
  it('come in pairs, one for each interval', () => {
    const intervals = [
      { id: 'a', turns: 1 },
      { id: 'b', turns: 2 },
    ];
    expect(lengthsOf(intervals, '10\n15\n100\n130\n')).toEqual([
      { interval: intervals[0], instructions: 5 },
      { interval: intervals[1], instructions: 30 },
    ]);
    expect(() => lengthsOf(intervals, '10\n15\n100\n')).toThrow('2 intervals do not fit 3 marks');
    expect(() => lengthsOf(intervals, '10\n15\n100\nx\n')).toThrow('do not fit');
  });
});

describe('the cost of a turn', () => {
  const costs = (...lengths: readonly (readonly [id: string, turns: number, instructions: number])[]) =>
    Object.fromEntries(
      costsOf(lengths.map(([id, turns, instructions]) => ({ interval: { id, turns }, instructions }))),
    );

  it('is what more turns cost more', () => {
    expect(costs(['plane/send/bulk', 10, 700], ['plane/send/bulk', 20, 1200])).toEqual({
      'plane/send/bulk': 50,
    });
  });

  it('is refused for what did not run twice', () => {
    expect(() => costs(['plane/send/bulk', 10, 700])).toThrow('did not run twice');
  });

  it('of opening and of receiving is what they add', () => {
    expect(
      costs(
        ['records/seal/raw/64/1', 1, 110],
        ['records/seal/raw/64/1', 2, 120],
        ['records/sealopen/raw/64/1', 1, 123],
        ['records/sealopen/raw/64/1', 2, 146],
      ),
    ).toEqual({ 'records/seal/raw/64/1': 10, 'records/open/raw/64/1': 13 });
    expect(() => costs(['plane/through/bulk', 1, 1], ['plane/through/bulk', 2, 2])).toThrow('without send');
  });

  it('of an end of a handshake is that of its two steps, in the middle of many, without the marks', () => {
    const handshake = (nothing: number, steps: readonly [number, number, number, number]) =>
      [
        ['handshake/node/1/nothing', 1, nothing],
        ['handshake/node/1/initiator', 1, steps[0]],
        ['handshake/node/1/responder', 1, steps[1]],
        ['handshake/node/1/initiator', 1, steps[2]],
        ['handshake/node/1/responder', 1, steps[3]],
      ] as const;
    expect(
      costs(
        ['warm-up/initiator', 1, 9_999_999],
        ...handshake(10, [1010, 2010, 310, 110]),
        ...handshake(10, [1020, 2020, 320, 120]),
        ...handshake(90, [9010, 2030, 330, 99_130]),
      ),
    ).toEqual({ 'handshake/node/1/initiator': 1010 + 310, 'handshake/node/1/responder': 2010 + 110 });
  });
});
