import { describe, expect, it } from 'vitest';
import type { Row } from '../result.ts';
import type { PartedTask, Task } from '../section.ts';
import { defaultRounds, measure, paceOf } from './measure.ts';

const rowOf = (name: string, unit: 'ns' | 'µs' | 'ms' = 'ms') => ({
  id: `parts/${name}`,
  title: name,
  unit,
  labels: {},
});

/** A world in which time passes by tasks alone. */
class World {
  time = 0;
  readonly log: string[] = [];
  readonly progress: number[] = [];
  readonly controller = new AbortController();

  stoppedWith: readonly Row[] | undefined;

  run(tasks: readonly (Task | PartedTask)[], pace: { rounds: number; millis: number; fewest: number }) {
    return measure('parts', tasks, pace, {
      signal: this.controller.signal,
      progress: (done, label) => {
        this.progress.push(done);
        this.log.push(label);
      },
      now: () => this.time,
      pause: async () => {},
      onStop: (rows) => {
        this.stoppedWith = rows;
      },
    });
  }

  /** Takes these milliseconds, one after the other, again and again. */
  task(name: string, millis: readonly number[], unit: 'ns' | 'µs' | 'ms' = 'ms'): Task {
    let calls = 0;
    return {
      row: rowOf(name, unit),
      run: () => {
        this.time += millis[calls++ % millis.length] ?? 0;
      },
    };
  }
}

describe('the harness', () => {
  it('warms all tasks up, then goes round over all, every other time backwards', async () => {
    const world = new World();
    await world.run([world.task('a', [1]), world.task('b', [1])], { rounds: 3, millis: 2, fewest: 1 });
    expect(world.log).toEqual(['a', 'b', 'b', 'a', 'a', 'b', 'b', 'a']);
    expect(world.progress).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((step) => step / 8));
  });

  it('takes the median of each round, and the middle of them', async () => {
    const world = new World();
    // Warm-up, and its look at how many calls it takes, use six: what follows are rounds of three.
    const one = world.task('a', [9, 9, 9, 9, 9, 9, 9, 9, 1, 2, 3, 4, 5, 9, 7, 8, 6]);
    const [row] = await world.run([one], { rounds: 3, millis: 0, fewest: 3 });
    expect(row?.rounds).toEqual([2, 5, 7]);
    expect(row).toMatchObject({ median: 5, better: 'less', samples: 9, unit: 'ms', section: 'parts' });
    expect(row?.quantiles).toHaveLength(21);
    expect([row?.quantiles?.[0], row?.quantiles?.[20]]).toEqual([1, 9]);
    expect(row?.p99).toBeCloseTo(8.92, 6);
    expect(row?.margin).toBeGreaterThan(0);
  });

  it('makes so many calls a sample that it takes 20 µs, and divides by them', async () => {
    const world = new World();
    const short = world.task('short', [0.0003], 'ns');
    const [row] = await world.run([short], { rounds: 2, millis: 1, fewest: 1 });
    expect(row?.median).toBeCloseTo(300, 6);
    const calls = Math.ceil(0.025 / 0.0003);
    expect(row?.samples).toBe(2 * Math.ceil(1 / (calls * 0.0003)));
  });

  it('calls once a sample what takes long enough', async () => {
    const world = new World();
    const [row] = await world.run([world.task('long', [0.02], 'µs')], { rounds: 1, millis: 1, fewest: 1 });
    expect(row?.median).toBeCloseTo(20, 6);
    expect([50, 51]).toContain(row?.samples); // sums of 0.02 are not exact
  });

  it('divides by what a call does', async () => {
    const world = new World();
    const task = world.task('a', [6.4]);
    const [row] = await world.run([{ ...task, row: { ...task.row, batch: 64 } }], {
      rounds: 1,
      millis: 1,
      fewest: 1,
    });
    expect(row?.median).toBeCloseTo(0.1, 9);
    expect(row?.batch).toBe(64);
  });

  it('does not time preparation, but counts it in what a round may take', async () => {
    const world = new World();
    const task: Task = {
      ...world.task('a', [1]),
      before: (calls) => {
        expect(calls).toBe(1);
        world.time += 9;
      },
    };
    const [row] = await world.run([task], { rounds: 1, millis: 50, fewest: 1 });
    expect(row).toMatchObject({ median: 1, samples: 5 });
  });

  it('prepares as many calls as it makes, and numbers them', async () => {
    const world = new World();
    let prepared = 0;
    const task: Task = {
      row: rowOf('a'),
      before: (calls) => {
        prepared = calls;
      },
      run: (call) => {
        expect(call).toBeLessThan(prepared);
        world.time += 0.001;
      },
    };
    await world.run([task], { rounds: 1, millis: 1, fewest: 1 });
    expect([25, 26]).toContain(prepared); // sums of 0.001 are not exact
  });

  it('takes the parts of one run as rows of their own', async () => {
    const world = new World();
    const rows = await world.run(
      [
        {
          rows: [rowOf('first', 'µs'), rowOf('second')],
          run: () => {
            world.time += 5;
            return [1, 3];
          },
        },
      ],
      { rounds: 2, millis: 5, fewest: 1 },
    );
    // Two rows, so 10 ms a round, of which a run takes 5.
    expect(rows.map(({ id, median, samples }) => [id, median, samples])).toEqual([
      ['parts/first', 1000, 4],
      ['parts/second', 3, 4],
    ]);
  });

  it('takes its fewest samples however long they take', async () => {
    const world = new World();
    const [row] = await world.run([world.task('slow', [1000])], { rounds: 2, millis: 60, fewest: 3 });
    expect(row?.samples).toBe(6);
  });

  it('stops between two tasks when it is told to, with the reason', async () => {
    const world = new World();
    const reason = new Error('somebody pressed Ctrl-C');
    const stops: Task = {
      row: rowOf('stops'),
      run: () => {
        world.time += 1;
        world.controller.abort(reason);
      },
    };
    const never: Task = { row: rowOf('never'), run: () => expect.unreachable() };
    await expect(world.run([stops, never], { rounds: 1, millis: 1, fewest: 1 })).rejects.toBe(reason);
    expect(world.stoppedWith).toEqual([]);
  });

  it('tells what it had when it was stopped', async () => {
    const world = new World();
    let calls = 0;
    const stops: Task = {
      row: rowOf('stops'),
      run: () => {
        world.time += 2;
        if (++calls === 9) world.controller.abort(new Error('enough')); // the warm-up takes six
      },
    };
    await expect(world.run([stops], { rounds: 100, millis: 1, fewest: 1 })).rejects.toThrow('enough');
    expect(world.stoppedWith).toMatchObject([{ id: 'parts/stops', rounds: [2, 2, 2], median: 2 }]);
  });

  it('passes on what a task throws', async () => {
    const world = new World();
    const broken: Task = {
      row: rowOf('broken'),
      run: () => {
        throw new Error('a record did not open');
      },
    };
    await expect(world.run([broken], { rounds: 1, millis: 1, fewest: 1 })).rejects.toThrow(
      'a record did not open',
    );
  });
});

it('the quick pace is far quicker', () => {
  const cost = ({ rounds, millis }: { rounds: number; millis: number }) => rounds * millis;
  const quick = paceOf({ quick: true, rounds: defaultRounds.quick });
  expect(cost(quick)).toBeLessThan(cost(paceOf({ quick: false, rounds: defaultRounds.full })) / 10);
});
