/** Student's t distribution, for intervals from few rounds. interval.test.ts has a slow twin. */

/** How likely a value is at least as far from zero as `t` ≥ 0, on either side; `freedom` > 0, not necessarily whole. */
export function studentBeyond(t: number, freedom: number): number {
  if (!Number.isFinite(t)) return 0;
  return t === 0 ? 1 : regularizedBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/** The `t` between whose negative and itself a share of `within` (0 … 1) of all values lies. */
export function studentReach(within: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (studentBeyond(high, freedom) > 1 - within && high < 1e12) high *= 2;
  for (let i = 0; i < 200 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (studentBeyond(middle, freedom) > 1 - within) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** I_x(a, b): by the continued fraction of DLMF 8.17.22, evaluated as Lentz does; it converges fast below x = (a + 1) / (a + b + 2). */
function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - regularizedBeta(1 - x, b, a);
  const front = Math.exp(
    a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b) - Math.log(a),
  );
  return front * fraction(x, a, b);
}

function fraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const kept = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    for (const term of [even, odd]) {
      d = 1 / kept(1 + term * d);
      c = kept(1 + term / c);
      result *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return result;
}

/** ln Γ(x), x > 0: Stirling's series (DLMF 5.11.1) above 10, and from there down by Γ(x + 1) = x Γ(x). */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  while (z < 10) {
    shift += Math.log(z);
    z += 1;
  }
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5) - 1 / (1680 * z ** 7);
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift;
}
