import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { exampleResult } from '../example.test.kit.ts';
import type { BenchResult } from '../result.ts';
import { amount, amountRange, grouped, throughput } from './amount.ts';
import { html } from './html.ts';
import { looks, themes } from './palette.ts';
import { writeReport } from './report.ts';
import { linear, logarithmic, spreadOut } from './scale.ts';

const result = exampleResult();
const page = writeReport(result);

describe('the report', () => {
  it('has a chapter for each section, and says what is missing and why', () => {
    for (const id of [
      'records',
      'handshake',
      'tunnel',
      'memory',
      'rekey',
      'parts',
      'machine',
      'missing',
      'reading',
    ])
      expect(page).toContain(`<section id="${id}">`);
    expect(page).toContain('needs AVX2, and this is arm64');
    expect(page).toMatch(/<div class="banner"[\s\S]*Noisy: other programs took 14 %/);
  });

  it('has every figure in a table', () => {
    for (const { title } of result.rows) expect(page, title).toContain(`<th scope="row">${title}`);
  });

  it('carries no script, and neither loads nor sends anything', () => {
    expect(page).not.toMatch(
      /<script|<link|<img|<iframe|<object|javascript:|@import|url\((?!#)|\son[a-z]+=/i,
    );
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|\/\//);
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(page).toContain(`content="default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;;`);
    expect(page).not.toMatch(/<[^>]+\sstyle=/); // the hash allows no style of an element
  });

  it('escapes what comes from the machine, wherever it stands', () => {
    const evil = `"><script>alert('1')</script>&`;
    const spoilt: BenchResult = JSON.parse(JSON.stringify(result), (name, value: unknown) =>
      typeof value === 'string' && !/^(schema|id|section|unit|better|begun|kind|throttling)$/.test(name)
        ? evil
        : value,
    );
    const text = writeReport(spoilt);
    expect(text).not.toContain('<script');
    expect(text).not.toContain(evil);
    expect(
      text.match(/&quot;&gt;&lt;script&gt;alert\(&#39;1&#39;\)&lt;\/script&gt;&amp;/g)?.length,
    ).toBeGreaterThan(50);
  });

  it('describes each picture, with words of its own', () => {
    const pictures = [
      ...page.matchAll(/<svg [^>]*role="img" aria-labelledby="(\S+)-t \1-d"[\s\S]*?<\/svg>/g),
    ];
    expect(pictures.length).toBeGreaterThan(12);
    for (const [text, id = ''] of pictures) {
      expect(text).toContain(`<title id="${id}-t">`);
      expect(/<desc id="[^"]+">([^<]*)/.exec(text)?.[1]?.length).toBeGreaterThan(20);
    }
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has no figure that is none', () => {
    expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });

  it('of any single section, of none, and of a quick run is a page all the same', () => {
    for (const section of [...result.settings.sections, undefined]) {
      const rows = result.rows.filter((row) => row.section === section);
      const text = writeReport({ ...result, rows, remarks: [], missing: [] });
      expect(text).toContain('</html>');
      expect(text).not.toMatch(/NaN|Infinity|undefined|class="banner"|id="missing"/);
      expect([...text.matchAll(/<section/g)]).toHaveLength(section === undefined ? 2 : 3);
    }
    const quick = writeReport({ ...result, settings: { ...result.settings, quick: true } });
    expect(quick).toContain('no measurement worth keeping');
  });

  it('draws rows of one round, zeros and single points', () => {
    const rows = result.rows.map((row) => ({
      ...row,
      rounds: [0],
      median: 0,
      quantiles: row.quantiles?.map(() => 0) ?? [],
    }));
    expect(writeReport({ ...result, rows })).not.toMatch(/NaN|Infinity/);
    const one = result.rows.filter(
      ({ id }) => id === 'records/seal/raw/1420' || id.startsWith('memory/idle/100'),
    );
    expect(writeReport({ ...result, rows: one })).not.toMatch(/NaN|Infinity/);
  });
});

describe('colours', () => {
  it('of texts have 4.5:1 to every ground, of series 3:1, in light and in dark', () => {
    for (const which of ['light', 'dark'] as const) {
      const theme = themes[which];
      for (const ground of [theme.ground, theme.card])
        for (const text of [theme.text, theme.soft, theme.accent])
          expect(contrast(text, ground), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      expect(contrast(theme.warnText, theme.warnGround)).toBeGreaterThanOrEqual(4.5);
      for (const look of looks)
        expect(contrast(look[which], theme.card), look.name).toBeGreaterThanOrEqual(3);
    }
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 6);
  });

  it('are never all there is: no two series have the same dash and marker', () => {
    expect(new Set(looks.map(({ dash }) => dash)).size).toBe(looks.length);
    expect(new Set(looks.map(({ dash, marker }) => `${dash} ${marker}`)).size).toBe(looks.length);
  });
});

describe('amounts', () => {
  it('have the unit that fits, and three digits that count', () => {
    expect(amount(640.4, 'ns')).toBe('640 ns');
    expect(amount(96_900, 'ns')).toBe('96.9 µs');
    expect(amount(1_180, 'Mbit/s')).toBe('1.18 Gbit/s');
    expect(amount(71_174, 'packets/s')).toBe('71,200 packets a second');
    expect(amountRange(1_170, 1_200, 'Mbit/s')).toBe('1.17 to 1.20 Gbit/s');
    expect(amountRange(990, 1_200, 'Mbit/s')).toBe('990 Mbit/s to 1.20 Gbit/s');
    expect(amount(0, 'B')).toBe('0 B');
    expect(amount(-4.2, 'KiB')).toBe('-4.20 KiB');
    expect(grouped(1_234_567)).toBe('1,230,000');
    expect(grouped(0.00421)).toBe('0.00421');
  });

  it('of throughput follow from bytes and time', () => {
    expect(throughput({ bytes: 1000, unit: 'ns', median: 1000 })).toBe(8000);
    expect(throughput({ bytes: 1000, unit: 'µs', median: 1 })).toBe(8000);
    expect(throughput({ bytes: 0, unit: 'ns', median: 1 })).toBeUndefined();
    expect(throughput({ bytes: 10, unit: 'ns', median: 0 })).toBeUndefined();
  });
});

describe('scales', () => {
  it('put round values where they belong', () => {
    const scale = linear(87, 0, 100);
    expect(scale.ticks).toEqual([0, 25, 50, 75, 100]);
    expect(scale.at(50)).toBe(50);
    const log = logarithmic(10, 1000, 0, 100);
    expect(log.ticks).toEqual([10, 100, 1000]);
    expect(log.at(100)).toBeCloseTo(50, 6);
    expect(linear(0, 0, 100).ticks.length).toBeGreaterThan(0);
  });

  it('move labels apart in their order, as near as can be, and within their room', () => {
    expect(spreadOut([10, 11, 50], 10, 0, 100)).toEqual([10, 20, 50]);
    expect(spreadOut([99, 98], 10, 0, 100)).toEqual([100, 90]);
    expect(spreadOut([], 10, 0, 100)).toEqual([]);
  });
});

describe('a template', () => {
  it('escapes all it is given but what a template made', () => {
    const inner = html`<b>${'<'}</b>`;
    expect(html`<i title="${`"'`}">${inner}${['&', inner]}${undefined}</i>`.text).toBe(
      '<i title="&quot;&#39;"><b>&lt;</b>&amp;<b>&lt;</b></i>',
    );
  });
});

/** WCAG 2's contrast of two colours, each `#rrggbb`: 1 … 21. */
function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

function luminance(colour: string): number {
  const channel = (at: number): number => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}
