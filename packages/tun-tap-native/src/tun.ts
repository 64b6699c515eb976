import {
  checkArray,
  checkFunction,
  checkObject,
  checkOneOf,
  checkOptionalInteger,
  checkString,
  outOfRange,
} from './arguments.ts';
import { loadBinding, type TunHandle } from './binding.ts';
import type { Tun, TunCounters, TunOptions } from './types.ts';

/** Kernel's IFNAMSIZ without the terminating zero. */
const longestName = 15;
/** PacketPosition of native/tun.h in 32-bit words: offset, length. */
const positionWords = 2;

/**
 * Opens a TUN or TAP device: creates it, attaches to a persistent one of that name, or adopts `options.fd`. A descriptor
 * stays the caller's when this throws. Needs CAP_NET_ADMIN; errors of the system carry `code` (`EPERM`, `EBUSY`, …).
 */
export function openTun(options: TunOptions = {}): Tun {
  checkObject('options', options);
  const kind =
    options.kind === undefined ? undefined : checkOneOf('options.kind', options.kind, ['tun', 'tap']);
  const name =
    options.name === undefined ? `${kind ?? 'tun'}%d` : checkDeviceName('options.name', options.name);
  const handle = loadBinding().openTun(
    name,
    kind === 'tap',
    checkOptionalInteger('options.fd', options.fd, 0, 0x7fffffff, -1),
    checkOptionalInteger('options.headroom', options.headroom, 0, 256, 0),
    checkOptionalInteger('options.tailroom', options.tailroom, 0, 256, 0),
    checkOptionalInteger('options.batch', options.batch, 1, 256, 64),
  );
  return new NativeTun(handle);
}

/** A name the kernel will take for an interface; `argument` is for the error. */
export function checkDeviceName(argument: string, value: unknown): string {
  const name = checkString(argument, value);
  const length = new TextEncoder().encode(name).length;
  // The rules of dev_valid_name in net/core/dev.c, and no other use of % than the one dev_alloc_name knows.
  const legal = !/[\s/:\0]/.test(name) && name !== '.' && name !== '..' && !/%(?!d)|%d.*%d/.test(name);
  if (length < 1 || length > longestName || !legal) {
    throw outOfRange(
      argument,
      `1 to ${longestName} bytes without space, slash or colon, with at most one %d`,
      JSON.stringify(name),
    );
  }
  return name;
}

class NativeTun implements Tun {
  readonly name: string;
  readonly kind: 'tun' | 'tap';
  readonly interfaceIndex: number;
  readonly #handle: TunHandle;
  #fd: number;
  /** Mapped on the first start; a device that only writes needs none. */
  #buffers: { readonly slab: ArrayBuffer; readonly table: Uint32Array } | undefined;

  constructor(handle: TunHandle) {
    const info = loadBinding().tunInfo(handle);
    this.#handle = handle;
    this.name = info.name;
    this.kind = info.tap ? 'tap' : 'tun';
    this.interfaceIndex = info.interfaceIndex;
    this.#fd = info.fd;
  }

  get fd(): number {
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd < 0;
  }

  start(
    onPackets: (packets: readonly Uint8Array[]) => void,
    onError: (error: NodeJS.ErrnoException) => void,
  ): void {
    checkFunction('onPackets', onPackets);
    checkFunction('onError', onError);
    const { slab, table } = this.#map();
    const deliver = (count: number): void => {
      const packets: Uint8Array[] = [];
      for (let word = 0; word < count * positionWords; word += positionWords) {
        packets.push(new Uint8Array(slab, table[word], table[word + 1]));
      }
      onPackets(packets);
    };
    loadBinding().tunStart(this.#handle, deliver, onError);
  }

  stop(): void {
    loadBinding().tunStop(this.#handle);
  }

  write(packets: readonly Uint8Array[]): number {
    checkArray('packets', packets);
    return loadBinding().tunWrite(this.#handle, packets);
  }

  counters(): TunCounters {
    return loadBinding().tunCounters(this.#handle);
  }

  close(): void {
    this.#fd = -1;
    loadBinding().tunClose(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #map(): { readonly slab: ArrayBuffer; readonly table: Uint32Array } {
    if (this.#buffers === undefined) {
      const [slab, table] = loadBinding().tunBuffers(this.#handle);
      this.#buffers = { slab, table: new Uint32Array(table) };
    }
    return this.#buffers;
  }
}
