import { AllowedIps, type PeerId, peerId } from '@pqtun/core';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, test } from 'vitest';
import { VectorReport } from '../kit/vector-report.ts';
import { readVectors } from '../kit/vectors.ts';

type Operation =
  | readonly ['insert' | 'remove', string, string]
  | readonly ['lookup' | 'lookup_not', string, string]
  | readonly ['remove_peer', string]
  | readonly ['expect_empty'];

const report = new VectorReport('allowed IPs');
const file = readVectors<{ ipv4: Operation[]; ipv6: Operation[] }>('wireguard/allowedips.json');

/** Peer `a` is 0, so that a table which takes 0 for nobody fails. */
const peerOf = (name: string): PeerId => peerId(name.charCodeAt(0) - 'a'.charCodeAt(0));
const bytesOf = (address: string): Uint8Array => Uint8Array.from(ipaddr.parse(address).toByteArray());

/** The vectors' prefixes may have host bits, which they mask; our table refuses those, so ipaddr.js masks them here. */
function network(cidr: string): { prefix: Uint8Array; bits: number } {
  const [address, bits] = ipaddr.parseCIDR(cidr);
  const kind = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  return { prefix: Uint8Array.from(kind.networkAddressFromCIDR(cidr).toByteArray()), bits };
}

/** Does one operation; a look-up says whether it found what the vector says. */
function right(table: AllowedIps, operation: Operation): boolean {
  switch (operation[0]) {
    case 'insert':
    case 'remove': {
      const { prefix, bits } = network(operation[2]);
      table[operation[0]](peerOf(operation[1]), prefix, bits);
      return true;
    }
    case 'remove_peer':
      table.removePeer(peerOf(operation[1]));
      return true;
    case 'lookup':
      return table.lookup(bytesOf(operation[1])) === peerOf(operation[2]);
    case 'lookup_not':
      return table.lookup(bytesOf(operation[1])) !== peerOf(operation[2]);
    case 'expect_empty':
      return table.size === 0;
    default:
      return operation satisfies never;
  }
}

describe('the vectors of wireguard-go', () => {
  test('hold for IPv4', () => {
    const table = new AllowedIps();
    report.run({ way: 'js', set: 'IPv4', expected: 71 }, file.ipv4, (operation) => right(table, operation));
  });

  test('hold for IPv6', () => {
    const table = new AllowedIps();
    report.run({ way: 'js', set: 'IPv6', expected: 34 }, file.ipv6, (operation) => right(table, operation));
  });
});

describe('against ipaddr.js', () => {
  /** Addresses near one another, so that prefixes nest. */
  const address = fc.oneof(
    fc.tuple(fc.constantFrom(10, 11, 192), fc.nat(3), fc.nat(1), fc.nat(255)).map((bytes) => bytes.join('.')),
    fc.ipV4(),
    fc
      .tuple(fc.constantFrom('fd00', 'fd01', '2001'), fc.nat(3), fc.nat(0xffff))
      .map(([a, b, c]) => `${a}:${b}::${c.toString(16)}`),
    fc.ipV6(),
  );
  const cidr = address.chain((text) =>
    fc.nat(text.includes(':') ? 128 : 32).map((bits) => `${text}/${bits}`),
  );

  /** The owner by ipaddr.js: of all prefixes that match, the longest; of equal ones, the last given. */
  function owner(routes: readonly string[], of: string): PeerId | undefined {
    const ip = ipaddr.parse(of);
    let best: { bits: number; peer: PeerId } | undefined;
    for (const [i, route] of routes.entries()) {
      const [base, bits] = ipaddr.parseCIDR(route);
      const matches = ip.kind() === base.kind() && ip.match(base, bits);
      if (matches && bits >= (best?.bits ?? 0)) best = { bits, peer: peerId(i) };
    }
    return best?.peer;
  }

  test('every address finds the same peer, also the ones prefixes are made of', () => {
    fc.assert(
      fc.property(
        fc.array(cidr, { maxLength: 40 }),
        fc.array(address, { maxLength: 20 }),
        (routes, asked) => {
          const table = new AllowedIps();
          table.apply(routes.map((route, i) => ({ kind: 'add', peer: peerId(i), ...network(route) })));
          const own = routes.map((route) => route.replace(/\/.*/, ''));
          for (const ip of [...asked, ...own]) expect(table.lookup(bytesOf(ip)), ip).toBe(owner(routes, ip));
        },
      ),
      { numRuns: 300 },
    );
  });
});
