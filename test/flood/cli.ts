/**
 * `npm run flood`: a hub, four gateways and a newcomer as real daemons in namespaces of this run, and attackers of every kind that
 * protocol.md §6 has an answer to. Prints a row an attack and a verdict. Leaves nothing behind.
 *
 *  1 namespaces, cables, daemons                           field.ts
 *  2 honest load that the hub carries easily               honest.ts
 *  3 quiet row; reference row: the same flood at a plain sink on the hub's CPU (plain-sink.ts says why that is fair)
 *  4 a row an attack                                       attacks.ts, arsenal.ts, window.ts
 *  5 3 and 4 again, `--runs` times; table, verdicts, counts
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { namespacesUnavailable } from '../kit/lab/namespace.ts';
import { Arsenal, forgedBoth } from './arsenal.ts';
import { type Attack, attacks } from './attacks.ts';
import { Field, hubPort, referencePort } from './field.ts';
import { pause, Users } from './honest.ts';
import { cpuSeconds, watchCable } from './hub-watch.ts';
import { Program } from './program.ts';
import { type Judged, printTable } from './report.ts';
import { type Check, checksOf, settled } from './verdict.ts';
import { play, playAttack, type Row, type Scene } from './window.ts';

const usage = `npm run flood -- [options]

Attacks a hub with four honest gateways, in network namespaces, and says what became of the honest. Needs root.

  --quick             one run of a few seconds an attack, for CI: only the invariants decide, not the speed
  --runs N            runs; speed is judged by their median (default 3)
  --seconds N         seconds an attack, 1 to 600 (default 15)
  --rate N            datagrams a second of a flood, 100 to 300000 (default 20000); the table has what was reached
  --load N            Mbit/s of each gateway's users at most, 1 to 100 (default 20); less when the hub is too slow for it
  --only TEXT         only attacks whose name contains TEXT
  --plane NAME        what moves the daemons' packets: native (default) or portable
  --seed N            of the attackers' chance (default 1)
  --json FILE         write every number there
  --help              this text
`;

interface Settings {
  readonly quick: boolean;
  readonly runs: number;
  readonly seconds: number;
  readonly rate: number;
  readonly load: number;
  readonly only: string | undefined;
  readonly plane: 'native' | 'portable';
  readonly seed: number;
  readonly json: string | undefined;
}

const plainSink = fileURLToPath(new URL('./plain-sink.ts', import.meta.url));
/** An unloaded hub may spend so much of its CPU on the honest load, and must deliver so much of it. */
const easy = { cpu: 0.5, delivered: 0.98 } as const;

async function main(): Promise<number> {
  const settings = parse();
  if (typeof settings === 'number') return settings;
  const unavailable = namespacesUnavailable();
  if (unavailable !== undefined) {
    console.error(`flood: ${unavailable}; run it as root`);
    return 1;
  }
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.abort(signal));
  progress('network namespaces, cables, traffic program');
  const field = await Field.create();
  try {
    const work = run(field, settings);
    work.catch(() => undefined); // after an interruption nobody waits for it
    return conclude(await Promise.race([work, untilAborted(interrupted.signal)]), settings);
  } catch (error) {
    console.error(`flood: ${error instanceof Error ? error.message : error}`);
    if (!interrupted.signal.aborted)
      console.error(`--- the end of the hub's log\n${field.hub.log.slice(-4000)}`);
    return 1;
  } finally {
    await field.close();
  }
}

async function run(field: Field, settings: Settings): Promise<Judged[]> {
  progress('six daemons');
  await field.start(settings.plane);
  const users = await easyLoad(field, settings.load);
  console.log(
    `hub on CPU ${field.cpus?.hub ?? '(the only one)'}, everything else on ${field.cpus?.others ?? 'it, too'}; ` +
      `4 gateways with ${users.pace / 1e6} Mbit/s of UDP each`,
  );
  const recording = `${field.folder}/recording`;
  const cable = await watchCable(field, hubPort, recording);
  const arsenal = new Arsenal(field, settings.seed);
  const scene: Scene = {
    ...{ field, users, arsenal, cable },
    past: { atHub: 0, own: 0 },
    seconds: settings.seconds,
    rekeying: field.gateways,
    rekeyEvery: 6_000,
    newcomerEvery: 4_000,
  };
  progress('warming up');
  await play({ ...scene, seconds: settings.quick ? 2 : 8 }, { name: 'warm-up', what: '' });

  const factors = settings.quick ? [1] : [0.9, 1, 1.1];
  const chosen = attacks({ rate: settings.rate, factors, recording }).filter(
    ({ name }) => settings.only === undefined || name.includes(settings.only),
  );
  const runs: Row[][] = [];
  for (let n = 1; n <= settings.runs; n++)
    runs.push(await oneRun(scene, settings, chosen, `run ${n} of ${settings.runs}`));
  await users.end();
  await cable.end();
  return judge(chosen, runs);
}

/** Rows in this order: quiet, reference, then one an attack. */
async function oneRun(
  scene: Scene,
  { rate, quick }: Settings,
  chosen: readonly Attack[],
  label: string,
): Promise<Row[]> {
  // One handshake in 5 s: in short windows two gateways rekey while the other two recover; the first whenever it is meant
  const windowed = (n: number, meant = false): Scene =>
    quick
      ? { ...scene, rekeying: scene.field.gateways.filter((_, i) => i % 2 === n % 2 || (meant && i === 0)) }
      : scene;
  progress(`${label}: quiet`);
  const rows = [await play(windowed(0), { name: 'quiet', what: 'no attack' })];
  progress(`${label}: reference`);
  rows.push(await reference(windowed(1), rate));
  for (const [i, attack] of chosen.entries()) {
    progress(`${label}: ${i + 1} of ${chosen.length}, ${attack.name}`);
    rows.push(await playAttack(windowed(i, attack.answersGoToGateway), attack));
    await pause(500);
  }
  return rows;
}

