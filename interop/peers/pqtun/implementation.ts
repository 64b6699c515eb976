/** Our own implementation, with either back end. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Implementation } from '../peer.ts';

const program = fileURLToPath(new URL('./endpoint.ts', import.meta.url));
const manifest = new URL('../../../packages/core/package.json', import.meta.url);

/** `node` and `noble`. `endpoint` is another copy of the program, for planted faults. */
export function pqtun(crypto: 'node' | 'noble', endpoint = program): Implementation {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }; // our own file
  return {
    name: crypto,
    version,
    command: process.execPath,
    args: ['--conditions=pqtun-source', '--no-warnings', endpoint, '--crypto', crypto],
  };
}
