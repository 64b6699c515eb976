/**
 * `npm run interop [-- OPTIONS]`: builds what it talks with, runs every peer through every scenario, prints the matrix and
 * writes docs/interop.md. Exit code 1 on any red cell.
 *
 *   --quick                  what .ci/run takes: at most 8 minutes, nothing that is long to build, no page written
 *   --long                   with WireGuard's own rekeys, some eight minutes more
 *   --only PEER[/SCENARIO]   cells whose names contain these words; no page written
 *   --plane NAME             what moves our daemon's packets: native (default) or portable
 *   --faults                 plants a wrong byte in each step of the key schedule instead (plant-faults.ts)
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { namespacesUnavailable } from '../test/kit/lab/namespace.ts';
import { type Cell, type Result, runCells } from './matrix.ts';
import type { Implementation } from './peers/peer.ts';
import { pqtun } from './peers/pqtun/implementation.ts';
import type { WireguardProgram } from './peers/wireguard.ts';
import { plantFaults } from './plant-faults.ts';
import { page, plainTable, resultLine } from './report.ts';
import { pairCells } from './scenarios.ts';
import { wireguardCells } from './scenarios-wireguard.ts';
import { buildGotatun, buildPqtunGo, buildWireguardGo, cacheFolder, type Tool } from './tools.ts';

/** Cells at a time. Those over loopback mostly wait; those in namespaces start dozens of processes each, but for the long ones. */
const loopbackWidth = 4;
const namespaceWidth = (long: boolean): number => (long ? 4 : 2);

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    only: { type: 'string' },
    faults: { type: 'boolean', default: false },
    plane: { type: 'string', default: 'native' },
  },
});
if (options.plane !== 'native' && options.plane !== 'portable') {
  console.error('interop: --plane: expected native or portable');
  process.exit(2);
}
const say = (line: string): void => console.log(`interop: ${line}`);

try {
  process.exitCode = options.faults ? await plantFaults(say) : await runMatrix();
} catch (error) {
  console.log(`✗ ${error instanceof Error ? error.message : error}`);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}
process.exit();

async function runMatrix(): Promise<number> {
  const { quick, long } = options;
  say(`what is built goes to ${cacheFolder}`);
  const go = await buildPqtunGo(say);
  const wireguardGo = await buildWireguardGo(say);
  const gotatunIsBuilt = buildGotatun(say, !quick && asked('gotatun')); // meanwhile: it takes minutes, and pairs mostly wait
  const pairs = wanted(pairMatrix(go));
  say(`${pairs.length} cells of pqtun with pqtun`);
  const print = (result: Result): void => console.log(resultLine(result));
  const begin = performance.now();
  const results = await runCells(pairs, loopbackWidth, print);
  const wireguards: readonly [string, Tool<WireguardProgram>][] = [
    ['wireguard-go', wireguardGo],
    ['gotatun', await gotatunIsBuilt],
  ];
  const classical = wanted(wireguards.flatMap(([name, tool]) => wireguardMatrix(name, tool, long)));
  say(`${classical.length} cells with WireGuard`);
  results.push(...(await runCells(classical, namespaceWidth(long), print)));
  say(`done in ${((performance.now() - begin) / 1000).toFixed(0)} s`);

  const inOrder = (cells: readonly Cell[]): Result[] =>
    cells.flatMap((cell) => results.find((result) => result.cell === cell) ?? []);
  for (const part of [inOrder(pairs), inOrder(classical)]) {
    if (part.length > 0) console.log(`\n${plainTable(part)}`);
  }
  const versions = [
    pqtun('node'),
    pqtun('noble'),
    ...present(go),
    ...wireguards.flatMap(([, tool]) => present(tool)),
  ].map(({ name, version }) => [name, version] as const);
  console.log(`\n${versions.map(([name, version]) => `${name} ${version}`).join(', ')}`);
  if (!quick && options.only === undefined) {
    const run = { pairs: inOrder(pairs), wireguard: inOrder(classical), versions, long };
    writeFileSync(new URL('../docs/interop.md', import.meta.url), page(run));
    say('docs/interop.md is written');
  }
  const count = (outcome: Result['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
  return count('failed') === 0 && count('passed') > 0 ? 0 : 1;
}

/** Every ordered pair; in the short run only those of two different implementations. */
function pairMatrix(go: Tool<Implementation>): Cell[] {
  const missing = 'missing' in go ? go.missing : undefined;
  const none: Implementation = { name: 'go', version: 'none', command: '', args: [] };
  const all = [pqtun('node'), pqtun('noble'), 'program' in go ? go.program : none];
  return all.flatMap((initiator) =>
    all
      .filter((responder) => !options.quick || responder.name !== initiator.name)
      .flatMap((responder) => {
        const withGo = initiator.name === 'go' || responder.name === 'go';
        const skip = withGo && missing !== undefined ? { skip: missing } : {};
        return pairCells(initiator, responder, { quick: options.quick, ...skip });
      }),
  );
}

function wireguardMatrix(name: string, tool: Tool<WireguardProgram>, long: boolean): Cell[] {
  const program =
    'program' in tool ? tool.program : { name, version: 'none', command: '', args: [], env: {} };
  const skip = 'missing' in tool ? tool.missing : namespacesUnavailable();
  return wireguardCells(program, {
    endpoint: pqtun('node'),
    long,
    plane: options.plane,
    ...(skip === undefined ? {} : { skip }),
  });
}

/** Whether --only leaves cells of this peer. */
function asked(peer: string): boolean {
  return peer.includes(options.only?.split('/')[0] ?? '');
}

function wanted(cells: readonly Cell[]): Cell[] {
  const [peer = '', scenario = ''] = options.only?.split('/') ?? [];
  return cells.filter((cell) => cell.peer.includes(peer) && cell.scenario.includes(scenario));
}

function present<T>(tool: Tool<T>): T[] {
  return 'program' in tool ? [tool.program] : [];
}
