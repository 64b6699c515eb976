import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { internetChecksum, tooBigReply } from './icmp.ts';
import { parseInner } from './ip.ts';

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const unhex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const joined = (...parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
const v6 = (text: string) => unhex(text.padEnd(32, '0'));

/** IPv4 UDP, 10.0.0.2 → 192.0.2.7, 1420 B with DF; header checksum right. */
function udp4(): Uint8Array {
  const ramp = Uint8Array.from({ length: 1392 }, (_, i) => (3 * i + 1) % 256);
  return joined(unhex('4500058c123440003f1158240a000002c0000207'), unhex('0fa0003505780000'), ramp);
}

/** IPv6 UDP, fd00::2 → 2001:db8::7, 1420 B. */
function udp6(): Uint8Array {
  const ramp = Uint8Array.from({ length: 1372 }, (_, i) => (5 * i + 2) % 256);
  const header = `600000000564113f${'fd000000000000000000000000000002'}${'20010db8000000000000000000000007'}`;
  return joined(unhex(header), unhex('0fa0003505640000'), ramp);
}

/** An IPv6 packet of 1400 B whose bytes after the fixed header are as given, then zeros. */
function ipv6Carrying(next: number, after: string): Uint8Array {
  const packet = udp6().fill(0, 40).subarray(0, 1400);
  packet.set([1360 >> 8, 1360 & 255], 4);
  packet[6] = next;
  packet.set(unhex(after), 40);
  return packet;
}

describe('answers computed by hand with another program', () => {
  test('ICMPv4 fragmentation needed: 576 B, MTU in the last two bytes of the header (RFC 1191 §4)', () => {
    const reply = tooBigReply(udp4(), 1280) ?? new Uint8Array();
    expect(reply.length).toBe(576);
    expect(hex(reply.subarray(0, 20))).toBe('45c002400000400040016bf4c00002070a000002');
    expect(hex(reply.subarray(20, 28))).toBe('03043afa00000500');
    expect(reply.subarray(28)).toEqual(udp4().subarray(0, 548));
  });

  test('ICMPv6 packet too big: 1280 B, MTU as 32 bits (RFC 4443 §3.2)', () => {
    const reply = tooBigReply(udp6(), 1300) ?? new Uint8Array();
    expect(reply.length).toBe(1280);
    expect(hex(reply.subarray(0, 40))).toBe(
      '6000000004d83a4020010db8000000000000000000000007fd000000000000000000000000000002',
    );
    expect(hex(reply.subarray(40, 48))).toBe('0200dab100000514');
    expect(reply.subarray(48)).toEqual(udp6().subarray(0, 1232));
  });

  test('the checksum of the example in RFC 1071 §3, of an odd length, and of carries', () => {
    expect(internetChecksum(unhex('0001f203f4f5f6f7'))).toBe(0xddf2 ^ 0xffff);
    expect(internetChecksum(unhex('0001f2'))).toBe(0xf201 ^ 0xffff);
    expect(internetChecksum(unhex('ffff'), unhex('ffff0001'))).toBe(0x0001 ^ 0xffff);
    expect(internetChecksum()).toBe(0xffff);
  });
});

describe('any answer', () => {
  test('has right checksums, goes back to the source and quotes the packet within mtu and 576 or 1280 B', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer({ min: 69, max: 9000 }),
        fc.integer({ min: 68, max: 9000 }),
        fc.nat(40),
        (four, length, mtu, padding) => {
          const head = four ? udp4().subarray(0, 20) : udp6().subarray(0, 40);
          const packet = new Uint8Array(length + padding).fill(0xa5);
          packet.set(head);
          if (four) packet.set([length >> 8, length & 255], 2);
          else packet.set([(length - 40) >> 8, (length - 40) & 255], 4);
          const reply = tooBigReply(packet, mtu);
          expect(reply !== undefined).toBe(length > mtu && (four || mtu >= 1280));
          if (reply === undefined) return;
          const inner = parseInner(reply);
          const asked = parseInner(packet);
          if (typeof inner === 'string' || typeof asked === 'string') throw new Error('not an IP packet');
          expect(inner.length).toBe(reply.length);
          expect(inner.destination).toEqual(asked.source);
          expect(inner.source).toEqual(asked.destination);
          expect(reply.length).toBeLessThanOrEqual(four ? Math.min(576, mtu) : 1280);
          const message = reply.subarray(four ? 20 : 40);
          expect(message.subarray(8)).toEqual(packet.subarray(0, message.length - 8));
          if (four) {
            expect(internetChecksum(reply.subarray(0, 20))).toBe(0);
            expect(internetChecksum(message)).toBe(0);
          } else {
            const pseudo = joined(
              inner.source,
              inner.destination,
              Uint8Array.of(0, 0, message.length >> 8, message.length & 255, 0, 0, 0, 58),
            );
            expect(internetChecksum(pseudo, message)).toBe(0);
          }
        },
      ),
    );
  });

  test('comes from the address given, if it is of the same version', () => {
    const from4 = Uint8Array.of(10, 9, 8, 7);
    const from6 = v6('fd0000000000000000000000000000fe');
    expect(tooBigReply(udp4(), 1280, from4)?.subarray(12, 16)).toEqual(from4);
    expect(tooBigReply(udp4(), 1280, from6)?.subarray(12, 16)).toEqual(Uint8Array.of(192, 0, 2, 7));
    expect(tooBigReply(udp6(), 1280, from6)?.subarray(8, 24)).toEqual(from6);
  });

  test('is made for an IPv4 packet without DF as well: nothing here would cut it', () => {
    const packet = udp4();
    packet[6] = 0;
    expect(tooBigReply(packet, 1280)).toBeDefined();
  });
});

