/** The classes of the native plane through the vectors and beside the TypeScript that does the same. */
import { AllowedIps, limits, type PeerId, peerId, ReplayWindow } from '@pqtun/core';
import { nobleSuite } from '@pqtun/core/noble';
import ipaddr from 'ipaddr.js';
import { recordPlaces } from 'tun-tap-native';
import { type AeadEdge, testCipher, testedEngines } from 'tun-tap-native/testing/plane-aead';
import { bytesOf, planeEdge } from 'tun-tap-native/testing/plane-edge';
import { type Change, NativeAllowedIps } from 'tun-tap-native/testing/plane-routes';
import { Random } from 'tun-tap-native/testing/random';
import { describe, expect, test } from 'vitest';
import { NotRun, VectorReport } from '../kit/vector-report.ts';
import { fromHex, readVectors, readWycheproof, toHex } from '../kit/vectors.ts';

const report = new VectorReport('the native plane');
const way = 'native';

describe('replay window', () => {
  const edge = planeEdge<{
    create(): object;
    acceptAll(window: object, counters: Uint8Array, verdicts: Uint8Array): void;
  }>('replayWindow');
  const file = readVectors<{
    readonly reject_after_messages: string;
    readonly sequences: readonly { readonly steps: readonly (readonly [string, boolean])[] }[];
    readonly bulk: readonly {
      readonly runs: readonly (readonly [number, number, number, boolean])[];
      readonly then: readonly (readonly [number, boolean])[];
    }[];
  }>('wireguard/replay.json');

  function accept(window: object, counters: readonly bigint[]): boolean[] {
    const verdicts = new Uint8Array(counters.length);
    edge.acceptAll(window, bytesOf(BigUint64Array.from(counters)), verdicts);
    return Array.from(verdicts, (verdict) => verdict === 1);
  }

  test('holds the steps of wireguard-go, counters at the limit of 2^64 included', () => {
    const window = edge.create();
    const limit = BigInt(file.reject_after_messages);
    const steps = file.sequences.flatMap((sequence) => sequence.steps);
    // The limit stands before the window, as a plane has them.
    report.run({ way, set: 'replay: steps', expected: 34 }, steps, ([text, accepted]) => {
      const counter = BigInt(text);
      return (counter < limit && accept(window, [counter])[0] === true) === accepted;
    });
  });

  test('holds the bulk runs of wireguard-go', () => {
    report.run({ way, set: 'replay: bulk runs', expected: 6 }, file.bulk, ({ runs, then }) => {
      const window = edge.create();
      for (const [from, to, by, accepted] of runs) {
        const count = Math.floor((to - from) / by) + 1;
        const counters = Array.from({ length: count }, (_, i) => BigInt(from + i * by));
        if (accept(window, counters).some((verdict) => verdict !== accepted)) return false;
      }
      return then.every(([counter, accepted]) => accept(window, [BigInt(counter)])[0] === accepted);
    });
  });

  test('says what the portable one says, in 200,000 seeded steps', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const [native, portable] = [edge.create(), new ReplayWindow()];
      let front = seed % 2 === 0 ? 2 ** 53 - 2_000_000 : 0;
      const counters = Array.from({ length: 10_000 }, () => {
        if (random.chance(0.5)) front += random.below(random.chance(0.002) ? 9_000 : 4);
        return Math.max(0, front - random.below(random.chance(0.1) ? 20_000 : 300));
      });
      expect(accept(native, counters.map(BigInt)), `seed ${seed}`).toEqual(
        counters.map((counter) => portable.accept(counter)),
      );
    }
    expect(limits.replayWindowReach).toBe(8128);
  });
});

describe('allowed IPs', () => {
  type Operation =
    | readonly ['insert' | 'remove', string, string]
    | readonly ['lookup' | 'lookup_not', string, string]
    | readonly ['remove_peer', string]
    | readonly ['expect_empty'];
  const file = readVectors<{ ipv4: Operation[]; ipv6: Operation[] }>('wireguard/allowedips.json');
  const slotOf = (name: string): number => name.charCodeAt(0) - 'a'.charCodeAt(0);
  const addressOf = (text: string): Uint8Array => Uint8Array.from(ipaddr.parse(text).toByteArray());

  /** The vectors' prefixes may have host bits, which they mask; our tables refuse those. */
  function network(cidr: string): { prefix: Uint8Array; bits: number } {
    const [address, bits] = ipaddr.parseCIDR(cidr);
    const kind = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
    return { prefix: Uint8Array.from(kind.networkAddressFromCIDR(cidr).toByteArray()), bits };
  }

  function right(table: NativeAllowedIps, operation: Operation): boolean {
    switch (operation[0]) {
      case 'insert':
      case 'remove': {
        const kind = operation[0] === 'insert' ? 'add' : 'remove';
        return table.apply([{ kind, peer: slotOf(operation[1]), ...network(operation[2]) }]) === 1;
      }
      case 'remove_peer':
        return table.apply([{ kind: 'clear', peer: slotOf(operation[1]) }]) === 1;
      case 'lookup':
        return table.lookup(addressOf(operation[1])) === slotOf(operation[2]);
      case 'lookup_not':
        return table.lookup(addressOf(operation[1])) !== slotOf(operation[2]);
      case 'expect_empty':
        return table.size === 0;
      default:
        return operation satisfies never;
    }
  }

  test.each([
    ['IPv4', file.ipv4, 71],
    ['IPv6', file.ipv6, 34],
  ] as const)('hold the vectors of wireguard-go for %s', (set, operations, expected) => {
    const table = new NativeAllowedIps();
    report.run({ way, set: `allowed IPs: ${set}`, expected }, operations, (operation) =>
      right(table, operation),
    );
  });

  test('find what the portable table finds, in 100,000 seeded look-ups between 20,000 changes', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const [native, portable] = [new NativeAllowedIps(), new AllowedIps()];
      const address = (size: 4 | 16): Uint8Array =>
        Uint8Array.from({ length: size }, () =>
          random.chance(0.8) ? random.pick([0, 10, 253, 255]) : random.word(),
        );
      for (let step = 0; step < 1_000; step++) {
        const change = randomChange(random, address(random.chance(0.5) ? 4 : 16));
        native.apply([change]);
        portable.apply([{ ...change, peer: peerId(change.peer) }]);
        const asked = Array.from({ length: 5 }, () => address(step % 2 === 0 ? 4 : 16));
        const expected: (PeerId | undefined)[] = asked.map((ip) => portable.lookup(ip));
        expect(native.lookupAll(asked), `seed ${seed}, step ${step}`).toEqual(expected);
        expect(native.size).toBe(portable.size);
      }
    }
  });
});

