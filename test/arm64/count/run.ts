/**
 * `npm run count:arm64`: instructions of records, packets and handshakes on x64 and arm64.
 *
 *  1 compilers, emulators, Node for arm64          ../tools.ts
 *  2 the addon for both, whose objects are counted
 *  3 the counter for the emulator, and the program it counts, for both
 *  4 a run on each, at the same time; what a turn costs
 *  5 table, and with --write-docs the documents
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findTools, ToolsMissing } from '../tools.ts';
import { countAll } from './count.ts';
import { documentFile, documentOf } from './document.ts';
import {
  differences,
  type Instructions,
  instructionsFile,
  readInstructions,
  rowIds,
  writeInstructions,
} from './instructions.ts';

const help = `Usage: npm run count:arm64 -- [--check | --write-docs]

Counts the instructions that a record, a packet and a handshake take on x64 and on arm64, under an emulator: some minutes, the same
result on every machine.

  --check        count only what is in C++, which takes a minute, and compare it with docs/benchmarks/instructions.json; exit code 1
                 when a record takes 3 % more or less, or a packet 15 %
  --write-docs   write docs/benchmarks/instructions.json and docs/arm64.md
  --help         this text

Needs an x64 machine with g++, g++-aarch64-linux-gnu and qemu-user, which as root on Debian are installed.`;

process.exitCode = await main();

async function main(): Promise<number> {
  const flag = { type: 'boolean', default: false } as const;
  let options: { check: boolean; 'write-docs': boolean; help: boolean };
  try {
    options = parseArgs({ options: { check: flag, 'write-docs': flag, help: flag } }).values;
    if (options.check && options['write-docs']) throw new Error('--check or --write-docs, not both');
  } catch (error) {
    console.error(`count:arm64: ${error instanceof Error ? error.message : error}; see --help`);
    return 2;
  }
  if (options.help) {
    console.log(help);
    return 0;
  }
  const say = (text: string): void => console.error(`count:arm64: ${text}`);
  try {
    if (process.arch !== 'x64')
      throw new ToolsMissing('this needs an x64 machine, for it counts on x64 as well');
    const instructions = await countAll(findTools(say), options.check ? 'native' : 'everything', say);
    if (options.check) return check(instructions);
    for (const id of rowIds()) {
      const { x64, arm64 } = instructions.rows[id] ?? {};
      console.log(`${id.padEnd(34)}${cell(x64)}${cell(arm64)}`);
    }
    if (options['write-docs']) {
      writeInstructions(instructions);
      writeFileSync(documentFile, documentOf(instructions));
      say(`wrote ${instructionsFile} and ${documentFile}`);
    }
    return 0;
  } catch (error) {
    console.error(`count:arm64: ${error instanceof Error ? error.message : error}`);
    if (!options.check) return 1;
    const isMissing = error instanceof ToolsMissing; // where the compilers cannot be had, there is nothing to judge
    console.log(isMissing ? '0 passed, 0 failed, 1 skipped' : '0 passed, 1 failed, 0 skipped');
    return isMissing ? 0 : 1;
  }
}

function check(fresh: Instructions): number {
  const found = differences(readInstructions(), fresh);
  for (const difference of found) console.log(`✗ ${difference}`);
  const compared = Object.values(fresh.rows).flatMap(({ x64, arm64 }) => [x64, arm64]);
  const all = compared.filter((value) => value !== null).length;
  if (found.length > 0) console.log('If that is meant: npm run count:arm64 -- --write-docs');
  console.log(`${all - found.length} passed, ${found.length} failed, 0 skipped`);
  return found.length > 0 ? 1 : 0;
}

function cell(value: number | null | undefined): string {
  return (value?.toFixed(1) ?? '–').padStart(14);
}
