/** JSON Schema 2020-12, as much of it as ours uses, read from the standard and not from `shape.ts`. An unknown keyword is an error. */
type Schema = Readonly<Record<string, unknown>>;

export function accepts(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, argument]) => {
    const rule = rules[keyword];
    if (rule === undefined) throw new Error(`unknown keyword ${keyword}`);
    return rule(argument, value, schema);
  });
}

type Rule = (argument: unknown, value: unknown, schema: Schema) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const always: Rule = () => true;
const ofNumber = (holds: (value: number, bound: number) => boolean): Rule => {
  return (bound, value) => typeof value !== 'number' || holds(value, Number(bound));
};
const ofList = (holds: (length: number, bound: number) => boolean): Rule => {
  return (bound, value) => !Array.isArray(value) || holds(value.length, Number(bound));
};
const schemaOf = (argument: unknown): Schema => argument as Schema; // where the standard has a schema

const rules: Readonly<Record<string, Rule>> = {
  $schema: always,
  $id: always,
  title: always,
  type: (name, value) => {
    if (name === 'array') return Array.isArray(value);
    if (name === 'object') return isObject(value);
    if (name === 'integer') return Number.isInteger(value);
    return typeof value === name;
  },
  enum: (all, value) => (all as unknown[]).includes(value),
  anyOf: (all, value) => (all as Schema[]).some((each) => accepts(each, value)),
  minimum: ofNumber((value, bound) => value >= bound),
  maximum: ofNumber((value, bound) => value <= bound),
  minItems: ofList((length, bound) => length >= bound),
  maxItems: ofList((length, bound) => length <= bound),
  items: (of, value) => !Array.isArray(value) || value.every((each) => accepts(schemaOf(of), each)),
  maxLength: (bound, value) => typeof value !== 'string' || [...value].length <= Number(bound),
  pattern: (form, value) => typeof value !== 'string' || new RegExp(String(form), 'u').test(value),
  required: (names, value) =>
    !isObject(value) || (names as string[]).every((name) => Object.hasOwn(value, name)),
  properties: (fields, value) =>
    !isObject(value) ||
    Object.entries(fields as Record<string, Schema>).every(
      ([name, of]) => !Object.hasOwn(value, name) || accepts(of, value[name]),
    ),
  additionalProperties: (of, value, { properties }) => {
    if (!isObject(value)) return true;
    const others = Object.keys(value).filter(
      (name) => !Object.hasOwn((properties as object | undefined) ?? {}, name),
    );
    return others.every((name) => of !== false && accepts(schemaOf(of), value[name]));
  },
  propertyNames: (of, value) =>
    !isObject(value) || Object.keys(value).every((name) => accepts(schemaOf(of), name)),
  maxProperties: (bound, value) => !isObject(value) || Object.keys(value).length <= Number(bound),
};
