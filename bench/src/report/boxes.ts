/**
 * How single samples lie: a box for the middle half, a line for nine tenths, dots for the ends. Each row is drawn as times of its own
 * middle, so that rows of any size can stand below each other; the figure itself is written beside its name.
 */
import { at, beside, svg, type Words, width } from './chart.ts';
import { html, type Markup } from './html.ts';
import type { Look } from './palette.ts';
import { logarithmic } from './scale.ts';

export interface Box {
  readonly name: string;
  /** 0 %, 5 %, … 100 %, above 0. */
  readonly quantiles: readonly number[];
  readonly text: (value: number) => string;
  readonly look: Look;
}

export const boxCaption =
  'Against the middle sample of each. Box: the middle half. Line: nine of ten. Dots: fastest and slowest; an arrow: beyond the picture. Narrow is good: every packet and every peer is served alike.';

const line = { text: 19, box: 14, gap: 12 } as const;
const pitch = line.text + line.box + line.gap;

export function boxChart(words: Omit<Words, 'description'>, boxes: readonly Box[]): Markup | undefined {
  const usable = boxes.flatMap((box) => {
    const middle = box.quantiles[10] ?? 0;
    if (box.quantiles.length !== 21 || !box.quantiles.every((value) => value > 0)) return [];
    return [{ ...box, middle, times: box.quantiles.map((value) => value / middle) }];
  });
  if (usable.length === 0) return undefined;
  // The slowest sample may be a hundred times the middle, and would make dots of all boxes: the scale ends a little behind 95 %.
  const most = Math.max(1.2, ...usable.map(({ times }) => (times[19] ?? 1) * 1.1));
  const least = Math.min(0.9, ...usable.map(({ times }) => times[0] ?? 1));
  const x = logarithmic(least, most, 4, width - 14);
  const bottom = usable.length * pitch - line.gap + 4;
  const ticks = spaced(
    [0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 2, 3, 5, 10, 20, 50],
    x.at,
    least,
    most,
  );
  const described = usable.map(
    ({ name, quantiles, text }) =>
      `${name}: half of the samples from ${text(quantiles[5] ?? 0)} to ${text(quantiles[15] ?? 0)}, the slowest ${text(quantiles[20] ?? 0)}.`,
  );
  const description = `Samples as times of their own middle, logarithmic. ${described.join(' ')}`;
  return svg({ ...words, description }, bottom + 20, [
    ticks.map(
      (
        tick,
      ) => html`<line class="grid" x1="${at(x.at(tick))}" x2="${at(x.at(tick))}" y1="${line.text}" y2="${bottom}"/>
<text class="soft" text-anchor="middle" x="${at(x.at(tick))}" y="${bottom + 15}">× ${tick}</text>`,
    ),
    usable.map(({ name, text, times, quantiles, middle, look }, i) => {
      const top = i * pitch + line.text;
      const centre = top + line.box / 2;
      const place = (percent: number): number => x.at(times[percent / 5] ?? 1);
      const slowest = place(100);
      const isBeyond = slowest > width - 4;
      const end = isBeyond
        ? html`<path class="fill ${look.name}" d="M${width - 9} ${centre - 5}l8 5l-8 5z"/>`
        : html`<circle class="end ${look.name}" cx="${at(slowest)}" cy="${centre}" r="2.4"/>`;
      return html`<text x="0" y="${top - 7}">${beside(name, `${text(middle)}, slowest ${text(quantiles[20] ?? 0)}`)}</text><text text-anchor="end" x="${width}" y="${top - 7}"><tspan class="figure">${text(middle)}</tspan><tspan class="soft">, slowest ${text(quantiles[20] ?? 0)}</tspan></text>
<path class="stroke thin ${look.name}" d="M${at(place(5))} ${centre}H${at(place(95))}M${at(place(5))} ${centre - 4}v8M${at(place(95))} ${centre - 4}v8"/>
<rect class="fill ${look.name}" x="${at(place(25))}" y="${top}" width="${at(Math.max(3, place(75) - place(25)))}" height="${line.box}" rx="2"/>
<line class="median" x1="${at(place(50))}" x2="${at(place(50))}" y1="${top}" y2="${top + line.box}"/>
<circle class="end ${look.name}" cx="${at(place(0))}" cy="${centre}" r="2.4"/>${end}\n`;
    }),
  ]);
}

/** Of the values on the scale those that have room for a text, 1 first. */
function spaced(
  values: readonly number[],
  place: (value: number) => number,
  least: number,
  most: number,
): number[] {
  const taken: number[] = [];
  for (const value of [1, ...values]) {
    if (value < least || value > most || place(value) < 18 || place(value) > width - 22) continue;
    if (taken.every((other) => Math.abs(place(other) - place(value)) >= 42)) taken.push(value);
  }
  return taken;
}
