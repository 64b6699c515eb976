/**
 * What a daemon with so many configured peers holds and how soon it is there; with all of them connected as well. Labels: `what` (idle,
 * idle-share, start, first-packet, live, a-peer, a-live-peer), `peers`, `plane`.
 */
import { nodeSuite } from '@pqtun/core/node';
import { numbered } from '../field/address.ts';
import { restFor } from '../field/clock.ts';
import { Collected, type RowHead } from '../field/collected.ts';
import { firstMember } from '../field/crowd.ts';
import { Field, outer, type Plane, planes, type RunningDaemon, tunnelMtu } from '../field/field.ts';
import { CannotMeasure, needsHere, whyNot } from '../field/needs.ts';
import { type Resident, residentOf } from '../field/resident.ts';
import { SiteKeys, type SitePeer } from '../field/site.ts';
import type { Missing, Row } from '../result.ts';
import type { BenchOptions, Context, Found, Section } from '../section.ts';

export const memorySection: Section = {
  id: 'memory',
  title: 'Memory and start of one daemon, by the number of peers in its configuration',
  isDefault: false,
  estimate: (options) => secondsOf(planOf(options)),
  run: async (context) => {
    const why = whyNot(needsHere(context.options.daemonCommand));
    if (why !== undefined) return { rows: [], missing: [missing(why)] };
    try {
      return await measureMemory(context);
    } catch (error) {
      if (error instanceof CannotMeasure) return { rows: [], missing: [missing(error.message)] };
      throw error;
    }
  },
};

interface Plan {
  readonly rounds: number;
  /** Peers in the configuration, ascending; one of them is live, and in the end all of the most. */
  readonly peers: readonly number[];
  /** Seconds until a daemon that has started is called idle. */
  readonly settle: number;
}

function planOf({ quick, rounds }: Pick<BenchOptions, 'quick' | 'rounds'>): Plan {
  return quick
    ? { rounds: 1, peers: [1, 100], settle: 0.5 }
    : { rounds: Math.min(rounds, 3), peers: [1, 100, 2_000], settle: 2 };
}

/** Sessions begun a second: below what a hub calls load, 200 a second. */
const meetingRate = 150;
/** Milliseconds. */
const meetingPatience = 30_000;
const answerPatience = 30_000;
/** For the rounds, so that the section is over within a minute and a half. */
const idleBudget = 42_000;

/** About; starts are most of it, and how long those take is what is measured. */
function secondsOf({ rounds, peers, settle }: Plan): number {
  const most = peers.at(-1) ?? 0;
  const aStart = 1;
  return (
    4 +
    most / 1000 +
    rounds * peers.length * (settle + planes.length * aStart) +
    planes.length * (2 * aStart + settle + most / meetingRate)
  );
}

async function measureMemory(context: Context): Promise<Found> {
  const { options, signal } = context;
  const plan = planOf(options);
  const total = secondsOf(plan);
  let spent = 0;
  const progress = (label: string, seconds = 0): void => {
    signal.throwIfAborted();
    context.progress(Math.min(1, spent / total), label);
    spent += seconds;
  };
  progress('keys of all peers', 4);
  await using field = await Field.create(options.daemonCommand, signal);
  using secrets = new DisposableStack();
  const hubs = await hubsIn(field, plan, secrets);
  const found = new Collected();
  const idle: IdleRound[] = [];
  const begin = performance.now();
  for (let round = 0; round < plan.rounds && isTimeFor(round, performance.now() - begin); round++) {
    const byPeers = new Map<number, ReadonlyMap<Plane, Resident>>();
    for (const peers of plan.peers) {
      const started: { readonly hub: Hub; readonly daemon: RunningDaemon }[] = [];
      for (const hub of round % 2 === 0 ? hubs : hubs.toReversed()) {
        progress(`${peersWords(peers)}, ${hub.plane} plane, round ${round + 1}`, 1);
        started.push({ hub, daemon: await startHub(field, hub, peers, found) });
      }
      await restFor(plan.settle, signal);
      spent += plan.settle;
      const residents = new Map(
        started.map(({ hub, daemon }) => [hub.plane, residentOf(daemon.pid)] as const),
      );
      for (const [plane, resident] of residents) addIdle(found, plane, peers, resident);
      byPeers.set(peers, residents);
      await Promise.all(started.map(({ daemon }) => daemon.stop()));
    }
    idle.push(byPeers);
  }
  addSlopes(found, plan, idle);
  const faults: Missing[] = [];
  for (const hub of hubs) {
    const most = plan.peers.at(-1) ?? 1;
    progress(`${peersWords(most)}, all of them connected, ${hub.plane} plane`, most / meetingRate + 2);
    faults.push(...(await measureLive(field, hub, most, plan, found, signal)));
  }
  return { rows: inOrder(found.rows('memory')), missing: faults };
}

