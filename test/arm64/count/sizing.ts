/**
 * From instructions to megabits: what a board may be expected to do. What was counted is exact; all that turns it into time is assumed,
 * stands here, and is printed beside the result. A board at hand is measured, with `pqtun bench`, and not looked up.
 *
 *   cycles a packet = cipher ÷ cipherPerCycle + (plane + kernel) ÷ otherPerCycle
 *   packets/s       = clock ÷ cycles a packet, of one core that does nothing else
 */
import { type Instructions, instructionsOf, recordId } from './instructions.ts';
import type { cipherLengths } from './plan.ts';

/** Cycles a byte of long texts, as the authors of libcrypto's assembly measured them: the heads of chacha-armv8.pl and poly1305-armv8.pl. */
const publishedCycles = {
  'Cortex-A53': { chacha20: 4.72, poly1305: 1.47 },
  'Cortex-A57': { chacha20: 4.43, poly1305: 1.14 },
} as const;

export interface Board {
  readonly core: string;
  readonly gigahertz: number;
  readonly found: string;
  /** Instructions a cycle of the cipher: published for a core, with the instructions a byte counted here; or assumed. */
  readonly cipher: { readonly publishedFor: keyof typeof publishedCycles } | { readonly assumed: number };
  /** Of everything else: system calls, tables and memory. Assumed. */
  readonly otherPerCycle: number;
}

export const boards: readonly Board[] = [
  {
    core: 'Cortex-A53',
    gigahertz: 1.2,
    found: 'small gateways, industrial routers',
    cipher: { publishedFor: 'Cortex-A53' },
    otherPerCycle: 0.6,
  },
  {
    core: 'Cortex-A72',
    gigahertz: 1.5,
    found: 'compute modules, larger gateways',
    cipher: { publishedFor: 'Cortex-A57' },
    otherPerCycle: 0.9,
  },
  {
    core: 'Cortex-A76',
    gigahertz: 2.4,
    found: 'recent single-board computers',
    cipher: { assumed: 2.4 },
    otherPerCycle: 1.3,
  },
  {
    core: 'Neoverse N1',
    gigahertz: 3,
    found: 'servers, cloud machines',
    cipher: { assumed: 2.4 },
    otherPerCycle: 1.3,
  },
];

export interface Load {
  readonly name: 'bulk' | 'flood' | 'single1420';
  readonly title: string;
  /** Inner packet in bytes. */
  readonly length: 128 | 1420;
  /** Instructions of the kernel a packet: TUN, routing, UDP, and a network card with its driver on the way in and on the way out. Assumed. */
  readonly kernel: number;
}

export const loads: readonly Load[] = [
  {
    name: 'bulk',
    title: 'TCP with all offloads, 1420 B',
    length: 1420,
    kernel: 6_000,
  },
  { name: 'single1420', title: 'no offloads, 1420 B', length: 1420, kernel: 15_000 },
  { name: 'flood', title: 'small packets, 128 B', length: 128, kernel: 10_000 },
];

/** Of a core: what is left to routing, the application and the day on which all that was assumed is wrong. */
export const planWith = 0.6;

export interface Size {
  readonly cipherPerCycle: number;
  readonly cyclesPerPacket: number;
  readonly packetsPerSecond: number;
  /** Of inner packets, of a whole core. */
  readonly megabits: number;
}

/** The engine that a native plane takes by itself on arm64. */
const engine = 'raw';

/** What one core of a board may be expected to move in one direction, that which costs more. */
export function sizeOf(instructions: Instructions, board: Board, load: Load): Size {
  const counted = (id: string): number => instructionsOf(instructions, id, 'arm64');
  const cipherPerCycle = cipherPerCycleOf(instructions, board);
  const cycles = (['send', 'receive'] as const).map((direction) => {
    const cipher = counted(cipherId(load, direction, engine));
    const plane = counted(`plane/${direction}/${load.name}`) - cipher;
    return cipher / cipherPerCycle + (plane + load.kernel) / board.otherPerCycle;
  });
  const cyclesPerPacket = Math.max(...cycles);
  const packetsPerSecond = (board.gigahertz * 1e9) / cyclesPerPacket;
  return {
    cipherPerCycle,
    cyclesPerPacket,
    packetsPerSecond,
    megabits: (packetsPerSecond * load.length * 8) / 1e6,
  };
}

/** What the cipher has to do for a packet of a load. Without offloads what is read is opened one by one; what is sent is sealed together. */
export function cipherId(
  { name, length }: { readonly name: string; readonly length: (typeof cipherLengths)[number] },
  direction: 'send' | 'receive',
  engineName: string,
): string {
  if (direction === 'send') return recordId('seal', engineName, length, 48);
  return recordId('open', engineName, length, name.startsWith('single') ? 1 : 48);
}

/** Of the cycles of a packet, how much those are that were assumed for the kernel. */
export function kernelShare(instructions: Instructions, board: Board, load: Load): number {
  return load.kernel / board.otherPerCycle / sizeOf(instructions, board, load).cyclesPerPacket;
}

/** Handshakes a second that one core may be expected to answer, suite 1. */
export function handshakesPerSecond(instructions: Instructions, board: Board): number {
  const responder = instructionsOf(instructions, 'handshake/node/1/responder', 'arm64');
  return (board.gigahertz * 1e9 * board.otherPerCycle) / responder;
}

export function cipherPerCycleOf(instructions: Instructions, { cipher }: Board): number {
  if ('assumed' in cipher) return cipher.assumed;
  const { chacha20, poly1305 } = publishedCycles[cipher.publishedFor];
  return instructionsPerByte(instructions) / (chacha20 + poly1305);
}

/** Of long texts: what the longest record has more than a usual one, by its bytes. */
export function instructionsPerByte(instructions: Instructions): number {
  const of = (length: number): number =>
    instructionsOf(instructions, recordId('seal', engine, length, 48), 'arm64');
  return (of(9000) - of(1420)) / (9000 - 1420);
}
