/** Lines over a logarithmic width: throughput by packet size, memory by peers. */
import { at, letter, marker, shortened, svg, type Words, width } from './chart.ts';
import { html, type Markup } from './html.ts';
import type { Look } from './palette.ts';
import { linear, logarithmic, spreadOut } from './scale.ts';

export interface Series {
  readonly name: string;
  readonly look: Look;
  /** x above 0, ascending. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Axes {
  readonly xName: string;
  readonly yName: string;
  readonly xText: (value: number) => string;
  readonly yText: (value: number) => string;
  /** Logarithmic where what differs by factors is to be seen; else from 0. */
  readonly isLogarithmic: boolean;
}

const edges = { left: 50, top: 26, bottom: 232, height: 272 } as const;
/** Of a name beside a line; longer ones are cut, and whole in the table. */
const mostName = 16;

/** `undefined` where there is nothing to show. */
export function lineChart(words: Words, series: readonly Series[], axes: Axes): Markup | undefined {
  const longest = Math.max(4, ...series.map(({ name }) => Math.min(mostName, name.length)));
  const frame = { ...edges, right: width - 18 - longest * letter };
  const points = series.flatMap((each) => each.points);
  if (points.length === 0) return undefined;
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const ys = points.map(({ y }) => y);
  const x = logarithmic(Math.min(...xs), Math.max(...xs), frame.left, frame.right);
  const y = axes.isLogarithmic
    ? logarithmic(Math.min(...ys), Math.max(...ys), frame.bottom, frame.top)
    : linear(Math.max(...ys), frame.bottom, frame.top);
  const ends = series.map(({ points: own }) => own.at(-1));
  const labelled = spreadOut(
    ends.map((end) => (end === undefined ? frame.bottom : y.at(end.y))),
    15,
    frame.top,
    frame.bottom,
  );
  return svg(words, frame.height, [
    html`<text class="soft" x="0" y="12">${axes.yName}</text>`,
    y.ticks.map(
      (
        tick,
      ) => html`<line class="grid" x1="${frame.left}" x2="${frame.right}" y1="${at(y.at(tick))}" y2="${at(y.at(tick))}"/>
<text class="soft" text-anchor="end" x="${frame.left - 6}" y="${at(y.at(tick) + 4)}">${axes.yText(tick)}</text>\n`,
    ),
    html`<line class="axis" x1="${frame.left}" x2="${frame.right}" y1="${frame.bottom}" y2="${frame.bottom}"/>`,
    xs.map(
      (value) =>
        html`<line class="axis" x1="${at(x.at(value))}" x2="${at(x.at(value))}" y1="${frame.bottom}" y2="${frame.bottom + 4}"/>`,
    ),
    withRoom(xs, axes, x.at).map(
      (value) =>
        html`<text class="soft" text-anchor="middle" x="${at(x.at(value))}" y="${frame.bottom + 18}">${axes.xText(value)}</text>`,
    ),
    html`<text class="soft" text-anchor="middle" x="${(frame.left + frame.right) / 2}" y="${frame.bottom + 36}">${axes.xName}</text>\n`,
    series.map((each, i) => {
      const places = each.points.map((point) => ({ x: x.at(point.x), y: y.at(point.y) }));
      const end = places.at(-1);
      const labelAt = labelled[i] ?? frame.bottom;
      if (end === undefined) return undefined;
      return html`<polyline class="stroke ${each.look.name}" ${each.look.dash === '' ? undefined : html`stroke-dasharray="${each.look.dash}"`} points="${places.map((place) => `${at(place.x)},${at(place.y)}`).join(' ')}"/>
${places.map((place) => marker(each.look, place.x, place.y))}
<polyline class="leader" points="${at(end.x + 5)},${at(end.y)} ${frame.right + 4},${at(labelAt)}"/>${marker(each.look, frame.right + 9, labelAt)}<text x="${frame.right + 17}" y="${at(labelAt + 4)}">${shortened(each.name, mostName * letter)}</text>\n`;
    }),
  ]);
}

/** Of values that want a text those that have room for it: the ends first, then the largest. */
function withRoom(values: readonly number[], axes: Axes, place: (value: number) => number): number[] {
  const half = (value: number): number => axes.xText(value).length * 3.4 + 2.5;
  const [first, ...others] = values;
  const wanted = [
    ...others.slice(-1),
    ...(first === undefined ? [] : [first]),
    ...others.slice(0, -1).toReversed(),
  ];
  const taken: number[] = [];
  for (const value of wanted)
    if (taken.every((other) => Math.abs(place(other) - place(value)) >= half(other) + half(value)))
      taken.push(value);
  return taken;
}

/** What the lines would say: first and last point of each. */
export function describeLines(series: readonly Series[], axes: Axes): string {
  return series
    .flatMap(({ name, points }) => {
      const [first, last] = [points[0], points.at(-1)];
      if (first === undefined || last === undefined) return [];
      return [
        `${name}: ${axes.yText(first.y)} at ${axes.xText(first.x)}, ${axes.yText(last.y)} at ${axes.xText(last.x)} ${axes.xName}.`,
      ];
    })
    .join(' ');
}
