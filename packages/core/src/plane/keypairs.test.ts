import { describe, expect, test } from 'vitest';
import { Secret } from '../crypto/secret.ts';
import type { RecordKey } from '../crypto/suite.ts';
import { erasedIndexMemory, rekeyTimeout, sessionLimits } from '../limits.ts';
import { elapsed, instant, later, millis, peerId, type Role, sessionIndex } from '../types.ts';
import { Keypair, Keypairs, maxNexts } from './keypairs.ts';
import { maxErasedIndices, SessionTable } from './session-table.ts';

const start = instant(1_000_000);
const destroyed: RecordKey[] = [];
const suite = {
  recordKey(): RecordKey {
    const key: RecordKey = { seal: () => {}, open: () => false, destroy: () => destroyed.push(key) };
    return key;
  },
};

let made = 0;
function keypair(role: Role, mark: number, winsCrossing = false, bornAt = start): Keypair {
  return new Keypair(suite, {
    peer: peerId(1),
    role,
    localIndex: sessionIndex(++made),
    remoteIndex: sessionIndex(99),
    sendKey: new Secret(new Uint8Array(32)),
    receiveKey: new Secret(new Uint8Array(32)),
    timestamp: new Uint8Array(12).fill(mark),
    bornAt,
    limits: sessionLimits('standard'),
    kind: 'hybrid',
    winsCrossing,
  });
}

describe('keypair', () => {
  test('destroys the secrets it was made of, also when one cannot be used', () => {
    const [sendKey, receiveKey] = [new Secret(new Uint8Array(32)), new Secret(new Uint8Array(32))];
    receiveKey.destroy();
    const session = { ...keypair('initiator', 1), sendKey, receiveKey };
    expect(() => new Keypair(suite, session)).toThrow('wiped');
    expect([sendKey.destroyed, receiveKey.destroyed]).toEqual([true, true]);
  });

  test('keeps its own copy of the timestamp', () => {
    const timestamp = new Uint8Array(12).fill(1);
    const made = new Keypair(suite, { ...keypair('responder', 1), ...secrets(), timestamp });
    timestamp.fill(9);
    expect(made.timestamp).toEqual(new Uint8Array(12).fill(1));
  });

  test('destroys both record keys', () => {
    const one = keypair('initiator', 1);
    destroyed.length = 0;
    one.destroy();
    expect(destroyed).toEqual([one.sendKey, one.receiveKey]);
  });

  test('T6: expires at REJECT_AFTER_TIME, not a millisecond before', () => {
    const one = keypair('initiator', 1);
    expect([179_999, 180_000, 180_001].map((age) => one.expired(later(start, millis(age))))).toEqual([
      false,
      true,
      true,
    ]);
    expect(one.age(later(start, millis(7)))).toBe(elapsed(start, later(start, millis(7))));
  });
});

