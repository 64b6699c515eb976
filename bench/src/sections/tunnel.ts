/**
 * Whole tunnels between two daemons of this machine, over both planes, in turns: TCP, small packets, round trips. Both daemons
 * and the programs that send and receive share its CPUs, so a figure is less than a machine at one end would reach. Labels: `plane`,
 * `what` (tcp, udp128, idle), `figure`, `aead`.
 */
import { nodeSuite } from '@pqtun/core/node';
import { Collected, type RowHead } from '../field/collected.ts';
import {
  Field,
  outer,
  type Plane,
  planes,
  type RunningDaemon,
  type Side,
  tunnelMtu,
} from '../field/field.ts';
import { CannotMeasure, needsHere, whyNot } from '../field/needs.ts';
import { dataPathOf } from '../field/shown.ts';
import { SiteKeys } from '../field/site.ts';
import {
  floodSize,
  measureFlood,
  measureIdle,
  measureStream,
  type Path,
  pingSize,
  type Window,
} from '../field/window.ts';
import type { Row } from '../result.ts';
import type { BenchOptions, Context, Found, Section } from '../section.ts';

export const tunnelSection: Section = {
  id: 'tunnel',
  title: 'Whole tunnels on this machine: both daemons and the programs that send and receive share its CPUs',
  isDefault: true,
  estimate: (options) => setUpTime + secondsOf(planOf(options)),
  run: async (context) => {
    const why = whyNot(needsHere(context.options.daemonCommand));
    if (why !== undefined) return missing(why);
    try {
      return { rows: await measureTunnels(context) };
    } catch (error) {
      if (error instanceof CannotMeasure) return missing(error.message);
      throw error;
    }
  },
};

const kinds = ['tcp', 'udp128', 'idle'] as const;
type Kind = (typeof kinds)[number];

/** Seconds for namespaces, four daemons, and their end. */
const setUpTime = 3.5;
/** Seconds for starting and ending a measurement's programs. */
const overhead = 0.08;

interface Plan {
  readonly rounds: number;
  /** Compilers, buffers and the path find their pace; no figure. */
  readonly warmUp: Window;
  readonly window: Window;
}

/** As many rounds as intervals need, so that their windows are long enough for the ticks in which CPU time is counted. */
export function planOf({ quick, rounds }: Pick<BenchOptions, 'quick' | 'rounds'>): Plan {
  return quick
    ? {
        rounds: Math.min(rounds, 2),
        warmUp: { settle: 0, length: 0.1 },
        window: { settle: 0.05, length: 0.1 },
      }
    : {
        rounds: Math.min(rounds, 5),
        warmUp: { settle: 0, length: 0.3 },
        window: { settle: 0.1, length: 0.45 },
      };
}

function secondsOf({ rounds, warmUp, window }: Plan): number {
  const each = ({ settle, length }: Window): number => settle + length + overhead;
  return planes.length * kinds.length * (each(warmUp) + rounds * each(window));
}

async function measureTunnels(context: Context): Promise<Row[]> {
  const { options, signal } = context;
  const plan = planOf(options);
  context.progress(0, 'two daemons for each data plane');
  await using field = await Field.create(options.daemonCommand, signal);
  const tunnels: Tunnel[] = [];
  for (const plane of planes) tunnels.push(await startTunnel(field, plane));
  const turns = tunnels.flatMap((tunnel) => kinds.map((kind) => ({ tunnel, kind })));
  const steps = turns.length * (plan.rounds + 1);
  const found = new Collected();
  let done = 0;
  for (let round = 0; round <= plan.rounds; round++) {
    for (const { tunnel, kind } of round % 2 === 0 ? turns : turns.toReversed()) {
      signal.throwIfAborted();
      context.progress(done++ / steps, `${tunnel.plane} plane, ${words[kind]}`);
      if (round === 0) await measure(tunnel, kind, plan.warmUp, new Collected());
      else await measure(tunnel, kind, plan.window, found);
    }
  }
  for (const { daemons } of tunnels) await Promise.all(daemons.map((daemon) => daemon.stop()));
  return inOrder(found.rows('tunnel'));
}

interface Tunnel extends Path {
  readonly plane: Plane;
  /** What seals packets, as the daemon says. */
  readonly aead: string;
  readonly daemons: readonly RunningDaemon[];
}

/** Inner addresses, ports and names of a plane's tunnel: both tunnels are there at once, one of them busy. */
const inner = {
  native: { name: 'pqn0', port: 51_820, left: '10.88.0.1', right: '10.88.0.2' },
  portable: { name: 'pqp0', port: 51_821, left: '10.89.0.1', right: '10.89.0.2' },
} as const;
const other = { left: 'right', right: 'left' } as const;

