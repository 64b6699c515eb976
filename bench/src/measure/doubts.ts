/** What makes figures worth less than they look, in sentences for people. */

import type { Virtualization } from '../machine/emulation.ts';
import type { Throttling } from '../machine/throttling.ts';
import type { Remark, Row } from '../result.ts';
import { type Busy, isDisturbed, type Load, mostLoad } from './load.ts';
import { quantile } from './samples.ts';

export interface Circumstances {
  readonly virtualization: Virtualization;
  readonly throttling: Throttling;
  readonly load: Load;
  /** Who else ran, the busiest first. */
  readonly busiest: readonly Busy[];
  /** The addon was built to be slow. */
  readonly isSlowed: boolean;
  readonly rows: readonly Row[];
}

export function doubtsOf({
  virtualization,
  throttling,
  load,
  busiest,
  isSlowed,
  rows,
}: Circumstances): Remark[] {
  const remarks: Remark[] = [];
  if (virtualization.isEmulator)
    remarks.push({
      kind: 'emulated',
      text: `emulated: not a measurement (${virtualization.name} plays the processor; run it on the machine itself)`,
    });
  if (isSlowed)
    remarks.push({
      kind: 'slowed',
      text: 'slowed: the addon was built to be slow, for a test; build it anew with "npm run setup"',
    });
  if (throttling.kind === 'seen')
    remarks.push({
      kind: 'throttled',
      text: `throttled: ${throttling.why}; look after cooling and power supply, let it rest, and run again`,
    });
  const noise = noiseOf(load, busiest, rows);
  if (noise !== undefined)
    remarks.push({ kind: 'noisy', text: `noisy: ${noise}; run again when the machine does nothing else` });
  return remarks;
}

/** Between the quarters of its rounds, as a share of the median: more than this, and a row is unsteady. */
const mostSpread = 0.1;
/** Of the rows that have it. */
const mostUnsteady = 0.5;
const leastRounds = 3;

function noiseOf(load: Load, busiest: readonly Busy[], rows: readonly Row[]): string | undefined {
  const reasons: string[] = [];
  if (isDisturbed(load)) {
    if (load.foreign > mostLoad / 2)
      reasons.push(`other programs took ${percent(load.foreign)} of all CPU time${names(busiest)}`);
    if (load.steal > mostLoad / 2)
      reasons.push(`the host took ${percent(load.steal)} of all CPU time for others`);
  }
  const repeated = rows.filter(
    ({ rounds, formula }) => rounds.length >= leastRounds && formula === undefined,
  );
  const unsteady = repeated.filter((row) => spreadOf(row) > mostSpread);
  if (unsteady.length > mostUnsteady * repeated.length)
    reasons.push(
      `${unsteady.length} of ${repeated.length} figures differed by more than ${percent(mostSpread)} from round to round`,
    );
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

/** The middle half of the rounds, as a share of the median. */
export function spreadOf({ rounds, median }: Pick<Row, 'rounds' | 'median'>): number {
  const sorted = rounds.toSorted((a, b) => a - b);
  return (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / Math.abs(median);
}

/** Those that took a twentieth of a CPU. */
function names(busiest: readonly Busy[]): string {
  const named = busiest.filter(({ share }) => share >= 0.05).slice(0, 3);
  if (named.length === 0) return '';
  return ` (${named.map(({ name, share }) => `${name} ${percent(share)} of a CPU`).join(', ')})`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
