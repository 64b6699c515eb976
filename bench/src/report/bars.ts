/** Bars below their names: one value each, with the range of its rounds; or stacked, a piece a step. */
import { at, beside, svg, type Words, width } from './chart.ts';
import { html, type Markup } from './html.ts';
import { type Look, looks } from './palette.ts';

export interface Bar {
  readonly name: string;
  /** As written at its end. */
  readonly text: string;
  readonly value: number;
  /** Least and most of the rounds. */
  readonly range?: readonly [number, number];
  readonly look: Look;
}

const line = { text: 19, bar: 14, gap: 11 } as const;
const pitch = line.text + line.bar + line.gap;

export function barChart(words: Words, bars: readonly Bar[]): Markup | undefined {
  const most = Math.max(0, ...bars.map(({ value, range }) => Math.max(value, range?.[1] ?? 0)));
  if (bars.length === 0 || most <= 0) return undefined;
  const place = (value: number): number => (Math.max(0, value) / most) * width;
  return svg(
    words,
    bars.length * pitch - line.gap + 1,
    bars.map(({ name, text, value, range, look }, i) => {
      const top = i * pitch;
      const middle = top + line.text + line.bar / 2;
      return html`<text x="0" y="${top + 12}">${beside(name, text)}</text><text class="figure" text-anchor="end" x="${width}" y="${top + 12}">${text}</text>
<rect class="track" x="0" y="${top + line.text}" width="${width}" height="${line.bar}" rx="3"/>
<rect class="fill ${look.name}" x="0" y="${top + line.text}" width="${at(Math.max(1.5, place(value)))}" height="${line.bar}" rx="3"/>
${
  range === undefined || range[0] === range[1]
    ? undefined
    : [
        html`<path class="halo" d="${extent(place, range, middle)}"/>`,
        html`<path class="range" d="${extent(place, range, middle)}"/>`,
      ]
}\n`;
    }),
  );
}

function extent(
  place: (value: number) => number,
  [least, most]: readonly [number, number],
  y: number,
): string {
  const [from, to] = [place(least), place(most)].map((x) => at(Math.min(width - 1, Math.max(1, x))));
  return `M${from} ${y}H${to}M${from} ${y - 4}v8M${to} ${y - 4}v8`;
}

export interface Stack {
  readonly name: string;
  readonly text: string;
  readonly pieces: readonly { readonly step: string; readonly value: number }[];
}

/** `steps`: all there are, in their order: the same step looks the same in every bar. */
export function stackChart(
  words: Words,
  stacks: readonly Stack[],
  steps: readonly string[],
): Markup | undefined {
  const total = ({ pieces }: Stack): number => pieces.reduce((sum, { value }) => sum + value, 0);
  const most = Math.max(0, ...stacks.map(total));
  if (most <= 0) return undefined;
  const gap = 1.5;
  return svg(
    words,
    stacks.length * pitch - line.gap + 1,
    stacks.map((stack, i) => {
      const top = i * pitch;
      let from = 0;
      const pieces = stack.pieces.map(({ step, value }) => {
        const extent = (value / most) * width;
        const piece = { x: from, extent: Math.max(0.5, extent - gap), step: steps.indexOf(step) };
        from += extent;
        return piece;
      });
      return html`<text x="0" y="${top + 12}">${beside(stack.name, stack.text)}</text><text class="figure" text-anchor="end" x="${width}" y="${top + 12}">${stack.text}</text>
${pieces.map(({ x, extent, step }) => {
  const box = html`x="${at(x)}" y="${top + line.text}" width="${at(extent)}" height="${line.bar}"`;
  return html`<rect class="fill ${stepLook(step).name}" ${box}/>${hatch(step, box)}`;
})}\n`;
    }),
  );
}

function stepLook(step: number): Look {
  return looks[Math.max(0, step) % looks.length] ?? (looks[0] as Look); // there is a first one
}

/** Every second step carries a pattern, so that neighbours differ without colour too. */
function hatch(step: number, box: Markup): Markup | undefined {
  const pattern = [undefined, 'hatch', undefined, 'dots', undefined, 'hatch'][Math.max(0, step) % 6];
  return pattern === undefined ? undefined : html`<rect ${box} fill="url(#${pattern})"/>`;
}

/** Names of the steps with a sample of each. */
export function stepLegend(steps: readonly string[]): Markup {
  return html`<ul class="legend">${steps.map((step, i) => {
    const box = html`x="0" y="0" width="14" height="14"`;
    return html`<li><svg class="key" viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><rect class="fill ${stepLook(i).name}" ${box}/>${hatch(i, box)}</svg>${step}</li>`;
  })}</ul>`;
}

/** Patterns all charts of the page refer to. */
export const patterns = html`<svg class="defs" width="0" height="0" aria-hidden="true"><defs>
<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="pattern" x1="0" x2="0" y1="0" y2="5"/></pattern>
<pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse"><circle class="dot" cx="2.5" cy="2.5" r="1.1"/></pattern>
</defs></svg>`;
