/**
 * One measurement through a running tunnel: traffic, a moment until it is at its pace, a window, and the figures of that window. What
 * arrives is compared with what was sent: a difference is a fault and no figure.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseProcess, readProc } from '../measure/proc.ts';
import type { Target } from './acts.ts';
import type { PingReport } from './echo.ts';
import type { FloodReport } from './flood.ts';
import type { Namespace } from './namespace.ts';
import type { SinkReport, SourceReport } from './stream.ts';

/** A tunnel, from its left end to its right one. */
export interface Path {
  readonly left: Namespace;
  readonly right: Namespace;
  /** Inner addresses. */
  readonly from: string;
  readonly to: string;
  /** Left address on the cable. */
  readonly outside: string;
  /** Of the daemons at both ends. */
  readonly pids: readonly number[];
}

/** Seconds. */
export interface Window {
  readonly settle: number;
  readonly length: number;
}

export interface StreamFigures {
  readonly mbits: number;
  /** CPU seconds of both daemons. */
  readonly cpuPerGB: number;
}

export interface FloodFigures {
  readonly packetsPerSecond: number;
  /** Microseconds of both daemons. */
  readonly cpuPerPacket: number;
}

/** Of UDP payload. */
export const floodSize = 128;
export const pingSize = 64;
/** Milliseconds; between pings the path is idle. */
const pingInterval = 2;
const firstPort = 5_000;
/** Each measurement has a port of its own: what of an earlier one is still in a queue arrives nowhere. */
let measurements = 0;

export async function measureStream(path: Path, window: Window): Promise<StreamFigures> {
  const target = nextTarget(path.from);
  const source = await path.left.call('streamSource', target);
  const sink = await path.right.call('streamSink', target);
  const look = async () => ({
    sink: (await path.right.call('report', sink)) as SinkReport, // `streamSink` reports so
    cpu: cpuOf(path.pids),
  });
  await pause(window.settle * 1000);
  const begin = await look();
  await pause(window.length * 1000);
  const end = await look();
  // The source waits until the sink has all, and the sink until the source ends
  const [sent, received] = (await Promise.all([
    path.left.call('finish', source),
    path.right.call('finish', sink),
  ])) as [SourceReport, SinkReport];
  checkStream(sent, received);
  const bytes = end.sink.bytes - begin.sink.bytes;
  if (bytes === 0) throw new Error('the tunnel passed no byte of a TCP stream while it was measured');
  return {
    mbits: (bytes * 8) / 1e6 / (end.sink.at - begin.sink.at),
    cpuPerGB: (end.cpu - begin.cpu) / (bytes / 1e9),
  };
}

/** Throws where a stream that has ended did not arrive as it was sent. */
export function checkStream(sent: SourceReport, received: SinkReport): void {
  if (received.wrong > 0)
    throw new Error(`a TCP stream through the tunnel had ${received.wrong} pieces that were never sent so`);
  if (sent.bytes !== received.bytes)
    throw new Error(
      `a TCP stream through the tunnel lost bytes: ${sent.bytes} sent, ${received.bytes} arrived`,
    );
}

export async function measureFlood(path: Path, window: Window): Promise<FloodFigures> {
  const flood = { ...nextTarget(path.to), reportTo: path.outside };
  const sink = await path.right.call('floodSink', flood, floodSize);
  const source = await path.left.call('floodSource', flood, floodSize);
  const look = async () => ({
    sink: (await path.right.call('report', sink)) as FloodReport, // `floodSink` reports so
    cpu: cpuOf(path.pids),
  });
  await pause(window.settle * 1000);
  const begin = await look();
  await pause(window.length * 1000);
  const end = await look();
  const sent = (await path.left.call('finish', source)) as { packets: number };
  await untilQuiet(path, sink);
  checkFlood(sent.packets, (await path.right.call('finish', sink)) as FloodReport);
  const packets = end.sink.packets - begin.sink.packets;
  if (packets === 0) throw new Error('the tunnel passed no packet of a flood while it was measured');
  return {
    packetsPerSecond: packets / (end.sink.at - begin.sink.at),
    cpuPerPacket: ((end.cpu - begin.cpu) * 1e6) / packets,
  };
}

/** Throws where something arrived that was not sent. Some losses are the nature of UDP as fast as it goes. */
export function checkFlood(sent: number, { packets, wrong, repeated }: FloodReport): void {
  if (wrong > 0) throw new Error(`${wrong} packets came out of the tunnel that were never sent so`);
  if (repeated > 0) throw new Error(`${repeated} packets came out of the tunnel twice`);
  if (packets > sent) throw new Error(`${packets} packets came out of the tunnel, and ${sent} were sent`);
}

/** Round trips in milliseconds. */
export async function measureIdle(path: Path, window: Window): Promise<readonly number[]> {
  const target = nextTarget(path.to);
  const echo = await path.right.call('echo', target);
  const pings = await path.left.call('pings', target, pingSize, pingInterval);
  await pause(window.settle * 1000);
  await path.left.call('report', pings);
  await pause(window.length * 1000);
  const found = (await path.left.call('finish', pings)) as PingReport; // `pings` reports so
  await path.right.call('finish', echo);
  checkPings(found);
  return found.roundTrips;
}

/** Throws where more than one in a hundred was lost on an idle path. */
export function checkPings({ sent, roundTrips }: PingReport): void {
  const lost = sent - roundTrips.length;
  if (roundTrips.length === 0) throw new Error('no answer came back through an idle tunnel');
  if (lost > sent / 100) throw new Error(`${lost} of ${sent} packets were lost in an idle tunnel`);
}

/** Until a flood's queues are empty, two seconds at most: its rest is not the next measurement's. */
async function untilQuiet({ right }: Path, sink: number): Promise<void> {
  let before = -1;
  for (let tries = 0; tries < 40; tries++) {
    const { packets } = (await right.call('report', sink)) as FloodReport;
    if (packets === before) return;
    before = packets;
    await pause(50);
  }
}

function nextTarget(address: string): Target {
  measurements += 1;
  return { address, port: firstPort + (measurements % 20_000) };
}

/** User and system seconds of all of them. */
function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const found = parseProcess(readProc(`${pid}/stat`) ?? '');
    if (found === undefined) throw new Error('a daemon ended while it was measured');
    return sum + found.cpu;
  }, 0);
}
