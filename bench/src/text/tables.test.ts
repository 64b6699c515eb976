import { describe, expect, it } from 'vitest';
import { exampleResult } from '../example.test.kit.ts';
import type { Row } from '../result.ts';
import { plainPaint } from './columns.ts';
import { endText, figureText, machineText, missingText, remarksText, sectionText } from './tables.ts';

const row = (id: string, changes: Partial<Row>): Row => ({
  id,
  section: 'records',
  title: id,
  unit: 'ns',
  better: 'less',
  median: 1,
  rounds: [1],
  labels: {},
  ...changes,
});
const records = [
  [64, 'node', 4000],
  [64, 'raw', 270],
  [1420, 'node', 5300],
].map(([bytes = 0, engine = '', median = 0]) =>
  row(`records/seal/${engine}/${bytes}`, {
    bytes: Number(bytes),
    median: Number(median),
    labels: { verb: 'seal', engine, bytes },
  }),
);
const text = (id: Row['section'], rows: readonly Row[]) =>
  sectionText({ id, title: 'A heading' }, rows, plainPaint);

describe('a section on a terminal', () => {
  it('of records is two tables a verb, sizes down and engines across, also where one is missing', () => {
    expect(text('records', records)).toBe(
      [
        'A heading',
        '',
        'seal, ns a packet   node  raw',
        '64 B               4,000  270',
        '1420 B             5,300',
        '',
        'seal, Mbit/s   node    raw',
        '64 B            128  1,896',
        '1420 B        2,143',
        '',
      ].join('\n'),
    );
  });

  it('of the handshake is a table of steps, and one of rates', () => {
    const of = (step: string, title: string, engine: string, changes: Partial<Row>) =>
      row(`handshake/ml-kem-768/${step}/${engine}`, {
        section: 'handshake',
        title: `${title}, ml-kem-768, ${engine}`,
        unit: 'ms',
        labels: { suite: 'ml-kem-768', step, role: 'initiator', engine },
        ...changes,
      });
    const rows = [
      of('keygen', 'key generation (I1)', 'node', { median: 0.2 }),
      of('keygen', 'key generation (I1)', 'noble', { median: 1.5 }),
      of('rate', 'handshakes a second', 'node', { median: 512.4, unit: 'handshakes/s' }),
    ];
    expect(text('handshake', rows).split('\n')).toEqual([
      'A heading',
      '',
      'ms                              ml-kem-768 node  ml-kem-768 noble',
      'key generation (I1), initiator            0.200              1.50',
      '',
      'handshakes/s           ml-kem-768 node',
      'both ends on one core              512',
      '',
    ]);
  });

  it('of tunnels is a column a data plane, and the slow ones of what has single samples', () => {
    const of = (plane: string, title: string, changes: Partial<Row>) =>
      row(`tunnel/${plane}/${title}`, {
        section: 'tunnel',
        title: `${plane} plane, ${title}`,
        labels: { plane },
        ...changes,
      });
    const rows = [
      of('native', 'one TCP stream', { unit: 'Mbit/s', median: 2131 }),
      of('native', 'idle round trip', { unit: 'ms', median: 0.272, p99: 0.7 }),
      of('portable', 'one TCP stream', { unit: 'Mbit/s', median: 55.3 }),
      of('portable', 'idle round trip', { unit: 'ms', median: 0.8, p99: 3.4 }),
    ];
    expect(text('tunnel', rows).split('\n').slice(2)).toEqual([
      'data plane              native  portable',
      'one TCP stream, Mbit/s   2,131      55.3',
      'idle round trip, ms      0.272     0.800',
      '',
      'the slowest of a hundred  native  portable',
      'idle round trip, ms        0.700      3.40',
      '',
    ]);
  });

  it('of others is a line a row, with how far rounds lay apart', () => {
    const rows = [
      row('parts/a', { title: 'a', median: 12.5, rounds: [12, 12.5, 13] }),
      row('parts/b', { title: 'a longer one', median: 1234567, unit: 'packets/s' }),
    ];
    expect(text('parts', rows).split('\n').slice(2)).toEqual([
      'a                  12.5  ns         12.0 to 13.0 in 3 rounds',
      'a longer one  1,234,567  packets/s',
      '',
    ]);
  });

  it('with nothing in it is nothing', () => {
    expect(text('records', [])).toBe('');
  });

  it('of a whole result has each figure once or more, and no line wider than a terminal of a laptop', () => {
    const { rows } = exampleResult();
    for (const section of new Set(rows.map((each) => each.section))) {
      const own = rows.filter((each) => each.section === section);
      const shown = text(section, own);
      for (const { median } of own) expect(shown).toContain(figureText(median));
      for (const line of shown.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(132);
    }
  });
});

describe('what stands around', () => {
  const { machine, remarks, missing } = exampleResult();

  it('names the machine, its engines and offloads, and why one is not there', () => {
    const shown = machineText(
      {
        ...machine,
        engines: [
          { name: 'raw', active: true },
          { name: 'multibuffer', active: false, reason: 'no AVX2' },
        ],
      },
      plainPaint,
    );
    for (const fact of [
      machine.cpu,
      machine.kernel,
      machine.node,
      machine.openssl,
      machine.governor,
      machine.board,
    ])
      expect(shown).toContain(fact);
    expect(shown).toContain('raw, multibuffer: no (no AVX2)');
  });

  it('says remarks and what is missing in the words they have', () => {
    for (const { text: words } of remarks) expect(remarksText(remarks, plainPaint)).toContain(`! ${words}\n`);
    for (const { what, why } of missing)
      expect(missingText(missing, plainPaint)).toContain(`${what}: ${why}\n`);
    expect(remarksText([], plainPaint)).toBe('');
  });

  it('says at the end what a quick run is worth', () => {
    const result = exampleResult();
    const quick = { ...result, settings: { ...result.settings, quick: true } };
    expect(endText(quick)).toContain('no measurement worth keeping');
    expect(endText({ ...result, settings: { ...result.settings, quick: false } })).not.toContain(
      'worth keeping',
    );
  });

  it('writes figures with three digits that count, thousands apart', () => {
    expect([0, 0.00421, 1.5, 12.63, 831.2, 12_700, 1_234_567].map(figureText)).toEqual([
      ...['0', '0.00421', '1.50', '12.6', '831', '12,700', '1,234,567'],
    ]);
  });
});