async function reference(scene: Scene, rate: number): Promise<Row> {
  const { field, arsenal } = scene;
  const sink = await Program.start<{ received: number }>(field.hub.namespace, process.execPath, [
    '--conditions=pqtun-source',
    '--no-warnings',
    plainSink,
    referencePort,
  ]);
  field.pinToHub(sink.child.pid);
  const shots = arsenal.nonsense(2_000, forgedBoth);
  const row = await play(
    scene,
    { name: 'reference', what: 'the same flood at a program that only receives, on the hub’s CPU' },
    () => arsenal.fire(shots, rate, 1, undefined, referencePort),
  );
  await sink.end();
  return row;
}

/** Users at the pace asked for, or at half, a quarter, … of it, until an unattacked hub carries them easily. */
async function easyLoad(field: Field, most: number): Promise<Users> {
  for (let pace = most * 1e6; ; pace /= 2) {
    progress(`honest load: ${pace / 1e6} Mbit/s a gateway`);
    const users = await Users.start(field, pace);
    await pause(1500); // handshakes, and the compiler
    const begin = { cpu: cpuSeconds(field.hub.pid), at: performance.now() };
    const [arrived, sent] = [await users.arrived(), await users.sent()];
    await pause(1500);
    const share = (cpuSeconds(field.hub.pid) - begin.cpu) / ((performance.now() - begin.at) / 1000);
    const [arrivedThen, sentThen] = [await users.arrived(), await users.sent()];
    const delivered = (arrivedThen.bytes - arrived.bytes) / Math.max(1, sentThen - sent);
    if ((share <= easy.cpu && delivered >= easy.delivered) || pace < 1e6) return users;
    await users.end();
  }
}

function judge(chosen: readonly Attack[], runs: readonly Row[][]): Judged[] {
  const column = (i: number): Row[] => runs.flatMap((rows) => rows[i] ?? []);
  const delivered = (i: number): number[] => column(i).map((row) => row.delivered);
  const quiet = { rows: column(0), checks: [] };
  const plain = { rows: column(1), references: delivered(0), checks: [] };
  const rows = runs.flat();
  const floods = chosen.filter(({ reference }) => reference === 'flood').length;
  const whole: Judged = { rows: [], checks: [settled(rows.slice(1 + floods).map((row) => row.residentMiB))] };
  const judged = chosen.map(({ reference }, i): Judged => {
    const rows = column(i + 2);
    const references = delivered(reference === 'flood' ? 1 : 0);
    return { rows, references, checks: checksOf(rows, references) };
  });
  return [quiet, plain, ...judged, whole];
}

function conclude(judged: readonly Judged[], { quick, json }: Settings): number {
  progress('');
  printTable(judged.filter(({ rows }) => rows.length > 0));
  const checks = judged.flatMap(({ rows, checks }) =>
    checks.map((check) => ({ attack: rows[0]?.name ?? 'the whole run', ...check })),
  );
  const counts = ({ kind }: Check): boolean => kind === 'hard' || !quick;
  const failed = checks.filter((check) => counts(check) && !check.ok);
  for (const { attack, name, found } of failed) console.log(`FAILED ${attack}: ${name}: ${found}`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(judged, numbers, 2)}\n`);
  const passed = checks.filter((check) => counts(check) && check.ok).length;
  const skipped = checks.filter((check) => !counts(check)).length;
  if (skipped > 0) console.log('speed is not judged by one short run: those checks are skipped');
  console.log(`${passed} passed, ${failed.length} failed, ${skipped} skipped`);
  return failed.length === 0 ? 0 : 1;
}

/** JSON knows no infinity. */
const numbers = (_key: string, value: unknown): unknown =>
  value === Number.POSITIVE_INFINITY ? 'infinity' : value;

function parse(): Settings | number {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        runs: { type: 'string' },
        seconds: { type: 'string' },
        rate: { type: 'string', default: '20000' },
        load: { type: 'string', default: '20' },
        only: { type: 'string' },
        plane: { type: 'string', default: 'native' },
        seed: { type: 'string', default: '1' },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    const { quick, only, json } = values;
    const plane = (['native', 'portable'] as const).find((name) => name === values.plane);
    if (plane === undefined) throw new Error('--plane: expected native or portable');
    return {
      ...{ quick, only, json, plane },
      runs: integer('runs', values.runs ?? (quick ? '1' : '3'), 1, 100),
      seconds: integer('seconds', values.seconds ?? (quick ? '2' : '15'), 1, 600),
      rate: integer('rate', values.rate, 100, 300_000),
      load: integer('load', values.load, 1, 100),
      seed: integer('seed', values.seed, 0, 2 ** 32 - 1),
    };
  } catch (error) {
    console.error(`flood: ${error instanceof Error ? error.message : error}; see --help`);
    return 2;
  }
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new Error(`--${name}: expected a whole number from ${least} to ${most}`);
  return value;
}

function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what === '' ? '' : `… ${what}`}`);
  else if (what !== '') process.stderr.write(`… ${what}\n`);
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(new Error(`ended by ${signal.reason}`));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

// Last, when all constants above are there. Explicitly: after an interruption the work given up may still wait for a program.
process.exit(await main());
