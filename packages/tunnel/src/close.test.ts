import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configOf, open, packet, pair, party, peerOf, ways } from './tunnel.test.kit.ts';

/** What this process holds open: handles of Node, and descriptors, which are all that the addon has. */
async function held(): Promise<{ handles: string[]; descriptors: number }> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate); // closing takes a turn of the loop
  const others = new Set(['Timeout', 'Immediate']); // of the test runner and of our waits
  return {
    handles: process.getActiveResourcesInfo().filter((kind) => !others.has(kind)),
    descriptors: readdirSync('/proc/self/fd').length,
  };
}

describe.each(ways)('closing over %s UDP', (udp) => {
  test('under traffic, 100 times, leaves no handle behind', async () => {
    const [partyA, partyB] = [party(), party()];
    const round = async (number: number): Promise<void> => {
      const a = await open(configOf(partyA, [peerOf(partyB)]), { udp });
      const b = await open(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)]), { udp });
      const burst = Array.from({ length: 20 }, () => packet(partyB, partyA, 600));
      b.outside.write(burst);
      // some are closed before the handshake, some within it, some under data in both directions
      if (number % 3 > 0) await b.event('peer-established');
      if (number % 3 > 1) {
        await a.until('a packet', () => a.packets.length > 0);
        a.outside.write(burst.map(() => packet(partyA, partyB, 600)));
        b.outside.write(burst);
      }
      await Promise.all([b.tunnel.close(), a.tunnel.close()]);
    };
    await round(2);
    const before = await held();
    for (let number = 0; number < 100; number++) await round(number);
    expect(await held()).toEqual(before);
  });

  test('twice is closing once, and what comes later is refused', async () => {
    const { a, b, partyA } = await pair({ udp });
    await using _a = a;
    const first = b.tunnel.close();
    expect(b.tunnel.close()).toBe(first);
    await first;
    const closed = { code: 'PQTUN_CLOSED' };
    await expect(b.tunnel.reconfigure(configOf(party(), []))).rejects.toMatchObject(closed);
    await expect(b.tunnel.changePeer(partyA.publicKey, {})).rejects.toMatchObject(closed);
    await expect(b.tunnel.removePeer(partyA.publicKey)).rejects.toMatchObject(closed);
    expect(() => b.tunnel.resetTimestamp(partyA.publicKey)).toThrow(expect.objectContaining(closed));
    expect(b.tunnel.stats().peers).toEqual([]);
    b.outside.write([packet(party(), party())]);
  });

  test('while a change is under way ends that change, and both sockets', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    const free = await open(configOf(party(), []), { udp });
    const listenPort = free.tunnel.listenPort;
    await free.tunnel.close();
    const before = await held();
    const change = b.tunnel.reconfigure(
      configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)], { listenPort }),
    );
    const outcome = expect(change).rejects.toMatchObject({ code: 'PQTUN_CLOSED' });
    await b.tunnel.close();
    await outcome;
    const { handles, descriptors } = await held();
    expect(handles.length + descriptors).toBeLessThan(before.handles.length + before.descriptors);
  });
});
