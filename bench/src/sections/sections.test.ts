import { available, testAeads } from 'tun-tap-native';
import { describe, expect, it } from 'vitest';
import { couldBe } from '../form/row-ids.ts';
import type { Row, SectionId } from '../result.ts';
import type { Context, PartedTask, Section, Task, TaskRow } from '../section.ts';
import { handshakeSection, handshakeSteps } from './handshake.ts';
import { partsSection } from './parts.ts';
import { recordSizes, recordsSection, recordVerbs } from './records.ts';

/** Runs each task a few times and takes no time of it: whether it does what it says, it checks itself. */
async function run(section: Section): Promise<{ rows: readonly Row[]; tasks: (Task | PartedTask)[] }> {
  const tasks: (Task | PartedTask)[] = [];
  const rowOf = (row: TaskRow, millis = 1): Row => ({
    ...row,
    section: section.id,
    better: 'less',
    median: millis,
    rounds: [millis],
  });
  const context: Context = {
    options: { sections: [section.id], quick: true, rounds: 1, daemonCommand: 'pqtun' },
    rows: [],
    signal: new AbortController().signal,
    progress: () => {},
    measure: async (_: SectionId, given) => {
      tasks.push(...given);
      return given.flatMap((task) => {
        if ('rows' in task) {
          const millis = [task.run(), task.run()][1] ?? [];
          expect(millis).toHaveLength(task.rows.length);
          return task.rows.map((row, i) => rowOf(row, millis[i]));
        }
        for (let again = 0; again < 2; again++) {
          task.before?.(3);
          for (let call = 0; call < 3; call++) task.run(call);
        }
        return [rowOf(task.row)];
      });
    },
  };
  const { rows } = await section.run(context);
  return { rows, tasks };
}

const sections = [recordsSection, handshakeSection, partsSection];

describe.each(sections)('the section $id', (section) => {
  it('has rows that a budget can name, each once, with titles and labels', async () => {
    const { rows } = await run(section);
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, title, labels } of rows) {
      expect(couldBe(id), id).toBe(true);
      expect(id.startsWith(`${section.id}/`)).toBe(true);
      expect(title).not.toMatch(/ (ns|ms|packets\/s)\b/);
      expect(Object.keys(labels).length).toBeGreaterThan(1);
    }
  });

  it('says about how long it takes, less when it is quick', () => {
    const estimate = (quick: boolean, rounds: number) =>
      section.estimate({ sections: [section.id], quick, rounds, daemonCommand: '' });
    expect(estimate(true, 3)).toBeLessThan(5);
    expect(estimate(false, 9)).toBeLessThan(60);
    expect(estimate(false, 18)).toBeGreaterThan(estimate(false, 9));
  });
});

describe('records', () => {
  it('are sealed and opened by every engine that is there, in every size', async () => {
    const { rows } = await run(recordsSection);
    const native = available()
      ? testAeads().flatMap(({ name, reason }) => (reason === undefined ? [name] : []))
      : [];
    for (const verb of recordVerbs)
      for (const engine of ['noble', 'node', ...native])
        for (const bytes of recordSizes)
          expect(rows.find(({ id }) => id === `records/${verb}/${engine}/${bytes}`)).toMatchObject({
            bytes,
            unit: 'ns',
            labels: { verb, engine, bytes },
          });
    expect(rows).toHaveLength(2 * recordSizes.length * (2 + native.length));
    expect(
      new Set(rows.filter(({ labels }) => labels['engine'] === 'evp').map(({ batch }) => batch)),
    ).toEqual(new Set(native.includes('evp') ? [64] : []));
  });

  it('are opened where they lie: a second opening without the preparation fails', async () => {
    const { tasks } = await run(recordsSection);
    for (const task of tasks) {
      if ('rows' in task || task.row.labels['verb'] !== 'open' || task.row.labels['engine'] === 'noble')
        continue;
      expect(() => {
        task.run(0);
        task.run(0);
      }, task.row.id).toThrow();
    }
  });
});

describe('the handshake', () => {
  it('is the sum of its steps, for both suites by both back ends', async () => {
    const { rows } = await run(handshakeSection);
    for (const suite of ['ml-kem-768', 'ml-kem-1024'])
      for (const engine of ['node', 'noble']) {
        const of = (step: string) =>
          rows.find(({ id }) => id === `handshake/${suite}/${step}/${engine}`)?.median ?? Number.NaN;
        const steps = handshakeSteps.map(([step]) => step).filter((step) => step !== 'whole');
        for (const step of steps) expect(of(step), `${suite} ${step} ${engine}`).toBeGreaterThan(0);
        expect(steps.reduce((sum, step) => sum + of(step), 0)).toBeCloseTo(of('whole'), 9);
        expect(of('rate')).toBeCloseTo(1000 / of('whole'), 6);
      }
    expect(rows).toHaveLength(4 * (handshakeSteps.length + 1));
  });
});

describe('the parts', () => {
  it('tell the portable plane as packets a second', async () => {
    const { rows } = await run(partsSection);
    const planes = rows.filter(({ labels }) => labels['part'] === 'portable-plane');
    expect(planes.map(({ unit, better, batch }) => [unit, better, batch])).toEqual(
      Array.from({ length: 4 }, () => ['packets/s', 'more', 64]),
    );
    expect(planes[0]?.median).toBe(1e9);
  });
});
