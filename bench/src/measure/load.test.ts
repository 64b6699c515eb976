import { describe, expect, it } from 'vitest';
import { busiestBetween, isDisturbed, loadBetween, type Moment, moment, mostLoad } from './load.ts';

const process = (pid: number, parent: number, cpu: number, isKernel = false, endedCpu = 0) => ({
  pid,
  name: `program ${pid}`,
  parent,
  cpu,
  isKernel,
  endedCpu,
});
const at = (busy: number, steal: number, total: number, processes: Moment['processes']): Moment => ({
  machine: { busy, steal, total, cpus: 2 },
  processes,
});

describe('the load of a machine', () => {
  const begin = at(10, 1, 100, [process(50, 1, 2), process(51, 50, 3), process(3, 2, 1, true)]);

  it('is what was busy and neither ours nor the kernel’s', () => {
    const end = at(18, 1, 108, [process(50, 1, 3), process(51, 50, 7), process(3, 2, 2, true)]);
    expect(loadBetween(begin, end, 50)).toEqual({ steal: 0, foreign: 0.25 });
  });

  it('counts children of ours that began meanwhile as ours', () => {
    const end = at(14, 1, 108, [process(50, 1, 2), process(51, 50, 3), process(52, 51, 4)]);
    expect(loadBetween(begin, end, 50).foreign).toBe(0);
  });

  it('counts children of ours that came and went as ours', () => {
    const end = at(14, 1, 108, [process(50, 1, 2, false, 4), process(51, 50, 3)]);
    expect(loadBetween(begin, end, 50).foreign).toBe(0);
  });

  it('has names: who else was busy, by the share of one CPU, those of one name together', () => {
    const [cc, other] = [process(60, 1, 1), process(61, 1, 0.5)].map((each) => ({
      ...each,
      name: 'cc1plus',
    }));
    const end = at(29, 1, 108, [
      process(50, 1, 9),
      process(3, 2, 9, true),
      process(70, 1, 0.4),
      ...[cc, other].flatMap((each) => each ?? []),
    ]);
    // Of four seconds of others, 1.9 have a name: what took the rest was gone by the end.
    const found = busiestBetween(begin, end, 50);
    expect(found.map(({ name, share }) => [name, Number(share.toFixed(4))])).toEqual([
      ['short-lived ones', 0.525],
      ['cc1plus', 0.375],
      ['program 70', 0.1],
    ]);
  });

  it('is never less than nothing, though ticks and seconds disagree a little', () => {
    const end = at(11, 1, 108, [process(50, 1, 4)]);
    expect(loadBetween(begin, end, 50).foreign).toBe(0);
  });

  it('knows what the host took', () => {
    expect(loadBetween(begin, at(10, 3, 108, []), 50).steal).toBe(0.25);
  });

  it('of no time is none', () => {
    expect(loadBetween(begin, begin, 50)).toEqual({ steal: 0, foreign: 0 });
  });

  it('disturbs above a tenth, stolen and foreign together', () => {
    expect(isDisturbed({ steal: mostLoad, foreign: 0 })).toBe(false);
    expect(isDisturbed({ steal: 0.06, foreign: 0.05 })).toBe(true);
  });

  it('of this machine can be read', () => {
    expect(moment().processes.length).toBeGreaterThan(0);
  });
});
