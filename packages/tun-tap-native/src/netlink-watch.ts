import type { Netlink } from './types.ts';

export type Change = 'link' | 'address' | 'route';
type OnChange = Parameters<Netlink['watch']>[0];

/** The bits of native/netlink_watch.h, in its order. */
const CHANGES: readonly Change[] = ['link', 'address', 'route'];

/** A burst is over when nothing has come for this long: the kernel tells one `link up` in several messages, milliseconds apart. */
export const QUIET_MILLIS = 25;
/** … but a stream of changes that never ends is told this often. */
export const LATEST_MILLIS = 250;

/** Gathers notices of change and hands on one set for each burst. */
export class ChangeBurst {
  readonly #onChange: OnChange;
  #gathered = new Set<Change>();
  #quiet: NodeJS.Timeout | undefined;
  #latest: NodeJS.Timeout | undefined;

  constructor(onChange: OnChange) {
    this.#onChange = onChange;
  }

  /** `bits` as the addon gives them. */
  add(bits: number): void {
    for (const [bit, change] of CHANGES.entries()) {
      if (bits & (1 << bit)) this.#gathered.add(change);
    }
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#tell(), QUIET_MILLIS);
    this.#latest ??= setTimeout(() => this.#tell(), LATEST_MILLIS);
  }

  /** Forgets what was gathered; nothing is told any more unless something is added. */
  close(): void {
    clearTimeout(this.#quiet);
    clearTimeout(this.#latest);
    this.#quiet = undefined;
    this.#latest = undefined;
    this.#gathered = new Set();
  }

  #tell(): void {
    const changes = this.#gathered;
    // First, so that a callback that closes or throws leaves nothing behind.
    this.close();
    this.#onChange(changes);
  }
}
