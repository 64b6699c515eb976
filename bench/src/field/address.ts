/** Dotted IPv4 addresses of our own making, as bytes. */

/** `192.0.2.1` → 4 B. Throws for anything else. */
export function parseIp(text: string): Uint8Array {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || !parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255))
    throw new RangeError(`"${text}" is not an IPv4 address`);
  return Uint8Array.from(parts);
}

/** `192.0.2.1/24` → 4 B and 24. */
export function parsePrefix(text: string): [Uint8Array, number] {
  const [address = '', bits = ''] = text.split('/');
  const count = Number(bits);
  if (!/^\d+$/.test(bits) || count > 32) throw new RangeError(`"${text}" is not an IPv4 prefix`);
  return [parseIp(address), count];
}

/** The `number`-th address of the /16 that begins with these two bytes. */
export function numbered([first, second]: readonly [number, number], number: number): string {
  return `${first}.${second}.${number >> 8}.${number & 255}`;
}
