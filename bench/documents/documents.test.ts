import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseResult } from '../e2e/result.ts';
import { exampleResult } from '../src/example.test.kit.ts';
import { parseBenchResult } from '../src/form/parse.ts';
import { captures } from '../src/form/row-ids.ts';
import { isKept, judgeBudget, parseBudget } from '../src/verdict/budget.ts';
import { docs, keepMachine, keepTunnels, keptPage, plotNames, writePage } from './files.ts';
import { machineChapter } from './machine.ts';
import { plain } from './markdown.ts';

const read = (name: string): string => readFileSync(join(docs, name), 'utf8');
const machine = parseBenchResult(read('benchmarks/machine.json'));
const folder = mkdtempSync(join(tmpdir(), 'pqtun-documents-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('docs/benchmarks.md', () => {
  const page = keptPage();

  it('and its plots are what the generator makes of the kept results, to the byte', () => {
    expect(read('benchmarks.md')).toBe(page.text);
    expect(plotNames()).toEqual([...page.plots.keys()].sort());
    for (const [name, plot] of page.plots) expect(read(`benchmarks/${name}`), name).toBe(plot);
  });

  it('shows all plots there are, and pictures that are there', () => {
    const shown = [...page.text.matchAll(/\]\(benchmarks\/([^)]+\.(?:svg|png))\)/g)].map(
      ([, name = '']) => name,
    );
    expect(shown.filter((name) => name.endsWith('.svg')).sort()).toEqual(plotNames());
    for (const name of shown) expect(existsSync(join(docs, 'benchmarks', name)), name).toBe(true);
  });

  it('is the same after it was written and the results were kept again', () => {
    mkdirSync(join(folder, 'benchmarks'));
    writeFileSync(join(folder, 'benchmarks', 'of-an-earlier-run.svg'), '');
    keepMachine(machine, folder);
    keepTunnels(parseResult(read('benchmarks/tunnels.json')), folder);
    writePage(folder);
    for (const name of [
      'benchmarks.md',
      'benchmarks/machine.json',
      'benchmarks/tunnels.json',
      ...plotNames(folder).map((plot) => `benchmarks/${plot}`),
    ])
      expect(readFileSync(join(folder, name), 'utf8'), name).toBe(read(name));
    expect(plotNames(folder)).toEqual(plotNames());
  });
});

describe('a result that is no measurement', () => {
  it('is not kept for docs', () => {
    const result = exampleResult();
    for (const kind of ['emulated', 'slowed'] as const)
      expect(() => keepMachine({ ...result, remarks: [{ kind, text: `${kind}: so` }] }, folder)).toThrow(
        `not for docs: ${kind}`,
      );
    expect(() => keepMachine({ ...result, settings: { ...result.settings, quick: true } }, folder)).toThrow(
      'a quick run',
    );
  });
});

describe('a chapter about a machine', () => {
  const { text, plots } = machineChapter(exampleResult());

  it('has a table a section, each line with as many cells as its head', () => {
    const tables = text.split('\n\n').filter((part) => part.startsWith('|'));
    expect(tables.length).toBeGreaterThanOrEqual(10);
    for (const table of tables)
      expect(new Set(table.split('\n').map((line) => line.split(/(?<!\\)\|/).length)).size, table).toBe(1);
    expect(text).toContain('> **noisy: other programs took 14 %');
    expect(text).toContain('### Not measured');
  });

  it('lets nothing of the machine be a tag or a link', () => {
    expect(text).not.toMatch(/(?<!\\)<friends/);
    expect(plain('[a](b) <c> |`*_#')).toBe('\\[a\\](b) \\<c\\> \\|\\`\\*\\_\\#');
  });

  it('has plots that stand alone, with colours of their own for the dark', () => {
    expect([...plots.keys()]).toEqual(['machine-seal.svg', 'machine-open.svg']);
    for (const plot of plots.values()) {
      expect(plot).toMatch(
        /^<svg class="chart" width="540" viewBox[^>]+xmlns="http:\/\/www.w3.org\/2000\/svg">\n<style>/,
      );
      expect(plot).toContain('@media (prefers-color-scheme:dark)');
      expect(plot.match(/<svg/g)).toHaveLength(1);
    }
  });
});

describe('the example of a budget', () => {
  const budget = parseBudget(read('benchmarks/budget.json'));

  it('names rows that a run has, in ratios alone', () => {
    for (const [pattern, limit] of Object.entries(budget.rows)) {
      expect(Object.keys(limit), pattern).toEqual(['ratio']);
      for (const name of [pattern, limit.ratio?.to ?? ''])
        expect(
          machine.rows.some(({ id }) => captures(name, id) !== undefined),
          name,
        ).toBe(true);
    }
  });

  it('is kept by the run in docs', () => {
    const judgements = judgeBudget(machine, budget);
    const failed = judgements.filter(({ verdict }) => verdict === 'broken' || verdict === 'missing');
    expect(failed.map(({ text }) => text)).toEqual([]);
    expect(isKept(judgements)).toBe(true);
    expect(judgements.length).toBeGreaterThan(20);
  });
});
