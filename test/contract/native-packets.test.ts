/** What the native plane reads out of inner packets and answers to them is what core does, byte for byte. */
import { tooBigReply } from '@pqtun/core/src/wire/icmp.ts';
import { innerLength, parseInner } from '@pqtun/core/src/wire/ip.ts';
import { planeEdge } from 'tun-tap-native/testing/plane-edge';
import { describe, expect, it } from 'vitest';
import { Random } from '../kit/random.ts';

/** What packages/tun-tap-native/native/testing/inner_packet_edge.cc exports. */
interface InnerPacketEdge {
  innerLength(bytes: Uint8Array): number;
  describe(bytes: Uint8Array): number[] | undefined;
  tooBigReply(packet: Uint8Array, mtu: number, from: Uint8Array): Uint8Array;
}
const edge = planeEdge<InnerPacketEdge>('innerPacket');

const none = new Uint8Array(0);
/** TransportView of native/plane/inner_packet.h, in its order. */
const views = ['whole', 'first-fragment', 'later-fragment', 'hidden'] as const;

/** An inner packet, mostly well-formed, of `size` B at most, with options, extension headers, fragments and ICMP in it. */
function randomPacket(random: Random, memory: Uint8Array): Uint8Array {
  const size = random.between(0, random.chance(0.5) ? 1600 : 120);
  const start = random.between(0, memory.length - size);
  const packet = memory.slice(start, start + size);
  if (size === 0) return packet;
  const version = random.chance(0.5) ? 4 : 6;
  const set = (at: number, ...bytes: number[]) => {
    if (at + bytes.length <= size) packet.set(bytes, at);
  };
  const claimed = Math.max(0, size - (random.chance(0.2) ? random.between(-3, 40) : 0));
  if (version === 4) {
    set(0, 0x40 + random.pick([5, 5, 5, 6, 15, random.between(0, 15)]));
    set(2, claimed >> 8, claimed & 255);
    set(
      6,
      ...random.pick([
        [0x40, 0],
        [0, 0],
        [0x20, 0],
        [0, 1],
        [0x3f, 0xff],
      ]),
    );
    set(9, random.pick([1, 6, 17]));
    set(12, random.pick([10, 10, 10, 0, 127, 224]));
    set(16, random.pick([192, 192, 192, 0, 127, 255]));
    set(20, random.pick([3, 4, 5, 8, 11, 12]));
  } else {
    const carried = Math.max(0, claimed - 40);
    set(0, 0x60);
    set(4, carried >> 8, carried & 255);
    if (random.chance(0.1)) packet.fill(0, 8, 24);
    else set(8, random.pick([0xfd, 0xfd, 0xfd, 0xff]));
    set(24, random.pick([0xfd, 0xff]));
    writeChain(random, set);
  }
  if (random.chance(0.05)) packet[0] = random.between(0, 255);
  return packet;
}

/** None to four extension headers, then something. */
function writeChain(random: Random, set: (at: number, ...bytes: number[]) => void): void {
  let at = 40;
  let nameAt = 6;
  for (let left = random.between(0, 4); left > 0; left--) {
    const kind = random.pick([0, 43, 44, 51, 60]);
    const units = random.between(0, 2);
    set(nameAt, kind);
    set(
      at,
      0,
      kind === 44 ? 0 : units,
      ...(random.chance(0.5) ? [0, 0] : [random.between(0, 255), random.between(0, 255)]),
    );
    nameAt = at;
    at += kind === 44 ? 8 : kind === 51 ? (units + 2) * 4 : (units + 1) * 8;
  }
  set(nameAt, random.pick([6, 17, 58, 58, 59]));
  set(at, random.pick([1, 2, 127, 128, 135, 137, 138]));
}

