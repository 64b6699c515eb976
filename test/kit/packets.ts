/** Inner packets for tests: well-formed headers, recognisable bodies. */

/** `10.0.0.7` or `fd00::7` as bytes. Only for literals in tests. */
export function ip(text: string): Uint8Array {
  if (text.includes('.')) return Uint8Array.from(text.split('.'), Number);
  const [head = '', tail] = text.split('::');
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

/** An IPv4 or IPv6 packet of `length` B in all (at least the header's), its body numbered from `fill`. */
export function innerPacket(source: string, destination: string, length: number, fill = 0): Uint8Array {
  const from = ip(source);
  const packet = new Uint8Array(length);
  const header = from.length === 4 ? 20 : 40;
  for (let i = header; i < length; i++) packet[i] = (fill + i) & 0xff;
  if (from.length === 4) {
    packet.set([0x45, 0, length >> 8, length & 0xff]);
    packet.set([64, 17], 8);
    packet.set(from, 12);
    packet.set(ip(destination), 16);
  } else {
    packet.set([0x60, 0, 0, 0, (length - 40) >> 8, (length - 40) & 0xff, 17, 64]);
    packet.set(from, 8);
    packet.set(ip(destination), 24);
  }
  return packet;
}
