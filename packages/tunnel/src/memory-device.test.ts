import { describe, expect, test } from 'vitest';
import { memoryDevice } from './memory-device.ts';

const turn = () => new Promise(setImmediate);
const nothing = () => undefined;

describe('a memory device', () => {
  test('delivers what was written at the other end, both ways, in order, as copies', async () => {
    const { device, outside } = memoryDevice({ name: 'm', mtu: 1300 });
    expect([device.name, device.mtu]).toEqual(['m', 1300]);
    const [inner, outer]: [Uint8Array[], Uint8Array[]] = [[], []];
    device.start((packets) => inner.push(...packets), nothing);
    outside.start((packets) => outer.push(...packets), nothing);
    const packet = Uint8Array.of(1, 2);
    outside.write([packet, Uint8Array.of(3)]);
    device.write([Uint8Array.of(4)]);
    packet.fill(9);
    expect([inner, outer]).toEqual([[], []]);
    await turn();
    expect(inner).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    expect(outer).toEqual([Uint8Array.of(4)]);
  });

  test('keeps what comes before the start, and no more than its queue holds', async () => {
    const { device, outside } = memoryDevice({ queue: 2 });
    for (const mark of [1, 2, 3]) outside.write([Uint8Array.of(mark)]);
    const seen: Uint8Array[] = [];
    device.start((packets) => seen.push(...packets), nothing);
    await turn();
    expect(seen).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
  });

  test('is silent once either end is closed', async () => {
    const { device, outside } = memoryDevice();
    const seen: Uint8Array[] = [];
    device.start((packets) => seen.push(...packets), nothing);
    outside.write([Uint8Array.of(1)]);
    device.close();
    outside.write([Uint8Array.of(2)]);
    device.write([Uint8Array.of(3)]);
    await turn();
    expect(seen).toEqual([]);
  });
});