/** Whether one more round as long as those before ends in time: a slow machine has fewer. */
export function isTimeFor(round: number, spent: number): boolean {
  return round === 0 || spent + spent / round <= idleBudget;
}

type IdleRound = ReadonlyMap<number, ReadonlyMap<Plane, Resident>>;

/** The daemon that is started again and again at the left end; at the right one live peer, and the crowd. */
interface Hub {
  readonly plane: Plane;
  readonly keys: SiteKeys;
  readonly live: SitePeer;
  readonly others: readonly SitePeer[];
}

const place = {
  native: { name: 'pqn0', port: 51_820, prefix: [10, 88] },
  portable: { name: 'pqp0', port: 51_821, prefix: [10, 89] },
} as const;
/** Outer addresses of the crowd. */
const crowdPrefix = [10, 99] as const;
const echoPort = 4_999;

async function hubsIn(field: Field, { peers }: Plan, secrets: DisposableStack): Promise<Hub[]> {
  const { left, right } = field;
  await right.call('address', 'lo', `${numbered(crowdPrefix, 1)}/16`);
  await left.call('route', `${numbered(crowdPrefix, 0)}/16`, outer.right);
  const crowd = await right.call('makeCrowd', (peers.at(-1) ?? 1) - 1);
  const crypto = nodeSuite();
  const hubs: Hub[] = [];
  for (const plane of planes) {
    const { name, port, prefix } = place[plane];
    const keys = secrets.use(new SiteKeys(crypto));
    using liveKeys = new SiteKeys(crypto);
    const address = numbered(prefix, 2);
    // It waits to be called: a session it had begun itself within five seconds of a hub's restart would be taken for one that crosses
    // the new hub's (N4), and may win, so that the first packet is answered only when silence is noticed (T3), after 15 s
    const hub = { ...publicOf(keys), allowedIps: `${numbered(prefix, 1)}/32` };
    await field.startDaemon(
      'right',
      name,
      { keys: liveKeys, address: `${address}/16`, port, mtu: tunnelMtu, peers: [hub] },
      'native',
    );
    await right.call('echo', { address, port: echoPort });
    hubs.push({
      plane,
      keys,
      live: { ...publicOf(liveKeys), allowedIps: `${address}/32`, endpoint: `${outer.right}:${port}` },
      others: crowd.map(([publicKey, kemPublicKey], at) => ({
        publicKey,
        kemPublicKey,
        allowedIps: `${numbered(prefix, firstMember + at)}/32`,
      })),
    });
  }
  return hubs;
}

function publicOf({ publicKey, kemPublicKey }: SiteKeys): { publicKey: string; kemPublicKey: string } {
  return { publicKey, kemPublicKey };
}

/** Starts it with so many peers; when it was ready, and when the first packet had come back from the live one. */
async function startHub(field: Field, hub: Hub, peers: number, found: Collected): Promise<RunningDaemon> {
  const { plane, keys, live, others } = hub;
  const { name, port, prefix } = place[plane];
  const site = {
    keys,
    address: `${numbered(prefix, 1)}/16`,
    port,
    mtu: tunnelMtu,
    peers: [live, ...others.slice(0, peers - 1)],
  };
  const daemon = await field.startDaemon('left', name, site, plane);
  const target = { address: numbered(prefix, 2), port: echoPort };
  const answered = await field.left.call('firstAnswer', daemon.key, target, answerPatience);
  found.add(headOf('start', plane, peers), daemon.readyAfter);
  found.add(headOf('first-packet', plane, peers), answered);
  return daemon;
}

