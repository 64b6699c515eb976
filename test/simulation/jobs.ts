/** Many seeds, on as many threads as wanted. A seed's outcome does not depend on which thread plays it. */
import { Worker } from 'node:worker_threads';
import { type Outcome, runSeed } from './run.ts';

/** Plays each seed once; `onOutcome` hears of each as it ends, which with several jobs is in no order. */
export async function playAll(
  seeds: readonly number[],
  jobs: number,
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  if (jobs === 1) {
    for (const seed of seeds) {
      onOutcome(runSeed(seed));
      await new Promise((resolve) => setImmediate(resolve)); // let signals and the terminal have their turn
    }
    return;
  }
  const left = [...seeds].reverse();
  await Promise.all(Array.from({ length: Math.min(jobs, seeds.length) }, () => work(left, onOutcome)));
}

/** One thread: takes from `left` until it is empty. */
function work(left: number[], onOutcome: (outcome: Outcome) => void): Promise<void> {
  const worker = new Worker(new URL(`./worker${import.meta.url.slice(-3)}`, import.meta.url), {
    execArgv: ['--conditions=pqtun-source'], // whoever started us: a test runner resolves in ways of its own
  });
  return new Promise((resolve, reject) => {
    const next = (): void => {
      const seed = left.pop();
      if (seed === undefined) worker.terminate().then(() => resolve(), reject);
      else worker.postMessage(seed);
    };
    worker.on('message', (outcome: Outcome) => {
      onOutcome(outcome);
      next();
    });
    worker.on('error', reject);
    next();
  });
}
