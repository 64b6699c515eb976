import { endpoint } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import {
  InitiationQueue,
  initiationsPerTurn,
  type LaneName,
  laneRoom,
  roomPerSource,
} from './initiation-queue.ts';

const from = (host: number, port = 1) => endpoint(Uint8Array.of(192, 0, host >> 8, host & 255), port);
const initiation = (host: number, mark = 0, port = 1) => ({
  from: from(host, port),
  localAddress: undefined,
  bytes: Uint8Array.of(0x11, mark),
});

/** A queue whose turn has had its share of both lanes. */
function busy(): InitiationQueue {
  const queue = new InitiationQueue();
  queue.beginTurn();
  for (const lane of ['peer', 'stranger'] as const)
    for (let i = 0; i < initiationsPerTurn; i++) queue.place(lane, initiation(60_000 + i));
  return queue;
}

const drain = (queue: InitiationQueue): number[] => {
  const marks: number[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) marks.push(next.bytes[1] ?? -1);
  return marks;
};

describe('initiations', () => {
  test('are handled at once up to the share of a turn, and wait beyond it', () => {
    const queue = new InitiationQueue();
    queue.beginTurn();
    const placed = Array.from({ length: initiationsPerTurn + 1 }, (_, i) =>
      queue.place('stranger', initiation(i)),
    );
    expect(placed).toEqual([...new Array(initiationsPerTurn).fill('now'), 'waits']);
    expect(queue.next()).toBeUndefined(); // not in this turn
    queue.beginTurn();
    expect(drain(queue)).toEqual([0]);
    expect(queue.isEmpty).toBe(true);
  });

  test('are handled in the order they came, none before one that waits', () => {
    const queue = busy();
    for (let i = 0; i < 3; i++) queue.place('stranger', initiation(i, i));
    queue.beginTurn();
    expect(queue.place('stranger', initiation(3, 3))).toBe('waits');
    expect(drain(queue)).toEqual([0, 1, 2, 3]);
  });

  test('of peers come first, and have a share of their own', () => {
    const queue = busy();
    for (let i = 0; i < 20; i++) queue.place('stranger', initiation(i, 1));
    for (let i = 0; i < 20; i++) queue.place('peer', initiation(i, 2));
    queue.beginTurn();
    expect(drain(queue)).toEqual([
      ...new Array(initiationsPerTurn).fill(2),
      ...new Array(initiationsPerTurn).fill(1),
    ]);
  });

  test('are copied, for what they lie in is overwritten', () => {
    const queue = busy();
    const datagram = initiation(1, 7);
    queue.place('stranger', datagram);
    datagram.bytes.fill(0);
    queue.beginTurn();
    expect(drain(queue)).toEqual([7]);
  });

  test.each(['peer', 'stranger'] as const)(
    'of many sources fill the %s lane to its last place, not beyond',
    (lane) => {
      const queue = busy();
      const placed = Array.from({ length: laneRoom[lane] + 2 }, (_, i) => queue.place(lane, initiation(i)));
      expect(placed.map((placement) => placement === 'full')).toEqual([
        ...new Array(laneRoom[lane]).fill(false),
        true,
        true,
      ]);
      const other: LaneName = lane === 'peer' ? 'stranger' : 'peer';
      expect(queue.place(other, initiation(1))).toBe('waits');
    },
  );

  test.each(['peer', 'stranger'] as const)(
    'of one source take no more than its part of the %s lane',
    (lane) => {
      const queue = busy();
      for (let i = 0; i < roomPerSource[lane]; i++) expect(queue.place(lane, initiation(1))).toBe('waits');
      expect(queue.place(lane, initiation(1))).toBe('full');
      expect(queue.place(lane, initiation(2))).toBe('waits');
      // a stranger is a prefix, whatever his port; a peer is an endpoint
      expect(queue.place(lane, initiation(1, 0, 2))).toBe(lane === 'peer' ? 'waits' : 'full');
      queue.beginTurn();
      queue.next();
      expect(queue.place(lane, initiation(1))).toBe('waits');
    },
  );

  test('are forgotten when the tunnel begins anew', () => {
    const queue = busy();
    for (let i = 0; i < roomPerSource.stranger; i++) queue.place('stranger', initiation(1));
    queue.clear();
    queue.beginTurn();
    expect([queue.isEmpty, drain(queue)]).toEqual([true, []]);
    expect(queue.place('stranger', initiation(1))).toBe('now');
  });
});
