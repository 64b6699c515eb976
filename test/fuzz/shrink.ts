/** Makes an input that fails as short and as plain as it can be while it fails in the same way. */

/** `fails` is asked at most `most` times. The result fails, or is the input itself. */
export function minimised(
  input: Uint8Array,
  fails: (candidate: Uint8Array) => boolean,
  most: number,
): Uint8Array {
  let left = most;
  const stillFails = (candidate: Uint8Array): boolean => left-- > 0 && fails(candidate);
  let best: Uint8Array = input.slice();
  for (let changed = true; changed && left > 0; ) {
    changed = false;
    for (let length = 1 << Math.ceil(Math.log2(Math.max(1, best.length))); length >= 1; length >>= 1) {
      for (let at = 0; at < best.length && left > 0; ) {
        const candidate = without(best, at, length);
        if (stillFails(candidate)) {
          best = candidate;
          changed = true;
        } else at += length;
      }
    }
  }
  for (let at = 0; at < best.length && left > 0; at++) {
    if (best[at] === 0) continue;
    const candidate = best.slice();
    candidate[at] = 0;
    if (stillFails(candidate)) best = candidate;
  }
  return best;
}

function without(bytes: Uint8Array, at: number, length: number): Uint8Array {
  const end = Math.min(bytes.length, at + length);
  const shorter = new Uint8Array(bytes.length - (end - at));
  shorter.set(bytes.subarray(0, at));
  shorter.set(bytes.subarray(end), at);
  return shorter;
}
