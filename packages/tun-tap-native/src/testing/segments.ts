/**
 * TCP and UDP packets and super-frames, made and cut byte by byte: the slow twin of what native/plane does with them. Nothing here
 * is clever, and nothing here shares a line with it.
 */
import type { Random } from './random.ts';

export const tcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const;

/** All that the headers say. Lengths and checksums follow from it. */
export interface Headers {
  readonly version: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  /** 4 B or 16 B each. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly ports: readonly [number, number];
  readonly trafficClass: number;
  readonly timeToLive: number;
  /** IPv4 alone: identification, the three flag bits, options (a multiple of 4 B). */
  readonly identification: number;
  readonly ipFlags: number;
  readonly ipOptions: Uint8Array;
  /** IPv6 alone: flow label, and extension headers with the number of the first; each names the next but the last, which names us. */
  readonly flowLabel: number;
  readonly extensions: { readonly first: number; readonly bytes: Uint8Array } | undefined;
  /** TCP alone. */
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  /** A multiple of 4 B. */
  readonly tcpOptions: Uint8Array;
}

export const plainHeaders: Headers = {
  version: 4,
  protocol: 'tcp',
  source: Uint8Array.of(10, 0, 0, 1),
  destination: Uint8Array.of(10, 0, 0, 2),
  ports: [40_000, 443],
  trafficClass: 0,
  timeToLive: 64,
  identification: 7,
  ipFlags: 0b010,
  ipOptions: new Uint8Array(0),
  flowLabel: 0,
  extensions: undefined,
  sequence: 1000,
  acknowledgement: 2000,
  flags: tcpFlag.ack,
  window: 500,
  urgent: 0,
  tcpOptions: new Uint8Array(0),
};

const v6Address = (last: number) => Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last);
export const plainHeaders6: Headers = {
  ...plainHeaders,
  version: 6,
  source: v6Address(1),
  destination: v6Address(2),
};

const protocolNumber = { tcp: 6, udp: 17 } as const;

/** The checksum of RFC 1071 over `bytes`, two at a time. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}

export const joined = (...parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

/** The packet with right lengths and checksums. */
export function packetOf(headers: Headers, payload: Uint8Array): Uint8Array {
  const transport = joined(transportHeader(headers, payload.length), payload);
  const at = headers.protocol === 'tcp' ? 16 : 6;
  const sum = checksum(joined(pseudoHeader(headers, transport.length), transport));
  new DataView(transport.buffer).setUint16(at, headers.protocol === 'udp' && sum === 0 ? 0xffff : sum);
  return joined(ipHeader(headers, transport.length), transport);
}

function ipHeader(headers: Headers, carried: number): Uint8Array {
  return headers.version === 4 ? ipv4Header(headers, carried) : ipv6Header(headers, carried);
}

function ipv4Header(headers: Headers, carried: number): Uint8Array {
  const header = new Uint8Array(20 + headers.ipOptions.length);
  const view = new DataView(header.buffer);
  header[0] = 0x40 | (header.length / 4);
  header[1] = headers.trafficClass;
  view.setUint16(2, header.length + carried);
  view.setUint16(4, headers.identification);
  view.setUint16(6, headers.ipFlags << 13);
  header[8] = headers.timeToLive;
  header[9] = protocolNumber[headers.protocol];
  header.set(headers.source, 12);
  header.set(headers.destination, 16);
  header.set(headers.ipOptions, 20);
  view.setUint16(10, checksum(header));
  return header;
}

function ipv6Header(headers: Headers, carried: number): Uint8Array {
  const extensions = headers.extensions?.bytes ?? new Uint8Array(0);
  const header = new Uint8Array(40);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0x60000000 + (headers.trafficClass << 20) + headers.flowLabel);
  view.setUint16(4, extensions.length + carried);
  header[6] = headers.extensions?.first ?? protocolNumber[headers.protocol];
  header[7] = headers.timeToLive;
  header.set(headers.source, 8);
  header.set(headers.destination, 24);
  return joined(header, extensions);
}

function transportHeader(headers: Headers, payloadLength: number): Uint8Array {
  if (headers.protocol === 'udp') {
    const header = new Uint8Array(8);
    const view = new DataView(header.buffer);
    view.setUint16(0, headers.ports[0]);
    view.setUint16(2, headers.ports[1]);
    view.setUint16(4, 8 + payloadLength);
    return header;
  }
  const header = new Uint8Array(20 + headers.tcpOptions.length);
  const view = new DataView(header.buffer);
  view.setUint16(0, headers.ports[0]);
  view.setUint16(2, headers.ports[1]);
  view.setUint32(4, headers.sequence);
  view.setUint32(8, headers.acknowledgement);
  header[12] = (header.length / 4) << 4;
  header[13] = headers.flags;
  view.setUint16(14, headers.window);
  view.setUint16(18, headers.urgent);
  header.set(headers.tcpOptions, 20);
  return header;
}

/** RFC 9293 §3.1 and RFC 8200 §8.1, each in its own form. */
function pseudoHeader(headers: Headers, transportLength: number): Uint8Array {
  const protocol = protocolNumber[headers.protocol];
  const tail =
    headers.version === 4
      ? [0, protocol, transportLength >> 8, transportLength & 255]
      : [0, 0, transportLength >> 8, transportLength & 255, 0, 0, 0, protocol];
  return joined(headers.source, headers.destination, Uint8Array.from(tail));
}

