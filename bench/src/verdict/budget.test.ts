import { describe, expect, it } from 'vitest';
import { exampleResult } from '../example.test.kit.ts';
import { captures, couldBe } from '../form/row-ids.ts';
import {
  type Budget,
  budgetFrom,
  budgetText,
  isKept,
  judgeBudget,
  type Limit,
  parseBudget,
  writeBudget,
} from './budget.ts';

const result = exampleResult();
const budget = (rows: Record<string, Limit>): Budget => ({ schema: 'pqtun-budget/1', rows });
const parse = (rows: object): (() => Budget) => {
  return () => parseBudget(JSON.stringify({ schema: 'pqtun-budget/1', rows }));
};
const medianOf = (id: string): number => result.rows.find((row) => row.id === id)?.median ?? Number.NaN;
const raw1420 = 'records/seal/raw/1420';

describe('a limit', () => {
  it('is kept by what is within it, and broken by what is surely beyond', () => {
    const found = medianOf(raw1420);
    const verdict = (limit: Limit): string | undefined =>
      judgeBudget(result, budget({ [raw1420]: limit }))[0]?.verdict;
    expect(verdict({ most: found })).toBe('kept');
    expect(verdict({ least: found })).toBe('kept');
    expect(verdict({ most: found / 2 })).toBe('broken');
    expect(verdict({ least: found * 2 })).toBe('broken');
  });

  it('that is exceeded by less than the rounds differ is uncertain, and makes no failure', () => {
    const judgements = judgeBudget(result, budget({ [raw1420]: { most: medianOf(raw1420) * 0.999 } }));
    expect(judgements[0]?.verdict).toBe('uncertain');
    expect(judgements[0]?.text).toContain('measure again with more rounds');
    expect(isKept(judgements)).toBe(true);
  });

  it('is judged by the median alone where there are fewer than three rounds', () => {
    const few = exampleResult({ rounds: 2 });
    const found = few.rows.find(({ id }) => id === raw1420)?.median ?? 0;
    const [judgement] = judgeBudget(few, budget({ [raw1420]: { most: found * 0.999 } }));
    expect(judgement?.verdict).toBe('broken');
    expect(judgement?.text).not.toContain('95 %');
  });

  it('says which row, what was found and what was allowed', () => {
    const [judgement] = judgeBudget(result, budget({ [raw1420]: { most: 1200 } }));
    expect(judgement?.text).toMatch(
      /^records\/seal\/raw\/1420: found 3\d{3} ns \(95 %: \d+ to \d+\), allowed at most 1200 ns$/,
    );
  });

  it('on a ratio is taken within rounds, and knows no unit', () => {
    const limit = { ratio: { to: 'records/seal/evp/1420', most: 0.8 } };
    const [judgement] = judgeBudget(result, budget({ [raw1420]: limit }));
    expect(judgement?.verdict).toBe('broken');
    expect(judgement?.text).toMatch(
      /raw\/1420 to records\/seal\/evp\/1420: found 0\.9\d+ times \(95 %.*allowed at most 0\.800 times/,
    );
  });

  it('with stars holds for all rows that fit, each against its own', () => {
    const limits = budget({ 'records/*/raw/*': { ratio: { to: 'records/*/evp/*', most: 1 } } });
    const judgements = judgeBudget(result, limits);
    expect(judgements).toHaveLength(14);
    expect(isKept(judgements)).toBe(true);
    expect(judgements.map(({ id }) => id)).toContain('records/open/raw/64 to records/open/evp/64');
  });

  it('on what was not measured is a failure that says why', () => {
    const judgements = judgeBudget(
      result,
      budget({
        'records/seal/multibuffer/64': { most: 1 },
        'parts/none/native': { most: 1 },
        [raw1420]: { ratio: { to: 'records/seal/multibuffer/1420', most: 1 } },
      }),
    );
    expect(judgements.map(({ verdict }) => verdict)).toEqual(['missing', 'missing', 'missing']);
    expect(judgements[0]?.text).toContain('needs AVX2');
    expect(judgements[1]?.text).toContain('the section ran without it');
    expect(isKept(judgements)).toBe(false);
    const records = { ...result, settings: { ...result.settings, sections: ['records' as const] } };
    expect(
      judgeBudget(records, budget({ 'memory/a-peer': { most: 20 }, 'tunnel/native/none/x': { most: 1 } }))[1]
        ?.text,
    ).toContain('add --only tunnel');
  });

  it('on a ratio of unlike units is no ratio, and on nothing divided by nothing is not kept', () => {
    const to = (other: string): Budget => budget({ [raw1420]: { ratio: { to: other, most: 1e9 } } });
    expect(judgeBudget(result, to('tunnel/native/tcp/mbits'))[0]).toMatchObject({ verdict: 'missing' });
    const zero = { median: 0, rounds: [0, 0, 0] };
    const rows = result.rows.map((row) => ({ ...row, ...zero }));
    expect(judgeBudget({ ...result, rows }, to('records/seal/evp/1420'))[0]?.verdict).toBe('broken');
  });

  it('on a ratio between sections has no interval: their rounds were not taken in turn', () => {
    const [judgement] = judgeBudget(
      result,
      budget({ [raw1420]: { ratio: { to: 'parts/allowed-ips/typescript/1', least: 1 } } }),
    );
    expect(judgement?.verdict).toBe('kept');
    expect(judgement?.text).not.toContain('95 %');
  });

  it('is judged on no emulated run', () => {
    const emulated = {
      ...result,
      remarks: [{ kind: 'emulated', text: 'emulated: not a measurement' }] as const,
    };
    expect(() => judgeBudget(emulated, budget({}))).toThrow('keeps no budget');
  });
});

describe('a budget file', () => {
  it('is refused where a line is not one limit, or names what there cannot be', () => {
    expect(parse({ [raw1420]: {} })).toThrow('expected one of "most", "least" and "ratio"');
    expect(parse({ [raw1420]: { most: 1, least: 0 } })).toThrow('expected one of');
    expect(parse({ [raw1420]: { most: '1' } })).toThrow('expected a number');
    expect(parse({ [raw1420]: { mots: 1 } })).toThrow('there is no field "mots"');
    expect(parse({ [raw1420]: { ratio: { to: raw1420 } } })).toThrow('ratio: expected one of');
    expect(parse({ 'records/seal/row/1420': { most: 1 } })).toThrow('no row is called so');
    expect(parse({ 'record/seal/raw/1420': { most: 1 } })).toThrow('no row is called so');
    expect(parse({ [raw1420]: { ratio: { to: 'records/seal/evq/1420', most: 1 } } })).toThrow(
      'no row is called "records/seal/evq',
    );
    expect(parse({ 'records/seal/raw/*': { ratio: { to: raw1420, most: 1 } } })).toThrow('as many *');
    expect(() => parseBudget('{"schema":"pqtun-budget/2","rows":{}}')).toThrow(
      'schema: expected "pqtun-budget/1"',
    );
  });

  it('written from a result is kept by it and by its like, and by none that is slower by more than the slack', () => {
    const written = parseBudget(writeBudget(budgetFrom(result, 0.25)));
    expect(Object.keys(written.rows).length).toBeGreaterThan(60);
    expect(judgeBudget(result, written).every(({ verdict }) => verdict === 'kept')).toBe(true);
    expect(isKept(judgeBudget(exampleResult({ seed: 99 }), written))).toBe(true);
    const slowed = exampleResult({ seed: 3, factor: (id) => (id.includes('/raw/') ? 2 : 1) });
    const broken = judgeBudget(slowed, written).filter(({ verdict }) => verdict === 'broken');
    expect(broken).toHaveLength(14);
    const less = exampleResult({ seed: 3, factor: (id) => (id.endsWith('mbits') ? 0.5 : 1) });
    expect(judgeBudget(less, written).filter(({ verdict }) => verdict === 'broken')).toHaveLength(2);
  });

  it('of another machine says so, and what is broken comes first', () => {
    const written = budgetFrom(exampleResult({ factor: (id) => (id === raw1420 ? 0.5 : 1) }), 0.25);
    const machine = { cpu: 'Other', arch: 'x64', board: 'B' };
    const lines = budgetText(result, { ...written, machine }, judgeBudget(result, written));
    expect(lines[0]).toContain('Budget of another machine (Other, B)');
    expect(lines[1]).toContain('Remark: noisy');
    expect(lines[2]).toMatch(/^✗ records\/seal\/raw\/1420: found/);
    expect(lines.at(-1)).toMatch(/^Budget: \d+ kept, 0 uncertain, 1 broken, 0 missing\.$/);
  });
});

describe('names of rows', () => {
  it('are known by their words, measured here or not', () => {
    for (const { id } of result.rows) expect(couldBe(id), id).toBe(true);
    expect(couldBe('records/*/*/64')).toBe(true);
    expect(couldBe('records/s*l/raw/64')).toBe(true);
    expect(couldBe('records/seal/raw')).toBe(false);
    expect(couldBe('records/seal/raw/big')).toBe(false);
    expect(couldBe('records/x*/raw/64')).toBe(false);
  });

  it('fit a pattern between slashes, letter by letter', () => {
    expect(captures('records/*/raw/*', 'records/open/raw/64')).toEqual(['open', '64']);
    expect(captures('records/*', 'records/open/raw/64')).toBeUndefined();
    expect(captures('a.b/*', 'axb/1')).toBeUndefined();
  });
});
