/** Rows that grow round by round, for sections that the harness does not time. */

import { quantile, quantiles } from '../measure/samples.ts';
import { median } from '../measure/statistics.ts';
import type { Row, SectionId } from '../result.ts';

export type RowHead = Pick<Row, 'id' | 'title' | 'unit' | 'better' | 'labels' | 'bytes' | 'formula'>;

interface Growing {
  readonly head: RowHead;
  readonly rounds: number[];
  readonly samples: number[];
}

export class Collected {
  readonly #rows = new Map<string, Growing>();

  /** The figure of one round. */
  add(head: RowHead, figure: number): void {
    this.#growing(head).rounds.push(figure);
  }

  /** The single samples of one round, whose figure is their median. At least one. */
  addSamples(head: RowHead, samples: readonly number[]): void {
    const growing = this.#growing(head);
    growing.rounds.push(median(samples));
    growing.samples.push(...samples);
  }

  /** In the order in which they began. */
  rows(section: SectionId): Row[] {
    return [...this.#rows.values()].map(({ head, rounds, samples }) => ({
      ...head,
      section,
      median: median(rounds),
      rounds,
      ...(samples.length === 0 ? {} : distributionOf(samples)),
    }));
  }

  #growing(head: RowHead): Growing {
    const known = this.#rows.get(head.id);
    if (known !== undefined) return known;
    const growing: Growing = { head, rounds: [], samples: [] };
    this.#rows.set(head.id, growing);
    return growing;
  }
}

function distributionOf(samples: readonly number[]): Pick<Row, 'p99' | 'samples' | 'quantiles'> {
  const sorted = Float64Array.from(samples).sort();
  return { p99: quantile(sorted, 0.99), samples: samples.length, quantiles: quantiles(sorted) };
}
