import { describe, expect, it } from 'vitest';
import { lanes, NativeMessageQueue, type QueuedMessage } from './testing/plane-message-queue.ts';
import { Random } from './testing/random.ts';

type Lane = QueuedMessage['lane'];
const ipv4 = (n: number): Uint8Array => Uint8Array.of(10, n >>> 16, n >>> 8, n);
const message = (lane: Lane, changes: Partial<QueuedMessage> = {}): QueuedMessage => ({
  lane,
  ip: ipv4(1),
  port: 1000,
  key: 0,
  bytes: Uint8Array.of(1, 2, 3),
  ...changes,
});
const all = 2 ** 32 - 1;

/** What next() gives until it gives no more. */
function drain(queue: NativeMessageQueue): QueuedMessage[] {
  const taken: QueuedMessage[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) taken.push(next);
  return taken;
}

const bounds = {
  peer: { messages: 128, perSource: 16, bytes: 160 * 1024 },
  answer: { messages: 1024, perSource: Number.POSITIVE_INFINITY, bytes: 1280 * 1024 },
  control: { messages: 1024, perSource: Number.POSITIVE_INFINITY, bytes: 512 * 1024 },
  stranger: { messages: 512, perSource: 64, bytes: 640 * 1024 },
} as const;

/** The slow twin: one list a lane, counted anew each time. Bytes are left out: where they are short, the two may differ. */
class ListQueue {
  readonly #lists = new Map<Lane, { source: string; message: QueuedMessage }[]>(
    lanes.map((lane) => [lane, []]),
  );
  #left = new Map<Lane, number>();

  push(pushed: QueuedMessage): boolean {
    const list = this.#lists.get(pushed.lane) ?? [];
    const { messages, perSource } = bounds[pushed.lane];
    const source = sourceOf(pushed);
    const ofSource = list.filter((other) => other.source === source).length;
    if (list.length >= messages || ofSource >= perSource) return false;
    list.push({ source, message: pushed });
    return true;
  }

  beginTurn(most: number): void {
    this.#left = new Map(lanes.map((lane) => [lane, most]));
  }

  next(): QueuedMessage | undefined {
    for (const [lane, list] of this.#lists) {
      const left = this.#left.get(lane) ?? 0;
      if (left === 0 || list.length === 0) continue;
      this.#left.set(lane, left - 1);
      return list.shift()?.message;
    }
    return undefined;
  }

  get isEmpty(): boolean {
    return [...this.#lists.values()].every((list) => list.length === 0);
  }
}

function sourceOf({ lane, ip, port }: QueuedMessage): string {
  return lane === 'peer' ? `${ip.join()} ${port}` : ip.subarray(0, ip.length === 4 ? 4 : 8).join();
}

