/** Watches that executions leave nothing behind: live memory after a collection, against what it was in the beginning. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const every = 20_000;
/** Far above what compiled code and a corpus grow by, far below a kilobyte for each of a million executions. */
const mostGrowth = 96 * 1024 * 1024;
const mostResident = 2 * 1024 * 1024 * 1024;

export class MemoryWatch {
  problem: string | undefined;
  #next = every;
  #first: number | undefined;

  look(executions: number): void {
    if (executions < this.#next) return;
    this.#next = executions + every;
    const resident = process.memoryUsage.rss();
    if (resident > mostResident) this.problem = `${megabytes(resident)} MB resident`;
    collect();
    const { heapUsed, external } = process.memoryUsage();
    const live = heapUsed + external;
    this.#first ??= live;
    if (live - this.#first > mostGrowth)
      this.problem = `${megabytes(live - this.#first)} MB more are alive than after ${every} executions`;
  }
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc === 'function') gc();
}

const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);
