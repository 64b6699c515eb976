import { describe, expect, it } from 'vitest';
import { planeEdge } from './testing/plane-edge.ts';
import { Random } from './testing/random.ts';
import {
  type Headers,
  packetOf,
  plainHeaders,
  plainHeaders6,
  randomHeaders,
  tcpFlag,
  transportOffset,
} from './testing/segments.ts';

const edge = planeEdge<{ clampMss(packet: Uint8Array, mtu: number): boolean }>('innerPacket');

const empty = new Uint8Array(0);
const mss = (size: number) => [2, 4, size >> 8, size & 255];

/** Options filled up to a multiple of 4 B with the end of the list. */
const options = (...bytes: number[]): Uint8Array =>
  Uint8Array.from({ length: Math.ceil(bytes.length / 4) * 4 }, (_, i) => bytes[i] ?? 0);
const syn = (headers: Headers, ...bytes: number[]): Headers => ({
  ...headers,
  flags: tcpFlag.syn,
  tcpOptions: options(...bytes),
});

/** What a packet is after clamping; `undefined` if nothing was done, which must also be so for its bytes. */
function clamped(packet: Uint8Array, mtu: number): Uint8Array | undefined {
  const copy = packet.slice();
  const changed = edge.clampMss(copy, mtu);
  expect(changed).toBe(Buffer.compare(copy, packet) !== 0);
  return changed ? copy : undefined;
}

describe.each([
  ['IPv4', plainHeaders, 1380],
  ['IPv6', plainHeaders6, 1360],
] as const)('a SYN on %s through a tunnel of 1420 B', (_, headers, most) => {
  it('announces at most what fits, and lower stays: at the limit, one below and one above', () => {
    const packet = (size: number) => packetOf(syn(headers, ...mss(size)), empty);
    expect(clamped(packet(most), 1420)).toBeUndefined();
    expect(clamped(packet(most - 1), 1420)).toBeUndefined();
    expect(clamped(packet(most + 1), 1420)).toEqual(packet(most));
    expect(clamped(packet(65_535), 1420)).toEqual(packet(most));
    expect(clamped(packet(0), 1420)).toBeUndefined();
  });

  it('is changed at even and odd places among other options, and with SYN and ACK', () => {
    for (const before of [[], [1], [1, 1], [3, 3, 7], [4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0]]) {
      const both = (size: number) => ({
        ...syn(headers, ...before, ...mss(size), 1, 3, 3, 7),
        flags: tcpFlag.syn | tcpFlag.ack,
      });
      expect(clamped(packetOf(both(1460), empty), 1420)).toEqual(packetOf(both(most), empty));
    }
  });

  it('is changed in each of several such options, but not behind their end', () => {
    const twice = (size: number, last: number) => packetOf(syn(headers, ...mss(size), ...mss(last)), empty);
    expect(clamped(twice(1460, 1460), 1420)).toEqual(twice(most, most));
    const behind = (size: number) => packetOf(syn(headers, ...mss(size), 0, ...mss(1460)), empty);
    expect(clamped(behind(1460), 1420)).toEqual(behind(most));
  });

  it('with data or other flags is changed, and what is no SYN is not', () => {
    const packet = (flags: number, size: number) =>
      packetOf({ ...syn(headers, ...mss(size)), flags }, new Uint8Array(9).fill(3));
    const { ack, cwr, ece } = tcpFlag;
    for (const flags of [tcpFlag.syn, tcpFlag.syn | ece | cwr])
      expect(clamped(packet(flags, 1460), 1420)).toEqual(packet(flags, most));
    for (const flags of [0, ack, ack | ece]) expect(clamped(packet(flags, 1460), 1420)).toBeUndefined();
  });

  it('with options that are malformed anywhere is left alone', () => {
    const left = [
      [...mss(1460), 3],
      [...mss(1460), 3, 0],
      [...mss(1460), 3, 1],
      [...mss(1460), 3, 9],
      [2, 3, 0xff],
      [2, 5, 0xff, 0xff, 0xff],
      [2, 0, 0xff, 0xff],
      [1, 1, 1, 2],
      [1, 1, 2, 4],
    ];
    for (const bytes of left) {
      // Ends with the header: no room for an end of the list.
      const padded = [...Array.from({ length: (4 - (bytes.length % 4)) % 4 }, () => 1), ...bytes];
      expect(clamped(packetOf(syn(headers, ...padded), empty), 1420)).toBeUndefined();
    }
  });

  it('with a wrong checksum is changed and stays wrong by as much', () => {
    const at = transportOffset(headers) + 16;
    const packet = packetOf(syn(headers, ...mss(1460)), empty);
    const view = new DataView(packet.buffer);
    const right = new DataView(packetOf(syn(headers, ...mss(most)), empty).buffer).getUint16(at);
    view.setUint16(at, (view.getUint16(at) + 5) % 0xffff);
    const after = clamped(packet, 1420) ?? empty;
    expect(new DataView(after.buffer).getUint16(at) % 0xffff).toBe((right + 5) % 0xffff);
  });

  it('through an MTU that carries no segment is left alone', () => {
    const packet = packetOf(syn(headers, ...mss(1460)), empty);
    const overhead = 1420 - most;
    expect(clamped(packet, overhead)).toBeUndefined();
    expect(clamped(packet, 0)).toBeUndefined();
    expect(clamped(packet, overhead + 1)).toEqual(packetOf(syn(headers, ...mss(1)), empty));
  });
});

