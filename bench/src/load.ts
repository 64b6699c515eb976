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
  const before = new Map(begin.processes.map(({ pid, cpu }) => [pid, cpu]));
  const family = familyOf(end.processes, root);
  const ours = end.processes
    .filter(({ pid, isKernel }) => isKernel || family.has(pid))
    .reduce((sum, { pid, cpu }) => sum + cpu - (before.get(pid) ?? 0), 0);
  return {
    steal: (end.machine.steal - begin.machine.steal) / total,
    foreign: Math.max(0, end.machine.busy - begin.machine.busy - ours) / total,
  };
}

export function isDisturbed({ steal, foreign }: Load): boolean {
  return steal + foreign > mostLoad;
}