describe('messages for the engine', () => {
  it('come as they were, in the order of their lanes, first in, first out', () => {
    const queue = new NativeMessageQueue();
    const v6 = Uint8Array.from({ length: 16 }, (_, i) => i);
    const pushed = [
      message('stranger', { key: 0xffff_ffff, port: 65_535 }),
      message('control', { key: 77, ip: v6 }),
      message('peer', { bytes: new Uint8Array(1230).fill(9) }),
      message('answer', { bytes: new Uint8Array(0) }),
      message('peer', { key: 3, port: 1 }),
    ];
    expect(queue.isEmpty).toBe(true);
    for (const each of pushed) expect(queue.push(each)).toBe(true);
    expect(queue.next()).toBeUndefined(); // no turn has begun
    queue.beginTurn(8);
    expect(drain(queue)).toEqual([2, 4, 3, 1, 0].map((i) => pushed[i]));
    expect(queue.isEmpty).toBe(true);
  });

  it('come a bounded number of each lane in a turn: no lane waits for another, and what is left over comes in the next', () => {
    const queue = new NativeMessageQueue();
    for (const lane of lanes) for (let key = 0; key < 12; key++) queue.push(message(lane, { key }));
    const turns = [8, 8, 8].map((most) => {
      queue.beginTurn(most);
      return drain(queue).map(({ lane }) => lane);
    });
    expect(turns[0]).toEqual(lanes.flatMap((lane) => new Array(8).fill(lane)));
    expect(turns[1]).toEqual(lanes.flatMap((lane) => new Array(4).fill(lane)));
    expect(turns[2]).toEqual([]);
  });

  it.each(lanes)('of lane %s are bounded in number, and the others have room still', (lane) => {
    const queue = new NativeMessageQueue();
    const pushed = Array.from({ length: 2000 }, (_, i) => queue.push(message(lane, { ip: ipv4(i) })));
    expect(pushed.filter(Boolean)).toHaveLength(bounds[lane].messages);
    for (const other of lanes) expect(queue.push(message(other))).toBe(other !== lane);
    queue.beginTurn(1);
    expect(queue.next()?.lane).toBe(lanes[0]);
  });

  it.each([
    ['peer', 16, { port: 1001 }],
    ['stranger', 64, { ip: ipv4(2) }],
  ] as const)('of one source are at most %s: %i; another has room', (lane, most, other) => {
    const queue = new NativeMessageQueue();
    for (let i = 0; i < most; i++) expect(queue.push(message(lane))).toBe(true);
    expect(queue.push(message(lane))).toBe(false);
    expect(queue.push(message(lane, other))).toBe(true);
    queue.beginTurn(1);
    queue.next();
    expect([queue.push(message(lane)), queue.push(message(lane))]).toEqual([true, false]);
  });

  it('of strangers count by prefix: ports and the last 64 bits of IPv6 make no other source', () => {
    const queue = new NativeMessageQueue();
    const v6 = (subnet: number, last: number): Uint8Array =>
      Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, subnet, 0, 0, 0, 0, 0, 0, 0, last);
    for (let i = 0; i < 64; i++)
      expect(queue.push(message('stranger', { ip: v6(1, i), port: i }))).toBe(true);
    expect(queue.push(message('stranger', { ip: v6(1, 99) }))).toBe(false);
    expect(queue.push(message('stranger', { ip: v6(2, 99) }))).toBe(true);
  });

  it.each(lanes)(
    'of lane %s are bounded in bytes: as many of the longest as it has places, or any two',
    (lane) => {
      const queue = new NativeMessageQueue();
      const longest = { peer: 1230, stranger: 1230, answer: 1156, control: 65_504 }[lane];
      const wanted = lane === 'control' ? 7 : bounds[lane].messages;
      for (let i = 0; i < wanted; i++)
        expect(queue.push(message(lane, { ip: ipv4(i), bytes: new Uint8Array(longest) }))).toBe(true);
      const whole = new Uint8Array(65_535);
      const empty = new NativeMessageQueue();
      const held = Array.from({ length: 40 }, (_, i) =>
        empty.push(message(lane, { ip: ipv4(i), bytes: whole })),
      );
      expect(held.filter(Boolean)).toHaveLength(Math.floor(bounds[lane].bytes / 65_535));
      expect(held.lastIndexOf(true)).toBe(held.indexOf(false) - 1);
    },
  );

  it('are those of the slow twin, in 100,000 seeded steps', () => {
    const random = new Random(7);
    const queue = new NativeMessageQueue();
    const twin = new ListQueue();
    let refused = 0;
    const everything = random.bytes(1156);
    for (let i = 0; i < 100_000; i++) {
      if (random.chance(0.6)) {
        const length = random.pick([0, 1, 16, random.below(1156), 1156]);
        const start = random.below(everything.length - length + 1);
        const pushed = message(random.pick(lanes), {
          ip: random.chance(0.5) ? ipv4(random.below(4)) : ipv4(random.below(2000)),
          port: random.below(3),
          key: random.word(),
          bytes: everything.subarray(start, start + length),
        });
        const expected = twin.push(pushed);
        if (!expected) refused++;
        if (queue.push(pushed) !== expected)
          expect({ i, pushed: !expected }).toEqual({ i, pushed: expected });
      } else if (random.chance(0.1)) {
        const most = random.pick([0, 1, 8, 64, random.chance(0.1) ? all : 2]);
        queue.beginTurn(most);
        twin.beginTurn(most);
      } else {
        const expected = twin.next();
        const found = queue.next();
        if (same(found, expected)) continue;
        expect(found).toEqual(expected);
      }
      if (i % 512 === 0) expect(queue.isEmpty).toBe(twin.isEmpty);
    }
    expect(refused).toBeGreaterThan(1_000);
  });
});

/** A quick look, since most are equal; control of 1156 B fills no 512 KiB with 1024 of mixed lengths. */
function same(a: QueuedMessage | undefined, b: QueuedMessage | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const heads = [a, b].map(({ lane, port, key }) => `${lane} ${port} ${key}`);
  return heads[0] === heads[1] && Buffer.compare(a.bytes, b.bytes) === 0 && Buffer.compare(a.ip, b.ip) === 0;
}
