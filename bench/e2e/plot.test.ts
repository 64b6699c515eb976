import { describe, expect, it } from 'vitest';
import { type Bar, barChart } from './plot.ts';

const bar = (label: string, median: number, more: Partial<Bar> = {}): Bar => ({
  ...{ label, isOurs: false, sets: true },
  found: { median, least: median - 1, most: median + 1, count: 3 },
  ...more,
});

function widths(svg: string): number[] {
  return [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
}

describe('a bar chart', () => {
  it('has bars as long as their values', () => {
    const [a = 0, b = 0] = widths(barChart('t', [bar('a', 10), bar('b', 5)], 1));
    expect(a / b).toBeCloseTo(2, 1);
  });

  it('cuts what is beyond the scale, and says so', () => {
    const svg = barChart('t', [bar('cable', 44, { sets: false }), bar('a', 9)], 1);
    const [cable = 0, a = 0] = widths(svg);
    expect(cable).toBeLessThan(a * 1.2);
    expect(svg).toContain('→ 44.0');
  });

  it('gives values with their range, and one of one round without', () => {
    const once = { median: 5, least: 5, most: 5, count: 1 };
    const svg = barChart('t', [bar('a', 10), bar('b', 5, { found: once })], 1);
    expect(svg).toContain('>10.0 (9.0–11.0)<');
    expect(svg).toContain('>5.0<');
    expect(svg.match(/class="range"/g)).toHaveLength(1);
  });

  it('is well formed whatever the labels are', () => {
    const svg = barChart('a < b & c', [bar('<script>', 1)], 1);
    expect(svg).toContain('a &lt; b &amp; c');
    expect(svg).not.toContain('<script>');
    expect(svg.endsWith('</svg>\n')).toBe(true);
  });

  it('of nothing but zeros divides by no zero', () => {
    const none = { median: 0, least: 0, most: 0, count: 2 };
    expect(barChart('t', [bar('a', 0, { found: none })], 1)).not.toContain('NaN');
  });
});
