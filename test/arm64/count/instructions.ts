/** What was counted, as `docs/benchmarks/instructions.json` has it: written by `npm run count:arm64 -- --write-docs`, read by the document. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../paths.ts';
import { batches, cipherLengths, engines, handshakePlans, planeLoads } from './plan.ts';

export const instructionsFile = join(root, 'docs', 'benchmarks', 'instructions.json');
export const instructionsSchema = 'pqtun-instructions/1';

export const architectures = ['x64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

export interface Instructions {
  readonly schema: typeof instructionsSchema;
  /** Day, UTC. */
  readonly counted: string;
  readonly pqtun: string;
  readonly node: string;
  readonly openssl: string;
  readonly emulator: string;
  /** As each emulator was told. */
  readonly processors: Readonly<Record<Architecture, string>>;
  readonly compilers: Readonly<Record<Architecture, string>>;
  /** Instructions in user mode of one record, packet or handshake, by `idsOf`; `null`: not on this architecture. */
  readonly rows: Readonly<Record<string, Readonly<Record<Architecture, number | null>>>>;
}

/** Every row there is, in the order of the document. */
export function rowIds(): string[] {
  return [
    ...engines.flatMap((engine) =>
      (['seal', 'open'] as const).flatMap((verb) =>
        batches.flatMap((batch) => cipherLengths.map((length) => recordId(verb, engine, length, batch))),
      ),
    ),
    ...planeLoads.flatMap(({ name }) => [`plane/send/${name}`, `plane/receive/${name}`]),
    ...handshakePlans.flatMap(({ backEnd, suite }) =>
      (['initiator', 'responder'] as const).map((role) => `handshake/${backEnd}/${suite}/${role}`),
    ),
  ];
}

export function recordId(verb: 'seal' | 'open', engine: string, length: number, batch: number): string {
  return `records/${verb}/${engine}/${length}/${batch}`;
}

/** The file, checked. Throws where it is not whole. */
export function readInstructions(file = instructionsFile): Instructions {
  const read = JSON.parse(readFileSync(file, 'utf8')) as Instructions; // what the document uses of it is checked here
  if (read.schema !== instructionsSchema) throw new Error(`${file} is not of ${instructionsSchema}`);
  for (const id of rowIds()) {
    const row = read.rows[id];
    const isWhole = (value: unknown): boolean => typeof value === 'number' && value > 0;
    const onlyX64 = id.includes('/multibuffer/');
    if (row === undefined || !isWhole(row.x64) || (onlyX64 ? row.arm64 !== null : !isWhole(row.arm64)))
      throw new Error(`${file} has no ${id}`);
  }
  return read;
}

export function writeInstructions(instructions: Instructions): void {
  writeFileSync(instructionsFile, `${JSON.stringify(instructions, null, 2)}\n`);
}

/** Instructions of a row. Throws where it was not counted on this architecture. */
export function instructionsOf({ rows }: Instructions, id: string, architecture: Architecture): number {
  const found = rows[id]?.[architecture];
  if (found === undefined || found === null) throw new Error(`${id} was not counted on ${architecture}`);
  return found;
}

/** By how much a count may differ from the committed one, as a share: another compiler makes other code of the plane, not of the cipher. */
const tolerances = { records: 0.03, plane: 0.15 } as const;

/** Rows of `fresh` that are not, within the tolerance of their kind, as `committed` has them: a sentence each. */
export function differences(committed: Instructions, fresh: Instructions): string[] {
  return Object.keys(fresh.rows).flatMap((id) =>
    architectures.flatMap((architecture) => {
      const [was, is] = [committed, fresh].map(({ rows }) => rows[id]?.[architecture] ?? null);
      if (was === is) return [];
      if (typeof was !== 'number' || typeof is !== 'number')
        return [`${id}, ${architecture}: ${is} instructions, not ${was}`];
      const share = is / was - 1;
      const tolerance = id.startsWith('records/') ? tolerances.records : tolerances.plane;
      if (Math.abs(share) <= tolerance) return [];
      const percent = `${share > 0 ? '+' : '−'}${Math.abs(100 * share).toFixed(1)} %`;
      return [`${id}, ${architecture}: ${is} instructions, not ${was} (${percent})`];
    }),
  );
}
