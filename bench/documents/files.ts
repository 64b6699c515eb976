/** The two results docs are made of, and the page made of them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseResult, type Result, writeResult } from '../e2e/result.ts';
import { parseBenchResult } from '../src/form/parse.ts';
import { writeBenchResult } from '../src/form/write.ts';
import type { BenchResult } from '../src/result.ts';
import type { Documents } from './markdown.ts';
import { benchmarkPage } from './page.ts';

export const docs = fileURLToPath(new URL('../../docs', import.meta.url));

const machineFile = 'benchmarks/machine.json';
const tunnelsFile = 'benchmarks/tunnels.json';

/** Keeps a result of `pqtun bench` for docs. Throws at one that is not worth it. */
export function keepMachine(result: BenchResult, folder: string = docs): void {
  const spoiling = result.remarks.find(({ kind }) => kind === 'emulated' || kind === 'slowed');
  if (spoiling !== undefined) throw new Error(`not for docs: ${spoiling.text}`);
  if (result.settings.quick) throw new Error('not for docs: a quick run; measure without --quick');
  writeFileSync(join(folder, machineFile), writeBenchResult(result));
}

/** Keeps a result of `npm run bench:e2e` for docs. */
export function keepTunnels(result: Result, folder: string = docs): void {
  writeFileSync(join(folder, tunnelsFile), writeResult(result));
}

/** The page of what is kept. */
export function keptPage(folder: string = docs): Documents {
  return benchmarkPage(
    parseBenchResult(readFileSync(join(folder, machineFile), 'utf8')),
    parseResult(readFileSync(join(folder, tunnelsFile), 'utf8')),
  );
}

/** Writes page and plots anew, and removes plots of an earlier run; the paths. */
export function writePage(folder: string = docs): string[] {
  const { text, plots } = keptPage(folder);
  const plotFolder = join(folder, 'benchmarks');
  mkdirSync(plotFolder, { recursive: true });
  for (const name of plotNames(folder)) rmSync(join(plotFolder, name));
  const files: [string, string][] = [
    [join(folder, 'benchmarks.md'), text],
    ...[...plots].map(([name, plot]): [string, string] => [join(plotFolder, name), plot]),
  ];
  for (const [path, content] of files) writeFileSync(path, content);
  return files.map(([path]) => path);
}

/** Those that lie there. */
export function plotNames(folder: string = docs): string[] {
  return readdirSync(join(folder, 'benchmarks'))
    .filter((name) => name.endsWith('.svg'))
    .sort();
}
