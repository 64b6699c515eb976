import { defineConfig } from 'vitest/config';

/**
 * The tests a mutant is run against, inside Stryker's copy of the tree: `run.mjs` sets `PQTUN_MUTATION_TESTS` to their patterns.
 *
 * Workspace members are named by path and not found through `node_modules`: in the copy those links still lead to the unchanged
 * sources, and every mutant would survive a test that imports `@pqtun/core`.
 */
const tree = process.cwd(); // Stryker starts its workers at the top of the copy
const core = `${tree}/packages/core/src`;

export default defineConfig({
  root: tree,
  resolve: {
    conditions: ['pqtun-source'],
    alias: [
      { find: /^@pqtun\/core$/, replacement: `${core}/index.ts` },
      { find: /^@pqtun\/core\/node$/, replacement: `${core}/crypto/node.ts` },
      { find: /^@pqtun\/core\/noble$/, replacement: `${core}/crypto/noble.ts` },
    ],
  },
  ssr: { resolve: { conditions: ['pqtun-source'] } },
  test: {
    include: JSON.parse(process.env['PQTUN_MUTATION_TESTS'] ?? '[]'),
    exclude: ['**/node_modules/**', '**/dist/**'],
    setupFiles: ['test/mutation/setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
