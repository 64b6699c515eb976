import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PqtunError } from '../errors.ts';
import { type PeerId, peerId } from '../types.ts';
import { AllowedIps } from './allowed-ips.ts';
import type { RouteChange } from './plane.ts';

const [a, b, c] = [peerId(1), peerId(2), peerId(3)];
const v4 = (...bytes: number[]) => Uint8Array.from(bytes);
const v6 = (...groups: number[]) =>
  Uint8Array.from({ length: 16 }, (_, i) => ((groups[i >> 1] ?? 0) >> (i & 1 ? 0 : 8)) & 255);

/** The slow twin: a list, and bits compared one by one. */
class RouteList {
  #routes: { peer: PeerId; prefix: Uint8Array; bits: number }[] = [];

  apply(changes: readonly RouteChange[]): void {
    for (const change of changes) {
      if (change.kind === 'clear') this.#routes = this.#routes.filter(({ peer }) => peer !== change.peer);
      else {
        const { peer, prefix, bits } = change;
        const same = (route: { prefix: Uint8Array; bits: number }) =>
          route.bits === bits && bitsOf(route.prefix) === bitsOf(prefix);
        const owner = this.#routes.find(same)?.peer;
        if (change.kind === 'add' || owner === peer)
          this.#routes = this.#routes.filter((route) => !same(route));
        if (change.kind === 'add') this.#routes.push({ peer, prefix, bits });
      }
    }
  }

  lookup(ip: Uint8Array): PeerId | undefined {
    const matching = this.#routes.filter(
      ({ prefix, bits }) =>
        prefix.length === ip.length && bitsOf(ip).startsWith(bitsOf(prefix).slice(0, bits)),
    );
    return matching.sort((x, y) => y.bits - x.bits)[0]?.peer;
  }

  entries(peer: PeerId): string[] {
    return this.#routes.filter((route) => route.peer === peer).map(({ prefix, bits }) => `${prefix}/${bits}`);
  }

  get size(): number {
    return this.#routes.length;
  }
}

function bitsOf(ip: Uint8Array): string {
  return [...ip].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function mask(ip: Uint8Array, bits: number): Uint8Array {
  const kept = bitsOf(ip)
    .slice(0, bits)
    .padEnd(ip.length * 8, '0');
  return ip.map((_, i) => Number.parseInt(kept.slice(8 * i, 8 * i + 8), 2));
}

describe('longest prefix', () => {
  test('an empty table knows nobody', () => {
    const table = new AllowedIps();
    expect(table.lookup(v4(0, 0, 0, 0))).toBeUndefined();
    expect(table.lookup(v6())).toBeUndefined();
    expect(table.size).toBe(0);
  });

  test('of nested prefixes of three peers the longest decides, in every order of insertion', () => {
    const nested = [
      { kind: 'add', peer: a, prefix: v4(10, 0, 0, 0), bits: 8 },
      { kind: 'add', peer: b, prefix: v4(10, 1, 0, 0), bits: 16 },
      { kind: 'add', peer: c, prefix: v4(10, 1, 1, 1), bits: 32 },
    ] as const;
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const table = new AllowedIps();
      table.apply(order.flatMap((i) => nested[i] ?? []));
      expect(table.lookup(v4(10, 1, 1, 1))).toBe(c);
      expect(table.lookup(v4(10, 1, 1, 2))).toBe(b);
      expect(table.lookup(v4(10, 2, 1, 1))).toBe(a);
      expect(table.lookup(v4(11, 1, 1, 1))).toBeUndefined();
    }
  });

  test('IPv4 and IPv6 are tables of their own, and mapped addresses are IPv6', () => {
    const table = new AllowedIps();
    table.insert(a, v4(0, 0, 0, 0), 0);
    expect(table.lookup(v6())).toBeUndefined();
    expect(table.lookup(v6(0, 0, 0, 0, 0, 0xffff, 0x0a00, 1))).toBeUndefined();
    table.insert(b, v6(), 0);
    expect(table.lookup(v6(0x2001))).toBe(b);
    expect(table.lookup(v4(1, 2, 3, 4))).toBe(a);
  });

  test('prefixes of 0 bits, of all bits and of one bit less', () => {
    const table = new AllowedIps();
    table.insert(a, v6(), 0);
    table.insert(b, v6(0xfd00, 0, 0, 0, 0, 0, 0, 2), 127);
    table.insert(c, v6(0xfd00, 0, 0, 0, 0, 0, 0, 3), 128);
    expect(table.lookup(v6(0xfd00, 0, 0, 0, 0, 0, 0, 3))).toBe(c);
    expect(table.lookup(v6(0xfd00, 0, 0, 0, 0, 0, 0, 2))).toBe(b);
    expect(table.lookup(v6(0xfd00, 0, 0, 0, 0, 0, 0, 1))).toBe(a);
    expect(table.lookup(v6(0xffff))).toBe(a);
  });

  test('lookupAt reads the address inside a packet', () => {
    const table = new AllowedIps();
    table.insert(a, v4(10, 0, 0, 0), 24);
    const packet = Uint8Array.of(9, 9, 9, 10, 0, 0, 77, 9);
    expect(table.lookupAt(packet, 3, 4)).toBe(a);
    expect(table.lookupAt(packet, 2, 4)).toBeUndefined();
    expect(table.lookup(packet)).toBeUndefined();
  });

  test('peer 0 is a peer like any other', () => {
    const table = new AllowedIps();
    table.insert(a, v4(10, 0, 0, 0), 8);
    table.insert(peerId(0), v4(10, 0, 0, 0), 16);
    expect(table.lookup(v4(10, 0, 0, 1))).toBe(peerId(0));
  });
});