describe('rotation (C1, C5)', () => {
  test('a next neither sends nor displaces anything until it is confirmed', () => {
    const pairs = new Keypairs();
    const [current, next] = [keypair('initiator', 1), keypair('responder', 2)];
    pairs.addInitiated(start, current);
    expect(pairs.addNext(next)).toEqual([]);
    expect([pairs.current, pairs.previous, pairs.nexts, pairs.storedTimestamp]).toEqual([
      current,
      undefined,
      [next],
      undefined,
    ]);
    expect([pairs.isNext(current), pairs.isNext(next)]).toEqual([false, true]);
  });

  test('each confirm moves current to previous and the older previous out', () => {
    const pairs = new Keypairs();
    const all = [1, 2, 3].map((mark) => keypair('responder', mark));
    const fallen = all.map((next) => {
      pairs.addNext(next);
      return pairs.confirm(start, next);
    });
    expect(fallen.map(({ became }) => became)).toEqual(['current', 'current', 'current']);
    expect(fallen.map(({ erased }) => erased)).toEqual([[], [], [all[0]]]);
    expect([pairs.current, pairs.previous, pairs.nexts]).toEqual([all[2], all[1], []]);
    expect(pairs.storedTimestamp).toEqual(new Uint8Array(12).fill(3));
  });

  test('a confirm erases the nexts with a smaller TS and keeps those with a larger', () => {
    const pairs = new Keypairs();
    const [a, b, c, d] = [3, 1, 4, 2].map((mark) => keypair('responder', mark));
    if (!a || !b || !c || !d) throw new Error('unreachable');
    for (const next of [a, b, c, d]) pairs.addNext(next);
    expect(pairs.confirm(start, a).erased).toEqual([b, d]);
    expect(pairs.nexts).toEqual([c]);
    expect(pairs.isStale(c)).toBe(false);
  });

  test('a next is stale when its TS is below or at the stored one, not above', () => {
    const pairs = new Keypairs();
    const first = keypair('responder', 5);
    pairs.addNext(first);
    expect(pairs.isStale(first)).toBe(false);
    pairs.confirm(start, first);
    expect([4, 5, 6].map((mark) => pairs.isStale(keypair('responder', mark)))).toEqual([true, true, false]);
    pairs.forgetTimestamp();
    expect(pairs.isStale(keypair('responder', 4))).toBe(false);
  });

  test('of four nexts the one with the smallest TS gives way to a fifth, even if that has a smaller one', () => {
    expect(maxNexts).toBe(4);
    for (const fifth of [9, 0]) {
      const pairs = new Keypairs();
      const nexts = [3, 1, 4, 2].map((mark) => keypair('responder', mark));
      for (const next of nexts) expect(pairs.addNext(next)).toEqual([]);
      const last = keypair('responder', fifth);
      expect(pairs.addNext(last)).toEqual([nexts[1]]);
      expect(pairs.nexts).toEqual([nexts[0], nexts[2], nexts[3], last]);
    }
  });

  test('an initiated session touches no next', () => {
    const pairs = new Keypairs();
    const [next, initiated] = [keypair('responder', 1), keypair('initiator', 9)];
    pairs.addNext(next);
    expect(pairs.addInitiated(start, initiated)).toEqual({ became: 'current', erased: [] });
    expect(pairs.nexts).toEqual([next]);
    expect(pairs.storedTimestamp).toBeUndefined();
  });

  test('with no current there is nothing to make previous, so the previous stays', () => {
    const pairs = new Keypairs();
    const [a, b, c] = [keypair('initiator', 1), keypair('initiator', 2), keypair('initiator', 3)];
    pairs.addInitiated(start, a);
    pairs.addInitiated(start, b);
    pairs.remove(b);
    expect(pairs.addInitiated(start, c)).toEqual({ became: 'current', erased: [] });
    expect([pairs.current, pairs.previous]).toEqual([c, a]);
  });

  test('removing takes out whichever it is', () => {
    const pairs = new Keypairs();
    const [a, b, c] = [keypair('initiator', 1), keypair('initiator', 2), keypair('responder', 3)];
    pairs.addInitiated(start, a);
    pairs.addInitiated(start, b);
    pairs.addNext(c);
    expect(pairs.all()).toEqual([b, a, c]);
    for (const each of [a, b, c]) pairs.remove(each);
    expect(pairs.all()).toEqual([]);
  });
});

describe('N4: two sessions cross', () => {
  const orders = [
    { first: 'initiator', second: 'responder' },
    { first: 'responder', second: 'initiator' },
  ] as const;

  function cross(first: Role, second: Role, secondWins: boolean, after: number) {
    const pairs = new Keypairs();
    const [old, one, other] = [
      keypair('initiator', 1),
      keypair(first, 2, !secondWins),
      keypair(second, 3, secondWins),
    ];
    pairs.addInitiated(instant(start - 60_000), old);
    enter(pairs, one, 0);
    const rotation = enter(pairs, other, after);
    return { pairs, old, one, other, rotation };
  }
  function enter(pairs: Keypairs, each: Keypair, after: number) {
    const now = later(start, millis(after));
    if (each.role === 'initiator') return pairs.addInitiated(now, each);
    pairs.addNext(each);
    return pairs.confirm(now, each);
  }

  test.each(orders)(
    '$first first, $second second: the winner is current whichever came first',
    ({ first, second }) => {
      for (const after of [0, 4_999, rekeyTimeout]) {
        const won = cross(first, second, true, after);
        expect([won.pairs.current, won.pairs.previous]).toEqual([won.other, won.one]);
        expect(won.rotation).toEqual({ became: 'current', erased: [won.old] });
        const lost = cross(first, second, false, after);
        expect([lost.pairs.current, lost.pairs.previous]).toEqual([lost.one, lost.other]);
        expect(lost.rotation).toEqual({ became: 'previous', erased: [lost.old] });
      }
    },
  );

  test.each(orders)(
    '$first first, $second second: past REKEY_TIMEOUT they do not cross',
    ({ first, second }) => {
      const { pairs, one, other } = cross(first, second, false, rekeyTimeout + 1);
      expect([pairs.current, pairs.previous]).toEqual([other, one]);
    },
  );

  test.each(['initiator', 'responder'] as const)('two sessions as %s never cross', (role) => {
    const { pairs, one, other } = cross(role, role, false, 1);
    expect([pairs.current, pairs.previous]).toEqual([other, one]);
  });

  test('counts from the confirm, not from the birth of the session', () => {
    const pairs = new Keypairs();
    const [next, initiated] = [keypair('responder', 1, true, start), keypair('initiator', 2, false)];
    pairs.addNext(next);
    pairs.confirm(later(start, millis(100_000)), next);
    expect(pairs.addInitiated(later(start, millis(105_000)), initiated).became).toBe('previous');
  });
});

