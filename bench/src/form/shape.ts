/**
 * Shapes of data that comes from a file: each one is its JSON Schema and its check, made side by side, so that what is published and
 * what is refused cannot differ. Only what our forms need: no references, no alternatives but of plain values.
 */

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Shape<T> {
  readonly schema: JsonSchema;
  /** What is wrong with `value`, which stands at `path`, in one sentence; `undefined`: it is a `T`. */
  readonly fault: (value: unknown, path: string) => string | undefined;
  /** Never there: holds the type. */
  readonly type?: T;
}

interface Field<T> {
  readonly shape: Shape<T>;
  readonly isOptional: boolean;
}

/** A shape for each field, `optional(…)` for those that may be absent; the compiler wants neither more nor fewer than `T` has. */
export type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? Field<Exclude<T[K], undefined>> : Shape<T[K]>;
};

export function optional<T>(shape: Shape<T>): Field<T> {
  return { shape, isOptional: true };
}

/**
 * One line: no control characters, which a terminal would obey, and none that turn the direction of what follows. `form` is a regular
 * expression of the whole; `described` says it in words.
 */
export function line(most: number, form?: string, described?: string): Shape<string> {
  const pattern = form ?? plainLine;
  const expression = new RegExp(pattern, 'u');
  const schema = { type: 'string', maxLength: most, pattern };
  return {
    schema,
    fault: (value, path) => {
      if (typeof value !== 'string') return `${path}: expected text, found ${kindOf(value)}`;
      if (value.length > 2 * most || [...value].length > most)
        return `${path}: expected at most ${most} characters`;
      if (!expression.test(value)) return `${path}: expected ${described ?? 'one line of plain text'}`;
      return undefined;
    },
  };
}

const plainLine = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069]*$';

/** What `line` would refuse, made into what it takes. For text that another program or a board's maker wrote. */
export function asLine(text: string, most: number): string {
  const plain = text
    .toWellFormed()
    .replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();
  return [...plain].slice(0, most).join('');
}

export function oneOf<const T extends string>(words: readonly T[]): Shape<T> {
  return {
    schema: { enum: [...words] },
    fault: (value, path) =>
      words.some((word) => word === value)
        ? undefined
        : `${path}: expected ${words.map((word) => `"${word}"`).join(' or ')}`,
  };
}

export function number(least: number, most: number): Shape<number> {
  return {
    schema: { type: 'number', minimum: least, maximum: most },
    fault: (value, path) =>
      typeof value === 'number' && value >= least && value <= most
        ? undefined
        : `${path}: expected a number from ${least} to ${most}`,
  };
}

export function integer(least: number, most: number): Shape<number> {
  return {
    schema: { type: 'integer', minimum: least, maximum: most },
    fault: (value, path) =>
      typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
        ? undefined
        : `${path}: expected a whole number from ${least} to ${most}`,
  };
}

export const truth: Shape<boolean> = {
  schema: { type: 'boolean' },
  fault: (value, path) => (typeof value === 'boolean' ? undefined : `${path}: expected true or false`),
};

/** Any of these plain values. */
export function either<A, B>(a: Shape<A>, b: Shape<B>, described: string): Shape<A | B> {
  return {
    schema: { anyOf: [a.schema, b.schema] },
    fault: (value, path) =>
      a.fault(value, path) === undefined || b.fault(value, path) === undefined
        ? undefined
        : `${path}: expected ${described}`,
  };
}

export function list<T>(of: Shape<T>, least: number, most: number): Shape<readonly T[]> {
  return {
    schema: { type: 'array', items: of.schema, minItems: least, maxItems: most },
    fault: (value, path) => {
      if (!Array.isArray(value)) return `${path}: expected a list, found ${kindOf(value)}`;
      if (value.length < least || value.length > most)
        return `${path}: expected ${least === most ? least : `${least} to ${most}`} entries, found ${value.length}`;
      return firstFault(value, (each, i) => of.fault(each, `${path}[${i}]`));
    },
  };
}

/** An object with names of the file's own choice. */
export function named<T>(
  name: Shape<string>,
  of: Shape<T>,
  most: number,
): Shape<Readonly<Record<string, T>>> {
  return {
    schema: {
      type: 'object',
      propertyNames: name.schema,
      additionalProperties: of.schema,
      maxProperties: most,
    },
    fault: (value, path) => {
      if (!isObject(value)) return `${path}: expected an object, found ${kindOf(value)}`;
      const entries = Object.entries(value);
      if (entries.length > most) return `${path}: expected at most ${most} entries`;
      return firstFault(
        entries,
        ([key, each]) =>
          name.fault(key, `${path}: the name ${shown(key)}`) ?? of.fault(each, `${path}[${shown(key)}]`),
      );
    },
  };
}

/** Exactly these fields. `title` is for the readers of the schema. */
export function object<T>(fields: Fields<T>, title?: string): Shape<T> {
  const all = Object.entries(fields).map(([name, field]) => {
    const given = field as Field<unknown> | Shape<unknown>; // what Fields<T> is made of, whatever T is
    return 'isOptional' in given ? { name, ...given } : { name, shape: given, isOptional: false };
  });
  const known = new Set(all.map(({ name }) => name));
  return {
    schema: {
      ...(title === undefined ? {} : { title }),
      type: 'object',
      properties: Object.fromEntries(all.map(({ name, shape }) => [name, shape.schema])),
      required: all.filter(({ isOptional }) => !isOptional).map(({ name }) => name),
      additionalProperties: false,
    },
    fault: (value, path) => {
      if (!isObject(value)) return `${path}: expected an object, found ${kindOf(value)}`;
      const stranger = Object.keys(value).find((name) => !known.has(name));
      if (stranger !== undefined)
        return `${path}: there is no field ${shown(stranger)}; expected ${[...known].join(', ')}`;
      return firstFault(all, ({ name, shape, isOptional }) => {
        if (Object.hasOwn(value, name))
          return shape.fault(value[name], path === '' ? name : `${path}.${name}`);
        return isOptional ? undefined : `${path === '' ? 'the file' : path}: the field "${name}" is missing`;
      });
    },
  };
}

/** The whole of a published schema. */
export function document(shape: Shape<unknown>, id: string, title: string): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:${id}`,
    title,
    ...shape.schema,
  };
}

function firstFault<T>(
  values: readonly T[],
  of: (value: T, i: number) => string | undefined,
): string | undefined {
  for (const [i, value] of values.entries()) {
    const fault = of(value, i);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A name from a file, for a message: short, and harmless to a terminal. */
function shown(name: string): string {
  return `"${asLine(name, 60)}"`;
}
