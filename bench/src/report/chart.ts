/**
 * Charts as inline SVG. All are as wide as a phone and stand beside each other on a desk, so that their text is never scaled to what
 * nobody can read. Each has a title and a description in words.
 */
import { html, type Markup, type Part } from './html.ts';
import type { Look } from './palette.ts';

/** Width of every chart, in its own units; about as many CSS pixels. */
export const width = 360;

export interface Words {
  /** Unique on the page, for what refers to it. */
  readonly id: string;
  readonly title: string;
  /** What one would see, in a sentence or more. */
  readonly description: string;
}

export function svg({ id, title, description }: Words, height: number, content: Part): Markup {
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-t ${id}-d" xmlns="http://www.w3.org/2000/svg">
<title id="${id}-t">${title}</title><desc id="${id}-d">${description}</desc>
${content}
</svg>`;
}

/** A chart with what stands above and below it. */
export function figure(words: Pick<Words, 'title'>, picture: Markup, caption: Part): Markup {
  return html`<figure><h3>${words.title}</h3>${picture}<figcaption>${caption}</figcaption></figure>\n`;
}

/** A tenth of a unit is finer than any screen. */
export function at(place: number): string {
  return String(Math.round(place * 10) / 10);
}

export function marker({ marker: kind, name }: Look, x: number, y: number): Markup {
  const around = (points: readonly (readonly [number, number])[]): Markup =>
    html`<polygon class="mark ${name}" points="${points.map(([dx, dy]) => `${at(x + dx)},${at(y + dy)}`).join(' ')}"/>`;
  switch (kind) {
    case 'circle':
      return html`<circle class="mark ${name}" cx="${at(x)}" cy="${at(y)}" r="3.4"/>`;
    case 'square':
      return around([
        [-3, -3],
        [3, -3],
        [3, 3],
        [-3, 3],
      ]);
    case 'triangle':
      return around([
        [0, -4],
        [4, 3],
        [-4, 3],
      ]);
    case 'diamond':
      return around([
        [0, -4.4],
        [4.4, 0],
        [0, 4.4],
        [-4.4, 0],
      ]);
    case 'cross':
      return html`<path class="stroke ${name}" d="M${at(x - 3)} ${at(y - 3)}l6 6m0 -6l-6 6"/>`;
  }
}

/** What a letter of a chart takes at most, about: pictures are drawn where no font can be asked. */
export const letter = 8;

/** A name cut to what has room; the tables have it whole. */
export function shortened(name: string, room: number): string {
  const most = Math.max(3, Math.floor(room / letter));
  return name.length <= most ? name : `${name.slice(0, most - 1)}…`;
}

/** A name on the left of a line whose right end has this text. */
export function beside(name: string, text: string): string {
  return shortened(name, width - (text.length + 1) * letter);
}