describe('no answer', () => {
  test('to a packet that fits, exactly, and one to a packet one byte larger', () => {
    expect(tooBigReply(udp4(), 1420)).toBeUndefined();
    expect(tooBigReply(udp4(), 1419)).toBeDefined();
    expect(tooBigReply(udp6(), 1420)).toBeUndefined();
    expect(tooBigReply(udp6(), 1419)).toBeDefined();
  });

  test('with an MTU below what every link carries: 68 B and 1280 B', () => {
    expect(tooBigReply(udp4(), 67)).toBeUndefined();
    expect(tooBigReply(udp4(), 68)?.length).toBe(68);
    expect(tooBigReply(udp6(), 1279)).toBeUndefined();
    expect(tooBigReply(udp6(), 1280)).toBeDefined();
  });

  test('to what is no IP packet', () => {
    expect(tooBigReply(new Uint8Array(0), 0)).toBeUndefined();
    expect(tooBigReply(new Uint8Array(2000), 1280)).toBeUndefined();
    expect(tooBigReply(udp4().subarray(0, 1419), 1280)).toBeUndefined();
  });

  test('to a later IPv4 fragment, but to the first', () => {
    const packet = udp4();
    packet.set([0x20, 0x00], 6);
    expect(tooBigReply(packet, 1280)).toBeDefined();
    for (const field of [
      [0x20, 0x01],
      [0x1f, 0xff],
      [0x00, 0x01],
      [0x10, 0x00],
    ]) {
      packet.set(field, 6);
      expect(tooBigReply(packet, 1280)).toBeUndefined();
    }
  });

  test('to an ICMPv4 error, but to other ICMPv4', () => {
    const packet = udp4();
    packet[9] = 1;
    for (let type = 0; type < 256; type++) {
      packet[20] = type;
      expect(tooBigReply(packet, 1280) === undefined, `type ${type}`).toBe([3, 4, 5, 11, 12].includes(type));
    }
    packet[0] = 0x46; // one option: the type stands four bytes on
    packet[20] = 3;
    packet[24] = 8;
    expect(tooBigReply(packet, 1280)).toBeDefined();
    packet[24] = 3;
    expect(tooBigReply(packet, 1280)).toBeUndefined();
  });

  test('but to what is no ICMPv4, whatever stands where a type would', () => {
    const packet = udp4();
    for (const first of [3, 4, 5, 11, 12]) {
      packet[20] = first; // of a port
      expect(tooBigReply(packet, 1280)).toBeDefined();
    }
  });

  test.each([
    [0, 0, 0, 0],
    [127, 0, 0, 1],
    [224, 0, 0, 1],
    [239, 255, 255, 255],
    [240, 0, 0, 1],
    [255, 255, 255, 255],
  ])('from or to %d.%d.%d.%d, which is not one host', (...ip) => {
    const from = udp4();
    from.set(ip, 12);
    expect(tooBigReply(from, 1280)).toBeUndefined();
    const to = udp4();
    to.set(ip, 16);
    expect(tooBigReply(to, 1280)).toBeUndefined();
    expect(tooBigReply(to, 1280, Uint8Array.of(10, 0, 0, 1))).toBeUndefined();
  });

  test.each([
    [1, 0, 0, 0],
    [126, 255, 0, 1],
    [128, 0, 0, 1],
    [223, 255, 255, 255],
  ])('but from %d.%d.%d.%d, which is', (...ip) => {
    const packet = udp4();
    packet.set(ip, 12);
    expect(tooBigReply(packet, 1280)).toBeDefined();
  });

  test('to the unspecified or a multicast IPv6 source; to a multicast destination only from an address of ours', () => {
    const packet = udp6();
    packet.set(v6(''), 8);
    expect(tooBigReply(packet, 1280)).toBeUndefined();
    packet.set(v6('ff02'), 8);
    expect(tooBigReply(packet, 1280)).toBeUndefined();
    packet.set(v6('fe80'), 8);
    expect(tooBigReply(packet, 1280)).toBeDefined();
    packet.set(v6('ff02'), 24);
    expect(tooBigReply(packet, 1280)).toBeUndefined();
    expect(tooBigReply(packet, 1280, v6('fd00'))).toBeDefined();
  });

  test('to ICMPv6 errors and redirects, but to other ICMPv6', () => {
    for (let type = 0; type < 256; type++) {
      const packet = ipv6Carrying(58, type.toString(16).padStart(2, '0'));
      expect(tooBigReply(packet, 1280) === undefined, `type ${type}`).toBe(type < 128 || type === 137);
    }
  });

  test.each([
    ['hop-by-hop of 8 B', 0, `3a00${'00'.repeat(6)}`],
    ['routing of 24 B', 43, `3a02${'00'.repeat(22)}`],
    ['destination options of 16 B', 60, `3a01${'00'.repeat(14)}`],
    ['authentication of 24 B', 51, `3a04${'00'.repeat(22)}`],
    ['first fragment', 44, `3a00${'0001'}${'00'.repeat(4)}`],
    [
      'hop-by-hop, then routing, then first fragment',
      0,
      `2b00${'00'.repeat(6)}2c00${'00'.repeat(6)}3a000001${'00'.repeat(4)}`,
    ],
  ])('to an ICMPv6 error behind %s, but to an echo request there', (_, next, chain) => {
    expect(tooBigReply(ipv6Carrying(next, `${chain}01`), 1280)).toBeUndefined();
    expect(tooBigReply(ipv6Carrying(next, `${chain}80`), 1280)).toBeDefined();
  });

  test('to a later IPv6 fragment or a chain that ends before it shows what it carries', () => {
    expect(tooBigReply(ipv6Carrying(44, '11000008'), 1280)).toBeUndefined();
    expect(tooBigReply(ipv6Carrying(44, '1100fff8'), 1280)).toBeUndefined();
    expect(tooBigReply(ipv6Carrying(44, '11000001'), 1280)).toBeDefined();
    expect(tooBigReply(ipv6Carrying(0, '00ff'), 1280)).toBeUndefined(); // hop-by-hop of 2048 B
    expect(tooBigReply(ipv6Carrying(0, '3aff'), 1280)).toBeUndefined();
  });

  test.each([
    ['a fragment header cut short', 44, 4, '06000000', false],
    ['a fragment header and nothing behind it', 44, 8, `06${'00'.repeat(7)}`, true],
    ['one byte of destination options', 60, 1, '06', false],
    ['no byte of a routing header', 43, 0, '', false],
    ['no byte of ICMPv6', 58, 0, '', false],
    ['no byte of TCP', 6, 0, '', true],
  ])('to a chain at whose end is %s, unless it shows what it carries', (_, next, length, bytes, answered) => {
    // hop-by-hop of 1360 B, the fixed header before it, and then `length` bytes
    const packet = new Uint8Array(1400 + length);
    packet.set(udp6().subarray(0, 40));
    packet.set([(1360 + length) >> 8, (1360 + length) & 255], 4);
    packet[6] = 0;
    packet.set([next, 1360 / 8 - 1], 40);
    packet.set(unhex(bytes), 1400);
    expect(tooBigReply(packet, 1280) !== undefined).toBe(answered);
  });

  test('but never an exception, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 1500 }),
        fc.constantFrom(0x45, 0x4f, 0x60),
        fc.nat(1500),
        (packet, first, mtu) => {
          packet[0] = first;
          if (first === 0x60) packet.set([0, 0], 4);
          else packet.set([packet.length >> 8, packet.length & 255], 2);
          expect(() => tooBigReply(packet, mtu)).not.toThrow();
        },
      ),
    );
  });
});
