/** Checks of what callers pass: each throws a TypeError or RangeError that names the argument and says what was expected. */

export function checkInteger(name: string, value: unknown, low: number, high: number): number {
  if (typeof value !== 'number') throw invalidType(name, 'a number', value);
  if (!Number.isInteger(value) || value < low || value > high) {
    throw outOfRange(name, `an integer from ${low} to ${high}`, value);
  }
  return value;
}

/** `fallback` where the option is absent. */
export function checkOptionalInteger(
  name: string,
  value: unknown,
  low: number,
  high: number,
  fallback: number,
): number {
  return value === undefined ? fallback : checkInteger(name, value, low, high);
}

export function checkOptionalBoolean(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw invalidType(name, 'a boolean', value);
  return value;
}

export function checkOneOf<const Choice extends string | number>(
  name: string,
  value: unknown,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw outOfRange(name, `one of ${choices.join(', ')}`, value);
  return found;
}

export function checkString(name: string, value: unknown): string {
  if (typeof value !== 'string') throw invalidType(name, 'a string', value);
  return value;
}

export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw invalidType(name, 'a function', value);
}

export function checkObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw invalidType(name, 'an object', value);
}

export function checkArray(name: string, value: unknown): void {
  if (!Array.isArray(value)) throw invalidType(name, 'an array', value);
}

/** A Uint8Array (a Buffer is one) of one of the `lengths`, or of any when there are none. */
export function checkBytes(name: string, value: unknown, lengths: readonly number[] = []): Uint8Array {
  if (!(value instanceof Uint8Array)) throw invalidType(name, 'a Uint8Array', value);
  if (lengths.length > 0 && !lengths.includes(value.length)) {
    throw outOfRange(name, `${lengths.join(' or ')} bytes long`, `${value.length} bytes`);
  }
  return value;
}

export function invalidType(name: string, expected: string, value: unknown): TypeError {
  const actual = value === null ? 'null' : typeof value;
  return Object.assign(new TypeError(`${name} must be ${expected}, not ${actual}`), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
}

export function outOfRange(name: string, expected: string, value: unknown): RangeError {
  return Object.assign(new RangeError(`${name} must be ${expected}, not ${String(value)}`), {
    code: 'ERR_OUT_OF_RANGE',
  });
}
