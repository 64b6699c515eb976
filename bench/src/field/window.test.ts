import { describe, expect, it } from 'vitest';
import { checkFlood, checkPings, checkStream } from './window.ts';

describe('a measurement whose traffic is not what was sent ends with an error and no figure', () => {
  it('of a stream: lost, more, or other bytes', () => {
    const received = { at: 1, bytes: 1000, wrong: 0 };
    expect(() => checkStream({ bytes: 1000 }, received)).not.toThrow();
    expect(() => checkStream({ bytes: 1001 }, received)).toThrow('1001 sent, 1000 arrived');
    expect(() => checkStream({ bytes: 999 }, received)).toThrow('999 sent, 1000 arrived');
    expect(() => checkStream({ bytes: 1000 }, { ...received, wrong: 2 })).toThrow('never sent so');
  });

  it('of single packets: wrong, doubled, or more than were sent; losses are let pass', () => {
    const report = { at: 1, packets: 90, wrong: 0, repeated: 0 };
    expect(() => checkFlood(100, report)).not.toThrow();
    expect(() => checkFlood(89, report)).toThrow('89 were sent');
    expect(() => checkFlood(100, { ...report, wrong: 1 })).toThrow('never sent so');
    expect(() => checkFlood(100, { ...report, repeated: 1 })).toThrow('twice');
  });

  it('of round trips: more than one in a hundred lost', () => {
    const answered = (count: number) => ({ sent: 200, roundTrips: new Array<number>(count).fill(0.3) });
    expect(() => checkPings(answered(198))).not.toThrow();
    expect(() => checkPings(answered(197))).toThrow('3 of 200');
    expect(() => checkPings(answered(0))).toThrow('no answer');
  });
});
