/**
 * `--quick`: our planes only, one short repetition. No figure is judged: bytes arrive unharmed, nothing twice, and both daemons end
 * as they should.
 */
import { removeNow, temporaryFolder } from '../../test/kit/temporary.ts';
import { type RowId, rowSpecs } from './catalog.ts';
import { type Means, measure, untilUp } from './measure.ts';
import { Pair, type Tunnel } from './pair.ts';
import { type PlaneKind, pqtunContestant } from './pqtun.ts';
import { buildTraffic } from './traffic.ts';

const rows: readonly RowId[] = ['tcp1', 'flood128', 'flood1300', 'loaded', 'nogso', 'memory'];
/** What a daemon says whose addon was built without this plane. */
const notThere = /has no data plane/;

export interface Outcome {
  readonly what: string;
  readonly kind: 'passed' | 'failed' | 'skipped';
  readonly why: string;
}

export async function smoke(say: (outcome: Outcome) => void): Promise<Outcome[]> {
  const folder = temporaryFolder('bench');
  const outcomes: Outcome[] = [];
  const note = (
    what: string,
    why: string | undefined,
    kind: Outcome['kind'] = why === undefined ? 'passed' : 'failed',
  ) => {
    const outcome = { what, kind, why: why ?? '' };
    outcomes.push(outcome);
    say(outcome);
  };
  const pair = await Pair.create();
  try {
    const means: Means = { traffic: buildTraffic(folder), seconds: 1, warmUp: 0.3, comparesAll: true };
    for (const plane of ['portable', 'native'] as const) await onPlane(plane, pair, means, note);
  } finally {
    await pair.close();
    removeNow(folder);
  }
  return outcomes;
}

async function onPlane(
  plane: PlaneKind,
  pair: Pair,
  means: Means,
  note: (what: string, why: string | undefined, kind?: Outcome['kind']) => void,
): Promise<void> {
  let tunnel: Tunnel;
  try {
    tunnel = await pqtunContestant(plane).start(pair);
  } catch (error) {
    const reason = messageOf(error);
    return note(`${plane} plane: daemons start`, reason, notThere.test(reason) ? 'skipped' : 'failed');
  }
  try {
    note(`${plane} plane: traffic gets through`, await reasonOf(() => untilUp(pair, tunnel, means.traffic)));
    for (const row of rows) {
      const what = `${plane} plane: ${rowSpecs[row].title}: bytes arrive unharmed`;
      note(
        row === 'memory' ? `${plane} plane: both daemons live` : what,
        await reasonOf(async () => {
          const { faults } = await measure(row, pair, tunnel, means);
          if (faults.length > 0) throw new Error(faults.join('; '));
        }),
      );
    }
  } finally {
    const log = tunnel.log();
    const why = await tunnel.stop();
    note(`${plane} plane: both daemons end well`, why === undefined ? undefined : `${why}\n${log}`);
  }
}

async function reasonOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
