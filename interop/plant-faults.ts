/**
 * `npm run interop -- --faults`: a wrong byte in each step of the key schedule, one after the other, in a copy of the
 * sources. Each must turn a vector red, and a live cell against the second implementation too, unless nothing of it shows.
 */

import { TreeCopy } from '../test/kit/tree-copy.ts';
import { outcomeOf, runTests } from '../test/kit/vitest-outcome.ts';
import { type Fault, faults, planted } from './faults.ts';
import type { Implementation } from './peers/peer.ts';
import { pqtun } from './peers/pqtun/implementation.ts';
import { talk } from './scenarios.ts';
import { buildPqtunGo } from './tools.ts';

const vectorTest = 'packages/core/src/handshake/pqtun-v1.test.ts';
const handshake = 'packages/core/src/handshake';
/** Milliseconds a live cell waits for its session: with a fault it never comes. */
const patience = 6_000;

type Say = (line: string) => void;

/** Prints a table and the count; the exit code. */
export async function plantFaults(say: Say): Promise<number> {
  const go = await buildPqtunGo(say);
  if ('missing' in go) say(`no live cells: ${go.missing}`);
  const copy = new TreeCopy('interop');
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
      plant(copy, fault);
      const { vector, live } = await check(fault.role);
      copy.heal(`${handshake}/${fault.file}`);
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
  copy: TreeCopy,
  role: Fault['role'],
  go: Implementation | undefined,
): Promise<{ vector: Colour; live: Colour }> {
  const ours = pqtun('node', copy.path('interop/peers/pqtun/endpoint.ts'));
  const [vector, live] = await Promise.all([
    vectorsPass(copy),
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

function plant(copy: TreeCopy, { file, find, replace }: Fault): void {
  const path = `${handshake}/${file}`;
  const text = copy.text(path);
  if (text.split(find).length !== 2) throw new Error(`${file} must hold this once: ${find}`);
  copy.plant(path, `${text.replace(find, () => replace)}${planted}`);
}

/**
 * Runs the vector test on the copy; whether it passed. Its handshakes are run while it loads, so a wrong byte shows outside of any
 * test as well. A copy that does not even run is no answer.
 */
async function vectorsPass(copy: TreeCopy): Promise<boolean> {
  const all = { file: vectorTest, title: '*' };
  const report = await runTests(copy.folder, [all], { timeout: 120_000, bail: true });
  const outcome = outcomeOf(report, all);
  if (outcome.kind === 'green') return true;
  if (outcome.kind === 'red' || (!('broken' in report) && /^Error: bad-/.test(outcome.why))) return false;
  throw new Error(`the copy is broken: ${outcome.why}`);
}
