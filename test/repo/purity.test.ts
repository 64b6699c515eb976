import { describe, expect, it } from 'vitest';
import { sources } from './layers.ts';
import { globalsOf, propertyAccessesOf } from './syntax.ts';

/** Clocks, chance, the process, the console, input and output: core is told all of these. */
const forbidden = new Set(
  `Date performance setTimeout setInterval setImmediate clearTimeout clearInterval queueMicrotask process Buffer console
   globalThis global window self navigator crypto fetch WebSocket Worker Atomics require module __dirname __filename`.split(
    /\s+/,
  ),
);
/** node.ts is the one file of core that is Node's. */
const exceptions = new Map([['packages/core/src/crypto/node.ts', new Set(['Buffer'])]]);
const core = sources.filter((path) => path.startsWith('packages/core/src/'));

describe('core', () => {
  it('uses no clock, timer, process, console or other global of a platform', () => {
    expect(core.length).toBeGreaterThan(20);
    const uses = core.flatMap((path) =>
      globalsOf(path)
        .filter(({ name }) => forbidden.has(name) && exceptions.get(path)?.has(name) !== true)
        .map(({ name, line }) => `${path}:${line} uses ${name}`),
    );
    expect(uses).toEqual([]);
  });

  it('draws no chance but from its suite', () => {
    expect(core.filter((path) => propertyAccessesOf(path).includes('Math.random'))).toEqual([]);
  });
});
