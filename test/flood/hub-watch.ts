/** What the hub's process and its cable to the first gateway show from outside. */
import { readFileSync } from 'node:fs';
import type { Field } from './field.ts';
import { Program } from './program.ts';

const mebi = 2 ** 20;
/** Clock ticks a second in /proc: USER_HZ is 100 on every Linux. */
const ticksPerSecond = 100;
const sampleEvery = 200;

/** Resident memory of a process in MiB; `undefined` when it is gone. */
export function residentMiB(pid: number | undefined): number | undefined {
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / mebi;
}

/** CPU seconds a process has used, user and system. */
export function cpuSeconds(pid: number | undefined): number {
  const fields = (read(`/proc/${pid}/stat`) ?? '').split(') ')[1]?.split(' ') ?? []; // field 3 on: proc(5)
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
}

/** Datagrams a full socket buffer has cost in the network namespace of a process, both families. */
export function overflows(pid: number | undefined): number {
  const six = Number(/^Udp6RcvbufErrors\s+(\d+)$/m.exec(read(`/proc/${pid}/net/snmp6`) ?? '')?.[1] ?? 0);
  const [names = '', values = ''] = (read(`/proc/${pid}/net/snmp`) ?? '').match(/^Udp: .*$/gm) ?? [];
  const four = values.split(' ')[names.split(' ').indexOf('RcvbufErrors')];
  return six + Number(four ?? 0);
}

/** Samples the resident memory of a process until it is ended; the largest seen. */
export function watchMemory(pid: number | undefined): () => number {
  let most = residentMiB(pid) ?? 0;
  const timer = setInterval(() => {
    most = Math.max(most, residentMiB(pid) ?? 0);
  }, sampleEvery);
  return () => {
    clearInterval(timer);
    return Math.max(most, residentMiB(pid) ?? 0);
  };
}

export interface CableCounters {
  /** Cookie replies and response fragments that came to the gateway, bytes. */
  readonly answerBytes: number;
  readonly cookies: number;
  /** Its own initiation fragments, bytes. */
  readonly initiationBytes: number;
  readonly missed: number;
}

/** Watches the first gateway's cable, and records its initiations into `recording`. */
export function watchCable(field: Field, port: number, recording: string): Promise<Program<CableCounters>> {
  const [first] = field.gateways;
  if (first === undefined) throw new Error('no gateway');
  return Program.start(first.site.namespace, field.traffic, ['watch', 'eth0', port, recording]);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // the process is gone
  }
}
