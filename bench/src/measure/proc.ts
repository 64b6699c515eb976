/** What /proc says: proc(5). Text in, numbers out; only the last two functions read. */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc: USER_HZ is 100 on every Linux. */
const ticksPerSecond = 100;
/** PF_KTHREAD of the kernel's include/linux/sched.h. */
const kernelThread = 0x0020_0000;

export interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  readonly isKernel: boolean;
  /** User and system time of all its threads, in seconds. */
  readonly cpu: number;
  /** The same of its children that have ended, and of theirs. */
  readonly endedCpu: number;
}

/** A line of /proc/PID/stat. A program's name may hold spaces and brackets: what counts is the last bracket. */
export function parseProcess(text: string): ProcessStat | undefined {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' '); // from field 3 on
  const numbers = [fields[1], fields[6], ...fields.slice(11, 15)].map(Number);
  const [parent, flags, user, system, endedUser, endedSystem] = numbers;
  const pid = Number.parseInt(text, 10);
  if (end < 0 || Number.isNaN(pid)) return undefined;
  if (parent === undefined || flags === undefined || user === undefined || system === undefined)
    return undefined;
  if (endedUser === undefined || endedSystem === undefined || !numbers.every(Number.isFinite))
    return undefined;
  const isKernel = (flags & kernelThread) !== 0;
  return {
    pid,
    name: text.slice(text.indexOf('(') + 1, end),
    parent,
    isKernel,
    cpu: (user + system) / ticksPerSecond,
    endedCpu: (endedUser + endedSystem) / ticksPerSecond,
  };
}

/** Seconds of all CPUs together. */
export interface MachineStat {
  readonly busy: number;
  readonly steal: number;
  readonly total: number;
  readonly cpus: number;
}

/** The first line of /proc/stat. Guests' time is in that of users already. */
export function parseMachine(text: string): MachineStat | undefined {
  const line = /^cpu +(.+)$/m.exec(text)?.[1];
  if (line === undefined) return undefined;
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] = line
    .split(' ')
    .map((ticks) => Number(ticks) / ticksPerSecond);
  const busy = user + nice + system + irq + softirq;
  const cpus = text.match(/^cpu\d+ /gm)?.length ?? 0;
  return { busy, steal, total: busy + steal + idle + wait, cpus };
}

/** Resident memory in MiB, now and at most, of /proc/PID/status. */
export function parseMemory(text: string): { now: number; most: number } | undefined {
  const of = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN) / 1024;
  const [now, most] = [of('VmRSS'), of('VmHWM')];
  return Number.isNaN(now) || Number.isNaN(most) ? undefined : { now, most };
}

/** Of these processes those that `root` began, itself included, by themselves or by others. */
export function familyOf(processes: readonly ProcessStat[], root: number): Set<number> {
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const family = new Set<number>();
  const waiting = [root];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (family.has(pid)) continue;
    family.add(pid);
    waiting.push(...(children.get(pid) ?? []).map((child) => child.pid));
  }
  return family;
}

/** All processes now. */
export function readProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const found = readProc(`${pid}/stat`);
      return parseProcess(found ?? '') ?? [];
    });
}

/** A file below /proc; `undefined` when its process is gone. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
}
