/**
 * The targets of the native plane, and what a result says to them: ratios within a round against a named peer, so that they mean the
 * same on every machine. What cannot be compared is `not measured`, never met.
 */

import { median, ratios, type Summary, summary } from '../src/measure/statistics.ts';
import { type FigureId, figuresOf, type ProgramId, programTitles, type RowId } from './catalog.ts';
import { byRound, type Result } from './result.ts';

/** Whom the targets are for. */
export const subject: ProgramId = 'native';

/** `at-most` or `at-least` so many times what the peer has; without a peer so much, in the figure's unit. */
interface Goal {
  readonly bound: 'at-most' | 'at-least';
  readonly value: number;
  /** `better Go`: the better one of the two, by its median in this row. */
  readonly against?: ProgramId | 'better Go';
}

export interface Target {
  readonly title: string;
  readonly row: RowId;
  readonly figure: FigureId;
  readonly gate: Goal;
  readonly stretch: Goal;
  /** What must be kept for the stretch to count. */
  readonly stretchKeeps?: { readonly figure: FigureId; readonly goal: Goal; readonly words: string };
}

const atMost = (value: number, against?: Goal['against']): Goal => ({
  bound: 'at-most',
  value,
  ...(against === undefined ? {} : { against }),
});
const atLeast = (value: number, against: Goal['against']): Goal => ({
  bound: 'at-least',
  value,
  ...(against === undefined ? {} : { against }),
});

export const targets: readonly Target[] = [
  {
    title: 'TCP, 1 stream: CPU-s per GB',
    ...{ row: 'tcp1', figure: 'cpuPerGB' },
    gate: atMost(0.75, 'tailscale'),
    stretch: atMost(0.5, 'tailscale'),
  },
  {
    title: 'TCP, 4 streams: CPU-s per GB',
    ...{ row: 'tcp4', figure: 'cpuPerGB' },
    gate: atMost(0.75, 'tailscale'),
    stretch: atMost(0.5, 'tailscale'),
  },
  {
    title: 'TCP, 1 stream: throughput',
    ...{ row: 'tcp1', figure: 'gbits' },
    gate: atLeast(1.2, 'tailscale'),
    stretch: atLeast(1.6, 'tailscale'),
  },
  {
    title: 'TCP, 4 streams: throughput',
    ...{ row: 'tcp4', figure: 'gbits' },
    gate: atLeast(1.2, 'tailscale'),
    stretch: atLeast(1.6, 'tailscale'),
  },
  {
    title: '128 B flood: delivered packets/s',
    ...{ row: 'flood128', figure: 'kpps' },
    gate: atLeast(2.2, 'gotatun'),
    stretch: atLeast(3, 'gotatun'),
  },
  {
    title: '128 B flood: CPU a packet',
    ...{ row: 'flood128', figure: 'cpuPerPacket' },
    gate: atMost(0.35, 'boringtun'),
    stretch: atMost(0.22, 'boringtun'),
  },
  {
    title: 'idle round trip: median',
    ...{ row: 'idle', figure: 'p50' },
    gate: atMost(1.15, 'boringtun'),
    stretch: atMost(0.85, 'boringtun'),
  },
  {
    title: 'round trip under TCP load: p99',
    ...{ row: 'loaded', figure: 'p99' },
    gate: atMost(0.7, 'tailscale'),
    stretch: atMost(1, 'boringtun'),
    stretchKeeps: {
      figure: 'gbits',
      goal: atLeast(1.2, 'tailscale'),
      words: 'throughput kept: ≥ 1.2× Tailscale’s fork meanwhile',
    },
  },
  {
    title: 'cable without UDP segmentation: CPU-s per GB',
    ...{ row: 'nogso', figure: 'cpuPerGB' },
    gate: atMost(0.6, 'better Go'),
    stretch: atMost(0.45, 'better Go'),
  },
  {
    title: 'memory an end after the runs',
    ...{ row: 'memory', figure: 'memory' },
    gate: atMost(90),
    stretch: atMost(60),
  },
];

