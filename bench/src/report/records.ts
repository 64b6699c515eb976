/** Per packet: throughput by size and engine, and how single samples lie. */
import type { BenchResult, Row } from '../result.ts';
import { amount, grouped, throughput } from './amount.ts';
import { boxCaption, boxChart } from './boxes.ts';
import { figure } from './chart.ts';
import { html, type Markup } from './html.ts';
import { type Axes, describeLines, lineChart, type Series } from './lines.ts';
import { lookOf } from './palette.ts';
import { detailsOf, distinct, parts, rowsOf } from './rows.ts';

const axes: Axes = {
  xName: 'payload of a packet, B',
  yName: 'Mbit/s on one core, logarithmic',
  xText: (bytes) => bytes.toLocaleString('en'),
  yText: grouped,
  isLogarithmic: true,
};

const verbs = { seal: 'Sealing', open: 'Opening' } as const;
/** A full packet on the usual path. */
const usualBytes = 1420;

export function recordsChapter({ rows }: BenchResult): Markup[] {
  const own = rowsOf(rows, 'records');
  if (own.length === 0) return [];
  const charts = (['seal', 'open'] as const).flatMap((verb) => recordChart(own, verb) ?? []);
  return [
    html`<p>What the cipher (ChaCha20-Poly1305) costs for each packet, and so the most one core can carry. Further up is better. A tunnel also
reads, writes and routes: it stays below.</p>`,
    html`<div class="charts">${charts}${distribution(own)}</div>`,
    ...(['seal', 'open'] as const).flatMap((verb) => sizeTable(own, verb) ?? []),
    detailsOf(own, 'packets'),
  ];
}

/** Also drawn for docs. */
function recordSeries(rows: readonly Row[], verb: string): Series[] {
  const own = rows.filter((row) => parts(row)[0] === verb);
  return distinct(own.map((row) => parts(row)[1] ?? '')).map((engine, i) => ({
    name: engine,
    look: lookOf(engine, i),
    points: own
      .filter((row) => parts(row)[1] === engine)
      .flatMap((row) => {
        const y = throughput(row);
        return y === undefined || row.bytes === undefined ? [] : [{ x: row.bytes, y }];
      })
      .sort((a, b) => a.x - b.x),
  }));
}

export function recordLines(
  rows: readonly Row[],
  verb: 'seal' | 'open',
): { title: string; chart: Markup | undefined } {
  const series = recordSeries(rows, verb).filter(({ points }) => points.length > 0);
  const title = `${verbs[verb]}: throughput by packet size`;
  const words = {
    id: `records-${verb}`,
    title,
    description: `Throughput of one core in Mbit/s by payload of a packet in bytes, both logarithmic, a line an engine. ${describeLines(series, axes)}`,
  };
  return { title, chart: lineChart(words, series, axes) };
}

function recordChart(rows: readonly Row[], verb: 'seal' | 'open'): Markup | undefined {
  const { title, chart } = recordLines(rows, verb);
  if (chart === undefined) return undefined;
  const words = { id: `records-${verb}`, title, description: '' };
  return figure(
    words,
    chart,
    'Ten times as much is always the same distance. A line that ends lower costs more CPU for each byte.',
  );
}

function distribution(rows: readonly Row[]): Markup | undefined {
  const chosen = rows.filter((row) => parts(row)[0] === 'seal' && row.bytes === usualBytes);
  const boxes = chosen.map((row, i) => ({
    name: parts(row)[1] ?? '',
    text: (value: number) => amount(value, row.unit),
    quantiles: row.quantiles ?? [],
    look: lookOf(parts(row)[1] ?? '', i),
  }));
  const words = {
    id: 'records-spread',
    title: `Sealing ${usualBytes.toLocaleString('en')} B: how samples lie`,
  };
  const chart = boxChart(words, boxes);
  return chart === undefined ? undefined : figure(words, chart, boxCaption);
}

function sizeTable(rows: readonly Row[], verb: 'seal' | 'open'): Markup | undefined {
  const own = rows.filter((row) => parts(row)[0] === verb);
  const engines = distinct(own.map((row) => parts(row)[1] ?? ''));
  const sizes = distinct(own.map((row) => row.bytes ?? 0)).sort((a, b) => a - b);
  if (own.length === 0) return undefined;
  const what = `${verbs[verb]}, ns a packet`;
  return html`<details><summary>${what}: by size and engine</summary>
<div class="scroller" role="region" aria-label="${what}" tabindex="0"><table>
<thead><tr><th scope="col">B</th>${engines.map((engine) => html`<th scope="col">${engine}</th>`)}</tr></thead>
<tbody>${sizes.map(
    (size) =>
      html`<tr><th scope="row">${size.toLocaleString('en')}</th>${engines.map((engine) => {
        const row = own.find((each) => each.bytes === size && parts(each)[1] === engine);
        return html`<td>${row === undefined ? '–' : grouped(row.median)}</td>`;
      })}</tr>\n`,
  )}</tbody></table></div></details>\n`;
}
