/** The form of a result and of a budget, with bounds: a file may come from another machine. docs/bench.schema.json is made from it. */

import {
  type BenchResult,
  type EngineFacts,
  type MachineFacts,
  type Missing,
  type OffloadFacts,
  type Remark,
  type Row,
  resultSchema,
  sectionIds,
  units,
} from '../result.ts';
import type { Budget, Limit, RatioLimit } from '../verdict/budget.ts';
import {
  document,
  either,
  integer,
  type JsonSchema,
  line,
  list,
  named,
  number,
  object,
  oneOf,
  optional,
  truth,
} from './shape.ts';

/** Longer files are not looked at. */
export const mostFileBytes = 16 * 2 ** 20;
const mostRows = 5_000;

/** Lengths of text; the writer cuts to them. */
export const lengths = { word: 120, fact: 300, sentence: 2_000 } as const;

const word = line(lengths.word);
const fact = line(lengths.fact);
const sentence = line(lengths.sentence);
const time = line(
  40,
  '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$',
  'a time like 2026-01-31T12:00:00.000Z',
);
const idForm = `^(${sectionIds.join('|')})(/[A-Za-z0-9.+-]{1,80}){1,8}$`;
const rowId = line(lengths.word, idForm, 'a row’s name like records/seal/raw/1420');
const section = oneOf(sectionIds);
/** Far beyond any figure, and far from where reckoning with it fails. */
const figure = number(-1e15, 1e15);
const count = integer(0, 1e15);

const state = { name: word, active: truth, reason: optional(sentence) };

const machine = object<MachineFacts>(
  {
    cpu: fact,
    arch: word,
    cpus: integer(1, 65_536),
    features: list(word, 0, 500),
    memoryMiB: number(0, 1e12),
    board: fact,
    governor: word,
    throttling: oneOf(['seen', 'not seen', 'unknown']),
    kernel: fact,
    system: fact,
    node: word,
    openssl: word,
    virtualization: fact,
    engines: list(object<EngineFacts>(state), 0, 50),
    offloads: list(object<OffloadFacts>(state), 0, 50),
  },
  'What was measured on; what could not be found out is the word unknown',
);

const row = object<Row>(
  {
    id: rowId,
    section,
    title: fact,
    unit: oneOf(units),
    better: oneOf(['less', 'more']),
    median: figure,
    rounds: list(figure, 1, 1_000),
    p99: optional(figure),
    margin: optional(number(0, 1e9)),
    samples: optional(count),
    quantiles: optional(list(figure, 21, 21)),
    bytes: optional(count),
    batch: optional(integer(1, 1e9)),
    labels: named(word, either(fact, figure, 'text of one line or a number'), 20),
    formula: optional(sentence),
  },
  'One figure',
);

export const benchResultShape = object<BenchResult>({
  schema: oneOf([resultSchema]),
  begun: time,
  seconds: number(0, 1e7),
  version: word,
  settings: object<BenchResult['settings']>({
    quick: truth,
    rounds: integer(1, 1_000),
    sections: list(section, 0, sectionIds.length),
  }),
  machine,
  remarks: list(
    object<Remark>({ kind: oneOf(['emulated', 'noisy', 'throttled', 'slowed']), text: sentence }),
    0,
    50,
  ),
  rows: list(row, 0, mostRows),
  missing: list(object<Missing>({ section, what: fact, why: sentence }), 0, 1_000),
});

export const budgetSchema = 'pqtun-budget/1';

const pattern = line(
  lengths.word,
  '^[A-Za-z0-9.+*-]{1,80}(/[A-Za-z0-9.+*-]{1,80}){1,8}$',
  'a row’s name like records/seal/raw/1420; * stands for any part between two slashes',
);

export const budgetShape = object<Budget>({
  schema: oneOf([budgetSchema]),
  machine: optional(object<NonNullable<Budget['machine']>>({ cpu: fact, arch: word, board: fact })),
  rows: named(
    pattern,
    object<Limit>({
      most: optional(figure),
      least: optional(figure),
      ratio: optional(object<RatioLimit>({ to: pattern, most: optional(figure), least: optional(figure) })),
    }),
    mostRows,
  ),
});

/** docs/bench.schema.json, as a value. */
export function publishedSchema(): JsonSchema {
  return document(benchResultShape, resultSchema, 'What `pqtun bench --json` writes');
}