describe('session table (T6)', () => {
  const expiry = later(start, sessionLimits('standard').rejectAfterTime);

  test('finds what was added until it is erased, and destroys its keys', () => {
    const table = new SessionTable();
    const one = keypair('initiator', 1);
    table.add(one);
    expect(table.find(one.localIndex)).toBe(one);
    destroyed.length = 0;
    table.erase(start, one);
    expect(table.find(one.localIndex)).toBeUndefined();
    expect(destroyed).toHaveLength(2);
    expect([table.size, table.agedSize]).toEqual([0, 0]);
  });

  test('remembers an index erased by age for an hour; not one erased before', () => {
    const table = new SessionTable();
    const [young, old] = [keypair('initiator', 1), keypair('initiator', 2)];
    for (const each of [young, old]) table.add(each);
    table.erase(instant(expiry - 1), young);
    table.erase(expiry, old);
    expect(table.erasedByAge(expiry, young.localIndex)).toBe(false);
    const hours = [0, 3_600_000, 3_600_001].map((span) =>
      table.erasedByAge(later(expiry, millis(span)), old.localIndex),
    );
    expect(hours).toEqual([true, true, false]);
    expect(erasedIndexMemory).toBe(3_600_000);
  });

  test('an index used anew is not remembered as erased', () => {
    const table = new SessionTable();
    const one = keypair('initiator', 1);
    table.add(one);
    table.erase(expiry, one);
    table.add(one);
    table.erase(start, one);
    expect(table.erasedByAge(expiry, one.localIndex)).toBe(false);
  });

  test('an index erased again is remembered from then on, one of just an hour ago still', () => {
    const table = new SessionTable();
    const [first, second, third] = [1, 1, 1].map((mark) => keypair('initiator', mark));
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were made');
    table.erase(expiry, first);
    table.erase(expiry, second);
    table.erase(later(expiry, millis(1)), first);
    table.erase(later(expiry, erasedIndexMemory), third);
    expect(table.agedSize).toBe(3);
    table.erase(later(expiry, millis(erasedIndexMemory + 1)), third);
    expect(table.agedSize).toBe(2);
    expect(table.erasedByAge(later(expiry, millis(erasedIndexMemory + 1)), first.localIndex)).toBe(true);
  });

  test('remembers 16,384 at most, the oldest out, and none beyond the hour', () => {
    const table = new SessionTable();
    const all = Array.from({ length: maxErasedIndices + 1 }, () => keypair('initiator', 1));
    for (const each of all) table.erase(expiry, each);
    expect(table.agedSize).toBe(16_384);
    expect(
      all.map((each) => table.erasedByAge(expiry, each.localIndex)).filter((known) => !known),
    ).toHaveLength(1);
    expect(table.erasedByAge(expiry, all[0]?.localIndex ?? sessionIndex(0))).toBe(false);
    table.erase(later(expiry, millis(3_600_001)), keypair('initiator', 1));
    expect(table.agedSize).toBe(1);
  });
});

function secrets() {
  return { sendKey: new Secret(new Uint8Array(32)), receiveKey: new Secret(new Uint8Array(32)) };
}