describe('changes', () => {
  test('inserting a prefix takes it from whoever owned it', () => {
    const table = new AllowedIps();
    table.insert(a, v4(10, 0, 0, 0), 8);
    table.insert(b, v4(10, 0, 0, 0), 8);
    expect(table.lookup(v4(10, 9, 9, 9))).toBe(b);
    expect(table.entries(a)).toEqual([]);
    expect(table.entries(b)).toEqual([{ prefix: v4(10, 0, 0, 0), bits: 8 }]);
    table.removePeer(a);
    expect(table.lookup(v4(10, 9, 9, 9))).toBe(b);
  });

  test('removing needs the exact prefix and its owner', () => {
    const table = new AllowedIps();
    table.insert(a, v4(10, 0, 0, 0), 8);
    table.remove(b, v4(10, 0, 0, 0), 8);
    table.remove(a, v4(10, 0, 0, 0), 9);
    table.remove(a, v4(10, 0, 0, 0), 7);
    expect(table.lookup(v4(10, 9, 9, 9))).toBe(a);
    table.remove(a, v4(10, 0, 0, 0), 8);
    expect(table.lookup(v4(10, 9, 9, 9))).toBeUndefined();
    expect(table.size).toBe(0);
  });

  test('clearing a peer leaves the others what they own', () => {
    const table = new AllowedIps();
    table.insert(a, v4(10, 0, 0, 0), 8);
    table.insert(a, v6(0xfd00), 8);
    table.insert(b, v4(10, 1, 0, 0), 16);
    table.apply([{ kind: 'clear', peer: a }]);
    expect(table.lookup(v4(10, 1, 0, 1))).toBe(b);
    expect(table.lookup(v4(10, 2, 0, 1))).toBeUndefined();
    expect(table.lookup(v6(0xfd00))).toBeUndefined();
    expect(table.size).toBe(1);
  });

  test('the table keeps copies of what it was given', () => {
    const table = new AllowedIps();
    const prefix = v4(10, 0, 0, 0);
    table.insert(a, prefix, 8);
    prefix.fill(0);
    expect(table.lookup(v4(10, 0, 0, 1))).toBe(a);
    expect(table.entries(a)).toEqual([{ prefix: v4(10, 0, 0, 0), bits: 8 }]);
  });

  test.each([
    [v4(10, 0, 0, 1), 8, '10.0.0.1/8'],
    [v4(10, 0, 0, 128), 24, '10.0.0.128/24'],
    [v4(0, 0, 0, 1), 0, '0.0.0.1/0'],
    [v4(10, 0, 0, 1), 33, '10.0.0.1/33'],
    [v4(10, 0, 0, 0), -1, '10.0.0.0/-1'],
    [v4(10, 0, 0, 0), 8.5, '10.0.0.0/8.5'],
    [v4(10, 0, 0, 0), Number.NaN, '10.0.0.0/NaN'],
    [v6(0xfd00, 0, 0, 0, 0, 0, 0, 1), 127, 'fd00:0:0:0:0:0:0:1/127'],
    [v6(), 129, '0:0:0:0:0:0:0:0/129'],
    [v4(10, 0, 0), 8, '3 bytes'],
    [new Uint8Array(0), 0, '0 bytes'],
  ])('refuses %s/%s by name and then applies nothing', (prefix, bits, named) => {
    const table = new AllowedIps();
    table.insert(a, v4(10, 0, 0, 0), 8);
    for (const kind of ['add', 'remove'] as const) {
      const attempt = () =>
        table.apply([
          { kind: 'clear', peer: a },
          { kind: 'add', peer: b, prefix: v4(10, 0, 0, 0), bits: 16 },
          { kind, peer: b, prefix, bits },
        ]);
      expect(attempt).toThrow(named);
      expect(attempt).toThrow(expect.objectContaining({ code: 'PQTUN_BAD_CONFIG' }));
      expect(attempt).toThrow(PqtunError);
    }
    expect(table.lookup(v4(10, 0, 0, 1))).toBe(a);
    expect(table.size).toBe(1);
  });
});

