/** A bar chart as SVG, written by hand: a bar a program, its range as a line. Readable on light and on dark ground. */
import type { Summary } from '../src/measure/statistics.ts';

export interface Bar {
  readonly label: string;
  readonly found: Summary;
  readonly isOurs: boolean;
  /** Whether the scale goes as far as this bar; one that is no tunnel may be far beyond all others, and is cut. */
  readonly sets: boolean;
}

const layout = { width: 720, label: 150, value: 150, bar: 18, gap: 8, top: 34, bottom: 8 } as const;

const style = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600 }
    .bar { fill: #8c959f } .ours { fill: #0969da } .range { stroke: #1f2328; stroke-width: 1.5 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .bar { fill: #6e7681 } .ours { fill: #4493f8 } .range { stroke: #e6edf3 }
    }
`;

/** `title` says unit and which way is better. `digits`: behind the point. */
export function barChart(title: string, bars: readonly Bar[], digits: number): string {
  const scale = Math.max(...bars.filter(({ sets }) => sets).map(({ found }) => found.most), 0) || 1;
  const room = layout.width - layout.label - layout.value;
  const height = layout.top + bars.length * (layout.bar + layout.gap) + layout.bottom;
  const x = (value: number): string => (layout.label + (Math.min(value, scale) / scale) * room).toFixed(1);
  const lines = bars.flatMap((bar, i) => {
    const top = layout.top + i * (layout.bar + layout.gap);
    const middle = top + layout.bar / 2;
    const { median, least, most } = bar.found;
    const isCut = median > scale;
    const width = (Number(x(median)) - layout.label).toFixed(1);
    const text = `${isCut ? '→ ' : ''}${median.toFixed(digits)}${range(bar.found, digits)}`;
    const textAt = Math.max(Number(x(most)), Number(x(median))) + 6;
    return [
      `  <text x="${layout.label - 8}" y="${middle + 4}" text-anchor="end">${escaped(bar.label)}</text>`,
      `  <rect class="bar${bar.isOurs ? ' ours' : ''}" x="${layout.label}" y="${top}" width="${width}" height="${layout.bar}" rx="2"/>`,
      ...(isCut || bar.found.count === 1
        ? []
        : [`  <line class="range" x1="${x(least)}" x2="${x(most)}" y1="${middle}" y2="${middle}"/>`]),
      `  <text x="${textAt.toFixed(1)}" y="${middle + 4}">${text}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.width} ${height}" width="${layout.width}" height="${height}" role="img">`,
    `  <title>${escaped(title)}</title>`,
    `  <style>${style}  </style>`,
    `  <text class="title" x="0" y="18">${escaped(title)}</text>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

function range({ least, most, count }: Summary, digits: number): string {
  return count === 1 ? '' : ` (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
