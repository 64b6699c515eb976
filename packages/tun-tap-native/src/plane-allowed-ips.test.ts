import { describe, expect, it } from 'vitest';
import { type Change, NativeAllowedIps } from './testing/plane-routes.ts';
import { Random } from './testing/random.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const v6 = (first: number, last: number): Uint8Array =>
  bytes(first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last);

function masked(ip: Uint8Array, bits: number): Uint8Array {
  return ip.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))));
}

/** The slow twin: a list, of which the longest match counts. Addresses are numbers, prefixes what is left of them. */
class NaiveAllowedIps {
  #routes: { peer: number; size: number; bits: number; prefix: bigint }[] = [];

  apply(change: Change): void {
    if (change.kind === 'clear') {
      this.#routes = this.#routes.filter((route) => route.peer !== change.peer);
      return;
    }
    const size = change.prefix.length;
    const prefix = first(numberOf(change.prefix), size, change.bits);
    const isIt = (route: { size: number; bits: number; prefix: bigint }): boolean =>
      route.size === size && route.bits === change.bits && route.prefix === prefix;
    if (change.kind === 'remove' && this.#routes.find(isIt)?.peer !== change.peer) return;
    this.#routes = this.#routes.filter((route) => !isIt(route));
    if (change.kind === 'add') this.#routes.push({ peer: change.peer, size, bits: change.bits, prefix });
  }

  lookup(ip: Uint8Array): number | undefined {
    const address = numberOf(ip);
    let best: { peer: number; bits: number } | undefined;
    for (const route of this.#routes) {
      if (route.size !== ip.length || route.bits <= (best?.bits ?? -1)) continue;
      if (first(address, ip.length, route.bits) === route.prefix) best = route;
    }
    return best?.peer;
  }

  get size(): number {
    return this.#routes.length;
  }
}

function numberOf(ip: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(ip).toString('hex')}`);
}

/** The first `bits` bits of an address of `size` B. */
function first(address: bigint, size: number, bits: number): bigint {
  return address >> BigInt(size * 8 - bits);
}

describe('the native table of allowed IPs', () => {
  it('finds the longest prefix, at every length of IPv4 and IPv6', () => {
    for (const size of [4, 16]) {
      const table = new NativeAllowedIps();
      const ip = new Uint8Array(size).fill(0xff);
      expect(table.lookup(ip)).toBeUndefined();
      for (let bits = 0; bits <= size * 8; bits++) {
        expect(table.apply([{ kind: 'add', peer: bits, prefix: masked(ip, bits), bits }])).toBe(1);
        expect(table.lookup(ip)).toBe(bits);
      }
      for (let bit = 0; bit < size * 8; bit++) {
        const other = ip.slice();
        other[bit >>> 3] = 0xff ^ (0x80 >>> (bit & 7));
        expect(table.lookup(other), `${size} B, bit ${bit}`).toBe(bit);
      }
    }
  });

  it('keeps IPv4 and IPv6 apart', () => {
    const table = new NativeAllowedIps();
    table.apply([{ kind: 'add', peer: 7, prefix: bytes(0, 0, 0, 0), bits: 0 }]);
    expect(table.lookup(bytes(1, 2, 3, 4))).toBe(7);
    expect(table.lookup(v6(0, 1))).toBeUndefined();
    table.apply([{ kind: 'add', peer: 8, prefix: v6(0, 0), bits: 0 }]);
    expect(table.lookup(v6(0, 1))).toBe(8);
    table.apply([{ kind: 'clear', peer: 7 }]);
    expect(table.lookup(bytes(1, 2, 3, 4))).toBeUndefined();
    expect(table.lookup(v6(0, 1))).toBe(8);
  });

  it('gives a prefix to whom it was given last, and takes it from nobody else', () => {
    const table = new NativeAllowedIps();
    const prefix = bytes(10, 0, 0, 0);
    table.apply([
      { kind: 'add', peer: 1, prefix, bits: 8 },
      { kind: 'add', peer: 2, prefix, bits: 8 },
      { kind: 'remove', peer: 1, prefix, bits: 8 },
      { kind: 'remove', peer: 2, prefix, bits: 9 },
    ]);
    expect(table.lookup(bytes(10, 9, 9, 9))).toBe(2);
    expect(table.size).toBe(1);
    table.apply([{ kind: 'remove', peer: 2, prefix, bits: 8 }]);
    expect(table.lookup(bytes(10, 9, 9, 9))).toBeUndefined();
    expect(table.size).toBe(0);
  });

  it.each([
    ['a prefix of 5 B', { kind: 'add', peer: 1, prefix: bytes(1, 2, 3, 4, 5), bits: 8 }],
    ['33 bits of 32', { kind: 'add', peer: 1, prefix: bytes(1, 2, 3, 4), bits: 33 }],
    ['129 bits of 128', { kind: 'remove', peer: 1, prefix: v6(1, 1), bits: 129 }],
    ['bits after the prefix', { kind: 'add', peer: 1, prefix: bytes(10, 0, 0, 1), bits: 31 }],
    ['bits after a prefix of IPv6', { kind: 'remove', peer: 1, prefix: v6(1, 1), bits: 127 }],
    ['no peer', { kind: 'add', peer: 0xffff_ffff, prefix: bytes(10, 0, 0, 0), bits: 8 }],
  ] as const)('refuses %s, and applies nothing of what came with it', (_what, bad) => {
    const table = new NativeAllowedIps();
    const good = { kind: 'add', peer: 3, prefix: bytes(10, 0, 0, 0), bits: 8 } as const;
    expect(table.apply([good, bad, good])).toBe(1);
    expect(table.size).toBe(0);
    expect(table.apply([good])).toBe(1);
  });

  it('stays within 32 places of 12 or 32 B for each prefix, and gives memory back', () => {
    const table = new NativeAllowedIps();
    const empty = table.memory;
    expect(empty).toBeLessThan(180_000);
    const random = new Random(5);
    for (let peer = 0; peer < 5_000; peer++) {
      table.apply([
        { kind: 'add', peer, prefix: random.bytes(4), bits: 32 },
        { kind: 'add', peer, prefix: random.bytes(16), bits: 128 },
      ]);
    }
    expect(table.size).toBe(10_000);
    expect(table.memory - empty).toBeLessThanOrEqual(5_000 * 8 * (12 + 32));
    let largest = 0;
    for (let peer = 0; peer < 5_000; peer++) {
      table.apply([{ kind: 'clear', peer }]);
      largest = Math.max(
        largest,
        (table.memory - empty - 16 * (12 + 32)) / ((table.size / 2) * 32 * (12 + 32)),
      );
      if (table.size < 100) break;
    }
    expect(largest).toBeLessThanOrEqual(1);
    for (let peer = 0; peer < 5_000; peer++) table.apply([{ kind: 'clear', peer }]);
    expect(table.size).toBe(0);
    expect(table.memory).toBe(empty);
  });

  it('finds what a list finds, in 200,000 seeded look-ups between 12,000 changes', () => {
    let found = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const native = new NativeAllowedIps();
      const naive = new NaiveAllowedIps();
      const size = seed % 2 === 0 ? 4 : 16;
      // Few values a byte, so that prefixes nest and meet.
      const ip = (): Uint8Array =>
        Uint8Array.from({ length: size }, () =>
          random.chance(0.9) ? random.pick([0, 1, 128, 255]) : random.word() & 0xff,
        );
      for (let step = 0; step < 200; step++) {
        const bits = random.below(size * 8 + 1);
        const peer = random.below(20);
        const change: Change = random.chance(0.03)
          ? { kind: 'clear', peer }
          : { kind: random.chance(0.7) ? 'add' : 'remove', peer, prefix: masked(ip(), bits), bits };
        expect(native.apply([change])).toBe(1);
        naive.apply(change);
        expect(native.size, `seed ${seed}, step ${step}`).toBe(naive.size);
        const asked = Array.from({ length: 17 }, ip);
        const answers = asked.map((address) => naive.lookup(address));
        expect(native.lookupAll(asked), `seed ${seed}, step ${step}`).toEqual(answers);
        found += answers.filter((peer) => peer !== undefined).length;
      }
    }
    expect(found).toBeGreaterThan(50_000);
  });
});
