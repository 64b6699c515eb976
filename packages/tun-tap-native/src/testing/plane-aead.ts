/** What native/testing/aead_edge.cc exports. */
export interface AeadEdge {
  /** `name` is empty where there is no engine of that name. */
  select(name: string): { name: string; reason: string };
  create(engine: string, key: Uint8Array): object;
  /** Both work in `memory`, at the places `placesOf` wrote, and say 1 or 0 of each; the number of good ones returns. */
  seal(cipher: object, memory: Uint8Array, places: Uint8Array, verdicts: Uint8Array): number;
  open(cipher: object, memory: Uint8Array, places: Uint8Array, verdicts: Uint8Array): number;
  checkBroken(what: string): string;
  compareBroken(fault: string): string;
}

/** A record: text in `memory`, with 16 B for the tag behind it. */
export interface Place {
  readonly offset: number;
  readonly length: number;
  readonly counter: bigint;
}

export const tagSize = 16;

/** Places as C++ reads them: offset u32, length u32, counter u64, in host byte order. */
export function placesOf(places: readonly Place[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(places.length * 16));
  for (const [i, { offset, length, counter }] of places.entries()) {
    view.setUint32(i * 16, offset, true);
    view.setUint32(i * 16 + 4, length, true);
    view.setBigUint64(i * 16 + 8, counter, true);
  }
  return new Uint8Array(view.buffer);
}
