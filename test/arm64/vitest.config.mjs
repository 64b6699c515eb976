import { fileURLToPath } from 'node:url';
import { mergeConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

/** The workspace's configuration for workers on arm64, which an emulator makes twenty times slower. */
export default mergeConfig(base, {
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/arm64/**/*.arm64.ts'],
    setupFiles: [fileURLToPath(new URL('on-arm64.mjs', import.meta.url))],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Under an emulator every test is slow, which says nothing
    slowTestThreshold: 300_000,
    maxWorkers: 2,
  },
});