function randomChange(random: Random, ip: Uint8Array): Change {
  const peer = random.below(30);
  if (random.chance(0.01)) return { kind: 'clear', peer };
  const bits = random.below(ip.length * 8 + 1);
  const prefix = ip.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))));
  return { kind: random.chance(0.75) ? 'add' : 'remove', peer, prefix, bits };
}

describe('AEAD', () => {
  const edge = planeEdge<AeadEdge>('aead');
  const engines = testedEngines.filter((name) => edge.select(name).name !== '');
  const suite = nobleSuite();

  test.each(engines)(
    '%s seals what noble seals, which shares no code with it, in 400 seeded batches',
    (engine) => {
      const random = new Random(17);
      for (let batch = 0; batch < 400; batch++) {
        const key = random.bytes(32);
        const lengths = Array.from({ length: random.below(9) }, () =>
          random.below(random.chance(0.1) ? 1500 : 300),
        );
        let offset = 0;
        const places = lengths.map((length) => {
          const place = { offset, length, counter: BigInt(random.word()) << BigInt(random.below(21)) };
          offset += length + 16;
          return place;
        });
        const memory = random.bytes(offset);
        const expected = Buffer.concat(
          places.map(({ offset: at, length, counter }) =>
            suite.seal(key, Number(counter), new Uint8Array(0), memory.subarray(at, at + length)),
          ),
        );
        testCipher(engine, key).seal(memory, recordPlaces(places), new Uint8Array(places.length));
        expect(Buffer.compare(memory, expected), `batch ${batch}`).toBe(0);
      }
    },
  );
});

describe('MAC and XAEAD', () => {
  const mac = planeEdge<{
    create(): object;
    setKey(mac: object, key: Uint8Array): boolean;
    compute(mac: object, message: Uint8Array, out: Uint8Array): boolean;
  }>('blake2sMac');
  const xchacha = planeEdge<{
    seal(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, text: Uint8Array, sealed: Uint8Array): boolean;
  }>('xchacha');

  test('keyed BLAKE2s of 16 B', () => {
    const { vectors } = readVectors<{
      vectors: { key: string; message_rule: string; mac16: string }[];
    }>('blake2s/blake2s-mac16.json');
    const context = mac.create();
    report.run({ way, set: 'keyed BLAKE2s, 16 B', expected: 36 }, vectors, (vector) => {
      const rule = /^byte i = \(i\*5\+(\d+)\) mod 256, length (\d+)$/.exec(vector.message_rule);
      const message = Uint8Array.from(
        { length: Number(rule?.[2]) },
        (_, i) => (i * 5 + Number(rule?.[1])) % 256,
      );
      const out = new Uint8Array(16);
      const done = mac.setKey(context, fromHex(vector.key)) && mac.compute(context, message, out);
      return done && toHex(out) === vector.mac16;
    });
  });

  test('XChaCha20-Poly1305 of Wycheproof, sealed', () => {
    const cases = readWycheproof<Record<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag', string>>(
      'aead/wycheproof_xchacha20_poly1305.json.gz',
    );
    report.run({ way, set: 'Wycheproof XChaCha20-Poly1305', expected: 246 }, cases, (vector) => {
      if (vector.iv.length !== 48) return new NotRun('nonce of another length');
      if (vector.result === 'invalid') return new NotRun('to be opened: a responder only seals');
      const sealed = new Uint8Array(vector.msg.length / 2 + 16);
      const done = xchacha.seal(
        fromHex(vector.key),
        fromHex(vector.iv),
        fromHex(vector.aad),
        fromHex(vector.msg),
        sealed,
      );
      return done && toHex(sealed) === vector.ct + vector.tag;
    });
  });
});
