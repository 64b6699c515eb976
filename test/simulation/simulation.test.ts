/** Hundreds of seeded histories with every change; `cli.ts` plays as many more as there is time for. */
import { availableParallelism } from 'node:os';
import { beforeAll, describe, expect, it } from 'vitest';
import { acts } from './acts/acts.ts';
import { failedSeeds } from './failed-seeds.ts';
import { playAll } from './jobs.ts';
import { reportOf } from './report.ts';
import { type Outcome, runSeed } from './run.ts';
import { addTotals, noTotals } from './totals.ts';
import { Tracer } from './trace.ts';

/** Every seed is bounded in virtual time; how fast the machine is must not matter. */
const patience = 1_200_000;
const seeds = Array.from({ length: 300 }, (_, i) => 1 + i);
const chunk = 25;
const outcomes = new Map<number, Outcome>();

function problemsOf(seed: number): string | undefined {
  const outcome = outcomes.get(seed);
  if (outcome === undefined) return `seed ${seed} was not played`;
  return outcome.violations.length === 0 ? undefined : reportOf(outcome);
}

beforeAll(async () => {
  const all = [...new Set([...failedSeeds.map(({ seed }) => seed), ...seeds])];
  await playAll(all, Math.min(2, availableParallelism()), (outcome) => outcomes.set(outcome.seed, outcome));
}, patience);

describe('a seed that failed once', () => {
  it.each(failedSeeds)('$seed breaks no invariant any more: $why', ({ seed }) => {
    expect(problemsOf(seed)).toBeUndefined();
  });
});

describe('no invariant is broken', () => {
  const chunks = Array.from(
    { length: seeds.length / chunk },
    (_, i) => [1 + chunk * i, chunk * (i + 1)] as const,
  );
  it.each(chunks)('by seeds %i to %i', (first, last) => {
    for (let seed = first; seed <= last; seed++) expect(problemsOf(seed)).toBeUndefined();
  });

  it('and what was played was no child’s play', () => {
    const totals = noTotals();
    for (const outcome of outcomes.values()) addTotals(totals, outcome.totals);
    expect(totals.handshakes / totals.seeds).toBeGreaterThan(5);
    expect(totals.packetsDelivered / totals.packetsSent).toBeGreaterThan(0.5);
    expect(totals.rejections / totals.seeds).toBeGreaterThan(50);
    expect(totals.time / totals.seeds).toBeGreaterThan(3_600_000);
    const history = [...outcomes.values()].flatMap((outcome) => outcome.history);
    const played = new Set(history.map((line) => line.replace(/^[\d.]+ s: /, '')));
    expect(acts.map(({ name }) => name).filter((name) => !played.has(name))).toEqual([]);
  });
});

describe('one seed', () => {
  it('has one history, to the last line of its trace', () => {
    const [first, again] = [1, 2].map(() => [5, 6, 8].flatMap(traceOf));
    expect(first?.length).toBeGreaterThan(500);
    expect(again).toEqual(first);
  });

  it('prints how to see it again when it fails', () => {
    const violation = { label: 'I2', at: 1500, what: 'something' } as const;
    const report = reportOf({
      seed: 77,
      violations: [violation],
      history: ['0.000 s: loss'],
      totals: noTotals(),
    });
    expect(report).toContain('1.500 s I2: something (no counter is delivered twice)');
    expect(report).toContain('test/simulation/cli.ts --seed 77 --trace');
  });
});

function traceOf(seed: number): string[] {
  const lines: string[] = [];
  runSeed(seed, new Tracer((line) => lines.push(line)));
  return lines;
}
