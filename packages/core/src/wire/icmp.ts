/**
 * Tells the source of an inner packet that the path is narrower than it thinks: ICMPv4 "fragmentation needed"
 * (RFC 792, RFC 1191 §4) and ICMPv6 "packet too big" (RFC 4443 §3.2). Goes into our own TUN, never on the wire.
 */
import {
  addressSize,
  destinationView,
  type IpVersion,
  innerLength,
  ipv4,
  ipv6,
  sourceView,
  versionAt,
} from './ip.ts';
import { bytes, fixed, layout, readU16be, u16be, u32be, zeros } from './layout.ts';

/**
 * The answer to `packet` (an IPv4 or IPv6 packet, which may have padding after it) that says no more than `mtu` B fit; or
 * `undefined` where none may be sent: the packet fits or is ill-formed; it is itself an ICMP error, a later fragment, from
 * or to more than one host; or `mtu` is below what its IP version demands of every link, which a source must ignore.
 *
 * `from` is the address (of the packet's version) that the answer comes from, by default the packet's destination: that
 * address is routed to this TUN, so a reverse-path filter lets it in, while one of our own would look forged. The answer is
 * fresh and the caller's.
 *
 * An IPv4 packet without DF is answered like one with it: nothing here cuts inner packets, and its source lowers its path
 * MTU by the same message.
 */
export function tooBigReply(packet: Uint8Array, mtu: number, from?: Uint8Array): Uint8Array | undefined {
  const length = innerLength(packet, 0, packet.length);
  if (length < 0 || length <= mtu) return undefined;
  const version = versionAt(packet, 0);
  const whole = packet.subarray(0, length);
  const destination = destinationView(whole, 0);
  const source = from?.length === addressSize(version) ? from : destination;
  if (!isOneHost(version, sourceView(whole, 0)) || !isOneHost(version, source)) return undefined;
  // RFC 4443 §2.4 (e.3) lets just this error answer IPv6 multicast: so path MTU discovery works for it.
  if (version === 4 && !isOneHost(version, destination)) return undefined;
  return version === 4 ? fragmentationNeeded(whole, mtu, source) : packetTooBig(whole, mtu, source);
}

const protocol = { icmp: 1, icmpv6: 58 } as const;

/** The header of an IPv4 packet without options. RFC 791 §3.1. */
const ipv4Header = layout({
  versionAndLength: fixed(0x45),
  /** Precedence "internetwork control", as RFC 1812 §4.3.2.5 asks of ICMP errors. */
  trafficClass: fixed(0xc0),
  totalLength: u16be,
  /** Zero with DF: a datagram that is never cut needs no identity. RFC 6864 §4.1. */
  identification: zeros(2),
  flags: fixed(0x40, 0x00),
  timeToLive: fixed(64),
  protocol: fixed(protocol.icmp),
  checksum: u16be,
  source: bytes(ipv4.addressSize),
  destination: bytes(ipv4.addressSize),
});

/** RFC 8200 §3. */
const ipv6Header = layout({
  version: fixed(0x60, 0, 0, 0),
  payloadLength: u16be,
  nextHeader: fixed(protocol.icmpv6),
  hopLimit: fixed(64),
  source: bytes(ipv6.addressSize),
  destination: bytes(ipv6.addressSize),
});

/** RFC 1191 §4: destination unreachable, fragmentation needed and DF set. */
const icmpv4Header = layout({
  type: fixed(3),
  code: fixed(4),
  checksum: u16be,
  unused: zeros(2),
  mtu: u16be,
});
/** RFC 4443 §3.2. */
const icmpv6Header = layout({ type: fixed(2), code: fixed(0), checksum: u16be, mtu: u32be });
/** What the ICMPv6 checksum covers besides the message. RFC 8200 §8.1. */
const pseudoHeader = layout({
  source: bytes(ipv6.addressSize),
  destination: bytes(ipv6.addressSize),
  length: u32be,
  zero: zeros(3),
  nextHeader: fixed(protocol.icmpv6),
});

/** RFC 791: every link carries 68 B. */
const ipv4MinMtu = 68;
/** RFC 1812 §4.3.2.3: quote as much as keeps the whole error within this. */
const ipv4MaxError = 576;
/** RFC 8200 §5: every link carries 1280 B; RFC 4443 §3.2: the error fits in it; RFC 8201 §4: smaller MTUs are ignored. */
const ipv6MinMtu = 1280;

