import { describe, expect, it } from 'vitest';
import { type Instant, instant, sessionIndex } from '../types.ts';
import { answerCopy, type Contender, type PendingEntry, type Placement, place } from './pending.ts';

const ts = (n: number): Uint8Array => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n >> 8, n & 255);

function entry(given: Partial<Omit<PendingEntry, 'timestamp'>> & { ts?: number } = {}): PendingEntry {
  const { ts: n = 10, ...rest } = given;
  return {
    key: 'k',
    prefix: 'a',
    proven: false,
    createdAt: instant(0),
    session: sessionIndex(1),
    response: [new Uint8Array(100), new Uint8Array(50)],
    copiesAnswered: 0,
    ...rest,
    timestamp: ts(n),
  };
}
const contender = (prefix: string, proven: boolean, n: number): Contender => ({
  prefix,
  proven,
  timestamp: ts(n),
});
const at = (now: number, entries: readonly PendingEntry[], c: Contender): Placement =>
  place(instant(now), entries, c);

describe('C4 within one prefix', () => {
  it.each([
    // entry proven, entry TS, age, contender proven, TS, displaces
    [false, 10, 5000, false, 11, true],
    [false, 10, 5000, false, 10, false],
    [false, 10, 5000, false, 9, false],
    [true, 10, 5000, true, 11, true],
    [true, 10, 5000, true, 9, false],
    [false, 10, 0, true, 1, true], // it is proven and the entry is not, whatever the TS
    [true, 10, 5000, false, 99, false],
    [true, 10, 5001, false, 1, true], // older than 5 s, whatever else
    [false, 10, 5001, false, 1, true],
  ])('entry (proven %s, TS %i) aged %i against (proven %s, TS %i): %s', (p, n, age, q, m, wins) => {
    const own = entry({ proven: p, ts: n });
    const others = ['b', 'c', 'd'].map((prefix) => entry({ prefix }));
    for (const entries of [[own], [...others, own]]) {
      const expected = wins ? { kind: 'accepted', displaces: own } : { kind: 'lost' };
      expect(at(age, entries, contender('a', q, m))).toEqual(expected);
    }
  });
});

describe('C4 across prefixes', () => {
  const four = (given: readonly Partial<Parameters<typeof entry>[0]>[]): PendingEntry[] =>
    given.map((each, i) => entry({ prefix: String(i), createdAt: instant(i), ...each }));

  it('up to four need nothing', () => {
    for (let count = 0; count < 4; count++)
      expect(at(0, four(Array.from({ length: count }, () => ({}))), contender('new', false, 1))).toEqual({
        kind: 'accepted',
        displaces: undefined,
      });
  });

  it('with four, one without proof is lost, however old they are and large its TS', () => {
    expect(at(9_999_999, four([{}, {}, {}, {}]), contender('new', false, 999))).toEqual({ kind: 'lost' });
  });

  it('with proof the oldest unproven gives way', () => {
    const entries = four([{ proven: true }, {}, {}, { proven: true }]);
    expect(at(0, entries, contender('new', true, 1))).toEqual({ kind: 'accepted', displaces: entries[1] });
  });

  it('else the oldest, if older than 5 s', () => {
    const entries = four([{ proven: true }, { proven: true }, { proven: true }, { proven: true }]);
    expect(at(5000, entries, contender('new', true, 1))).toEqual({ kind: 'lost' });
    expect(at(5001, entries, contender('new', true, 1))).toEqual({ kind: 'accepted', displaces: entries[0] });
  });

  it('else the one with the smallest TS, if its own is larger', () => {
    const entries = four([20, 10, 30, 40].map((n) => ({ proven: true, ts: n })));
    expect(at(100, entries, contender('new', true, 10))).toEqual({ kind: 'lost' });
    expect(at(100, entries, contender('new', true, 11))).toEqual({ kind: 'accepted', displaces: entries[1] });
  });
});

