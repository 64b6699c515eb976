/** Longest prefix match, the slow and obvious way: text against bits. */

/** The owner of the longest prefix that covers `address` (4 or 16 B); of equal ones the last. `undefined`: nobody's. */
export function ownerOf(
  address: Uint8Array,
  table: Iterable<{ readonly peer: number; readonly allowed: readonly string[] }>,
): number | undefined {
  const bits = bitsOf(address);
  let best: { peer: number; length: number } | undefined;
  for (const { peer, allowed } of table) {
    for (const prefix of allowed) {
      const covered = coveredBits(prefix);
      if (covered.family !== address.length || !bits.startsWith(covered.bits)) continue;
      if (best === undefined || covered.bits.length >= best.length)
        best = { peer, length: covered.bits.length };
    }
  }
  return best?.peer;
}

const known = new Map<string, { readonly family: number; readonly bits: string }>();

function coveredBits(prefix: string): { readonly family: number; readonly bits: string } {
  const cached = known.get(prefix);
  if (cached !== undefined) return cached;
  const [address = '', length = ''] = prefix.split('/');
  const bytes = address.includes('.') ? ipv4(address) : ipv6(address);
  const made = { family: bytes.length, bits: bitsOf(bytes).slice(0, Number(length)) };
  known.set(prefix, made);
  return made;
}

function bitsOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function ipv4(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number);
}

/** With `::` in it, at any place. */
function ipv6(text: string): Uint8Array {
  const [left = '', right = ''] = text.split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [head, tail] = [words(left), words(right)];
  const middle = new Array<string>(8 - head.length - tail.length).fill('0');
  const all = [...head, ...middle, ...tail].map((word) => Number.parseInt(word, 16));
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}
