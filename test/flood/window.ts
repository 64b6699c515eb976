/**
 * One row of the table: so many seconds of honest life, under an attack or not.
 *
 *  1 counters before, the attack begins
 *  2 for `seconds`: users' traffic, a rekey of every gateway, a newcomer; memory is sampled
 *  3 what was begun is waited for, at most as long as it may take, and the attack goes on meanwhile
 *  4 counters after
 */
import type { Arsenal, FloodCounters } from './arsenal.ts';
import type { Attack } from './attacks.ts';
import { type Status, statusOf } from './control.ts';
import type { Field, Outpost } from './field.ts';
import { completed, type NewcomerPast, newcomers, pause, rekeys, type Times, type Users } from './honest.ts';
import { type CableCounters, cpuSeconds, overflows, residentMiB, watchMemory } from './hub-watch.ts';
import type { Program } from './program.ts';

export interface Scene {
  readonly field: Field;
  readonly users: Users;
  readonly arsenal: Arsenal;
  readonly cable: Program<CableCounters>;
  readonly past: NewcomerPast;
  readonly seconds: number;
  /** Gateways that rekey in this window; a gateway begins at most one handshake in 5 s. */
  readonly rekeying: readonly Outpost[];
  /** Between two rekeys of one gateway, and two newcomers; milliseconds. */
  readonly rekeyEvery: number;
  readonly newcomerEvery: number;
}

export interface Tally {
  readonly wanted: number;
  readonly done: number;
  /** Seconds; of those that were done. */
  readonly longest: number;
}

export interface Row {
  readonly name: string;
  readonly what: string;
  /** Datagrams of the attack that left, a second. */
  readonly attackRate: number;
  /** Mbit/s of honest users' data: sent, and arrived behind the hub. */
  readonly sent: number;
  readonly goodput: number;
  /**
   * Packets that arrived to those the gateways' daemons have sent. What a busy machine keeps users and gateways from sending is no
   * fault of the hub's, so this is what references are compared by.
   */
  readonly delivered: number;
  /** Datagrams lost for a full socket buffer in the hub's namespace. */
  readonly overflows: number;
  /** Share of one CPU. */
  readonly hubCpu: number;
  readonly rekeys: Tally;
  readonly newcomers: Tally;
  /** Of the hub's resident memory, from the beginning of this window to its highest. */
  readonly growthMiB: number;
  /** The hub's resident memory at the end. */
  readonly residentMiB: number;
  /** 99 % of the loop's measurements were at most so late; `Infinity` beyond the last bound. Milliseconds. */
  readonly loopDelayP99: number;
  /** Bytes answered to those received from unproven sources: all together, and the worst address. */
  readonly answeredRatio: number;
  readonly worstRatio: number;
  /** Sessions the hub has with somebody who began none, and honest peers it believes elsewhere. */
  readonly strangers: number;
  readonly alive: boolean;
  readonly cookies: number;
  readonly responses: number;
  readonly drops: Readonly<Record<string, number>>;
  /** Answers the attacker could not count; the ratio is only as good as this is small. */
  readonly missed: number;
}

export async function playAttack(scene: Scene, attack: Attack): Promise<Row> {
  const { arsenal, field } = scene;
  const shots = await attack.prepare(arsenal, field);
  return play(scene, attack, () => arsenal.fire(shots, attack.rate, attack.step));
}

