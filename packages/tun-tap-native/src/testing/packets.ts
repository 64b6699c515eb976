/** Packets made and taken apart by hand, for tests. */

export const checksum = (bytes: Uint8Array): number => {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) sum += index % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};

/** IPv4 without options around `payload`. */
export function ipv4(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  payload: Uint8Array,
): Uint8Array {
  const packet = new Uint8Array(20 + payload.length);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45;
  view.setUint16(2, packet.length);
  packet[8] = 64;
  packet[9] = protocol;
  packet.set(source, 12);
  packet.set(destination, 16);
  view.setUint16(10, checksum(packet.subarray(0, 20)));
  packet.set(payload, 20);
  return packet;
}

/** ICMP echo request, type 8. */
export function echoRequest(identifier: number, data: Uint8Array): Uint8Array {
  const message = new Uint8Array(8 + data.length);
  const view = new DataView(message.buffer);
  message[0] = 8;
  view.setUint16(4, identifier);
  message.set(data, 8);
  view.setUint16(2, checksum(message));
  return message;
}

/** The payload of an IPv4/UDP packet to `port`, or `undefined` when it is something else. */
export function udpPayload(packet: Uint8Array, port: number): Uint8Array | undefined {
  if (packet[0] !== 0x45 || packet[9] !== 17) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  return view.getUint16(22) === port ? packet.subarray(28) : undefined;
}
