/** How much memory a process holds, as the kernel tells: proc(5). */
import { parseMemory, readProc } from '../measure/proc.ts';

/** MiB. */
export interface Resident {
  /** VmRSS: all its pages that are in memory, those it shares with others too. */
  readonly resident: number;
  /** PSS: its own pages, and of shared ones its part. */
  readonly share: number;
}

/** Throws where the process is gone. */
export function residentOf(pid: number): Resident {
  const resident = parseMemory(readProc(`${pid}/status`) ?? '')?.now;
  const share = parseShare(readProc(`${pid}/smaps_rollup`) ?? '');
  if (resident === undefined) throw new Error('a daemon ended while its memory was read');
  return { resident, share: share ?? Number.NaN };
}

/** PSS in MiB, of /proc/PID/smaps_rollup; `undefined` of a kernel that does not have it. */
export function parseShare(text: string): number | undefined {
  const found = /^Pss:\s*(\d+) kB$/m.exec(text)?.[1];
  return found === undefined ? undefined : Number(found) / 1024;
}
