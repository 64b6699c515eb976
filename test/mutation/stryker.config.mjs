/**
 * How core is mutated. `run.mjs` starts Stryker with this, once for each folder, and tells by the environment which one.
 *
 * Static mutants, those that act while a module loads, are run too: they cost every test of their folder, but numbers and tables
 * are what a protocol is made of. The sandbox is a copy of core and of the tests beside it; nothing is changed in the tree.
 */
import { join } from 'node:path';
import { folders } from './folders.mjs';

const cache = process.env.PQTUN_MUTATION_CACHE;
const folder = process.env.PQTUN_MUTATION_FOLDER;
const sourcesOnly = ['!**/*.test.ts', '!**/*.test.kit.ts'];

export default {
  mutate: [...folders[folder].mutate, ...sourcesOnly],
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  ignoreStatic: false,
  plugins: [
    import.meta.resolve('@stryker-mutator/vitest-runner'),
    new URL('ignore-texts.mjs', import.meta.url).href,
  ],
  ignorers: ['texts'],
  ignorePatterns: [
    '**',
    '!package.json',
    '!packages/core/package.json',
    '!packages/core/src/**',
    '!test/package.json',
    '!test/{contract,kit,mutation,scenario,vectors}/**',
    '**/node_modules',
  ],
  // The tests' transformer takes the types off without looking at them.
  disableTypeChecks: false,
  incremental: true,
  incrementalFile: join(cache, `${folder}.json`),
  tempDirName: join(cache, 'sandbox'),
  cleanTempDir: 'always',
  concurrency: 2,
  // A machine under load must not turn a slow test into a dead mutant.
  timeoutMS: 30_000,
  reporters: [process.stderr.isTTY ? 'progress' : 'progress-append-only'],
  allowConsoleColors: process.stderr.isTTY,
  logLevel: 'warn',
};