export type Verdict = 'met' | 'missed' | 'not measured';

export interface Judgement {
  readonly target: Target;
  readonly gate: Verdict;
  readonly stretch: Verdict;
  /** Ratios to the gate's peer, or values where there is none; absent where nothing was measured. */
  readonly found?: Summary;
  /** The same for the stretch, where its peer is another one. */
  readonly foundForStretch?: Summary;
  /** The best peer of this run in this figure, which may be another one than the target names. */
  readonly best?: { readonly program: ProgramId; readonly ratio: Summary };
}

const peers: readonly ProgramId[] = ['wireguard-go', 'tailscale', 'boringtun', 'gotatun', 'openvpn'];
const goPeers: readonly ProgramId[] = ['wireguard-go', 'tailscale'];

export function judge(result: Pick<Result, 'measurements'>, who: ProgramId = subject): Judgement[] {
  return targets.map((target) => judgeOne(result, who, target));
}

function judgeOne(result: Pick<Result, 'measurements'>, who: ProgramId, target: Target): Judgement {
  const { row, figure, gate, stretch, stretchKeeps } = target;
  const found = compared(result, who, row, figure, gate.against);
  const foundForStretch =
    stretch.against === gate.against ? found : compared(result, who, row, figure, stretch.against);
  const kept =
    stretchKeeps === undefined
      ? 'met'
      : verdict(
          stretchKeeps.goal,
          compared(result, who, row, stretchKeeps.figure, stretchKeeps.goal.against),
        );
  const best = bestPeer(result, peers, row, figure);
  const ratio = best && compared(result, who, row, figure, best);
  return {
    target,
    gate: verdict(gate, found),
    stretch: both(verdict(stretch, foundForStretch), kept),
    ...(found === undefined ? {} : { found }),
    ...(foundForStretch === undefined || foundForStretch === found ? {} : { foundForStretch }),
    ...(best === undefined || ratio === undefined ? {} : { best: { program: best, ratio } }),
  };
}

function compared(
  result: Pick<Result, 'measurements'>,
  who: ProgramId,
  row: RowId,
  figure: FigureId,
  against: Goal['against'],
): Summary | undefined {
  const ours = byRound(result, who, row, figure);
  if (against === undefined) return summary([...ours.values()]);
  const peer = against === 'better Go' ? bestPeer(result, goPeers, row, figure) : against;
  return peer && summary(ratios(ours, byRound(result, peer, row, figure)));
}

/** By the median of all its rounds. */
function bestPeer(
  result: Pick<Result, 'measurements'>,
  among: readonly ProgramId[],
  row: RowId,
  figure: FigureId,
): ProgramId | undefined {
  const more = figuresOf(row).find(([id]) => id === figure)?.[1].better === 'more';
  const measured = among
    .map((program) => ({ program, value: median([...byRound(result, program, row, figure).values()]) }))
    .filter(({ value }) => !Number.isNaN(value))
    .sort((a, b) => (more ? b.value - a.value : a.value - b.value));
  return measured[0]?.program;
}

function verdict({ bound, value }: Goal, found: Summary | undefined): Verdict {
  if (found === undefined) return 'not measured';
  const ok = bound === 'at-most' ? found.median <= value : found.median >= value;
  return ok ? 'met' : 'missed';
}

function both(a: Verdict, b: Verdict): Verdict {
  if (a === 'missed' || b === 'missed') return 'missed';
  return a === 'met' && b === 'met' ? 'met' : 'not measured';
}

/** `≤ 0.75× Tailscale’s fork`, `≤ 90`. */
export function goalText({ bound, value, against }: Goal): string {
  const sign = bound === 'at-most' ? '≤' : '≥';
  if (against === undefined) return `${sign} ${value}`;
  return `${sign} ${value}× ${against === 'better Go' ? 'the better Go one' : programTitles[against]}`;
}
