/** `npm run bench:docs`: docs/benchmarks.md and its plots from the results that are kept beside it, or from new ones. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { temporaryFolder } from '../../test/kit/temporary.ts';
import { parseResult } from '../e2e/result.ts';
import { parseBenchResult } from '../src/form/parse.ts';
import { sectionIds } from '../src/result.ts';
import { docs, keepMachine, keepTunnels, writePage } from './files.ts';

const usage = `npm run bench:docs -- [options]

Writes docs/benchmarks.md and its plots from docs/benchmarks/machine.json and tunnels.json.

  --measure        first measures this machine by \`pqtun bench\`, all sections: needs root, and a machine that does nothing else
  --machine FILE   first keeps this result of \`pqtun bench --json\`
  --tunnels FILE   first keeps this result of \`npm run bench:e2e -- --json\`
  --pictures       also writes the screenshots of the report (\`npm run test:browser -- --write-docs\`)
  --help           this text
`;

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Options {
  readonly measure: boolean;
  readonly machine: string | undefined;
  readonly tunnels: string | undefined;
  readonly pictures: boolean;
}

function parseOptions(): Options | 'help' {
  const { values } = parseArgs({
    options: {
      measure: { type: 'boolean', default: false },
      machine: { type: 'string' },
      tunnels: { type: 'string' },
      pictures: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { measure, machine, tunnels, pictures } = values;
  if (measure && machine !== undefined) throw new Error('--measure and --machine: only one of them');
  return { measure, machine, tunnels, pictures };
}

function main({ measure, machine, tunnels, pictures }: Options): void {
  const found = measure ? measured() : machine;
  if (found !== undefined) keepMachine(parseBenchResult(readFileSync(found, 'utf8')));
  if (tunnels !== undefined) keepTunnels(parseResult(readFileSync(tunnels, 'utf8')));
  for (const path of writePage(docs)) console.log(`wrote ${relative(root, path)}`);
  if (pictures) run(['bench/browser/run.ts', '--write-docs']);
}

function measured(): string {
  const file = join(temporaryFolder('bench-docs'), 'machine.json');
  const args = ['bench', '--only', sectionIds.join(','), '--json', file];
  run(['daemon/src/main.ts', ...args]);
  return file;
}

/** One of our programs, from its sources; throws when it fails. */
function run([program = '', ...args]: readonly string[]): void {
  const { status, error } = spawnSync(
    process.execPath,
    ['--conditions=pqtun-source', '--no-warnings', join(root, program), ...args],
    { stdio: 'inherit', timeout: 1_200_000 },
  );
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ended with exit code ${status}`);
}

try {
  const options = parseOptions();
  if (options === 'help') process.stdout.write(usage);
  else
    try {
      main(options);
    } catch (error) {
      console.error(`bench:docs: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
} catch (error) {
  console.error(`bench:docs: ${error instanceof Error ? error.message : String(error)}; see --help`);
  process.exitCode = 2;
}
