/** What a tunnel stands on for its whole life: cryptography, clock, names, state. */
import { type Suite, selfTest } from '@pqtun/core';
import type { OpenOptions } from './api.ts';
import type { Clock } from './clock.ts';
import type { Native } from './native.ts';
import type { Lookup } from './resolve.ts';

export interface Runtime {
  readonly suite: Suite;
  readonly clock: Clock;
  /** The addon where it is used: `undefined` with portable UDP and a device of the caller's. */
  readonly native: Native | undefined;
  readonly lookup: Lookup;
  readonly state: OpenOptions['state'];
  readonly initiateOnStart: boolean;
}

const tested = new Set<string>();

/** Loads a back end and, once in a process, runs its known answers. Throws `PQTUN_SELF_TEST`. */
export async function loadSuite(name: 'node' | 'noble'): Promise<Suite> {
  const suite =
    name === 'node'
      ? (await import('@pqtun/core/node')).nodeSuite()
      : (await import('@pqtun/core/noble')).nobleSuite();
  if (!tested.has(name)) selfTest(suite);
  tested.add(name);
  return suite;
}
