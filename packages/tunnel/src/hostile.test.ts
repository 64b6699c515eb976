import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Engine } from '@pqtun/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { packet, pair, ways } from './tunnel.test.kit.ts';

/** Deterministic bytes: xorshift32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

describe.each(ways)('over %s UDP', (udp) => {
  test('nothing a stranger sends ends a tunnel or its sessions, and each of it is counted', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    await b.tunnel.ping(partyA.publicKey);
    const next = random(0x5eed);
    const stranger = createSocket('udp4');
    stranger.bind(0, '127.0.0.1');
    await once(stranger, 'listening');
    const types = [0, 1, 2, 3, 4, 0x11, 0x12, 0xff];
    const lengths = [0, 1, 4, 16, 31, 32, 48, 64, 92, 148, 1156, 1230, 1500, 9000];
    const counted = () => Object.values(a.tunnel.stats().drops).reduce((sum, count) => sum + count);
    let sent = 0;
    for (let round = 0; round < 20; round++) {
      const before = counted();
      for (let i = 0; i < 50; i++) {
        const length = lengths[next() % lengths.length] ?? 0;
        const bytes = Uint8Array.from({ length }, () => next() & 0xff);
        if (length > 0) bytes[0] = types[next() % types.length] ?? 0;
        if (length > 3 && next() % 2 === 0) bytes.fill(0, 1, 4);
        stranger.send(bytes, a.tunnel.listenPort, '127.0.0.1');
        sent += 1;
      }
      // so that no buffer of the kernel overflows: the next come when these have been looked at
      b.outside.write([packet(partyB, partyA)]);
      await a.arrived();
      expect(counted()).toBeGreaterThan(before);
    }
    stranger.close();
    // a native plane counts on the way, and lets strangers wait
    await a.until('nearly all is counted', () => counted() > sent * 0.9);
    expect(a.tunnel.stats().cookieRepliesSent).toBe(0);
    b.outside.write([packet(partyB, partyA)]);
    expect(await a.arrived()).toHaveLength(1);
    // 'under-load' may come and go with the machine's own load; where b was first heard of is told a second later
    const harmless = ['dropped', 'path-mtu', 'peer-established', 'under-load'];
    const first = { id: 'peer-roamed', endpoint: `127.0.0.1:${b.tunnel.listenPort}` };
    for (const event of a.events) if (!harmless.includes(event.id)) expect(event).toMatchObject(first);
  });

  // The cookie is for the address and port that the socket reports: lost on the way to the engine, nobody would get in.
  test('a peer gets in while both ends are under load', async () => {
    const { setLoopDelay } = Engine.prototype;
    const slow = vi.spyOn(Engine.prototype, 'setLoopDelay').mockImplementation(function (this: Engine) {
      setLoopDelay.call(this, 1_000);
    });
    onTestFinished(() => slow.mockRestore());
    const { a, b, partyA } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    const stranger = createSocket('udp4');
    for (const { listenPort } of [a.tunnel, b.tunnel]) stranger.send('?', listenPort, '127.0.0.1');
    await Promise.all([a.event('under-load'), b.event('under-load')]);
    stranger.close();
    await b.tunnel.ping(partyA.publicKey);
    expect(a.tunnel.stats().cookieRepliesSent).toBeGreaterThan(0);
    expect(a.tunnel.stats().drops['under-load']).toBeGreaterThan(0);
  });

  test('nothing from the device ends it either', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    const next = random(7);
    for (let i = 0; i < 200; i++) {
      const bytes = Uint8Array.from({ length: next() % 70 }, () => next() & 0xff);
      if (bytes.length > 0) bytes[0] = [0x45, 0x4f, 0x60, 0x00, 0xf0][next() % 5] ?? 0;
      b.outside.write([bytes]);
    }
    b.outside.write([packet(partyB, partyA)]);
    expect(await a.arrived()).toEqual([packet(partyB, partyA)]);
    const drops = b.tunnel.stats().drops;
    expect(drops['bad-inner-packet'] + drops['bad-inner-length'] + drops['no-route']).toBe(200);
  });
});
