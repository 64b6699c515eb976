import { describe, expect, it } from 'vitest';
import { decodeKept, encodeShots } from './shots.ts';
import { checksOf, goals, median, settled } from './verdict.ts';
import { delayPercentile, type Row } from './window.ts';

const good: Row = {
  name: 'x',
  what: '',
  attackRate: 1,
  sent: 80,
  goodput: 80,
  delivered: 1,
  overflows: 0,
  hubCpu: 0.5,
  rekeys: { wanted: 4, done: 4, longest: 0.1 },
  newcomers: { wanted: 1, done: 1, longest: 15 },
  growthMiB: 64,
  residentMiB: 100,
  loopDelayP99: 50,
  answeredRatio: 1,
  worstRatio: 1,
  strangers: 0,
  alive: true,
  cookies: 0,
  responses: 0,
  drops: {},
  missed: 0,
};
const failedOf = (rows: readonly Row[], references = rows.map(() => 1)): string[] =>
  checksOf(rows, references)
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);

describe('a verdict', () => {
  it('is good at each goal, and names the one that is missed by a little', () => {
    expect(failedOf([{ ...good, delivered: goals.goodputShare }])).toEqual([]);
    const missed: [Partial<Row>, RegExp][] = [
      [{ alive: false }, /lives/],
      [{ answeredRatio: 1.001 }, /answered/],
      [{ worstRatio: 1.001 }, /answered/],
      [{ strangers: 1 }, /stranger/],
      [{ rekeys: { wanted: 4, done: 3, longest: 1 } }, /rekey/],
      [{ newcomers: { wanted: 1, done: 1, longest: 15.1 } }, /newcomer/],
      [{ rekeys: { wanted: 0, done: 0, longest: 0 } }, /rekey/], // nothing asked for is no success
      [{ growthMiB: 65 }, /memory/],
      [{ delivered: 0.79 }, /goodput/],
      [{ loopDelayP99: 100 }, /event loop/],
    ];
    for (const [change, name] of missed) {
      const failed = failedOf([{ ...good, ...change }]);
      expect([failed.length, failed[0]]).toEqual([1, expect.stringMatching(name)]);
    }
  });

  it('on speed is that of the median, on invariants that of the worst run', () => {
    const slow = { ...good, delivered: 0.1, loopDelayP99: 1000 };
    expect(failedOf([good, slow, good])).toEqual([]);
    expect(failedOf([slow, good, slow])).toHaveLength(2);
    expect(failedOf([good, { ...good, strangers: 1 }, good])).toHaveLength(1);
    expect(median([3, 1, 2])).toBe(2);
  });

  it('on goodput is by the reference of the same run', () => {
    expect(failedOf([{ ...good, delivered: 0.5 }], [0.6])).toEqual([]);
  });

  it('on memory sees what goes on growing', () => {
    expect(settled([100, 90, 164]).ok).toBe(true);
    expect(settled([100, 90, 165]).ok).toBe(false);
  });
});

describe('the event loop’s delay', () => {
  const bounds = [10, 20];
  const delay = (counts: number[]) => ({ bounds, counts });
  it('is the bound of the bucket in which the share is reached, of what is new', () => {
    expect(delayPercentile(delay([5, 5, 5]), delay([104, 6, 5]), 0.99)).toBe(10);
    expect(delayPercentile(delay([0, 0, 0]), delay([98, 2, 0]), 0.99)).toBe(20);
    expect(delayPercentile(delay([0, 0, 0]), delay([98, 0, 2]), 0.99)).toBe(Number.POSITIVE_INFINITY);
    expect(delayPercentile(delay([7, 0, 0]), delay([7, 0, 0]), 0.99)).toBe(0);
  });
});

describe('the files that pass between the run and traffic.c', () => {
  it('hold payloads and shots at the offsets its head names', () => {
    const from = { ip: Uint8Array.of(198, 18, 0, 1), port: 0x1234 };
    const file = encodeShots({ payloads: [Uint8Array.of(1, 2, 3)], shots: [{ from, payload: 0 }] });
    expect([...file]).toEqual([
      ...Buffer.from('PQSH'),
      ...[1, 0, 0, 0, 1, 0, 0, 0],
      ...[3, 0, 1, 2, 3],
      ...[4, 0, 0x34, 0x12, 0, 0, 0, 0, 198, 18, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]);
  });

  it('give back what was kept, but for an end cut short', () => {
    const head = (family: number) => [
      family,
      0,
      0x34,
      0x12,
      2,
      0,
      ...Array.from({ length: 16 }, (_, i) => i + 1),
    ];
    const file = Uint8Array.from([...head(4), 7, 8, ...head(6), 9, 9, ...head(4), 1]);
    expect(decodeKept(file).map(({ peer, bytes }) => [peer.ip.length, peer.port, [...bytes]])).toEqual([
      [4, 0x1234, [7, 8]],
      [16, 0x1234, [9, 9]],
    ]);
  });
});
