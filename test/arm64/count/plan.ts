/** What is counted. */
import type { SuiteId } from '@pqtun/core';

/** Lengths of records, in bytes of inner packet. */
export const cipherLengths = [64, 128, 256, 512, 1280, 1420, 9000] as const;
/** Records sealed or opened by one call: one, and the train of a super-frame. */
export const batches = [1, 48] as const;
export const engines = ['evp', 'raw', 'multibuffer'] as const;

/** Turns of the whole plane: so many packets of so many bytes are read, and flushed. */
export const planeLoads = [
  { name: 'bulk', packets: 45, length: 1420, offloads: true, title: 'TCP in super-frames, 1420 B packets' },
  { name: 'flood', packets: 64, length: 128, offloads: true, title: 'UDP, 128 B packets, 64 a turn' },
  {
    name: 'single1420',
    packets: 16,
    length: 1420,
    offloads: false,
    title: 'UDP, 1420 B packets, no offload',
  },
  { name: 'single128', packets: 16, length: 128, offloads: false, title: 'UDP, 128 B packets, no offload' },
] as const;

/** JavaScript is compiled while it runs, the longer the better: so many handshakes are made before any is counted. */
export const handshakePlans: readonly {
  readonly backEnd: 'node' | 'noble';
  readonly suite: SuiteId;
  readonly warmUp: number;
  readonly wanted: number;
}[] = [
  { backEnd: 'node', suite: 1, warmUp: 150, wanted: 101 },
  { backEnd: 'node', suite: 2, warmUp: 100, wanted: 101 },
  { backEnd: 'noble', suite: 1, warmUp: 15, wanted: 15 },
];
