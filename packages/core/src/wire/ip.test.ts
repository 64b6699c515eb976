import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressSize,
  badInnerLength,
  badInnerPacket,
  destinationOffset,
  destinationView,
  innerDrop,
  innerLength,
  isControl,
  parseInner,
  sourceOffset,
  sourceView,
  versionAt,
} from './ip.ts';

function ipv4(totalLength: number, size = totalLength, words = 5): Uint8Array {
  const packet = new Uint8Array(size);
  packet.set([0x40 | words, 0, totalLength >> 8, totalLength & 255].slice(0, size));
  if (size >= 20) packet.set([10, 0, 0, 1, 192, 0, 2, 7], 12);
  return packet;
}

function ipv6(payloadLength: number, size = 40 + payloadLength): Uint8Array {
  const packet = new Uint8Array(size);
  packet.set([0x60, 0, 0, 0, payloadLength >> 8, payloadLength & 255].slice(0, size));
  if (size >= 40) for (let i = 0; i < 32; i++) packet[8 + i] = i < 16 ? 0x10 + i : 0xa0 + i - 16;
  return packet;
}

describe('the true length of an inner packet (protocol.md §3.4)', () => {
  test('of IPv4 is the total length, and addresses are views', () => {
    const packet = ipv4(28, 32);
    expect(parseInner(packet)).toEqual({
      version: 4,
      length: 28,
      source: Uint8Array.of(10, 0, 0, 1),
      destination: Uint8Array.of(192, 0, 2, 7),
    });
    const parsed = parseInner(packet);
    if (typeof parsed === 'string') throw new Error(parsed);
    expect(parsed.source.buffer).toBe(packet.buffer);
    expect(parsed.destination.buffer).toBe(packet.buffer);
  });

  test('of IPv6 is 40 and the payload length', () => {
    const packet = ipv6(8, 64);
    expect(parseInner(packet)).toEqual({
      version: 6,
      length: 48,
      source: packet.slice(8, 24),
      destination: packet.slice(24, 40),
    });
  });

  test('is at the limit, one below and one above it: header', () => {
    expect(parseInner(ipv4(20, 32))).toMatchObject({ length: 20 });
    expect(parseInner(ipv4(19, 32))).toBe('bad-inner-length');
    expect(parseInner(ipv4(21, 32))).toMatchObject({ length: 21 });
    expect(parseInner(ipv4(60, 64, 15))).toMatchObject({ length: 60 });
    expect(parseInner(ipv4(59, 64, 15))).toBe('bad-inner-length');
    expect(parseInner(ipv4(40, 64, 4))).toBe('bad-inner-length');
    expect(parseInner(ipv4(0, 32))).toBe('bad-inner-length');
    expect(parseInner(ipv6(0, 48))).toMatchObject({ length: 40 });
  });

  test('is at the limit, one below and one above it: payload', () => {
    expect(parseInner(ipv4(32, 32))).toMatchObject({ length: 32 });
    expect(parseInner(ipv4(33, 32))).toBe('bad-inner-length');
    expect(parseInner(ipv4(65_535, 65_535))).toMatchObject({ length: 65_535 });
    expect(parseInner(ipv6(8, 48))).toMatchObject({ length: 48 });
    expect(parseInner(ipv6(9, 48))).toBe('bad-inner-length');
    expect(parseInner(ipv6(65_535))).toMatchObject({ length: 65_575 });
  });

  test('needs the whole header', () => {
    for (let size = 1; size < 20; size++) expect(parseInner(ipv4(20, size))).toBe('bad-inner-length');
    for (let size = 1; size < 40; size++) expect(parseInner(ipv6(0, size))).toBe('bad-inner-length');
  });

  test('is refused for every other first nibble, and for nothing at all', () => {
    for (let nibble = 0; nibble < 16; nibble++) {
      const packet = ipv4(20);
      packet[0] = (nibble << 4) | 5;
      if (nibble === 6) expect(parseInner(packet)).toBe('bad-inner-length');
      else if (nibble !== 4) expect(parseInner(packet)).toBe('bad-inner-packet');
    }
    expect(parseInner(new Uint8Array(0))).toBe('bad-inner-packet');
  });
});

test('a payload is control by its first byte 0x00 to 0x0f (§3.5), and an empty one is not', () => {
  for (let first = 0; first < 256; first++) expect(isControl(Uint8Array.of(first, 0))).toBe(first <= 0x0f);
  expect(isControl(new Uint8Array(0))).toBe(false);
});

describe('in place', () => {
  test('innerLength looks only at what is available at the offset', () => {
    const buffer = new Uint8Array(200).fill(0xff);
    buffer.set(ipv4(28), 100);
    expect(innerLength(buffer, 100, 28)).toBe(28);
    expect(innerLength(buffer, 100, 27)).toBe(badInnerLength);
    expect(innerLength(buffer, 100, 0)).toBe(badInnerPacket);
    expect(innerLength(buffer, 99, 29)).toBe(badInnerPacket);
    expect(innerDrop(badInnerPacket)).toBe('bad-inner-packet');
    expect(innerDrop(badInnerLength)).toBe('bad-inner-length');
  });

  test('views and offsets name the same addresses', () => {
    for (const packet of [ipv4(40), ipv6(20)]) {
      const buffer = new Uint8Array(packet.length + 9);
      buffer.set(packet, 9);
      const version = versionAt(buffer, 9);
      const size = addressSize(version);
      const source = 9 + sourceOffset(version);
      const destination = 9 + destinationOffset(version);
      expect(sourceView(buffer, 9)).toEqual(buffer.subarray(source, source + size));
      expect(destinationView(buffer, 9)).toEqual(buffer.subarray(destination, destination + size));
      expect(parseInner(packet)).toMatchObject({
        source: sourceView(buffer, 9),
        destination: destinationView(buffer, 9),
      });
    }
  });
});

describe('hostile payloads', () => {
  test('of every length 0 to 65,535 and first byte of interest never throw nor pass their own end', () => {
    const buffer = new Uint8Array(65_535);
    for (const [first, second] of [
      [0x45, 0xff],
      [0x4f, 0],
      [0x60, 0xff],
      [0x60, 0],
      [0x44, 0],
      [0x00, 0],
      [0x11, 0],
    ]) {
      buffer.set([first ?? 0, 0, second ?? 0, 60, second ?? 0, 60]);
      for (let length = 0; length <= buffer.length; length++) {
        const found = innerLength(buffer, 0, length);
        const legal =
          found === badInnerPacket || found === badInnerLength || (found >= 20 && found <= length);
        if (!legal) expect.fail(`first byte ${first}, ${length} B: ${found}`);
      }
    }
  });

  test('of any bytes give a packet inside the payload or a reason', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 90 }),
        fc.constantFrom(0x45, 0x46, 0x60, undefined),
        (payload, first) => {
          if (first !== undefined && payload.length > 0) payload[0] = first;
          const parsed = parseInner(payload);
          if (typeof parsed === 'string') {
            expect(parsed).toMatch(/^bad-inner-(packet|length)$/);
            return;
          }
          expect(parsed.length).toBeLessThanOrEqual(payload.length);
          expect(parsed.source.length).toBe(parsed.version === 4 ? 4 : 16);
          expect(parsed.destination.length).toBe(parsed.source.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});