/** Bytes before the transport header. */
export const transportOffset = (headers: Headers): number => ipHeader(headers, 0).length;
/** Bytes before the payload. */
export const headersLength = (headers: Headers): number =>
  transportOffset(headers) + transportHeader(headers, 0).length;

/** The 10 B before a packet on the TUN, in this machine's byte order as the kernel has them. */
export function virtioHeader(fields: {
  flags?: number;
  gsoType?: number;
  headerLength?: number;
  segmentSize?: number;
  checksumStart?: number;
  checksumOffset?: number;
}): Uint8Array {
  const { headerLength = 0, segmentSize = 0, checksumStart = 0, checksumOffset = 0 } = fields;
  const words = Uint16Array.of(headerLength, segmentSize, checksumStart, checksumOffset);
  return joined(Uint8Array.of(fields.flags ?? 0, fields.gsoType ?? 0), new Uint8Array(words.buffer));
}

export const gsoType = { none: 0, tcp4: 1, udpFragments: 3, tcp6: 4, udp: 5, ecn: 0x80 } as const;
export const needsChecksum = 1;
export const dataValid = 2;

/** A super-frame as the kernel hands it over: lengths and IP checksum of the whole, the pseudo header's sum where a checksum will be. */
export function superFrame(headers: Headers, payload: Uint8Array, segmentSize: number): Uint8Array {
  const packet = packetOf(headers, payload);
  const start = transportOffset(headers);
  const offset = headers.protocol === 'tcp' ? 16 : 6;
  const pseudo = ~checksum(pseudoHeader(headers, packet.length - start)) & 0xffff;
  new DataView(packet.buffer).setUint16(start + offset, pseudo);
  const tcpType = headers.version === 4 ? gsoType.tcp4 : gsoType.tcp6;
  const virtio = virtioHeader({
    flags: needsChecksum,
    gsoType: headers.protocol === 'udp' ? gsoType.udp : tcpType,
    headerLength: headersLength(headers),
    segmentSize,
    checksumStart: start,
    checksumOffset: offset,
  });
  return joined(virtio, packet);
}

/** The packets that a super-frame of these headers and this payload stands for. */
export function segmentsOf(headers: Headers, payload: Uint8Array, segmentSize: number): Uint8Array[] {
  const packets: Uint8Array[] = [];
  const count = Math.max(1, Math.ceil(payload.length / segmentSize));
  for (let i = 0; i < count; i++) {
    let flags = headers.flags;
    if (i > 0) flags &= ~tcpFlag.cwr;
    if (i < count - 1) flags &= ~(tcpFlag.fin | tcpFlag.psh);
    const own: Headers = {
      ...headers,
      flags,
      identification: (headers.identification + i) % 0x10000,
      sequence: (headers.sequence + i * segmentSize) % 2 ** 32,
    };
    packets.push(packetOf(own, payload.subarray(i * segmentSize, (i + 1) * segmentSize)));
  }
  return packets;
}

/** Headers with something in every field that segmentation carries along. */
export function randomHeaders(random: Random): Headers {
  const version = random.chance(0.5) ? 4 : 6;
  const protocol = random.chance(0.6) ? 'tcp' : 'udp';
  const words = (most: number) => random.bytes(4 * random.below(most + 1));
  return {
    version,
    protocol,
    source: random.bytes(version === 4 ? 4 : 16),
    destination: random.bytes(version === 4 ? 4 : 16),
    ports: [random.below(65_536), random.below(65_536)],
    trafficClass: random.below(256),
    timeToLive: random.below(256),
    identification: random.chance(0.1) ? 65_530 + random.below(6) : random.below(65_536),
    ipFlags: random.pick([0b000, 0b010, 0b100, 0b110]),
    ipOptions: random.chance(0.2) ? words(10) : new Uint8Array(0),
    flowLabel: random.below(2 ** 20),
    extensions: random.chance(0.2) ? extensionsTo(protocolNumber[protocol], random) : undefined,
    sequence: random.chance(0.2) ? 2 ** 32 - random.below(300) : random.word(),
    acknowledgement: random.word(),
    flags: random.below(256),
    window: random.below(65_536),
    urgent: random.below(65_536),
    tcpOptions: random.chance(0.6) ? words(10) : new Uint8Array(0),
  };
}

/** One to three extension headers that may stand in a super-frame. */
function extensionsTo(protocol: number, random: Random): Headers['extensions'] {
  const numbers = Array.from({ length: 1 + random.below(3) }, () => random.pick([0, 60, 51]));
  const parts = numbers.map((number, i) => {
    const units = random.below(3);
    // RFC 4302 §2.2: 4 B words less two, and in IPv6 a multiple of 8 B; the others: 8 B units less one.
    const bytes = random.bytes((units + 1) * 8);
    bytes[0] = numbers[i + 1] ?? protocol;
    bytes[1] = number === 51 ? (units + 1) * 2 - 2 : units;
    return bytes;
  });
  return { first: numbers[0] ?? protocol, bytes: joined(...parts) };
}
