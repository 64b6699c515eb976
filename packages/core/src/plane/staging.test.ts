import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stagedBytesInAll, stagedBytesPerPeer } from '../limits.ts';
import { PacketBuffer } from './packet-buffer.ts';
import { minStagedCharge, StagedQueue, stagingBudget } from './staging.ts';

const packet = (length: number, mark = 0) => PacketBuffer.copyOf(new Uint8Array(length).fill(mark));
const marks = (queue: StagedQueue) => {
  const seen: (number | undefined)[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) seen.push(next.packet[0]);
  return seen;
};

describe('staging', () => {
  test('is bounded by 256 KiB a peer and 16 MiB in all', () => {
    expect([stagedBytesPerPeer, stagedBytesInAll]).toEqual([256 * 1024, 16 * 1024 * 1024]);
    const { perPeer, inAll } = stagingBudget();
    expect([perPeer, inAll]).toEqual([stagedBytesPerPeer, stagedBytesInAll]);
  });

  test('gives packets back in the order they came', () => {
    const queue = new StagedQueue(stagingBudget());
    for (let mark = 1; mark <= 50; mark++) queue.push(packet(300, mark));
    expect(queue.size).toBe(50);
    expect(marks(queue)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect([queue.size, queue.bytes]).toEqual([0, 0]);
  });

  test('a packet in lent memory survives the reuse of that memory', () => {
    const queue = new StagedQueue(stagingBudget());
    const slot = new Uint8Array(16 + 300 + 31);
    for (const mark of [1, 2]) {
      slot.fill(mark);
      queue.push(PacketBuffer.lend(slot, 16, 300));
    }
    slot.fill(9);
    expect(marks(queue)).toEqual([1, 2]);
  });

  test('holds exactly the bound of a peer; a byte more pushes the oldest out', () => {
    const queue = new StagedQueue(stagingBudget(1000, 10_000));
    expect(queue.push(packet(500, 1))).toBe(0);
    expect(queue.push(packet(500, 2))).toBe(0);
    expect(queue.bytes).toBe(1000);
    expect(queue.push(packet(256, 3))).toBe(1);
    expect(marks(queue)).toEqual([2, 3]);
  });

  test('one large packet pushes out as many as it needs', () => {
    const queue = new StagedQueue(stagingBudget(1000, 10_000));
    for (const mark of [1, 2, 3]) queue.push(packet(300, mark));
    expect(queue.push(packet(700, 4))).toBe(2);
    expect(marks(queue)).toEqual([3, 4]);
  });

  test('a packet larger than the whole bound is lost itself and empties nothing of another peer', () => {
    const budget = stagingBudget(1000, 2000);
    const [mine, other] = [new StagedQueue(budget), new StagedQueue(budget)];
    other.push(packet(900, 1));
    expect(mine.push(packet(1001, 2))).toBe(1);
    expect([mine.size, other.size, budget.bytes]).toEqual([0, 1, 900]);
  });

  test('at the bound of all a peer loses its own oldest, never another peer’s', () => {
    const budget = stagingBudget(1000, 1500);
    const [mine, other] = [new StagedQueue(budget), new StagedQueue(budget)];
    other.push(packet(1000, 1));
    mine.push(packet(500, 2));
    expect(budget.bytes).toBe(1500);
    expect(mine.push(packet(500, 3))).toBe(1);
    expect(marks(mine)).toEqual([3]);
    expect(marks(other)).toEqual([1]);
  });

  test('where its own would not make room, only the new packet is lost', () => {
    const budget = stagingBudget(1000, 1500);
    const [mine, other] = [new StagedQueue(budget), new StagedQueue(budget)];
    other.push(packet(1000, 1));
    mine.push(packet(300, 2));
    expect(mine.push(packet(501, 3))).toBe(1);
    expect(marks(mine)).toEqual([2]);
  });

  test('small packets are charged what they occupy', () => {
    const queue = new StagedQueue(stagingBudget(2 * minStagedCharge, 10_000));
    expect([20, minStagedCharge, 20].map((length) => queue.push(packet(length)))).toEqual([0, 0, 1]);
  });

  test('the budget is the sum of the queues, whatever is pushed, shifted and cleared', () => {
    const step = fc.record({
      queue: fc.nat(2),
      act: fc.constantFrom('push', 'push', 'push', 'shift', 'clear'),
      length: fc.nat(900),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const budget = stagingBudget(2000, 4000);
        const queues = [0, 1, 2].map(() => new StagedQueue(budget));
        const twins: number[][] = [[], [], []];
        const cost = (all: number[]) => all.reduce((sum, length) => sum + Math.max(256, length), 0);
        for (const { queue, act, length } of steps) {
          const [real, twin] = [queues[queue], twins[queue]];
          if (real === undefined || twin === undefined) throw new Error('unreachable');
          if (act === 'push') {
            const others = cost(twins.flat()) - cost(twin);
            const before = twin.length;
            const charge = Math.max(256, length);
            let lost = 1;
            if (others + charge <= 4000) {
              while (cost(twin) + charge > Math.min(2000, 4000 - others)) twin.shift();
              lost = before - twin.length;
              twin.push(length);
            }
            expect(real.push(packet(length))).toBe(lost);
          } else if (act === 'shift') {
            expect(real.shift()?.length).toBe(twin.shift());
          } else {
            real.clear();
            twin.length = 0;
          }
          expect(queues.map((each) => [each.size, each.bytes])).toEqual(
            twins.map((each) => [each.length, cost(each)]),
          );
          expect(budget.bytes).toBe(cost(twins.flat()));
        }
      }),
    );
  });
});
