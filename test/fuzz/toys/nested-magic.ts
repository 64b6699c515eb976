/** A planted fault: throws for four bytes in a row, each asked for by itself. Blind chance needs 2^32 tries. */
export function nestedMagic(input: Uint8Array): number {
  let depth = 0;
  if (input[0] === 0xca) {
    depth++;
    if (input[1] === 0x3d) {
      depth++;
      if (input[2] === 0x91) {
        depth++;
        if (input[3] === 0x07) throw new Error('found the nested magic');
      }
    }
  }
  return depth;
}