/** C4 once more, sentence by sentence, without a thought for brevity. */
function naive(now: Instant, entries: readonly PendingEntry[], c: Contender): Placement {
  const larger = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) > 0;
  // "One pending entry per (peer, source prefix)"
  for (const own of entries) {
    if (own.prefix !== c.prefix) continue;
    // "displaces the entry of its prefix if that entry is older than 5 s,"
    if (now - own.createdAt > 5000) return { kind: 'accepted', displaces: own };
    // "or it is proven and the entry is not,"
    if (c.proven && !own.proven) return { kind: 'accepted', displaces: own };
    // "or both or neither are and its TS is larger."
    if (c.proven === own.proven && larger(c.timestamp, own.timestamp))
      return { kind: 'accepted', displaces: own };
    return { kind: 'lost' };
  }
  // "at most 4 a peer": with fewer there is room
  if (entries.length < 4) return { kind: 'accepted', displaces: undefined };
  // "With 4 entries of other prefixes it must be proven;"
  if (!c.proven) return { kind: 'lost' };
  const byAge = [...entries].sort((a, b) => a.createdAt - b.createdAt);
  // "then the oldest unproven gives way,"
  for (const each of byAge) if (!each.proven) return { kind: 'accepted', displaces: each };
  // "else the oldest if older than 5 s,"
  const [oldest] = byAge;
  if (oldest !== undefined && now - oldest.createdAt > 5000) return { kind: 'accepted', displaces: oldest };
  // "else the one with the smallest TS if its own is larger."
  const byTimestamp = [...entries].sort((a, b) => Buffer.compare(a.timestamp, b.timestamp));
  const [smallest] = byTimestamp;
  if (smallest !== undefined && larger(c.timestamp, smallest.timestamp))
    return { kind: 'accepted', displaces: smallest };
  return { kind: 'lost' };
}

it('C4 agrees with its sentences over 100,000 random cases, and every outcome is among them', () => {
  let state = 1;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const outcomes = new Map<string, number>();
  for (let run = 0; run < 100_000; run++) {
    const prefixes = ['a', 'b', 'c', 'd', 'e', 'f'].sort(() => draw(3) - 1);
    // no two made at one moment, nor with one timestamp: then "the oldest" and "the smallest" are one
    const times = new Set<number>();
    while (times.size < 5) times.add(draw(9000));
    const stamps = new Set<number>();
    while (stamps.size < 5) stamps.add(draw(300));
    const [ages, numbers] = [[...times], [...stamps]];
    const entries = prefixes
      .slice(0, draw(5))
      .map((prefix, i) =>
        entry({ prefix, proven: draw(2) === 0, createdAt: instant(ages[i] ?? 0), ts: numbers[i] ?? 0 }),
      );
    const c = contender(
      prefixes[draw(6)] ?? 'a',
      draw(2) === 0,
      draw(3) === 0 ? (numbers[0] ?? 0) : draw(300),
    );
    const now = instant(9000);
    const placement = place(now, entries, c);
    expect(placement).toEqual(naive(now, entries, c));
    const outcome =
      placement.kind === 'lost' ? 'lost' : placement.displaces === undefined ? 'room' : 'displaces';
    outcomes.set(`${entries.length} ${outcome}`, (outcomes.get(`${entries.length} ${outcome}`) ?? 0) + 1);
  }
  for (const outcome of ['0 room', '1 displaces', '1 lost', '3 room', '4 displaces', '4 lost'])
    expect([outcome, (outcomes.get(outcome) ?? 0) > 500]).toEqual([outcome, true]);
});

describe('C3 a copy', () => {
  it('gets the response 4 times besides the first, as bytes of its own', () => {
    const e = entry();
    for (let copy = 0; copy < 4; copy++) {
      const given = answerCopy(instant(1), e, 150);
      expect(given).toEqual(e.response);
      expect(given?.[0]).not.toBe(e.response[0]);
    }
    expect(answerCopy(instant(1), e, 150)).toBeUndefined();
  });

  it('gets it up to the fifth second, not after', () => {
    expect(answerCopy(instant(5000), entry(), 150)).toBeDefined();
    expect(answerCopy(instant(5000.1), entry(), 150)).toBeUndefined();
  });

  it('gets it if it was at least as many bytes, and a smaller one does not use up an answer', () => {
    const e = entry();
    expect(answerCopy(instant(1), e, 149)).toBeUndefined();
    expect(e.copiesAnswered).toBe(0);
    expect(answerCopy(instant(1), e, 150)).toBeDefined();
  });

  it('gets nothing once the bytes are forgotten', () => {
    expect(answerCopy(instant(1), entry({ response: [] }), 150)).toBeUndefined();
  });
});
