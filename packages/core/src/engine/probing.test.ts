import { describe, expect, it } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import { DropCounters } from '../drop.ts';
import type { Peer } from '../peer/peer.ts';
import type { PlaneMessage } from '../plane/plane.ts';
import { endpoint, type Instant, instant, peerId } from '../types.ts';
import type { EngineContext, EngineEvent } from './context.ts';
import { Probing } from './probing.ts';

const elsewhere = endpoint(Uint8Array.of(203, 0, 113, 9), 7);
type Control = PlaneMessage & { kind: 'control' };

/** Only what probing uses of engine and peer. */
function bench() {
  const sent: { payload: Uint8Array; to: unknown }[] = [];
  const events: EngineEvent[] = [];
  const drops = new DropCounters();
  const dataSent: Instant[] = [];
  let connected = true;
  const context = {
    drops,
    emit: (event: EngineEvent) => events.push(event),
    plane: {
      transmit(_now: Instant, _peer: number, payload: Uint8Array, to?: { endpoint: unknown }) {
        if (connected) sent.push({ payload: payload.slice(), to: to?.endpoint });
        return connected;
      },
    },
  } as unknown as EngineContext; // the three members probing touches
  const peer = {
    id: peerId(1),
    roundTrip: undefined as number | undefined,
    timers: { onDataSent: (now: Instant) => dataSent.push(now) },
  };
  const asPeer = peer as unknown as Peer; // likewise
  const probing = new Probing(nobleSuite());
  return {
    sent,
    events,
    drops,
    dataSent,
    peer,
    disconnect: () => {
      connected = false;
    },
    describe: (now: number) => probing.describe(instant(now)),
    send: (now: number, length?: number) => probing.send(context, instant(now), asPeer, length),
    handle(now: number, payload: Uint8Array) {
      const message: Control = {
        kind: 'control',
        peer: peer.id,
        from: elsewhere,
        localAddress: undefined,
        payload,
      };
      probing.handle(context, instant(now), asPeer, message);
    },
  };
}

function probe(kind: number, length = 16, token = 5): Uint8Array {
  const payload = new Uint8Array(length);
  payload[0] = kind;
  payload.fill(token, 1, 9);
  return payload;
}

describe('§3.5 answers', () => {
  it('to 0x01 goes to the endpoint, that to 0x03 to where it came from; both give token and length as received', () => {
    const b = bench();
    b.handle(0, probe(1, 48, 7));
    b.handle(0, probe(3, 1408, 9));
    const answer = (token: number, length: number): Uint8Array =>
      Uint8Array.of(2, ...new Array<number>(8).fill(token), length & 255, length >> 8, 0, 0, 0, 0, 0);
    expect(b.sent).toEqual([
      { payload: answer(7, 48), to: undefined },
      { payload: answer(9, 1408), to: elsewhere },
    ]);
  });

  it('are at most 16 in any second, of both kinds together, sliding', () => {
    const b = bench();
    const at: number[] = [];
    for (let now = 0; now < 5000; now += 7) {
      const before = b.sent.length;
      b.handle(now, probe(now % 2 === 0 ? 1 : 3));
      if (b.sent.length > before) at.push(now);
    }
    expect(at.length).toBeGreaterThan(70);
    for (const [i, from] of at.entries()) expect((at[i + 16] ?? 99_999) - from).toBeGreaterThanOrEqual(1000);
    expect(b.drops.of('answer-limit')).toBe(Math.ceil(5000 / 7) - at.length);
  });

  it('the 17th comes a second after the first, not a moment before', () => {
    const b = bench();
    for (let i = 0; i < 20; i++) b.handle(i, probe(1));
    expect(b.sent).toHaveLength(16);
    b.handle(999, probe(1));
    expect(b.sent).toHaveLength(16);
    b.handle(1000, probe(1));
    expect(b.sent).toHaveLength(17);
    b.handle(1000, probe(1));
    expect(b.sent).toHaveLength(17);
  });

  it.each([
    ['an unknown kind', probe(0)],
    ['another unknown kind', probe(4)],
    ['a probe below 16 B', probe(1).slice(0, 15)],
    ['a probe that is no multiple of 16', probe(1, 24)],
    ['an answer of 32 B', probe(2, 32)],
  ])('%s is ignored and counted', (_name, payload) => {
    const b = bench();
    b.handle(0, payload);
    expect(b.sent).toEqual([]);
    expect(b.drops.of('unknown-control')).toBe(1);
  });
});

describe('our probes', () => {
  it('give a round-trip time and an event when answered, once', () => {
    const b = bench();
    const token = b.send(100) ?? new Uint8Array(0);
    expect(b.sent[0]?.payload).toEqual(Uint8Array.of(1, ...token, 0, 0, 0, 0, 0, 0, 0));
    const answer = Uint8Array.of(2, ...token, 16, 0, 0, 0, 0, 0, 0);
    b.handle(142, answer);
    b.handle(150, answer);
    expect(b.events).toEqual([{ kind: 'pong', peer: 1, token, roundTrip: 42 }]);
    expect(b.peer.roundTrip).toBe(42);
  });

  it('an answer nobody asked for changes nothing and is not answered', () => {
    const b = bench();
    b.send(0);
    b.handle(1, probe(2));
    expect(b.events).toEqual([]);
    expect(b.peer.roundTrip).toBeUndefined();
    expect(b.sent).toHaveLength(1);
  });

  it('T4: count as data sent up to 64 B, not above, and not without a session', () => {
    const b = bench();
    b.send(1, 64);
    b.send(2, 80);
    expect(b.dataSent).toEqual([1]);
    b.disconnect();
    expect(b.send(3)).toBeUndefined();
    expect(b.dataSent).toEqual([1]);
  });

  it('are remembered 64 at a time, so that a peer that never answers costs no more', () => {
    const b = bench();
    const tokens = Array.from({ length: 65 }, (_, i) => b.send(i) ?? new Uint8Array(0));
    for (const token of tokens) b.handle(100, Uint8Array.of(2, ...token, 16, 0, 0, 0, 0, 0, 0));
    expect(b.events).toHaveLength(64);
  });
});

it('tests see the probes awaited and the answers of the last second, as ages', () => {
  const b = bench();
  const token = b.send(0) ?? new Uint8Array(0);
  b.send(5);
  b.handle(10, probe(1));
  expect(b.describe(15)).toEqual({ awaited: [15, 10], answered: [5] });
  b.handle(20, Uint8Array.of(2, ...token, 16, 0, 0, 0, 0, 0, 0));
  expect(b.describe(1009)).toEqual({ awaited: [1004], answered: [999] });
  expect(b.describe(1010)).toEqual({ awaited: [1005], answered: [] });
});
