/**
 * The run: rounds over all rows and programs.
 *
 *  1 programs are got, or a reason                        contestants.ts
 *  2 a pair of namespaces each                            pair.ts
 *  3 every round: all tunnels start anew, turns, end      schedule.ts, measure.ts
 *  4 a turn that other work disturbed is repeated, as far as there are repetitions left
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { removeNow, temporaryFolder } from '../../test/kit/temporary.ts';
import { isDisturbed, type Load } from '../src/measure/load.ts';
import { readProc } from '../src/measure/proc.ts';
import { type ProgramId, programTitles, type RowId, rowSpecs } from './catalog.ts';
import { contestant } from './contestants.ts';
import { type Found, type Means, measure, untilUp } from './measure.ts';
import type { Settings } from './options.ts';
import { type Contestant, Pair, type Tunnel } from './pair.ts';
import { type Machine, type Measurement, type ProgramReport, type Result, schema } from './result.ts';
import { turnsOf } from './schedule.ts';
import { buildTraffic } from './traffic.ts';

type Say = (line: string) => void;

/** How often one turn is measured before it is taken as it is. */
const mostAttempts = 3;
/** Repetitions a run may spend on disturbed turns, as a share of its turns: on a machine that is never quiet it ends all the same. */
const spareTurns = 0.25;
const warmUp = 1;

interface Entry {
  readonly id: ProgramId;
  readonly contestant: Contestant;
  readonly pair: Pair;
  offloads: string;
}

/** `onRound` gets what there is after every round, so that little is lost when a long run is interrupted. */
export async function run(settings: Settings, say: Say, onRound: (result: Result) => void): Promise<Result> {
  const begun = new Date();
  const folder = temporaryFolder('bench');
  const { repetitions, seconds } = settings;
  const means: Means = { traffic: buildTraffic(folder), seconds, warmUp, comparesAll: false };
  const missing = new Map<ProgramId, string>();
  const entries: Entry[] = [];
  const measurements: Measurement[] = [];
  const result = (): Result => ({
    schema,
    begun: begun.toISOString(),
    minutes: Math.round((Date.now() - begun.getTime()) / 6_000) / 10,
    machine: describeMachine(),
    settings: { repetitions, seconds, warmUp },
    programs: settings.programs.map((id) => report(id, entries, missing)),
    measurements,
  });
  try {
    for (const id of settings.programs) {
      say(`getting ${programTitles[id]}`);
      const found = await contestant(id, say);
      if ('missing' in found) missing.set(id, found.missing);
      else entries.push({ id, contestant: found, pair: await Pair.create(), offloads: 'unknown' });
    }
    const spare = { left: Math.ceil(spareTurns * repetitions * entries.length * settings.rows.length) };
    for (let round = 1; round <= repetitions; round++) {
      const tunnels = await startAll(
        entries,
        means.traffic,
        `round ${round} of ${repetitions}`,
        say,
        missing,
      );
      try {
        const present = entries.filter(({ id }) => tunnels.has(id));
        for (const turn of turnsOf(round, settings.rows, present)) {
          const tunnel = tunnels.get(turn.program.id);
          if (tunnel === undefined) continue;
          const { id } = turn.program;
          say(`round ${round} of ${repetitions}: ${rowSpecs[turn.row].title}, ${programTitles[id]}`);
          const found = await takeTurn(turn.row, turn.program.pair, tunnel, means, spare);
          measurements.push({ round, row: turn.row, program: id, ...found });
          if (tunnel.pids.some((pid) => readProc(`${pid}/stat`) === undefined)) tunnels.delete(id);
        }
      } finally {
        await Promise.all([...tunnels.values()].map((tunnel) => tunnel.stop()));
      }
      onRound(result());
    }
    return result();
  } finally {
    await Promise.all(entries.map(({ pair }) => pair.close()));
    removeNow(folder);
  }
}

/** One after the other. Whoever does not come up is left out of this round, and its reason is kept. */
async function startAll(
  entries: readonly Entry[],
  traffic: string,
  label: string,
  say: Say,
  missing: Map<ProgramId, string>,
): Promise<Map<ProgramId, Tunnel>> {
  const tunnels = new Map<ProgramId, Tunnel>();
  for (const entry of entries) {
    say(`${label}: starting ${programTitles[entry.id]}`);
    let tunnel: Tunnel | undefined;
    try {
      tunnel = await entry.contestant.start(entry.pair);
      await untilUp(entry.pair, tunnel, traffic);
      entry.offloads = tunnel.offloads();
      tunnels.set(entry.id, tunnel);
    } catch (error) {
      await tunnel?.stop();
      const reason = error instanceof Error ? error.message : String(error);
      missing.set(entry.id, `it did not come up (${label}): ${reason.slice(0, 1000)}`);
      say(`${programTitles[entry.id]}: ${missing.get(entry.id)}`);
    }
  }
  return tunnels;
}

async function takeTurn(
  row: RowId,
  pair: Pair,
  tunnel: Tunnel,
  means: Means,
  spare: { left: number },
): Promise<Pick<Measurement, 'figures' | 'faults' | 'load' | 'disturbed' | 'attempts'>> {
  for (let attempts = 1; ; attempts++) {
    const found = await attempt(row, pair, tunnel, means);
    const disturbed = isDisturbed(found.load);
    if (!disturbed || attempts === mostAttempts || spare.left === 0) return { ...found, disturbed, attempts };
    spare.left -= 1;
  }
}

const noLoad: Load = { steal: 0, foreign: 0 };

/** A measurement that fails is one without figures. */
async function attempt(row: RowId, pair: Pair, tunnel: Tunnel, means: Means): Promise<Found> {
  try {
    return await measure(row, pair, tunnel, means);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { figures: {}, faults: [reason.slice(0, 500)], load: noLoad };
  }
}

function report(
  id: ProgramId,
  entries: readonly Entry[],
  missing: ReadonlyMap<ProgramId, string>,
): ProgramReport {
  const entry = entries.find((each) => each.id === id);
  const reason = missing.get(id);
  return {
    id,
    name: entry?.contestant.name ?? programTitles[id],
    built: entry?.contestant.built ?? '',
    ...(reason === undefined ? {} : { missing: reason }),
    offloads: entry?.offloads ?? 'unknown',
  };
}

function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()} ${arch()}`,
    system: /^PRETTY_NAME="(.*)"$/m.exec(read('/etc/os-release'))?.[1] ?? 'unknown',
    node: process.version,
    commit: commit(),
  };
}

function commit(): string {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd,
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