describe('the native plane and core, on 100,000 inner packets', () => {
  const random = new Random(61);
  const memory = random.bytes(4096);
  const packets = Array.from({ length: 100_000 }, () => randomPacket(random, memory));

  it('§3.4 find the same length or the same fault, and the same addresses', () => {
    let legal = 0;
    packets.forEach((packet, i) => {
      const length = innerLength(packet, 0, packet.length);
      if (edge.innerLength(packet) !== length) expect.fail(`packet ${i} of seed 61`);
      const parsed = parseInner(packet);
      const found = edge.describe(packet);
      if (typeof parsed === 'string') {
        if (found !== undefined) expect.fail(`packet ${i} of seed 61: ${parsed}`);
        return;
      }
      legal++;
      const [version, total, source, destination] = found ?? [];
      const at = (view: Uint8Array) => view.byteOffset - packet.byteOffset;
      const expected = [parsed.version, parsed.length, at(parsed.source), at(parsed.destination)];
      if (`${[version, total, source, destination]}` !== `${expected}`) expect.fail(`packet ${i} of seed 61`);
    });
    expect(legal).toBeGreaterThan(50_000);
    expect(legal).toBeLessThan(98_000);
  });

  it('answer what is too big with the same bytes, or neither does', () => {
    let answered = 0;
    packets.forEach((packet, i) => {
      const version = (packet[0] ?? 0) >> 4;
      const mtus = version === 6 ? [1280, 1281, 1279, 1400] : [68, 576, 67, Math.max(0, packet.length - 1)];
      const mtu = mtus[i % 4] ?? 0;
      const from =
        i % 3 === 0 && (version === 4 || version === 6)
          ? memory.slice(i % 4000, (i % 4000) + (version === 4 ? 4 : 16))
          : none;
      const native = edge.tooBigReply(packet, mtu, from);
      const portable = tooBigReply(packet, mtu, from.length === 0 ? undefined : from) ?? none;
      if (Buffer.compare(native, portable) !== 0) expect.fail(`packet ${i} of seed 61, MTU ${mtu}`);
      if (native.length > 0) answered++;
    });
    expect(answered).toBeGreaterThan(2_000);
  });

  it('see the transport header behind options and extension headers, as a slow twin does', () => {
    const seen = new Map<string, number>();
    packets.forEach((packet, i) => {
      const found = edge.describe(packet);
      if (found === undefined) return;
      const [version = 0, length = 0, , , view = -1, protocol, offset, routing] = found;
      const expected = slowTransport(packet.subarray(0, length), version);
      const actual = { view: views[view], protocol, offset, routing: routing === 1 };
      if (JSON.stringify(actual) !== JSON.stringify(expected)) expect.fail(`packet ${i} of seed 61`);
      seen.set(expected.view, (seen.get(expected.view) ?? 0) + 1);
    });
    for (const view of views) expect(seen.get(view)).toBeGreaterThan(1000);
  });
});

/** RFC 791 §3.1 and RFC 8200 §4, header by header. */
function slowTransport(packet: Uint8Array, version: number) {
  const word = (at: number) => (packet[at] ?? 0) * 256 + (packet[at + 1] ?? 0);
  if (version === 4) {
    const offset = ((packet[0] ?? 0) & 15) * 4;
    const [more, later] = [(word(6) & 0x2000) !== 0, (word(6) & 0x1fff) !== 0];
    const view = later
      ? 'later-fragment'
      : offset >= packet.length
        ? 'hidden'
        : more
          ? 'first-fragment'
          : 'whole';
    return { view, protocol: packet[9], offset, routing: false };
  }
  let [protocol = 0, offset, routing, fragment] = [packet[6], 40, false, false];
  for (;;) {
    const size = { 0: 2, 43: 2, 60: 2, 51: 2, 44: 8 }[protocol];
    if (size === undefined) break;
    if (offset + size > packet.length) return { view: 'hidden', protocol, offset, routing };
    const units = packet[offset + 1] ?? 0;
    const length = protocol === 44 ? 8 : protocol === 51 ? (units + 2) * 4 : (units + 1) * 8;
    const later = protocol === 44 && word(offset + 2) >> 3 !== 0;
    routing ||= protocol === 43;
    fragment ||= protocol === 44;
    protocol = packet[offset] ?? 0;
    offset += length;
    if (later) return { view: 'later-fragment', protocol, offset, routing };
  }
  const view = offset >= packet.length ? 'hidden' : fragment ? 'first-fragment' : 'whole';
  return { view, protocol, offset, routing };
}
