/** Files become results, or an error that says in one sentence what was expected. */

import { median } from '../measure/statistics.ts';
import type { BenchResult, Row } from '../result.ts';
import { benchResultShape, lengths, mostFileBytes } from './schema.ts';
import { asLine, type Shape } from './shape.ts';

/** A file that is not what it should be. The message is for the user, and says which file only if the caller does. */
export class FormError extends Error {
  readonly code = 'PQTUN_BENCH_FORM';
}

/** Parses what `pqtun bench --json` wrote. Throws a `FormError` at anything else. */
export function parseBenchResult(text: string): BenchResult {
  const result = parseForm(text, benchResultShape, 'a result of `pqtun bench --json`');
  const fault = contradiction(result);
  if (fault !== undefined) throw new FormError(fault);
  return result;
}

export function parseForm<T>(text: string, shape: Shape<T>, expected: string): T {
  if (Buffer.byteLength(text) > mostFileBytes)
    throw new FormError(`expected ${expected}, at most ${mostFileBytes} B; this is longer`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const where = asLine(error instanceof Error ? error.message : String(error), lengths.fact);
    throw new FormError(`expected ${expected}; this is no JSON: ${where}`);
  }
  const fault = shape.fault(value, '');
  if (fault !== undefined) throw new FormError(`expected ${expected}; ${fault.replace(/^: /, '')}`);
  return value as T; // the shape found no fault with it
}

/** What a schema cannot say: names that occur twice, figures that contradict each other. */
function contradiction({ rows }: BenchResult): string | undefined {
  const seen = new Set<string>();
  for (const [i, row] of rows.entries()) {
    if (seen.has(row.id)) return `rows[${i}]: there are two rows ${row.id}`;
    seen.add(row.id);
    if (!row.id.startsWith(`${row.section}/`))
      return `rows[${i}]: ${row.id} is no row of section ${row.section}`;
    if (!isNear(row.median, median(row.rounds))) return `rows[${i}].median: expected the middle of rounds`;
    if (!isAscending(row.quantiles)) return `rows[${i}].quantiles: expected figures that do not fall`;
  }
  return undefined;
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b));
}

function isAscending(values: Row['quantiles']): boolean {
  return values === undefined || values.every((value, i) => i === 0 || value >= (values[i - 1] ?? value));
}
