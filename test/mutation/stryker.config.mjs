/**
 * How core is mutated. `run.mjs` starts Stryker with this, once for each folder, and tells by the environment which one.
 *
 * Mutants that act only while a module loads are left out unless asked for (`--static`): each costs a new process and every test
 * of the folder. Those that also act later are tried as any other. The sandbox is a copy; nothing is changed in the tree.
 */
import { join } from 'node:path';
import { folders } from './folders.mjs';

const cache = process.env.PQTUN_MUTATION_CACHE;
const folder = process.env.PQTUN_MUTATION_FOLDER;
const sourcesOnly = ['!**/*.test.ts', '!**/*.test.kit.ts'];

export default {
  mutate: [...folders[folder].mutate, ...sourcesOnly],
  testRunner: 'in-process',
  testRunnerNodeArgs: ['--conditions=pqtun-source', '--no-warnings'],
  coverageAnalysis: 'perTest',
  ignoreStatic: process.env.PQTUN_MUTATION_STATIC !== '1',
  plugins: ['in-process-runner.mjs', 'ignore-texts.mjs', 'survivor-reporter.mjs'].map(
    (name) => new URL(name, import.meta.url).href,
  ),
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
  // Node takes the types off without looking at them.
  disableTypeChecks: false,
  incremental: true,
  incrementalFile: join(cache, `${folder}.json`),
  tempDirName: join(cache, 'sandbox'),
  cleanTempDir: 'always',
  concurrency: 2,
  // A machine under load must not turn a slow test into a dead mutant.
  timeoutMS: 20_000,
  dryRunTimeoutMinutes: 30,
  reporters: [process.stderr.isTTY ? 'progress' : 'progress-append-only', 'survivors'],
  allowConsoleColors: process.stderr.isTTY,
  logLevel: 'warn',
};
