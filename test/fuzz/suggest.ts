/**
 * From what a run compared to inputs that would have compared equal: where one side of a comparison stands in the input, the
 * other takes its place. (Input-to-state correspondence, as in REDQUEEN, Aschermann et al., NDSS 2019.)
 */
import type { Compared } from './coverage.ts';

/** Places tried for one encoding of one value. */
const mostPlaces = 8;
const widths = [1, 2, 4, 8] as const;

/** Fresh inputs, at most `most`, each with one replacement. */
export function* suggestions(
  input: Uint8Array,
  pairs: readonly Compared[],
  most: number,
): Generator<Uint8Array> {
  let left = most;
  for (const { left: a, right: b } of pairs) {
    for (const [found, wanted] of [...replacements(a, b), ...replacements(b, a)]) {
      for (const at of placesOf(input, found)) {
        if (left-- <= 0) return;
        yield replaced(input, at, found.length, wanted);
      }
    }
  }
}

/** Both sides of the comparisons as bytes, for a dictionary. Numbers below 256 are found without. */
export function tokensOf(pairs: readonly Compared[]): Uint8Array[] {
  return pairs
    .flatMap(({ left, right }) => [left, right])
    .flatMap((value) => {
      if (typeof value === 'string') return value.length > 1 ? [Buffer.from(value, 'utf8')] : [];
      if (value < 256 || value > 0xffff_ffff) return [];
      const width = value > 0xffff ? 4 : 2;
      return [numberBytes(value, width, true), numberBytes(value, width, false)];
    });
}

function replacements(found: Compared['left'], wanted: Compared['left']): [Uint8Array, Uint8Array][] {
  if (typeof found === 'string' && typeof wanted === 'string')
    return [[Buffer.from(found, 'utf8'), Buffer.from(wanted, 'utf8')]];
  if (typeof found === 'string' || typeof wanted === 'string') return [];
  const made: [Uint8Array, Uint8Array][] = [];
  for (const width of widths) {
    if (found < 0 || (width < 8 && found >= 2 ** (8 * width))) continue;
    // a small number in a wide field is found by its own width first
    if (width > 1 && found < 2 ** (4 * width) && found < 256) continue;
    for (const near of typeof wanted === 'number' ? [wanted, wanted + 1, wanted - 1] : [wanted]) {
      made.push([numberBytes(found, width, true), numberBytes(near, width, true)]);
      if (width > 1) made.push([numberBytes(found, width, false), numberBytes(near, width, false)]);
    }
  }
  // numbers that were written in digits
  if (found >= 10 || wanted >= 10) made.push([Buffer.from(`${found}`), Buffer.from(`${wanted}`)]);
  return made;
}

function numberBytes(value: number | bigint, width: 1 | 2 | 4 | 8, little: boolean): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)));
  const cut = bytes.slice(8 - width);
  return little ? cut.reverse() : cut;
}

function placesOf(input: Uint8Array, wanted: Uint8Array): number[] {
  const places: number[] = [];
  const buffer = Buffer.from(input.buffer, input.byteOffset, input.length);
  for (
    let at = buffer.indexOf(wanted);
    at >= 0 && places.length < mostPlaces;
    at = buffer.indexOf(wanted, at + 1)
  )
    places.push(at);
  return places;
}

function replaced(input: Uint8Array, at: number, length: number, wanted: Uint8Array): Uint8Array {
  const made = new Uint8Array(input.length - length + wanted.length);
  made.set(input.subarray(0, at));
  made.set(wanted, at);
  made.set(input.subarray(at + length), at + wanted.length);
  return made;
}
