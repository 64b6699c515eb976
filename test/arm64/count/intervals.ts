/** From the marks of a run to what one turn of each thing costs. */

export interface Interval {
  readonly id: string;
  /** Of what the interval is about: records, packets, handshakes. */
  readonly turns: number;
}

/** Instructions of each interval: the counter's file has two marks for each, in order. Throws where they do not fit. */
export function lengthsOf(
  intervals: readonly Interval[],
  marks: string,
): { interval: Interval; instructions: number }[] {
  const counts = marks.trim().split('\n').map(Number);
  if (counts.length !== 2 * intervals.length || counts.some((count) => !Number.isSafeInteger(count)))
    throw new Error(`${intervals.length} intervals do not fit ${counts.length} marks`);
  return intervals.map((interval, i) => {
    const [begin = 0, end = 0] = counts.slice(2 * i, 2 * i + 2);
    return { interval, instructions: end - begin };
  });
}

/**
 * Instructions a turn, by id. What ran with two numbers of turns: the difference, so that what a run costs by itself falls out. Steps of
 * handshakes: each step's middle of all handshakes, less that of `nothing`, and the steps of one end added up.
 */
export function costsOf(lengths: ReturnType<typeof lengthsOf>): Map<string, number> {
  const byId = Map.groupBy(lengths, ({ interval }) => interval.id);
  const costs = new Map<string, number>();
  for (const [id, found] of byId) {
    if (id.startsWith('warm-up/')) continue;
    if (id.startsWith('handshake/')) {
      if (!id.endsWith('/nothing')) costs.set(id, handshakeCost(byId, id));
      continue;
    }
    const [once, twice] = found;
    if (once === undefined || twice === undefined || found.length !== 2)
      throw new Error(`${id} did not run twice`);
    const more = twice.interval.turns - once.interval.turns;
    costs.set(id, (twice.instructions - once.instructions) / more);
  }
  for (const [id, cost] of [...costs]) {
    const parts = splitOf(id, costs);
    if (parts !== undefined) {
      costs.delete(id);
      costs.set(parts.id, cost - parts.less);
    }
  }
  return costs;
}

/** What was counted together with something else: opening with sealing, receiving with sending. */
function splitOf(id: string, costs: ReadonlyMap<string, number>): { id: string; less: number } | undefined {
  for (const [both, first, second] of [
    ['sealopen', 'seal', 'open'],
    ['through', 'send', 'receive'],
  ] as const) {
    if (!id.includes(`/${both}/`)) continue;
    const less = costs.get(id.replace(`/${both}/`, `/${first}/`));
    if (less === undefined) throw new Error(`${id} without ${first}`);
    return { id: id.replace(`/${both}/`, `/${second}/`), less };
  }
  return undefined;
}

/** An end has two steps in each handshake, in turn. */
function handshakeCost(byId: ReadonlyMap<string, ReturnType<typeof lengthsOf>>, id: string): number {
  const nothing = median(
    (byId.get(id.replace(/[^/]+$/, 'nothing')) ?? []).map(({ instructions }) => instructions),
  );
  const steps = (byId.get(id) ?? []).map(({ instructions }) => instructions);
  const of = (parity: number): number => median(steps.filter((_, i) => i % 2 === parity));
  return of(0) + of(1) - 2 * nothing;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) throw new Error('nothing was counted');
  return middle;
}
