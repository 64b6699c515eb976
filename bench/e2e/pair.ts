/**
 * Two network namespaces and the cable between them:
 *
 *   ┌ left ──────────────┐          ┌ right ─────────────┐
 *   │ tunnel 10.88.0.1   │   veth   │ tunnel 10.88.0.2   │   what is measured goes from left to right,
 *   │ eth0   192.0.2.1   ├──────────┤ eth0   192.0.2.2   │   echoes and acknowledgements come back
 *   └────────────────────┘          └────────────────────┘
 *
 * Each program has a pair of its own, and all run at once, one of them busy: a round measures a row of all within a minute.
 */
import { Namespace } from '../../test/kit/lab/namespace.ts';

export const outer = { left: '192.0.2.1', right: '192.0.2.2' } as const;
export const inner = { left: '10.88.0.1', right: '10.88.0.2' } as const;
export const tunnelMtu = 1420;
export const cableMtu = 1500;

export class Pair {
  readonly left: Namespace;
  readonly right: Namespace;

  private constructor(left: Namespace, right: Namespace) {
    this.left = left;
    this.right = right;
  }

  static async create(): Promise<Pair> {
    const left = await Namespace.create('left');
    try {
      const right = await Namespace.create('right');
      const pair = new Pair(left, right);
      try {
        await left.help('veth', 'eth0', 'eth0', right.pid);
        await left.help('configure', 'eth0', [`${outer.left}/24`], cableMtu);
        await right.help('configure', 'eth0', [`${outer.right}/24`], cableMtu);
        return pair;
      } catch (error) {
        await right.close();
        throw error;
      }
    } catch (error) {
      await left.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.left.close(), this.right.close()]);
  }
}

/** A started tunnel between the two, or the bare cable. */
export interface Tunnel {
  /** Of both ends; empty for the cable. */
  readonly pids: readonly number[];
  /** Addresses of what goes through it. */
  readonly left: string;
  readonly right: string;
  /** Which offloads are active, in the program's words. */
  offloads(): string;
  /** The last of what both ends have printed. */
  log(): string;
  /** Ends both ends; what was wrong with how they ended, if anything. */
  stop(): Promise<string | undefined>;
}

/** A program that can be measured: how it is started between the ends of a pair. */
export interface Contestant {
  readonly name: string;
  readonly built: string;
  start(pair: Pair): Promise<Tunnel>;
}
