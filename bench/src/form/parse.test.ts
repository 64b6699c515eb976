import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chance, exampleResult } from '../example.test.kit.ts';
import { FormError, parseBenchResult } from './parse.ts';
import { benchResultShape, publishedSchema } from './schema.ts';
import { accepts } from './schema-evaluator.test.kit.ts';
import { asLine } from './shape.ts';
import { writeBenchResult } from './write.ts';

const example = exampleResult();

interface Spoilable {
  readonly rows: Record<string, unknown>[];
  readonly machine: Record<string, unknown>;
}

/** Reads the example once it was spoilt. */
function spoilt(spoil: (value: Spoilable) => void): () => void {
  const value = JSON.parse(writeBenchResult(example)) as Spoilable; // a result has these two
  spoil(value);
  return () => parseBenchResult(JSON.stringify(value));
}

/** The same with one field of the first row changed. */
const withRow = (field: object): (() => void) => spoilt(({ rows }) => Object.assign(rows[0] ?? {}, field));

describe('a written result', () => {
  it('is read again as it was, but for figures beyond the seventh', () => {
    const read = parseBenchResult(writeBenchResult(example));
    expect(read.rows.map(({ id }) => id)).toEqual(example.rows.map(({ id }) => id));
    for (const [i, row] of read.rows.entries())
      expect(row.median / (example.rows[i]?.median ?? 0)).toBeCloseTo(1, 6);
    expect({ ...read, rows: [] }).toEqual({ ...example, rows: [] });
    expect(writeBenchResult(read)).toBe(writeBenchResult(example));
  });

  it('has a row a line', () => {
    const lines = writeBenchResult(example).split('\n');
    expect(lines.filter((line) => line.includes('"id":'))).toHaveLength(example.rows.length);
  });

  it('has no control characters of a board’s or a program’s text', () => {
    const machine = { ...example.machine, board: 'Board\u0000\u001b[31m', cpu: 'a\nb' };
    const read = parseBenchResult(writeBenchResult({ ...example, machine }));
    expect(read.machine.board).toBe('Board [31m');
    expect(read.machine.cpu).toBe('a b');
  });

  it('is cut where a board’s name has no end', () => {
    const machine = { ...example.machine, board: 'x'.repeat(100_000) };
    expect(parseBenchResult(writeBenchResult({ ...example, machine })).machine.board).toHaveLength(300);
  });

  it('that would not be read again is not written', () => {
    expect(() => writeBenchResult({ ...example, seconds: Number.NaN })).toThrow('seconds: expected a number');
  });
});

describe('a file that is no result', () => {
  it('is refused with what was expected', () => {
    const refusals: [() => void, string][] = [
      [() => parseBenchResult('{'), 'this is no JSON'],
      [() => parseBenchResult('null'), 'expected an object, found null'],
      [() => parseBenchResult('{}'), 'the file: the field "schema" is missing'],
      [spoilt((v) => Object.assign(v, { schema: 'pqtun-bench/2' })), 'schema: expected "pqtun-bench/1"'],
      [spoilt((v) => Object.assign(v, { extra: 1 })), 'there is no field "extra"'],
      [spoilt((v) => Object.assign(v, { begun: 'yesterday' })), 'begun: expected a time like'],
      [spoilt((v) => v.rows.push({ ...v.rows[0] })), 'there are two rows records/seal/noble/64'],
      [spoilt((v) => Object.assign(v.machine, { cpu: 'a\u001b[2J' })), 'machine.cpu: expected one line'],
      [spoilt((v) => Object.assign(v.machine, { cpu: '\u202eUPC' })), 'machine.cpu: expected one line'],
      [withRow({ id: 'elsewhere/a' }), 'rows[0].id: expected a row’s name'],
      [withRow({ section: 'parts' }), 'is no row of section parts'],
      [withRow({ median: '1' }), 'rows[0].median: expected a number'],
      [withRow({ median: 1 }), 'rows[0].median: expected the middle of rounds'],
      [withRow({ rounds: [] }), 'rows[0].rounds: expected 1 to 1000 entries'],
      [withRow({ quantiles: [1, 2] }), 'rows[0].quantiles: expected 21 entries'],
      [withRow({ quantiles: Array.from({ length: 21 }, (_, i) => -i) }), 'expected figures that do not fall'],
      [withRow({ labels: { a: [] } }), 'rows[0].labels["a"]: expected text'],
    ];
    for (const [act, text] of refusals) {
      expect(act).toThrow(text);
      expect(act).toThrow(FormError);
    }
  });

  it('is not looked at when it is too long', () => {
    expect(() => parseBenchResult(' '.repeat(16 * 2 ** 20 + 1))).toThrow('this is longer');
  });

  it('gives nothing of its own to a terminal', () => {
    const strange = JSON.stringify({ '\u001b[2J': 1 });
    expect(() => parseBenchResult(strange)).toThrow(/^[^\p{Cc}]+$/u);
    expect(() => parseBenchResult('\u001b[2J')).toThrow(/^[^\p{Cc}]+$/u);
  });
});

