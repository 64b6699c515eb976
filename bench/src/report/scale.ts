/** From values to places on paper, and which values get a mark. */

export interface Scale {
  /** Place of a value. */
  readonly at: (value: number) => number;
  /** Round values for grid lines, ascending. */
  readonly ticks: readonly number[];
}

/** From 0 to a round value not below `most`. */
export function linear(most: number, from: number, to: number): Scale {
  const step = roundStep(most / 4);
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  const end = step * count;
  return {
    at: (value) => from + (value / end) * (to - from),
    ticks: Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12))),
  };
}

/** 1, 2, 2.5 or 5 times a power of ten, not below `step`. */
function roundStep(step: number): number {
  if (!(step > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 2.5, 5].find((factor) => factor * power >= step * (1 - 1e-9)) ?? 10);
}

/** A little beyond `least` and `most`, both above 0; ticks at powers of ten, and between them where these are few. */
export function logarithmic(least: number, most: number, from: number, to: number): Scale {
  const [low, high] = [Math.log10(least) - 0.06, Math.log10(most) + 0.06];
  const decades = Math.floor(high) - Math.ceil(low) + 1;
  const factors = decades >= 3 ? [1] : decades >= 2 ? [1, 3] : [1, 2, 3, 5, 7];
  const ticks: number[] = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++)
    for (const factor of factors) {
      const tick = Number((factor * 10 ** power).toPrecision(6));
      if (Math.log10(tick) >= low && Math.log10(tick) <= high) ticks.push(tick);
    }
  return { at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from), ticks };
}

/** Places moved apart to at least `gap`, in their order, between `from` and `to` as far as there is room; as near to where they were as that allows. */
export function spreadOut(places: readonly number[], gap: number, from: number, to: number): number[] {
  const order = places.map((place, i) => ({ place, i })).sort((x, y) => x.place - y.place);
  // Downward, then back upward from the end: the classic two passes.
  let free = from;
  const moved = order.map(({ place }) => {
    const here = Math.max(place, free);
    free = here + gap;
    return here;
  });
  let end = to;
  for (let n = moved.length - 1; n >= 0; n--) {
    moved[n] = Math.min(moved[n] ?? end, end);
    end = (moved[n] ?? end) - gap;
  }
  const result = new Array<number>(places.length).fill(0);
  for (const [n, { i }] of order.entries()) result[i] = moved[n] ?? 0;
  return result;
}