function fragmentationNeeded(packet: Uint8Array, mtu: number, source: Uint8Array): Uint8Array | undefined {
  if (mtu < ipv4MinMtu || isLaterFragmentV4(packet) || isErrorV4(packet)) return undefined;
  const quoted = packet.subarray(0, Math.min(mtu, ipv4MaxError) - ipv4Header.size - icmpv4Header.size);
  const reply = new Uint8Array(ipv4Header.size + icmpv4Header.size + quoted.length);
  const header = { totalLength: reply.length, checksum: 0, source, destination: sourceView(packet, 0) };
  ipv4Header.write(header, reply);
  ipv4Header.write({ ...header, checksum: internetChecksum(reply.subarray(0, ipv4Header.size)) }, reply);

  const message = reply.subarray(ipv4Header.size);
  icmpv4Header.write({ checksum: 0, mtu }, message);
  message.set(quoted, icmpv4Header.size);
  icmpv4Header.write({ checksum: internetChecksum(message), mtu }, message);
  return reply;
}

function packetTooBig(packet: Uint8Array, mtu: number, source: Uint8Array): Uint8Array | undefined {
  if (mtu < ipv6MinMtu || !mayAnswerV6(packet)) return undefined;
  const quoted = packet.subarray(0, ipv6MinMtu - ipv6Header.size - icmpv6Header.size);
  const reply = new Uint8Array(ipv6Header.size + icmpv6Header.size + quoted.length);
  const destination = sourceView(packet, 0);
  const length = icmpv6Header.size + quoted.length;
  ipv6Header.write({ payloadLength: length, source, destination }, reply);

  const message = reply.subarray(ipv6Header.size);
  icmpv6Header.write({ checksum: 0, mtu }, message);
  message.set(quoted, icmpv6Header.size);
  const checksum = internetChecksum(pseudoHeader.write({ source, destination, length }), message);
  icmpv6Header.write({ checksum, mtu }, message);
  return reply;
}

/** Whether an address names one host, so that it may get or send an error. RFC 1122 §3.2.2, RFC 4443 §2.4 (e). */
function isOneHost(version: IpVersion, ip: Uint8Array): boolean {
  const first = ip[0] as number; // 4 B or 16 B
  if (version === 4) return first !== 0 && first !== 127 && first < 224; // none, loopback, multicast, class E, broadcast
  return first !== 0xff && ip.some((byte) => byte !== 0);
}

function isLaterFragmentV4(packet: Uint8Array): boolean {
  const offset = 6;
  return (readU16be(packet, offset) & 0x1fff) !== 0;
}

/** ICMPv4 types that report an error. RFC 1122 §3.2.2. */
const errorTypesV4: readonly number[] = [3, 4, 5, 11, 12];

function isErrorV4(packet: Uint8Array): boolean {
  const protocolAt = 9;
  if (packet[protocolAt] !== protocol.icmp) return false;
  const headerLength = ((packet[0] as number) & 0x0f) * 4; // innerLength saw the header whole
  const type = packet[headerLength] as number; // longer than an MTU of 68 B, and no header is: the type is there
  return errorTypesV4.includes(type);
}

const extension = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destinationOptions: 60,
} as const;
const lastErrorTypeV6 = 127;
const redirectTypeV6 = 137;

/**
 * Walks the extension headers (RFC 8200 §4) to what the packet carries. Not answered: a later fragment, an ICMPv6 error or
 * redirect (RFC 4443 §2.4 (e)), and a chain that ends before it shows what it carries.
 */
function mayAnswerV6(packet: Uint8Array): boolean {
  const nextHeaderAt = 6;
  let next = packet[nextHeaderAt];
  let at: number = ipv6.headerSize;
  // INVARIANT: each step moves `at` by at least 8 B, so the walk ends with the packet.
  while (next !== undefined) {
    switch (next) {
      case extension.hopByHop:
      case extension.routing:
      case extension.destinationOptions:
      case extension.authentication: {
        const units = packet[at + 1];
        if (units === undefined) return false;
        // RFC 4302 §2.2: the authentication header counts 4 B words less two, the others count 8 B units less one.
        const size = next === extension.authentication ? (units + 2) * 4 : (units + 1) * 8;
        next = packet[at];
        at += size;
        break;
      }
      case extension.fragment:
        if (at + 8 > packet.length || readU16be(packet, at + 2) >>> 3 !== 0) return false;
        next = packet[at];
        at += 8;
        break;
      case protocol.icmpv6: {
        const type = packet[at];
        return type !== undefined && type > lastErrorTypeV6 && type !== redirectTypeV6;
      }
      default:
        return true;
    }
  }
  return false;
}

/** The Internet checksum over the parts joined (all but the last of even length). RFC 1071. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0; // at most 65,535 × 32,768 and some: exact
  for (const part of parts) {
    for (let i = 0; i + 1 < part.length; i += 2) sum += readU16be(part, i);
    if (part.length % 2 === 1) sum += (part[part.length - 1] as number) << 8; // the last byte, padded with a zero
  }
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum ^ 0xffff;
}
