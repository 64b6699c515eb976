/**
 * What test files get for `vitest` when `in-process-runner.mjs` loads them: describe and test only write down what there is, and
 * expect is vitest's own. Just what the tests of core use; anything else is an error when it is called, not a test less.
 */
import { format } from 'node:util';
import { vi as real } from 'vitest';
import { leftOut } from './folders.mjs';

export { expect } from 'vitest';

/** In the order they stand in: `{ id, name, fileName, line, skipped, run }`, with `run` the function given. */
export const collected = [];

let path = [];
let skipping = false;
const taken = new Map();

function suite(name, ...rest) {
  const before = path;
  path = [...path, name];
  try {
    bodyOf(rest)();
  } finally {
    path = before;
  }
}

function single(name, ...rest) {
  const { fileName, line } = caller();
  const full = [...path, name].join(' > ');
  const key = `${fileName}#${full}`;
  const times = (taken.get(key) ?? 0) + 1;
  taken.set(key, times);
  const unique = times === 1 ? full : `${full} (${times})`;
  const id = `${fileName}#${unique}`;
  collected.push({
    id,
    name: unique,
    fileName,
    line,
    skipped: skipping || leftOut.some((title) => full.includes(title)),
    run: finished(bodyOf(rest)),
  });
}

/** The function among `(function)`, `(function, timeout)` and `(options, function)`. */
function bodyOf(rest) {
  const body = rest.find((argument) => typeof argument === 'function');
  if (body === undefined) throw new Error('a test without a body');
  return body;
}

/** Adds `.each` and `.skipIf` to describe or test. */
function withVariants(declare) {
  return Object.assign((...given) => declare(...given), {
    each:
      (table) =>
      (name, ...rest) => {
        const body = bodyOf(rest);
        for (const row of table)
          declare(titleOf(name, row), Array.isArray(row) ? () => body(...row) : () => body(row));
      },
    skipIf:
      (condition) =>
      (...given) => {
        const before = skipping;
        skipping ||= Boolean(condition);
        try {
          declare(...given);
        } finally {
          skipping = before;
        }
      },
  });
}

function titleOf(name, row) {
  if (Array.isArray(row)) return format(name, ...row.slice(0, name.match(/%[a-z]/g)?.length ?? 0));
  const filled = name.replace(/\$(\w+)/g, (_, key) => String(row?.[key]));
  return filled.includes('%') ? format(filled, row) : filled;
}

/** The test file that declares a test: the first frame that is not ours. */
function caller() {
  for (const frame of new Error().stack.split('\n').slice(1)) {
    const found = /file:\/\/(\S+\.ts):(\d+):\d+/.exec(frame);
    if (found !== null) return { fileName: found[1], line: Number(found[2]) };
  }
  throw new Error('a test that no test file declares');
}

export const describe = withVariants(suite);
export const test = withVariants(single);
export const it = test;

/** Settings are about time-outs, which are Stryker's here. */
export const vi = { setConfig: () => {}, fn: real.fn, spyOn: real.spyOn };

let finishers = [];

/** For the test that runs: tests run one after the other. */
export function onTestFinished(finisher) {
  finishers.push(finisher);
}

function finished(body) {
  return async () => {
    try {
      await body();
    } finally {
      const due = finishers.reverse();
      finishers = [];
      for (const finisher of due) await finisher();
    }
  };
}

function unsupported(name) {
  return () => {
    throw new Error(`${name} is not among what the mutation tests' runner can do: see vitest-shim.mjs`);
  };
}
export const [beforeAll, beforeEach, afterEach] = ['beforeAll', 'beforeEach', 'afterEach'].map(unsupported);
/** Where core's tests use it, it only prints. */
export const afterAll = () => {};
