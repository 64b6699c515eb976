/** An inner UDP packet that a kernel takes: header checksum right, UDP's left out (0, which IPv4 allows). */
import { innerPacket } from '../test/kit/packets.ts';

const ipHeader = 20;
const udpHeader = 8;

export function innerUdp(
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
  payload: Uint8Array,
): Uint8Array {
  const packet = innerPacket(source, destination, ipHeader + udpHeader + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint16(10, checksum(packet.subarray(0, ipHeader)));
  view.setUint16(ipHeader, sourcePort);
  view.setUint16(ipHeader + 2, destinationPort);
  view.setUint16(ipHeader + 4, udpHeader + payload.length);
  view.setUint16(ipHeader + 6, 0);
  packet.set(payload, ipHeader + udpHeader);
  return packet;
}

/** Whether an IPv4 packet is UDP from one port to another. */
export function isUdpBetween(packet: Buffer, sourcePort: number, destinationPort: number): boolean {
  const header = ((packet[0] ?? 0) & 15) * 4;
  return (
    packet.length >= header + udpHeader &&
    packet[9] === 17 &&
    packet.readUInt16BE(header) === sourcePort &&
    packet.readUInt16BE(header + 2) === destinationPort
  );
}

/** RFC 1071. The field itself is zero. */
function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += ((header[i] ?? 0) << 8) | (header[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
