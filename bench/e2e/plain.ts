/** Nothing between the two: what this machine's cable carries, and the ceiling of every tunnel here. */
import type { Contestant } from './pair.ts';
import { outer } from './pair.ts';

export const plainCable: Contestant = {
  name: 'veth of the kernel',
  built: 'no tunnel',
  start: async () => ({
    ...outer,
    pids: [],
    offloads: () => 'the kernel’s',
    log: () => '',
    stop: async () => undefined,
  }),
};
