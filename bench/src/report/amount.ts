/** Figures as people read them: three digits that count, the unit of a size that fits, thousands apart. */

import type { Row, Unit } from '../result.ts';
import { threeFigures } from '../text/columns.ts';

/** Units that are a thousand of the one before (1024 of binary ones). */
const ladders: readonly (readonly [readonly string[], number])[] = [
  [['ns', 'µs', 'ms', 's'], 1000],
  [['Mbit/s', 'Gbit/s'], 1000],
  [['B', 'KiB', 'MiB', 'GiB'], 1024],
  [['KiB/day', 'MiB/day'], 1024],
];

const words: Readonly<Record<string, string>> = {
  'packets/s': 'packets a second',
  'handshakes/s': 'handshakes a second',
  's/GB': 's per GB',
  'KiB/day': 'KiB a day',
  'MiB/day': 'MiB a day',
  's/day': 's a day',
};

export function amount(value: number, unit: Unit): string {
  const [shown, name] = stepped(value, unit);
  return `${grouped(shown)} ${words[name] ?? name}`;
}

/** `1.17 to 1.20 Gbit/s`; the unit twice only where it is not the same. */
export function amountRange(least: number, most: number, unit: Unit): string {
  const [low, high] = [amount(least, unit), amount(most, unit)];
  const [, name = ''] = /^\S+ (.*)$/.exec(high) ?? [];
  return low.endsWith(` ${name}`) ? `${low.slice(0, -name.length - 1)} to ${high}` : `${low} to ${high}`;
}

/** All in the unit that fits the largest, for an axis: what to divide by, and the unit. */
export function axisUnit(largest: number, unit: Unit): { divisor: number; name: string } {
  const [shown, name] = stepped(largest, unit);
  return { divisor: shown === 0 ? 1 : largest / shown, name: words[name] ?? name };
}

function stepped(value: number, unit: Unit): readonly [number, string] {
  const ladder = ladders.find(([units]) => units.includes(unit));
  if (ladder === undefined) return [value, unit];
  const [units, step] = ladder;
  let at = units.indexOf(unit);
  let shown = value;
  while (Math.abs(shown) >= step && at < units.length - 1) {
    shown /= step;
    at += 1;
  }
  return [shown, units[at] ?? unit];
}

/** `12,600`, `1.26`: never more digits than mean something. */
export function grouped(value: number): string {
  const [whole = '', rest] = threeFigures(Number(value.toPrecision(3))).split('.');
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return rest === undefined ? apart : `${apart}.${rest}`;
}

/** Mbit/s of payload, where the row is a time and says how many bytes it moves. */
export function throughput({
  bytes,
  unit,
  median,
}: Pick<Row, 'bytes' | 'unit' | 'median'>): number | undefined {
  const nanoseconds = { ns: 1, µs: 1e3, ms: 1e6 }[String(unit)];
  if (bytes === undefined || bytes === 0 || nanoseconds === undefined || median <= 0) return undefined;
  return (bytes * 8 * 1e3) / (median * nanoseconds);
}
