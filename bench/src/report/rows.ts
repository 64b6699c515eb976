/** Rows taken apart by their names, for charts; and as a table, which has everything. */

import type { Row, SectionId } from '../result.ts';
import { amount, amountRange, grouped } from './amount.ts';
import { html, type Markup } from './html.ts';

export function rowsOf(rows: readonly Row[], section: SectionId): readonly Row[] {
  return rows.filter((row) => row.section === section);
}

/** What stands between the slashes behind the section's name. */
export function parts({ id }: Row): readonly string[] {
  return id.split('/').slice(1);
}

/** In order of first appearance. */
export function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

export function range({ rounds }: Row): readonly [number, number] {
  return [Math.min(...rounds), Math.max(...rounds)];
}

/** `1,180 Mbit/s (1,150 to 1,210)`, the range in the row's unit only where there is one. */
export function amountText(row: Row): string {
  return amount(row.median, row.unit);
}

/** Everything of the section, folded away. */
export function detailsOf(rows: readonly Row[], what: string): Markup {
  return html`<details><summary>All figures: ${what}</summary>
<div class="scroller" role="region" aria-label="All figures: ${what}" tabindex="0"><table>
<thead><tr><th scope="col">what</th><th scope="col">middle</th><th scope="col">rounds, least to most</th><th scope="col">99 of 100 within</th><th scope="col">samples</th></tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr><th scope="row">${row.title}${
        row.formula === undefined ? undefined : html`<span class="formula">reckoned: ${row.formula}</span>`
      }</th><td>${amount(row.median, row.unit)}</td><td>${spread(row)}</td><td>${
        row.p99 === undefined ? '–' : amount(row.p99, row.unit)
      }</td><td>${row.samples === undefined ? '–' : `${row.samples.toLocaleString('en')}${row.margin === undefined ? '' : `, ±${grouped(row.margin)} %`}`}</td></tr>\n`,
  )}</tbody>
</table></div></details>\n`;
}

function spread(row: Row): string {
  const [least, most] = range(row);
  if (row.rounds.length === 1) return '–';
  return amountRange(least, most, row.unit);
}
