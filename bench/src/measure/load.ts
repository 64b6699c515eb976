/** Whether something else ran while we measured: time the host took from this machine, and CPU of processes that are not ours. */
import {
  familyOf,
  type MachineStat,
  type ProcessStat,
  parseMachine,
  readProc,
  readProcesses,
} from './proc.ts';

export interface Moment {
  readonly machine: MachineStat;
  readonly processes: readonly ProcessStat[];
}

/** Shares of all CPU time there was. */
export interface Load {
  readonly steal: number;
  readonly foreign: number;
}

/** More than this, stolen and foreign together, and a measurement is not trusted. */
export const mostLoad = 0.1;

export function moment(): Moment {
  const machine = parseMachine(readProc('stat') ?? '');
  if (machine === undefined) throw new Error('/proc/stat is not as proc(5) says');
  return { machine, processes: readProcesses() };
}

/**
 * What ran between two moments beside the family of `root`. Threads of the kernel are counted with the family: it is our packets
 * they move. Taken as a rest, so that processes are seen that came and went between the moments; counted in ticks, so that a few
 * hundredths mean nothing.
 */
export function loadBetween(begin: Moment, end: Moment, root: number): Load {
  const total = end.machine.total - begin.machine.total;
  if (total <= 0) return { steal: 0, foreign: 0 };
  const before = new Map(begin.processes.map((process) => [process.pid, ofIt(process)]));
  const family = familyOf(end.processes, root);
  const ours = end.processes
    .filter(({ pid, isKernel }) => isKernel || family.has(pid))
    .reduce((sum, process) => sum + ofIt(process) - (before.get(process.pid) ?? 0), 0);
  return {
    steal: (end.machine.steal - begin.machine.steal) / total,
    foreign: Math.max(0, end.machine.busy - begin.machine.busy - ours) / total,
  };
}

/** Its CPU, and that of its children that are gone. */
function ofIt({ cpu, endedCpu }: ProcessStat): number {
  return cpu + endedCpu;
}

export interface Busy {
  readonly name: string;
  /** Of one CPU. */
  readonly share: number;
}

/** Programs that are not of the family of `root`, the busiest first; those of one name together, and those that were gone by the end. */
export function busiestBetween(begin: Moment, end: Moment, root: number): Busy[] {
  const seconds = (end.machine.total - begin.machine.total) / Math.max(1, end.machine.cpus);
  if (seconds <= 0) return [];
  const before = new Map(begin.processes.map(({ pid, cpu }) => [pid, cpu]));
  const family = familyOf(end.processes, root);
  const shares = new Map<string, number>();
  for (const { pid, name, isKernel, cpu } of end.processes) {
    if (isKernel || family.has(pid)) continue;
    shares.set(name, (shares.get(name) ?? 0) + (cpu - (before.get(pid) ?? 0)) / seconds);
  }
  const all = (loadBetween(begin, end, root).foreign * (end.machine.total - begin.machine.total)) / seconds;
  const named = [...shares.values()].reduce((sum, share) => sum + share, 0);
  shares.set('short-lived ones', Math.max(0, all - named));
  return [...shares].map(([name, share]) => ({ name, share })).sort((a, b) => b.share - a.share);
}

export function isDisturbed({ steal, foreign }: Load): boolean {
  return steal + foreign > mostLoad;
}
