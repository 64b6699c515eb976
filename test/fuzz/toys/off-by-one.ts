/** A planted fault: a list of length-prefixed items whose last length may be one too long. */
export function sumOfItems(input: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < input.length; ) {
    const length = input[at++] ?? 0;
    if (at + length > input.length + 1) return -1; // the fault: + 1
    for (let i = 0; i < length; i++) sum += byteAt(input, at + i);
    at += length;
  }
  return sum;
}

function byteAt(input: Uint8Array, at: number): number {
  const byte = input[at];
  if (byte === undefined) throw new RangeError('read behind the end');
  return byte;
}
