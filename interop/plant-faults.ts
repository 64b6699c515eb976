/**
 * `npm run interop -- --faults`: a wrong byte in each step of the key schedule, one after the other, in a copy of the
 * sources. Each must turn a vector red, and a live cell against the second implementation too, unless nothing of it shows.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Fault, faults, planted } from './faults.ts';
import type { Implementation } from './peers/peer.ts';
import { pqtun } from './peers/pqtun/implementation.ts';
import { talk } from './scenarios.ts';
import { removeNow, temporaryFolder } from './temporary.ts';
import { buildPqtunGo } from './tools.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const vectorTest = 'packages/core/src/handshake/pqtun-v1.test.ts';
/** Milliseconds a live cell waits for its session: with a fault it never comes. */
const patience = 6_000;

type Say = (line: string) => void;

/** Prints a table and the count; the exit code. */
export async function plantFaults(say: Say): Promise<number> {
  const go = await buildPqtunGo(say);
  if ('missing' in go) say(`no live cells: ${go.missing}`);
  const copy = new Copy();
  let noticed = 0;
  let unnoticed = 0;
  try {
    say(`a copy of the sources is in ${copy.folder}`);
    const check = (role: Fault['role']) => checkCopy(copy, role, 'program' in go ? go.program : undefined);
    for (const role of ['initiator', 'responder'] as const) {
      const { vector, live } = await check(role);
      if (vector === 'red' || live === 'red')
        throw new Error(`red without a fault, as ${role}: it would prove nothing`);
    }
    console.log('\nstep   role       planted in        vector  live\n');
    for (const fault of faults) {
      copy.plant(fault);
      const { vector, live } = await check(fault.role);
      copy.heal(fault);
      const good = vector === 'red' && (live === 'red' || live === 'none' || fault.silent === true);
      if (good) noticed++;
      else unnoticed++;
      const columns = [
        fault.step.padEnd(6),
        fault.role.padEnd(10),
        fault.file.padEnd(17),
        vector.padEnd(7),
        live,
      ];
      console.log(
        `${columns.join(' ')}${good ? '' : `   ✗ not noticed: ${fault.replace}`}${fault.silent ? '   (X goes over no wire)' : ''}`,
      );
    }
  } finally {
    copy.remove();
  }
  console.log(`${noticed} passed, ${unnoticed} failed, 0 skipped`);
  return unnoticed === 0 ? 0 : 1;
}

type Colour = 'red' | 'green' | 'none';

/** The vectors, and a conversation in which the copy has this role. */
async function checkCopy(
  copy: Copy,
  role: Fault['role'],
  go: Implementation | undefined,
): Promise<{ vector: Colour; live: Colour }> {
  const ours = pqtun('node', join(copy.folder, 'interop', 'peers', 'pqtun', 'endpoint.ts'));
  const [vector, live] = await Promise.all([
    copy.vectorsPass(),
    go === undefined ? undefined : role === 'initiator' ? talks(ours, go) : talks(go, ours),
  ]);
  return { vector: colour(vector), live: live === undefined ? 'none' : colour(live) };
}

const colour = (passed: boolean): Colour => (passed ? 'green' : 'red');

async function talks(initiator: Implementation, responder: Implementation): Promise<boolean> {
  try {
    await talk(initiator, responder, 1, 'PSK', patience);
    return true;
  } catch {
    return false;
  }
}

/** As much of the workspace as the vectors and the endpoint need, with the installed packages linked in. */
class Copy {
  readonly folder = temporaryFolder();

  constructor() {
    const parts = [
      'packages/core',
      'packages/tunnel',
      'test/kit',
      'test/vectors',
      'test/node_modules',
      'test/package.json',
    ];
    for (const part of [
      ...parts,
      'interop/peers',
      'interop/node_modules',
      'interop/package.json',
      'tsconfig.base.json',
      'vitest.config.ts',
    ]) {
      mkdirSync(join(this.folder, part, '..'), { recursive: true });
      cpSync(join(root, part), join(this.folder, part), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !/\/dist$/.test(path),
      });
    }
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }\n');
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
  }

  plant({ file, find, replace }: Fault): void {
    const text = this.#original(file);
    if (text.split(find).length !== 2) throw new Error(`${file} must hold this once: ${find}`);
    writeFileSync(this.#path(file), `${text.replace(find, () => replace)}${planted}`);
  }

  heal({ file }: Fault): void {
    writeFileSync(this.#path(file), this.#original(file));
  }

  /** Runs the vector test on the copy; whether it passed. */
  vectorsPass(): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const child = spawn(process.execPath, [vitest, 'run', '--root', this.folder, '--bail=1', vectorTest], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      // a copy that does not even run is no answer
      const broken = /Transform failed|SyntaxError|ReferenceError|TypeError/.exec(said);
      if (broken !== null)
        reject(new Error(`the copy is broken: ${said.slice(broken.index, broken.index + 500)}`));
      else resolve(code === 0);
    });
    return promise;
  }

  remove(): void {
    removeNow(this.folder);
  }

  #path(file: string): string {
    return join(this.folder, 'packages/core/src/handshake', file);
  }

  #original(file: string): string {
    return readFileSync(join(root, 'packages/core/src/handshake', file), 'utf8');
  }
}
