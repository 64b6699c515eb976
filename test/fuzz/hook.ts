/** Instruments the product's sources while Node loads them. Import this, call it, and only then import a target. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { instrument } from './instrument.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const instrumented = ['packages/core/src/', 'packages/tunnel/src/', 'daemon/src/', 'test/fuzz/toys/'].map(
  (path) => pathToFileURL(join(root, path)).href,
);

export function instrumentSources(): void {
  process.setSourceMapsEnabled(true);
  registerHooks({
    load(url, context, nextLoad) {
      if (!url.endsWith('.ts') || !instrumented.some((prefix) => url.startsWith(prefix)))
        return nextLoad(url, context);
      const file = fileURLToPath(url);
      return { format: 'module', source: instrument(readFileSync(file, 'utf8'), file), shortCircuit: true };
    },
  });
}