describe('any packet', () => {
  it('of 100,000 is clamped as by the slow twin', () => {
    const random = new Random(51);
    let changed = 0;
    for (let i = 0; i < 100_000; i++) {
      const headers: Headers = {
        ...randomHeaders(random),
        protocol: random.chance(0.95) ? 'tcp' : 'udp',
        ...(random.chance(0.9) ? { flags: random.pick([2, 2, 2, 18, 16, 0xc2]) } : {}),
        ...(random.chance(0.9) ? { tcpOptions: randomOptions(random) } : {}),
        ipFlags: random.chance(0.9) ? 2 : random.below(8),
        extensions: undefined,
      };
      const packet = packetOf(headers, random.bytes(random.below(4)));
      const mtu = random.pick([1420, 1280, 576, 60, random.below(66_000)]);
      const expected = slowClamp(headers, mtu);
      const wanted =
        expected && packetOf(expected, packet.subarray(packet.length - payloadOf(headers, packet)));
      const copy = packet.slice();
      edge.clampMss(copy, mtu);
      if (!sameSum(copy, wanted ?? packet, headers)) expect.fail(`case ${i} of seed 51`);
      if (wanted) changed++;
    }
    expect(changed).toBeGreaterThan(10_000);
  });
});

function payloadOf(headers: Headers, packet: Uint8Array): number {
  const carried = headers.protocol === 'tcp' ? 20 + headers.tcpOptions.length : 8;
  return packet.length - transportOffset(headers) - carried;
}

/** Equal but for the two forms of ones-complement zero in the checksum, between which RFC 1624 leaves the choice. */
function sameSum(left: Uint8Array, right: Uint8Array, headers: Headers): boolean {
  if (headers.protocol === 'udp') return Buffer.compare(left, right) === 0;
  const at = transportOffset(headers) + 16;
  const views = [left, right].map((bytes) => new DataView(bytes.buffer));
  const [a = -1, b = -2] = views.map((view) => view.getUint16(at) % 0xffff);
  for (const view of views) view.setUint16(at, 0);
  return a === b && Buffer.compare(left, right) === 0;
}

function randomOptions(random: Random): Uint8Array {
  const bytes: number[] = [];
  while (bytes.length < 34 && random.chance(0.7)) {
    bytes.push(
      ...random.pick([
        [1],
        [1, 1],
        mss(random.pick([1460, 1380, 1360, 536, random.below(65_536)])),
        mss(1460),
        [3, 3, 7],
        [4, 2],
        [8, 10, 1, 2, 3, 4, 5, 6, 7, 8],
        ...(random.chance(0.1) ? [[0], [2, 3, 5], [7, 0], [7, 1], [7, 40], [random.below(256)]] : []),
      ]),
    );
  }
  return options(...bytes.slice(0, 40));
}

/** The slow twin: the headers with other options, or nothing. */
function slowClamp(headers: Headers, mtu: number): Headers | undefined {
  const most = mtu - (headers.version === 4 ? 40 : 60);
  if (headers.protocol !== 'tcp' || !(headers.flags & tcpFlag.syn) || most <= 0) return undefined;
  const bytes = [...headers.tcpOptions];
  let changed = false;
  for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
    if (bytes[at] === 1) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) return undefined;
    if (bytes[at] === 2) {
      if (length !== 4) return undefined;
      if ((bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0) > most) {
        bytes.splice(at, 4, ...mss(most));
        changed = true;
      }
    }
    at += length;
  }
  return changed ? { ...headers, tcpOptions: Uint8Array.from(bytes) } : undefined;
}
