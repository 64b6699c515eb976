import { describe, expect, it } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import { peerId, sessionIndex } from '../types.ts';
import { IndexTable } from './index-table.ts';

/** A table whose chance is this list, then throws. */
function scripted(...draws: readonly number[]): IndexTable {
  const left = [...draws];
  return new IndexTable(
    nobleSuite({
      random(length) {
        const next = left.shift();
        if (next === undefined) throw new Error('the script is over');
        const bytes = new Uint8Array(length);
        new DataView(bytes.buffer).setUint32(0, next);
        return bytes;
      },
    }),
  );
}

describe('answers', () => {
  it('are expected from the call on that says so, until one says that none may come', () => {
    const table = scripted(7, 8);
    const [a, b] = [table.allocate(peerId(1)), table.allocate(peerId(2))];
    const changes = [table.expectations];
    const act = (change: () => void): void => {
      change();
      changes.push(table.expectations);
    };
    act(() => table.expectAnswer(a));
    act(() => table.expectAnswer(a)); // nothing new
    act(() => table.expectAnswer(b));
    expect([...table.expected]).toEqual([7, 8]);
    act(() => table.expectNothing(a));
    act(() => table.expectNothing(a)); // nothing new
    act(() => table.release(b)); // an index that is free is nobody's
    expect([...table.expected]).toEqual([]);
    const changed = changes.slice(1).map((change, i) => change !== changes[i]);
    expect(changed).toEqual([true, false, true, true, false, true]);
  });
});

describe('session indices', () => {
  it('are drawn again when in use, so that equal draws never give one index twice', () => {
    const table = scripted(7, 7, 7, 8, 8, 7, 0xffffffff);
    const [a, b] = [peerId(1), peerId(2)];
    expect(table.allocate(a)).toBe(7);
    expect(table.allocate(b)).toBe(8);
    expect(table.allocate(b)).toBe(0xffffffff);
    expect([7, 8, 0xffffffff].map((index) => table.owner(sessionIndex(index)))).toEqual([a, b, b]);
    expect(table.size).toBe(3);
  });

  it('are free again when released, and releasing one twice harms nobody', () => {
    const table = scripted(7, 7, 7, 9);
    table.allocate(peerId(1));
    table.release(sessionIndex(7));
    expect(table.owner(sessionIndex(7))).toBeUndefined();
    expect(table.allocate(peerId(2))).toBe(7);
    table.release(sessionIndex(6));
    expect(table.allocate(peerId(3))).toBe(9);
    expect(table.owner(sessionIndex(7))).toBe(peerId(2));
  });

  it('a source of randomness that repeats itself is found out, not looped on for ever', () => {
    const table = new IndexTable(nobleSuite({ random: (length) => new Uint8Array(length) }));
    expect(table.allocate(peerId(1))).toBe(0);
    expect(() => table.allocate(peerId(1))).toThrow(expect.objectContaining({ code: 'PQTUN_INVARIANT' }));
  });

  it('use all 32 bits alike: each bit is set in about half of them', () => {
    const table = new IndexTable(nobleSuite());
    const count = 20_000;
    const ones = new Array<number>(32).fill(0);
    for (let i = 0; i < count; i++) {
      const index = table.allocate(peerId(1));
      for (let bit = 0; bit < 32; bit++) ones[bit] = (ones[bit] ?? 0) + ((index >>> bit) & 1);
    }
    // six standard deviations: 6 × √20000 ⁄ 2 = 424
    for (const [bit, set] of ones.entries())
      expect([bit, Math.abs(set - count / 2) < 424]).toEqual([bit, true]);
    expect(table.size).toBe(count);
  });
});
