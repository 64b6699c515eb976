import { describe, expect, it } from 'vitest';
import { parseBenchResult } from './form/parse.ts';
import { writeBenchResult } from './form/write.ts';
import { type BenchIo, defaultSections, runBench } from './run.ts';
import type { BenchOptions } from './section.ts';

const options: BenchOptions = { sections: ['parts'], quick: true, rounds: 1, daemonCommand: 'pqtun' };
const io: BenchIo = { signal: new AbortController().signal, version: '1.2.3' };

describe('a run of the bench', () => {
  it('gives a result of the published form, and tells how far it is', async () => {
    const done: number[] = [];
    const told: string[] = [];
    const result = await runBench(options, {
      ...io,
      onMachine: ({ arch }) => told.push(arch),
      onProgress: (progress) => done.push(progress.done),
      onSection: (section, found) => told.push(`${section.id} ${found.rows.length}`),
    });
    expect(parseBenchResult(writeBenchResult(result))).toMatchObject({
      schema: 'pqtun-bench/1',
      version: '1.2.3',
      settings: { quick: true, rounds: 1, sections: ['parts'] },
      machine: { arch: process.arch, node: process.versions.node },
      missing: [],
    });
    expect(told).toEqual([process.arch, `parts ${result.rows.length}`]);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done[0]).toBe(0);
    expect(done.at(-1)).toBeLessThan(1);
  });

  it('ends with the reason when it is stopped, and tells what it had', async () => {
    const found: number[] = [];
    const controller = new AbortController();
    const reason = new Error('Ctrl-C');
    const run = runBench(options, {
      ...io,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done > 0.7) controller.abort(reason);
      },
      onSection: (_, { rows }) => found.push(rows.length),
    });
    await expect(run).rejects.toBe(reason);
    expect(found).toHaveLength(1);
    expect(found[0]).toBeGreaterThan(0);
  });

  it('goes on without a section that fails, and says why', async () => {
    const failures: string[] = [];
    const result = await runBench(options, {
      ...io,
      onProgress: ({ done }) => {
        if (done > 0.3) throw new Error('29 of 215 packets were lost');
      },
      onFailure: ({ id }, error) => failures.push(`${id}: ${error}`),
    });
    expect(failures).toEqual(['parts: Error: 29 of 215 packets were lost']);
    expect(result.rows).toEqual([]);
    expect(result.missing[0]?.why).toMatch(
      /^it failed: 29 of 215 packets were lost; run it alone, by --only parts/,
    );
    expect(parseBenchResult(writeBenchResult(result)).missing).toEqual(result.missing);
  });

  it('without being asked for anything measures what takes no minutes', async () => {
    const sections = await defaultSections();
    expect(sections).toEqual(expect.arrayContaining(['records', 'handshake', 'parts']));
    expect(sections).not.toContain('memory');
  });
});
