import { defineConfig } from 'vitest/config';

// Workspace members are resolved to their sources, so that tests need no build step (the addon apart).
export default defineConfig({
  resolve: { conditions: ['pqtun-source'] },
  ssr: { resolve: { conditions: ['pqtun-source'] } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'daemon/src/**/*.test.ts',
      'bench/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
});
