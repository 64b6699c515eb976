/**
 * One measurement: traffic of a row through a started tunnel, for so many seconds after a warm-up.
 *
 *  1 sinks, then sources           traffic.ts
 *  2 warm-up: slow start, the garbage collector's first heap, the compiler
 *  3 counters, CPU time, load; the window; the same again
 *  4 what grew, over the time between the two; the sink's clock where bytes are counted
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Load, loadBetween, moment } from '../src/measure/load.ts';
import { parseMemory, parseProcess, readProc } from '../src/measure/proc.ts';
import type { FigureId, RowId } from './catalog.ts';
import type { Pair, Tunnel } from './pair.ts';
import { Traffic, type UdpCounters } from './traffic.ts';

export interface Means {
  /** The compiled traffic program. */
  readonly traffic: string;
  readonly seconds: number;
  readonly warmUp: number;
  /** Compares every byte that arrives, not only some of each read: costs the sink time, so not where it is measured. */
  readonly comparesAll: boolean;
}

export interface Found {
  readonly figures: Readonly<Partial<Record<FigureId, number>>>;
  readonly faults: readonly string[];
  readonly load: Load;
}

/** What one end of the window looks like, and the figures of both. */
type Look<T> = { readonly counters: T; readonly cpu: number };

/** µs between pings: the path is idle in between, and four seconds have two thousand. */
const pingInterval = 2_000;
const feature = 'tx-udp-segmentation';

/** Throws where traffic does not get through at all, or an end of the tunnel is gone. */
export async function measure(row: RowId, pair: Pair, tunnel: Tunnel, means: Means): Promise<Found> {
  switch (row) {
    case 'tcp1':
      return bulk(pair, tunnel, means, 1);
    case 'tcp4':
      return bulk(pair, tunnel, means, 4);
    case 'flood128':
      return flood(pair, tunnel, means, 128);
    case 'flood1300':
      return flood(pair, tunnel, means, 1300);
    case 'idle':
      return idle(pair, tunnel, means);
    case 'loaded':
      return loaded(pair, tunnel, means);
    case 'nogso':
      return withoutSegmentation(pair, tunnel, means);
    case 'memory':
      return memoryOf(tunnel);
    default:
      throw new Error(`no such row: ${row satisfies never}`);
  }
}

/** Until an echo comes back through the tunnel. Throws after `patience` s. */
export async function untilUp(pair: Pair, tunnel: Tunnel, traffic: string, patience = 30): Promise<void> {
  await using programs = new Traffic(traffic);
  const end = performance.now() + patience * 1000;
  await programs.echo(pair.right, tunnel.right);
  const pings = await programs.pings(pair.left, tunnel.right, 50_000);
  while (performance.now() < end) {
    await pause(100);
    if ((await pings.report()).answered > 0) return;
  }
  throw new Error(`no echo through the tunnel within ${patience} s\n${tunnel.log()}`);
}

async function bulk(pair: Pair, tunnel: Tunnel, means: Means, streams: number): Promise<Found> {
  await using traffic = new Traffic(means.traffic);
  const sink = await traffic.tcpSink(pair.right, tunnel.right, means.comparesAll);
  await traffic.tcpSource(pair.left, tunnel.right, streams);
  const { begin, end, load } = await window(tunnel, means, () => sink.report());
  const bytes = end.counters.bytes - begin.counters.bytes;
  return {
    figures: {
      gbits: (bytes * 8) / 1e9 / (end.counters.at - begin.counters.at),
      ...perPiece(tunnel, 'cpuPerGB', end.cpu - begin.cpu, bytes / 1e9),
    },
    faults: [
      ...(bytes > 0 ? [] : ['no byte arrived']),
      ...(end.counters.wrong === 0 ? [] : [`${end.counters.wrong} reads with bytes that were never sent so`]),
    ],
    load,
  };
}

async function flood(pair: Pair, tunnel: Tunnel, means: Means, size: number): Promise<Found> {
  await using traffic = new Traffic(means.traffic);
  const sink = await traffic.udpSink(pair.right, tunnel.right, size);
  await traffic.udpSource(pair.left, tunnel.right, size, 0);
  const { begin, end, load } = await window(tunnel, means, () => sink.report());
  const packets = end.counters.packets - begin.counters.packets;
  const seconds = end.counters.at - begin.counters.at;
  return {
    figures: {
      kpps: packets / 1000 / seconds,
      gbits: (packets * size * 8) / 1e9 / seconds,
      ...perPiece(tunnel, 'cpuPerPacket', end.cpu - begin.cpu, packets / 1e6),
    },
    faults: floodFaults(packets, end.counters),
    load,
  };
}

