/** A planted fault: one comparison of 32 bits, so no byte of it is rewarded by a branch. */
export function wideMagic(input: Uint8Array): boolean {
  if (input.length < 12) return false;
  const value = new DataView(input.buffer, input.byteOffset).getUint32(8, true);
  if (value === 0xdeadbeef) throw new Error('found the wide magic');
  return value > 7;
}