async function startTunnel(field: Field, plane: Plane): Promise<Tunnel> {
  const { name, port, ...addresses } = inner[plane];
  const crypto = nodeSuite();
  using left = new SiteKeys(crypto);
  using right = new SiteKeys(crypto);
  const keys = { left, right };
  const start = (side: Side): Promise<RunningDaemon> => {
    const far = other[side];
    const { publicKey, kemPublicKey } = keys[far];
    const peer = {
      publicKey,
      kemPublicKey,
      allowedIps: `${addresses[far]}/32`,
      endpoint: `${outer[far]}:${port}`,
    };
    const site = { keys: keys[side], address: `${addresses[side]}/24`, port, mtu: tunnelMtu, peers: [peer] };
    return field.startDaemon(side, name, site, plane);
  };
  const daemons = [await start('left'), await start('right')];
  const path = {
    ...{ left: field.left, right: field.right, outside: outer.left },
    ...{ from: addresses.left, to: addresses.right },
  };
  const shown = dataPathOf((await daemons[0]?.show()) ?? '{}');
  if (shown.plane !== plane)
    throw new Error(`the daemon was told to use the ${plane} plane and runs the ${shown.plane} one`);
  await firstAnswer(path, daemons[0]);
  return { ...path, plane, aead: shown.aead, daemons, pids: daemons.map(({ pid }) => pid) };
}

/** The first packet makes the session; a measurement is not begun before. */
async function firstAnswer(
  { left, right, to }: Omit<Path, 'pids'>,
  daemon: RunningDaemon | undefined,
): Promise<void> {
  const target = { address: to, port: 4_999 };
  const echo = await right.call('echo', target);
  await left.call('firstAnswer', daemon?.key ?? '', target, 20_000);
  await right.call('finish', echo);
}

async function measure(tunnel: Tunnel, kind: Kind, window: Window, into: Collected): Promise<void> {
  switch (kind) {
    case 'tcp': {
      const { mbits, cpuPerGB } = await measureStream(tunnel, window);
      into.add(headOf(tunnel, kind, 'mbits'), mbits);
      into.add(headOf(tunnel, kind, 'cpu-per-gb'), cpuPerGB);
      return;
    }
    case 'udp128': {
      const { packetsPerSecond, cpuPerPacket } = await measureFlood(tunnel, window);
      into.add(headOf(tunnel, kind, 'packets'), packetsPerSecond);
      into.add(headOf(tunnel, kind, 'cpu-per-packet'), cpuPerPacket);
      return;
    }
    case 'idle':
      into.addSamples(headOf(tunnel, kind, 'round-trip'), await measureIdle(tunnel, window));
      return;
    default:
      throw new Error(`no such measurement: ${kind satisfies never}`);
  }
}

/** What is at work, while it is. */
const words = {
  tcp: 'one TCP stream',
  udp128: `packets of ${floodSize} B as fast as they get through`,
  idle: `a packet of ${pingSize} B every 2 ms`,
} as const;

const figures = {
  mbits: { words: 'one TCP stream', unit: 'Mbit/s', better: 'more' },
  'cpu-per-gb': { words: 'one TCP stream, CPU of both daemons', unit: 's/GB', better: 'less' },
  packets: { words: `packets of ${floodSize} B delivered`, unit: 'packets/s', better: 'more' },
  'cpu-per-packet': {
    words: `packets of ${floodSize} B, CPU of both daemons for each`,
    unit: 'µs',
    better: 'less',
  },
  'round-trip': { words: 'idle round trip', unit: 'ms', better: 'less' },
} as const;

function headOf({ plane, aead }: Tunnel, kind: Kind, figure: keyof typeof figures): RowHead {
  const { words: what, unit, better } = figures[figure];
  return {
    id: `tunnel/${plane}/${kind}/${figure}`,
    title: `${plane} plane, ${what}`,
    unit,
    better,
    labels: { plane, what: kind, figure, aead },
    ...(kind === 'udp128' ? { bytes: floodSize } : kind === 'idle' ? { bytes: pingSize } : {}),
  };
}

/** Rounds run both ways; a table begins with the native plane. */
function inOrder(rows: readonly Row[]): Row[] {
  const place = ({ labels }: Row): number =>
    planes.indexOf(labels['plane'] as Plane) * kinds.length + kinds.indexOf(labels['what'] as Kind); // `headOf` wrote them
  return rows.toSorted((a, b) => place(a) - place(b));
}

function missing(why: string): Found {
  return { rows: [], missing: [{ section: 'tunnel', what: 'whole tunnels', why }] };
}
