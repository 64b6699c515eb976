/** The slow twin of native/plane/coalesce.h: which packets of a batch may be in one super-frame. Rules one by one, on parsed packets. */
import { checksum, joined, tcpFlag } from './segments.ts';

interface Parsed {
  readonly flow: string;
  readonly joinable: boolean;
  readonly tcp: boolean;
  /** All that must be equal, as text. */
  readonly same: string;
  readonly headersLength: number;
  readonly payloadLength: number;
  readonly sequence: number;
  readonly flags: number;
  /** Of IPv4 without DF. */
  readonly identification: number | undefined;
  readonly right: boolean;
}

interface Frame {
  readonly packets: number[];
  readonly parsed: readonly Parsed[];
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const word = (bytes: Uint8Array, at: number) => (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);

/** The packets of each frame, by their number, frames in the order in which they come out. */
export function slowFrames(
  packets: readonly Uint8Array[],
  allowed: { readonly tcp: boolean; readonly udp: boolean },
): number[][] {
  const frames: Frame[] = [];
  const open = new Map<string, Frame>();
  packets.forEach((packet, i) => {
    const parsed = parse(packet, allowed);
    if (parsed === 'any-flow') open.clear();
    if (typeof parsed === 'string') {
      frames.push({ packets: [i], parsed: [] });
      return;
    }
    const frame = open.get(parsed.flow);
    if (frame !== undefined && mayJoin(frame.parsed, parsed)) {
      frame.packets.push(i);
      const longer = { packets: frame.packets, parsed: [...frame.parsed, parsed] };
      frames[frames.indexOf(frame)] = longer;
      open.set(parsed.flow, longer);
      return;
    }
    const begun = { packets: [i], parsed: [parsed] };
    frames.push(begun);
    if (parsed.joinable) open.set(parsed.flow, begun);
    else open.delete(parsed.flow);
  });
  return frames.map((frame) => frame.packets);
}

function mayJoin(before: readonly Parsed[], next: Parsed): boolean {
  const first = before[0];
  const last = before.at(-1);
  if (first === undefined || last === undefined || !next.joinable) return false;
  const total = before.reduce((sum, { payloadLength }) => sum + payloadLength, first.headersLength);
  const ended = (last.flags & (tcpFlag.fin | tcpFlag.psh)) !== 0 || last.payloadLength < first.payloadLength;
  return (
    !ended &&
    before.every(({ right }) => right) &&
    next.right &&
    next.same === first.same &&
    next.payloadLength <= first.payloadLength &&
    total + next.payloadLength <= 65_535 &&
    before.length < (next.tcp ? 128 : 64) &&
    (next.flags & tcpFlag.cwr) === 0 &&
    (!next.tcp || next.sequence === (last.sequence + last.payloadLength) % 2 ** 32) &&
    (next.identification === undefined || next.identification === ((last.identification ?? 0) + 1) % 0x10000)
  );
}

function parse(
  packet: Uint8Array,
  allowed: { readonly tcp: boolean; readonly udp: boolean },
): Parsed | 'alone' | 'any-flow' {
  const version = (packet[0] ?? 0) >> 4;
  if (version !== 4 && version !== 6) return 'alone';
  if (packet.length < (version === 4 ? 20 : 40)) return 'alone';
  const ipHeader = version === 4 ? ((packet[0] ?? 0) & 15) * 4 : 40;
  if ((version === 4 ? word(packet, 2) : 40 + word(packet, 4)) !== packet.length) return 'alone';
  if (ipHeader < 20 || ipHeader > packet.length) return 'alone';

  let at = ipHeader;
  let protocol = packet[version === 4 ? 9 : 6] ?? 0;
  let fragment = version === 4 && (word(packet, 6) & 0x3fff) !== 0;
  let hidden = false;
  while (version === 6 && [0, 43, 44, 51, 60].includes(protocol)) {
    if (at + (protocol === 44 ? 8 : 2) > packet.length) {
      hidden = true;
      break;
    }
    const later = protocol === 44 && word(packet, at + 2) >> 3 !== 0;
    fragment ||= protocol === 44;
    const units = packet[at + 1] ?? 0;
    const size = protocol === 44 ? 8 : protocol === 51 ? (units + 2) * 4 : (units + 1) * 8;
    protocol = packet[at] ?? 0;
    at += size;
    if (later) break;
  }
  const laterV4 = version === 4 && (word(packet, 6) & 0x1fff) !== 0;
  hidden ||= at >= packet.length && !laterV4 && !(fragment && version === 6 && at > packet.length);
  const tcp = protocol === 6;
  if ((tcp && !allowed.tcp) || (protocol === 17 && !allowed.udp)) return 'alone';
  if (!tcp && protocol !== 17) return hidden ? 'any-flow' : 'alone';
  if (fragment || hidden || packet.length - at < 8) return 'any-flow';

  const addresses = version === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  const transport = packet.subarray(at);
  const flow = `${version} ${protocol} ${hex(addresses)} ${hex(transport.subarray(0, 4))}`;
  const carried = tcp ? ((transport[12] ?? 0) >> 4) * 4 : 8;
  const whole = tcp ? carried >= 20 && carried <= transport.length : true;
  const flags = tcp ? (transport[13] ?? 0) : 0;
  const form = tcp
    ? (flags & (tcpFlag.syn | tcpFlag.rst | tcpFlag.urg | tcpFlag.ack)) === tcpFlag.ack
    : word(transport, 4) === transport.length && word(transport, 6) !== 0;
  const plain = at === (version === 4 ? 20 : 40) && !(version === 4 && (packet[6] ?? 0) & 0x80);
  const dontFragment = version === 4 && ((packet[6] ?? 0) & 0x40) !== 0;
  return {
    flow,
    joinable: whole && form && plain && transport.length > carried,
    tcp,
    same: sameText(version, packet, tcp, transport, carried),
    headersLength: at + carried,
    payloadLength: transport.length - carried,
    sequence: tcp ? new DataView(transport.buffer, transport.byteOffset).getUint32(4) : 0,
    flags,
    identification: version === 4 && !dontFragment ? word(packet, 4) : undefined,
    right: right(version, packet, tcp, transport, addresses),
  };
}

/** Whatever does not change from one packet to the next. */
function sameText(
  version: number,
  packet: Uint8Array,
  tcp: boolean,
  transport: Uint8Array,
  carried: number,
): string {
  const ip = version === 4 ? [packet[1], packet[6], packet[8]] : [...packet.subarray(0, 4), packet[7]];
  if (!tcp) return `${ip}`;
  const flags = (transport[13] ?? 0) & ~(tcpFlag.fin | tcpFlag.psh | tcpFlag.cwr);
  const rest = [8, 9, 10, 11, 12, 14, 15, 18, 19].map((i) => transport[i]);
  return `${ip} ${flags} ${rest} ${hex(transport.subarray(20, carried))}`;
}

/** All checksums right, and zero in its usual form. */
function right(
  version: number,
  packet: Uint8Array,
  tcp: boolean,
  transport: Uint8Array,
  addresses: Uint8Array,
): boolean {
  if (version === 4 && (checksum(packet.subarray(0, 20)) !== 0 || word(packet, 10) === 0xffff)) return false;
  const pseudo = Uint8Array.of(0, tcp ? 6 : 17, transport.length >> 8, transport.length & 255);
  if (tcp && word(transport, 16) === 0xffff) return false;
  return checksum(joined(addresses, pseudo, transport)) === 0;
}