function addIdle(found: Collected, plane: Plane, peers: number, { resident, share }: Resident): void {
  found.add(headOf('idle', plane, peers), resident);
  if (!Number.isNaN(share)) found.add(headOf('idle-share', plane, peers), share);
}

/** What a peer more takes, by the two largest configurations. */
function addSlopes(found: Collected, { peers }: Plan, rounds: readonly IdleRound[]): void {
  const [few = 0, many = 0] = peers.slice(-2);
  for (const plane of planes) {
    for (const byPeers of rounds) {
      const [less, more] = [few, many].map((count) => byPeers.get(count)?.get(plane)?.resident ?? Number.NaN);
      const slope = (((more ?? Number.NaN) - (less ?? Number.NaN)) * 1024) / (many - few);
      found.add(
        {
          ...headOf('a-peer', plane),
          formula: `(memory with ${many} − memory with ${few} peers) ÷ ${many - few}`,
        },
        slope,
      );
    }
  }
}

/** All peers but the live one begin a session from one process at the other end. */
async function measureLive(
  field: Field,
  hub: Hub,
  peers: number,
  { settle }: Plan,
  found: Collected,
  signal: AbortSignal,
): Promise<Missing[]> {
  const { plane, keys, others } = hub;
  const { port, prefix } = place[plane];
  const daemon = await startHub(field, hub, peers, new Collected());
  await restFor(settle, signal);
  const before = residentOf(daemon.pid).resident;
  const count = Math.min(others.length, peers - 1);
  const meeting = {
    ...{ count, hub: outer.left, port, ...publicOf(keys), inside: numbered(prefix, 1) },
    ...{ innerPrefix: prefix, outerPrefix: crowdPrefix, rate: meetingRate },
  };
  const met = await field.right.call('meet', meeting, meetingPatience);
  await restFor(settle, signal);
  const after = residentOf(daemon.pid).resident;
  await field.right.call('dismiss');
  await daemon.stop();
  if (met < count) {
    const why = `only ${met} of ${count} peers had a session after ${meetingPatience / 1000} s: this machine is too slow for it, or too busy`;
    return [{ section: 'memory', what: `peers with a session, ${plane} plane`, why }];
  }
  found.add(headOf('live', plane, peers), after);
  found.add(
    {
      ...headOf('a-live-peer', plane),
      formula: `(memory with ${count} sessions − memory before them) ÷ ${count}`,
    },
    ((after - before) * 1024) / count,
  );
  return [];
}

const whats = {
  idle: { words: 'memory, idle', unit: 'MiB' },
  'idle-share': { words: 'memory, idle, without what other programs share', unit: 'MiB' },
  start: { words: 'start to ready', unit: 'ms' },
  'first-packet': { words: 'start to the first packet through the tunnel', unit: 'ms' },
  live: { words: 'memory, all peers connected', unit: 'MiB' },
  'a-peer': { words: 'memory for a peer more in the configuration', unit: 'KiB' },
  'a-live-peer': { words: 'memory for the session of a peer', unit: 'KiB' },
} as const;
type What = keyof typeof whats;

/** The native plane's rows are those others are variants of. */
function headOf(what: What, plane: Plane, peers?: number): RowHead {
  const { words, unit } = whats[what];
  const parts = [
    'memory',
    what,
    ...(peers === undefined ? [] : [String(peers)]),
    ...(plane === 'native' ? [] : [plane]),
  ];
  return {
    id: parts.join('/'),
    title: `${peers === undefined ? '' : `${peersWords(peers)}: `}${words}, ${plane} plane`,
    unit,
    better: 'less',
    labels: { what, plane, ...(peers === undefined ? {} : { peers }) },
  };
}

function peersWords(peers: number): string {
  return peers === 1 ? '1 peer' : `${peers.toLocaleString('en')} peers`;
}

function inOrder(rows: readonly Row[]): Row[] {
  const order = Object.keys(whats);
  const place = ({ labels }: Row): number =>
    planes.indexOf(labels['plane'] as Plane) * order.length + order.indexOf(labels['what'] as What); // `headOf` wrote them
  return rows.toSorted((a, b) => place(a) - place(b));
}

function missing(why: string): Missing {
  return { section: 'memory', what: 'memory and start of daemons', why };
}
