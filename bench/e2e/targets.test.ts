import { describe, expect, it } from 'vitest';
import { type FigureId, figuresOf, type ProgramId, type RowId } from './catalog.ts';
import type { Measurement } from './result.ts';
import { goalText, judge, targets } from './targets.ts';

/** A measurement of each round, from one. */
function measured(
  program: ProgramId,
  row: RowId,
  rounds: readonly Partial<Record<FigureId, number>>[],
  disturbed: readonly number[] = [],
): Measurement[] {
  return rounds.map((figures, i) => ({
    ...{ round: i + 1, row, program, figures, faults: [], attempts: 1 },
    load: { steal: 0, foreign: 0 },
    disturbed: disturbed.includes(i + 1),
  }));
}

const verdictOf = (title: string, measurements: Measurement[]) =>
  judge({ measurements }).find(({ target }) => target.title === title);

describe('targets', () => {
  it('speak of figures that their rows have', () => {
    for (const { row, figure } of targets) expect(figuresOf(row).map(([id]) => id)).toContain(figure);
  });

  it('ask more of the stretch than of the gate, wherever both have one peer', () => {
    for (const { gate, stretch } of targets.filter((each) => each.gate.against === each.stretch.against)) {
      if (gate.bound === 'at-most') expect(stretch.value).toBeLessThan(gate.value);
      else expect(stretch.value).toBeGreaterThan(gate.value);
    }
  });

  it('of nothing are not measured', () => {
    for (const { gate, stretch } of judge({ measurements: [] })) {
      expect([gate, stretch]).toEqual(['not measured', 'not measured']);
    }
  });
});

describe('a verdict', () => {
  const title = 'TCP, 1 stream: throughput';
  const peer = measured('tailscale', 'tcp1', [{ gbits: 2 }, { gbits: 1 }, { gbits: 4 }]);

  it('is of the middle ratio within rounds', () => {
    // 1.5, 1.2, 1.1: the middle one is at the gate; the ratio of the medians would be 1.5
    const judged = verdictOf(title, [
      ...peer,
      ...measured('native', 'tcp1', [{ gbits: 3 }, { gbits: 1.2 }, { gbits: 4.4 }]),
    ]);
    expect(judged).toMatchObject({ gate: 'met', stretch: 'missed' });
    expect(judged?.found?.median).toBeCloseTo(1.2);
    expect(judged?.found?.most).toBeCloseTo(1.5);
  });

  it('is missed just below the gate', () => {
    const judged = verdictOf(title, [
      ...peer,
      ...measured('native', 'tcp1', [{ gbits: 3 }, { gbits: 1.19 }, { gbits: 4.4 }]),
    ]);
    expect(judged?.gate).toBe('missed');
  });

  it('leaves disturbed rounds out while there are others', () => {
    const ours = [{ gbits: 1 }, { gbits: 2 }, { gbits: 1 }];
    expect(verdictOf(title, [...peer, ...measured('native', 'tcp1', ours, [1, 3])])?.gate).toBe('met');
    expect(verdictOf(title, [...peer, ...measured('native', 'tcp1', ours, [1, 2, 3])])?.gate).toBe('missed');
  });

  it('needs the peer that the target names, and none else', () => {
    const judged = verdictOf(title, [
      ...measured('gotatun', 'tcp1', [{ gbits: 1 }]),
      ...measured('native', 'tcp1', [{ gbits: 3 }]),
    ]);
    expect(judged?.gate).toBe('not measured');
    expect(judged?.best).toMatchObject({ program: 'gotatun', ratio: { median: 3 } });
  });

  it('of less-is-better takes the least for the best', () => {
    const row = 'nogso';
    const judged = verdictOf('cable without UDP segmentation: CPU-s per GB', [
      ...measured('wireguard-go', row, [{ cpuPerGB: 11 }]),
      ...measured('tailscale', row, [{ cpuPerGB: 10 }]),
      ...measured('boringtun', row, [{ cpuPerGB: 8 }]),
      ...measured('native', row, [{ cpuPerGB: 5 }]),
    ]);
    expect(judged).toMatchObject({ gate: 'met', stretch: 'missed', found: { median: 0.5 } });
    expect(judged?.best?.program).toBe('boringtun');
  });

  it('of memory is of what it is, beside nobody', () => {
    const judged = verdictOf(
      'memory an end after the runs',
      measured('native', 'memory', [{ memory: 61 }, { memory: 90 }, { memory: 95 }]),
    );
    expect(judged).toMatchObject({ gate: 'met', stretch: 'missed', found: { median: 90 } });
  });

  it('of the round trip under load reaches the stretch only with its throughput kept', () => {
    const row = 'loaded';
    const others = [
      ...measured('tailscale', row, [{ p99: 10, gbits: 1 }]),
      ...measured('boringtun', row, [{ p99: 3 }]),
    ];
    const title = 'round trip under TCP load: p99';
    const slow = verdictOf(title, [...others, ...measured('native', row, [{ p99: 3, gbits: 1.1 }])]);
    expect(slow).toMatchObject({ gate: 'met', stretch: 'missed' });
    const swift = verdictOf(title, [...others, ...measured('native', row, [{ p99: 3, gbits: 1.2 }])]);
    expect(swift).toMatchObject({ gate: 'met', stretch: 'met', foundForStretch: { median: 1 } });
  });
});

describe('a goal', () => {
  it('reads as one', () => {
    expect(goalText({ bound: 'at-most', value: 0.75, against: 'tailscale' })).toBe(
      '≤ 0.75× Tailscale’s fork',
    );
    expect(goalText({ bound: 'at-least', value: 3, against: 'better Go' })).toBe('≥ 3× the better Go one');
    expect(goalText({ bound: 'at-most', value: 90 })).toBe('≤ 90');
  });
});