describe('the published schema', () => {
  const schema = publishedSchema();

  it('is the one in docs', () => {
    const path = fileURLToPath(new URL('../../../docs/bench.schema.json', import.meta.url));
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(schema);
  });

  it('takes what is written', () => {
    expect(accepts(schema, JSON.parse(writeBenchResult(example)))).toBe(true);
  });

  it('takes and refuses what the parser takes and refuses, whatever is spoilt', () => {
    const next = chance(11);
    const pick = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)] as T; // never of an empty list
    const strangers = [
      null,
      -1,
      0.5,
      1e300,
      '',
      'unknown',
      '\u0007',
      'x'.repeat(3_000),
      true,
      [],
      {},
      [1],
      { a: 1 },
    ];
    const small = { ...example, rows: example.rows.slice(0, 3) };
    let refused = 0;
    for (let i = 0; i < 4_000; i++) {
      const value: unknown = JSON.parse(writeBenchResult(small));
      spoil(value, pick, () => pick(strangers));
      const fault = benchResultShape.fault(value, '');
      expect(accepts(schema, value), `${fault} ${JSON.stringify(value)}`).toBe(fault === undefined);
      if (fault !== undefined) refused += 1;
    }
    expect(refused).toBeGreaterThan(1_000);
    expect(refused).toBeLessThan(4_000);
  });
});

/** Goes down to a field by chance and removes it, changes it, or adds one beside it. */
function spoil(value: unknown, pick: <T>(all: readonly T[]) => T, stranger: () => unknown): void {
  const parent = value as Record<string, unknown>; // or a list, which takes indices as names
  const names = Object.keys(parent);
  if (names.length === 0) return;
  const name = pick(names);
  const child = parent[name];
  if (
    typeof child === 'object' &&
    child !== null &&
    Object.keys(child).length > 0 &&
    pick([1, 2, 3, 4, 5]) > 1
  )
    return spoil(child, pick, stranger);
  const act = pick(['remove', 'change', 'change', 'add'] as const);
  if (Array.isArray(parent)) {
    if (act === 'remove') parent.splice(Number(name), 1);
    else if (act === 'add') parent.push(stranger());
    else parent[Number(name)] = stranger();
  } else if (act === 'remove') delete parent[name];
  else parent[act === 'add' ? pick(['reason', 'p99', 'margin', 'batch', 'zzz']) : name] = stranger();
}

describe('text made into a line', () => {
  it('keeps what is harmless, and is cut where it is too long', () => {
    expect(asLine('Raspberry Pi 4\u0000', 99)).toBe('Raspberry Pi 4');
    expect(asLine('a\r\n\tb', 99)).toBe('a b');
    expect(asLine('😀😀😀', 2)).toBe('😀😀');
    expect(asLine('\ud800', 9)).toBe('\ufffd');
  });
});
