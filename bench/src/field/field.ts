/**
 * Two network namespaces and the cable between them; daemons are started at its ends:
 *
 *   ┌ left ──────────────┐          ┌ right ─────────────┐
 *   │ tunnels            │   veth   │ tunnels            │
 *   │ cable0 192.0.2.1   ├──────────┤ cable0 192.0.2.2   │
 *   └────────────────────┘          └────────────────────┘
 */
import { join } from 'node:path';
import type { Started } from './acts.ts';
import { Namespace } from './namespace.ts';
import { CannotMeasure } from './needs.ts';
import { PrivateFolder } from './private-folder.ts';
import { type Site, writeConfig } from './site.ts';

export const outer = { left: '192.0.2.1', right: '192.0.2.2' } as const;
export type Side = keyof typeof outer;
export type Plane = 'native' | 'portable';
export const planes: readonly Plane[] = ['native', 'portable'];

/** A daemon at an end, ready when it was given out. */
export interface RunningDaemon extends Started {
  /** How acts name it. */
  readonly key: string;
  /** What `pqtun show --json` prints of it. */
  show(): Promise<string>;
  /** Ends it as an operator would. Throws where it does not end in order. */
  stop(): Promise<void>;
}

const cable = 'cable0';
const cableMtu = 1500;
/** What leaves room for the tunnel's own bytes on that cable. */
export const tunnelMtu = 1420;

export class Field implements AsyncDisposable {
  readonly left: Namespace;
  readonly right: Namespace;
  readonly #folder: PrivateFolder;
  readonly #command: string;
  #started = 0;

  private constructor(folder: PrivateFolder, left: Namespace, right: Namespace, command: string) {
    this.#folder = folder;
    this.left = left;
    this.right = right;
    this.#command = command;
  }

  /** `command` starts a daemon. Throws `CannotMeasure` where this machine cannot do it, the signal's reason once that is aborted. */
  static async create(command: string, signal: AbortSignal): Promise<Field> {
    const folder = new PrivateFolder();
    const made: Namespace[] = [];
    try {
      for (const _ of ['left', 'right']) made.push(await Namespace.create(folder.path, signal));
      const [left, right] = made;
      if (left === undefined || right === undefined) throw new Error('a namespace is missing');
      await layCable(left, right, signal);
      return new Field(folder, left, right, command);
    } catch (error) {
      for (const namespace of made) await namespace.close();
      folder[Symbol.dispose]();
      throw error;
    }
  }

  /** Starts a daemon with an interface of this name at an end. Throws what it said when it does not come up. */
  async startDaemon(side: Side, name: string, site: Site, plane: Plane): Promise<RunningDaemon> {
    this.#started += 1;
    const folder = `${side}-${this.#started}`; // fresh: a daemon that finds an earlier one's state has more to do
    this.#folder.make(folder);
    const configFile = writeConfig(this.#folder, join(folder, `${name}.conf`), site);
    const key = `${name}-${this.#started}`;
    const namespace = this[side];
    const path = join(this.#folder.path, folder);
    const started = await namespace.call('startDaemon', key, {
      command: this.#command,
      configFile,
      folder: path,
      plane,
    });
    return {
      ...started,
      key,
      show: () =>
        namespace.call('ask', this.#command, ['show', name, '--json', '--runtime-dir', join(path, 'run')]),
      stop: async () => {
        const log = await namespace.call('daemonLog', key);
        const code = await namespace.call('stopDaemon', key);
        this.#folder.remove(folder);
        if (code !== 0) throw new Error(`the daemon ended with exit code ${code}: ${log}`);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.left.close(), this.right.close()]);
    this.#folder[Symbol.dispose]();
  }
}

async function layCable(left: Namespace, right: Namespace, signal: AbortSignal): Promise<void> {
  try {
    await left.call('veth', cable, cable, right.pid);
    for (const [end, address] of [
      [left, outer.left],
      [right, outer.right],
    ] as const) {
      await end.call('address', cable, `${address}/24`);
      await end.call('up', cable, cableMtu);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new CannotMeasure(
      `no cable between two network namespaces could be made (${error instanceof Error ? error.message : String(error)}): run "modprobe veth"`,
    );
  }
}