function floodFaults(packets: number, { wrong, repeated }: UdpCounters): string[] {
  return [
    ...(packets > 0 ? [] : ['no datagram arrived']),
    ...(wrong === 0 ? [] : [`${wrong} datagrams that were never sent so`]),
    ...(repeated === 0 ? [] : [`${repeated} datagrams that arrived twice`]),
  ];
}

async function idle(pair: Pair, tunnel: Tunnel, means: Means): Promise<Found> {
  await using traffic = new Traffic(means.traffic);
  await traffic.echo(pair.right, tunnel.right);
  const pings = await traffic.pings(pair.left, tunnel.right, pingInterval);
  const { end, load } = await window(tunnel, means, () => pings.report());
  const { p50, p99, answered, sent } = end.counters;
  const lost = answered < sent * 0.99 ? [`${sent - answered} of ${sent} idle pings were lost`] : [];
  return { figures: { p50, p99 }, faults: answered > 0 ? lost : ['no ping was answered'], load };
}

/** Pings beside a full stream, from the same end. */
async function loaded(pair: Pair, tunnel: Tunnel, means: Means): Promise<Found> {
  await using traffic = new Traffic(means.traffic);
  const sink = await traffic.tcpSink(pair.right, tunnel.right, means.comparesAll);
  await traffic.echo(pair.right, tunnel.right);
  await traffic.tcpSource(pair.left, tunnel.right, 1);
  const pings = await traffic.pings(pair.left, tunnel.right, pingInterval);
  const both = async () => ({ bytes: await sink.report(), pings: await pings.report() });
  const { begin, end, load } = await window(tunnel, means, both);
  const { p50, p99, answered } = end.counters.pings;
  const bytes = end.counters.bytes.bytes - begin.counters.bytes.bytes;
  return {
    figures: {
      ...(answered > 0 ? { p50, p99 } : {}),
      gbits: (bytes * 8) / 1e9 / (end.counters.bytes.at - begin.counters.bytes.at),
    },
    faults: answered > 0 ? [] : ['no ping was answered'],
    load,
  };
}

/** A cable whose device does not cut UDP super-frames, as most real ones do not: the kernel cuts them, and they arrive one by one. */
async function withoutSegmentation(pair: Pair, tunnel: Tunnel, means: Means): Promise<Found> {
  await using traffic = new Traffic(means.traffic);
  const both = [pair.left, pair.right];
  try {
    for (const end of both) {
      if (await traffic.offload(end, 'eth0', feature, false)) throw new Error(`${feature} stays on`);
    }
    return await bulk(pair, tunnel, means, 1);
  } finally {
    for (const end of both) await traffic.offload(end, 'eth0', feature, true);
  }
}

/** The larger of both ends. */
async function memoryOf({ pids }: Tunnel): Promise<Found> {
  const ends = pids.map((pid) => {
    const found = parseMemory(readProc(`${pid}/status`) ?? '');
    if (found === undefined) throw new Error('an end of the tunnel is gone');
    return found;
  });
  const figures =
    ends.length === 0
      ? {}
      : {
          memory: Math.max(...ends.map(({ now }) => now)),
          memoryMost: Math.max(...ends.map(({ most }) => most)),
        };
  return { figures, faults: [], load: { steal: 0, foreign: 0 } };
}

async function window<T>(
  tunnel: Tunnel,
  { seconds, warmUp }: Means,
  look: () => Promise<T>,
): Promise<{ begin: Look<T>; end: Look<T>; load: Load }> {
  await pause(warmUp * 1000);
  const before = moment();
  const begin = { counters: await look(), cpu: cpuOf(tunnel) };
  await pause(seconds * 1000);
  const end = { counters: await look(), cpu: cpuOf(tunnel) };
  return { begin, end, load: loadBetween(before, moment(), process.pid) };
}

/** User and system seconds of both ends. */
function cpuOf({ pids }: Tunnel): number {
  return pids.reduce((sum, pid) => {
    const found = parseProcess(readProc(`${pid}/stat`) ?? '');
    if (found === undefined) throw new Error('an end of the tunnel is gone');
    return sum + found.cpu;
  }, 0);
}

/** The bare cable has no CPU time of its own to tell, and nothing can be divided by nothing. */
function perPiece(
  { pids }: Tunnel,
  name: 'cpuPerGB' | 'cpuPerPacket',
  cpu: number,
  pieces: number,
): Partial<Record<FigureId, number>> {
  return pids.length === 0 || pieces === 0 ? {} : { [name]: cpu / pieces };
}