describe('agrees with a plain list', () => {
  // Few bits, so that prefixes nest, meet, displace and are found again.
  const narrow = (length: 4 | 16) =>
    fc
      .tuple(
        fc.constantFrom(0x00, 0x80, 0xc0, 0x0a, 0xff),
        fc.constantFrom(0, 1, 0x80),
        fc.constantFrom(0, 3, 0xfe),
      )
      .map(([first, second, last]) =>
        Uint8Array.from({ length }, (_, i) => [first, second][i] ?? (i === length - 1 ? last : 0)),
      );
  const wide = (length: 4 | 16) => fc.uint8Array({ minLength: length, maxLength: length });
  const address = fc
    .constantFrom<(4 | 16)[]>(4, 16)
    .chain((length) => fc.oneof(narrow(length), wide(length)));
  const prefix = address.chain((ip) =>
    fc
      .oneof(fc.nat(ip.length * 8), fc.constantFrom(0, 1, 7, 8, 9, 16, 31, 32))
      .map((bits) => ({ prefix: mask(ip, bits), bits })),
  );
  const peer = fc.constantFrom(a, b, c, peerId(0));
  const change: fc.Arbitrary<RouteChange> = fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .record({ kind: fc.constant('add' as const), peer, p: prefix })
        .map(({ kind, peer, p }) => ({ kind, peer, ...p })),
    },
    {
      weight: 3,
      arbitrary: fc
        .record({ kind: fc.constant('remove' as const), peer, p: prefix })
        .map(({ kind, peer, p }) => ({ kind, peer, ...p })),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), peer }) },
  );

  test('after any changes, for any address and for the edges of every prefix', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 10 }),
        fc.array(address),
        (batches, asked) => {
          const table = new AllowedIps();
          const list = new RouteList();
          const edges: Uint8Array[] = [];
          for (const batch of batches) {
            table.apply(batch);
            list.apply(batch);
            for (const made of batch)
              if (made.kind !== 'clear')
                edges.push(made.prefix, flipped(made.prefix, made.bits - 1), flipped(made.prefix, made.bits));
            for (const ip of [...asked, ...edges]) expect(table.lookup(ip), String(ip)).toBe(list.lookup(ip));
            expect(table.size).toBe(list.size);
            expect(table.nodes).toBeLessThanOrEqual(2 * list.size);
            for (const each of [a, b, c, peerId(0)]) {
              expect(
                table
                  .entries(each)
                  .map(({ prefix, bits }) => `${prefix}/${bits}`)
                  .sort(),
              ).toEqual(list.entries(each).sort());
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('when everything that was added is removed again one by one, in another order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(prefix, { maxLength: 40, selector: ({ prefix, bits }) => `${prefix}/${bits}` }),
        fc.nat(),
        (prefixes, turn) => {
          const table = new AllowedIps();
          const list = new RouteList();
          const adds = prefixes.map((p, i) => ({ kind: 'add' as const, peer: peerId(i % 5), ...p }));
          table.apply(adds);
          list.apply(adds);
          const from = adds.length === 0 ? 0 : turn % adds.length;
          for (const added of [...adds.slice(from), ...adds.slice(0, from)]) {
            const removal = [{ ...added, kind: 'remove' as const }];
            table.apply(removal);
            list.apply(removal);
            for (const { prefix } of prefixes) expect(table.lookup(prefix)).toBe(list.lookup(prefix));
          }
          expect(table.size).toBe(0);
          for (const { prefix } of prefixes) expect(table.lookup(prefix)).toBeUndefined();
        },
      ),
      { numRuns: 100 },
    );
  });
});

function flipped(ip: Uint8Array, bit: number): Uint8Array {
  if (bit < 0 || bit >= ip.length * 8) return ip;
  return ip.map((byte, i) => (i === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte));
}
