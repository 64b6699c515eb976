/** Two results of like machines, row by row: the ratio with its interval, and whether there is a difference worth the word. */

import type { BenchResult, Remark, Row } from '../result.ts';
import { holm, leastRounds, type RatioEstimate, ratioOfIndependent } from './interval.ts';
import { type Difference, differences, explanations } from './likeness.ts';

export interface CompareOptions {
  /** Smaller differences are no verdict, however sure: 0.1 is 10 %. */
  readonly threshold: number;
  /** Compares unlike machines all the same; never emulated ones. */
  readonly force: boolean;
}

export type Verdict = 'slower' | 'faster' | 'no difference seen' | 'no verdict';

export interface RowComparison {
  readonly row: Pick<Row, 'id' | 'section' | 'title' | 'unit' | 'better'>;
  readonly a: number;
  readonly b: number;
  /** b/a with a 95 % interval, from the rounds; absent where there can be none. */
  readonly ratio?: RatioEstimate;
  /** Corrected for the number of rows. */
  readonly chance?: number;
  readonly verdict: Verdict;
  /** Why there is no verdict. */
  readonly why?: string;
}

export interface Comparison {
  readonly kind: 'compared';
  readonly threshold: number;
  /** Worst first, as far as there is a ratio. */
  readonly rows: readonly RowComparison[];
  /** By name. */
  readonly onlyInA: readonly Row[];
  readonly onlyInB: readonly Row[];
  /** Of either side: to be read first. */
  readonly remarks: readonly SidedRemark[];
  /** The machines differ in this, and it was compared by force. */
  readonly unlike: readonly Difference[];
  /** What else differs. */
  readonly explanations: readonly Difference[];
}

export interface SidedRemark {
  readonly side: 'A' | 'B';
  readonly text: string;
}

export interface Refusal {
  readonly kind: 'refused';
  readonly why: 'emulated' | 'unlike';
  /** A sentence, and what to do. */
  readonly text: string;
  readonly differences: readonly Difference[];
}

const surely = 0.05;

/**
 * Compares `b` with `a`, what there is now with what there was. A verdict needs three things: the interval lies on one side of 1 (after
 * Holm's correction: with a hundred rows, five would do so by chance), the middle is beyond the threshold (rounds of one run share
 * their process and the machine's mood, so that their spread knows less than the spread between runs), and rounds enough.
 */
export function compareResults(
  a: BenchResult,
  b: BenchResult,
  options: CompareOptions,
): Comparison | Refusal {
  const emulated = [a, b].some(({ remarks }) => remarks.some(({ kind }) => kind === 'emulated'));
  if (emulated)
    return {
      kind: 'refused',
      why: 'emulated',
      text: 'an emulated run is no measurement and is never compared; measure on the machine itself',
      differences: [],
    };
  const unlike = differences(a.machine, b.machine);
  if (unlike.length > 0 && !options.force)
    return {
      kind: 'refused',
      why: 'unlike',
      text: 'the machines are not alike, so a ratio would not say what changed; measure both on one machine, or add --force',
      differences: unlike,
    };
  const before = new Map(a.rows.map((row) => [row.id, row]));
  const after = new Map(b.rows.map((row) => [row.id, row]));
  const pairs = b.rows.flatMap((row) => {
    const old = before.get(row.id);
    return old === undefined ? [] : [confronted(old, row)];
  });
  return {
    kind: 'compared',
    threshold: options.threshold,
    rows: judged(pairs, options.threshold).toSorted(worstFirst),
    onlyInA: a.rows.filter(({ id }) => !after.has(id)),
    onlyInB: b.rows.filter(({ id }) => !before.has(id)),
    remarks: [...sided('A', a), ...sided('B', b)],
    unlike,
    explanations: explanations(a, b),
  };
}

type Confronted = Omit<RowComparison, 'verdict' | 'chance'>;

function confronted(a: Row, b: Row): Confronted {
  const { id, section, title, unit, better } = b;
  const found = { row: { id, section, title, unit, better }, a: a.median, b: b.median };
  const why = obstacle(a, b);
  if (why !== undefined) return { ...found, why };
  const ratio = ratioOfIndependent(a.rounds, b.rounds);
  return ratio === undefined ? { ...found, why: 'no ratio can be taken of it' } : { ...found, ratio };
}

/** Such rows follow from those that are judged. */
export const isReckoned = 'it is reckoned from other rows';

/** Why two rows cannot be judged. */
function obstacle(a: Row, b: Row): string | undefined {
  if (a.unit !== b.unit || a.better !== b.better || a.bytes !== b.bytes)
    return `it is not the same figure: ${a.unit} and ${b.unit}, ${a.bytes ?? 0} B and ${b.bytes ?? 0} B`;
  if (a.formula !== undefined || b.formula !== undefined) return isReckoned;
  const least = Math.min(a.rounds.length, b.rounds.length);
  if (least < leastRounds)
    return `${least} of ${leastRounds} rounds that a verdict needs; measure with --rounds ${leastRounds} or more`;
  if ([...a.rounds, ...b.rounds].some((value) => value <= 0))
    return 'a figure that is not above zero has no ratio';
  return undefined;
}

function judged(pairs: readonly Confronted[], threshold: number): RowComparison[] {
  const corrected = holm(pairs.flatMap(({ ratio }) => (ratio === undefined ? [] : [ratio.chance])));
  let next = 0;
  return pairs.map((pair) => {
    const { ratio, row } = pair;
    if (ratio === undefined) return { ...pair, verdict: 'no verdict' };
    const chance = corrected[next++] ?? 1;
    const isFar = Math.abs(Math.log(ratio.middle)) > Math.log1p(threshold);
    if (chance >= surely || !isFar) return { ...pair, chance, verdict: 'no difference seen' };
    return { ...pair, chance, verdict: ratio.middle > 1 === (row.better === 'less') ? 'slower' : 'faster' };
  });
}

/** How many times worse B is: 2 where it takes twice the time or makes half the rate. */
export function worseness({ ratio, row, a, b }: Pick<RowComparison, 'ratio' | 'row' | 'a' | 'b'>): number {
  const times = ratio?.middle ?? b / a;
  return row.better === 'less' ? times : 1 / times;
}

const order: readonly Verdict[] = ['slower', 'faster', 'no difference seen', 'no verdict'];

function worstFirst(x: RowComparison, y: RowComparison): number {
  const byVerdict = order.indexOf(x.verdict) - order.indexOf(y.verdict);
  if (byVerdict !== 0) return byVerdict;
  if (x.verdict === 'no verdict') return 0; // as they stand in the file
  return x.verdict === 'faster' ? worseness(x) - worseness(y) : worseness(y) - worseness(x);
}

function sided(side: 'A' | 'B', { remarks, settings }: BenchResult): SidedRemark[] {
  const quick = 'a quick run: few short rounds, that show no more than that everything works';
  return [...remarks.map(({ text }: Remark) => text), ...(settings.quick ? [quick] : [])].map((text) => ({
    side,
    text,
  }));
}
