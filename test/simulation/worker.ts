/** Plays the seeds it is sent, one after the other, and sends back what came of each. */
import { parentPort } from 'node:worker_threads';
import { runSeed } from './run.ts';

parentPort?.on('message', (seed: number) => parentPort?.postMessage(runSeed(seed)));
