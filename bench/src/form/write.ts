/** A result as text: whole JSON, a row a line, so that two of them can be compared by any `diff`. */

import type { BenchResult } from '../result.ts';
import { FormError } from './parse.ts';
import { benchResultShape, lengths } from './schema.ts';
import { asLine } from './shape.ts';

/**
 * What `--json` writes. Text of the machine and of errors is made harmless (no control characters, bounded); figures are cut to what
 * they are good for. Throws a `FormError` at a result that would not be read again.
 */
export function writeBenchResult(result: BenchResult): string {
  const { machine, ...rest } = result;
  const written: BenchResult = { ...tidied(rest, lengths.sentence), machine: tidied(machine, lengths.fact) };
  const fault = benchResultShape.fault(written, '');
  if (fault !== undefined) throw new FormError(`a result that would not be read again: ${fault}`);
  return layOut(written);
}

/** The same value; its innermost lists of objects an entry a line. Also for the results of bench/e2e. */
export function layOut(value: object): string {
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  const lines = fields.map(([name, field]) => {
    const isTable = Array.isArray(field) && field.some((entry) => typeof entry === 'object');
    const text = isTable
      ? `[\n${field.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n')}\n  ]`
      : JSON.stringify(field);
    return `  ${JSON.stringify(name)}: ${text}`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** Strings to one line of at most this length, numbers to seven figures that count; a clock has no more. */
export function tidied<T>(value: T, most: number): T {
  const tidy = (each: unknown): unknown => {
    if (typeof each === 'string') return asLine(each, most);
    if (typeof each === 'number') return Number.isInteger(each) ? each : Number(each.toPrecision(7));
    if (Array.isArray(each)) return each.map(tidy);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(
      Object.entries(each).flatMap(([name, field]) => (field === undefined ? [] : [[name, tidy(field)]])),
    );
  };
  return tidy(value) as T; // the same fields of the same kinds
}