/** Plays one window; `begin` starts the flood, if there is to be one. */
export async function play(
  scene: Scene,
  { name, what, answersGoToGateway }: Pick<Attack, 'name' | 'what' | 'answersGoToGateway'>,
  begin?: () => Promise<Program<FloodCounters>>,
): Promise<Row> {
  const { field, cable, past, seconds, rekeying } = scene;
  const { hub, hubParty } = field;
  const { pid } = hub;
  const before = { status: await statusOf(hub), cable: await cable.report() };
  const restingMiB = residentMiB(pid) ?? 0;
  const flood = await begin?.();
  const memory = watchMemory(pid);
  const start = await meterNow(scene);
  const goesOn = (): boolean => performance.now() - start.at < seconds * 1000;
  const meter = pause(seconds * 1000).then(() => meterNow(scene));
  const [end, newcomerTimes, ...rekeyTimes] = await Promise.all([
    meter,
    newcomers(field, past, scene.newcomerEvery, goesOn),
    ...rekeying.map((gateway) => rekeys(gateway, hubParty.publicKey, scene.rekeyEvery, goesOn)),
  ]);
  const fired = await flood?.end();
  const mostMiB = memory();
  const span = end.arrived.seconds - start.arrived.seconds;
  const after = { status: await statusOf(hub), cable: await cable.report() };
  const toGateway = answersGoToGateway === true ? difference(before.cable, after.cable) : undefined;
  const answered = (fired?.answerBytes ?? 0) + (toGateway?.answered ?? 0);
  const received = (fired?.bytes ?? 0) + (toGateway?.received ?? 0);
  return {
    name,
    what,
    attackRate: fired === undefined ? 0 : fired.sent / fired.seconds,
    sent: megabits(end.sent - start.sent, (end.at - start.at) / 1000),
    goodput: megabits(end.arrived.bytes - start.arrived.bytes, span),
    delivered: (end.arrived.packets - start.arrived.packets) / Math.max(1, end.left - start.left),
    overflows: end.overflows - start.overflows,
    hubCpu: (end.cpu - start.cpu) / ((end.at - start.at) / 1000),
    rekeys: tally(rekeyTimes.flat()),
    newcomers: tally(newcomerTimes),
    growthMiB: mostMiB - restingMiB,
    residentMiB: residentMiB(pid) ?? 0,
    loopDelayP99: delayPercentile(before.status.loopDelay, after.status.loopDelay, 0.99),
    answeredRatio: received === 0 ? 0 : answered / received,
    worstRatio: Math.max(fired?.worstRatio ?? 0, toGateway === undefined ? 0 : answered / received),
    strangers: await strangers(scene, after.status),
    alive: residentMiB(pid) !== undefined,
    cookies: after.status.cookieRepliesSent - before.status.cookieRepliesSent,
    responses: fired?.responses ?? 0,
    drops: newDrops(before.status, after.status),
    missed: (fired?.missed ?? 0) + (after.cable.missed - before.cable.missed),
  };
}

/** Counters that are compared between begin and end of a window. */
async function meterNow({ field, users }: Scene) {
  const [arrived, sent, ...gateways] = await Promise.all([
    users.arrived(),
    users.sent(),
    ...field.gateways.map(({ site }) => statusOf(site)),
  ]);
  return {
    cpu: cpuSeconds(field.hub.pid),
    at: performance.now(),
    overflows: overflows(field.hub.pid),
    arrived,
    sent,
    left: gateways.flatMap(({ peers }) => peers).reduce((sum, { packetsSent }) => sum + packetsSent, 0),
  };
}

/**
 * Every handshake the hub has completed must be one an honest peer has completed: a gateway or newcomer has its session before
 * the hub confirms it, so the hub is never ahead. And each gateway must be where it is.
 */
async function strangers({ field, past }: Scene, hub: Status): Promise<number> {
  const own = await Promise.all([...field.gateways, field.newcomer].map(({ site }) => statusOf(site)));
  const honest = own.reduce((sum, status) => sum + completed(status), past.own);
  const moved = field.gateways.filter(
    ({ party, outerText }) =>
      hub.peers.find(({ publicKey }) => publicKey === party.publicKey)?.endpoint !== outerText,
  );
  return Math.max(0, completed(hub) + past.atHub - honest) + moved.length;
}

/** Handshake bytes over the gateway's cable: answers of the hub, and what of it the gateway itself has asked for. */
function difference(before: CableCounters, after: CableCounters): { answered: number; received: number } {
  return {
    answered: after.answerBytes - before.answerBytes,
    received: after.initiationBytes - before.initiationBytes,
  };
}

/** Upper bound of the bucket in which the wanted share of the new measurements is reached; 0 when there were none. */
export function delayPercentile(
  before: Status['loopDelay'],
  after: Status['loopDelay'],
  share: number,
): number {
  const fresh = after.counts.map((count, i) => count - (before.counts[i] ?? 0));
  const all = fresh.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [i, count] of fresh.entries()) {
    seen += count;
    if (seen >= all * share) return all === 0 ? 0 : (after.bounds[i] ?? Number.POSITIVE_INFINITY);
  }
  return 0;
}

function tally(times: Times): Tally {
  const done = times.filter(Number.isFinite);
  return { wanted: times.length, done: done.length, longest: Math.max(0, ...done) / 1000 };
}

function newDrops(before: Status, after: Status): Record<string, number> {
  const entries = Object.entries(after.drops).map(
    ([reason, count]) => [reason, count - (before.drops[reason] ?? 0)] as const,
  );
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}

const megabits = (bytes: number, seconds: number): number => (bytes * 8) / seconds / 1e6;
