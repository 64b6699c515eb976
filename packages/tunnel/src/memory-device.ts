/** Two devices back to back, in memory: what is written to one comes out of the other. For embedding and for tests. */
import type { PacketDevice } from './api.ts';

export interface MemoryDeviceOptions {
  readonly name?: string;
  /** Bytes. Default 1420. */
  readonly mtu?: number;
  /** Packets waiting at one end at most; more are lost, the newest first, as on a network card. Default 4096. */
  readonly queue?: number;
}

/**
 * Makes a pair of devices. Give `device` to `openTunnel` and use `outside` yourself: `outside.write` sends packets into the
 * tunnel, `outside.start` takes what comes out. Packets are copied; they are delivered in a later turn of the event loop, in
 * order, as a batch, so that no write calls back into its writer. Packets written before the other end has started wait.
 */
export function memoryDevice(options: MemoryDeviceOptions = {}): {
  device: PacketDevice;
  outside: PacketDevice;
} {
  const { name = 'memory', mtu = 1420, queue = 4096 } = options;
  const device = new MemoryEnd(name, mtu, queue);
  const outside = new MemoryEnd(`${name}-outside`, mtu, queue);
  device.connect(outside);
  outside.connect(device);
  return { device, outside };
}

class MemoryEnd implements PacketDevice {
  readonly name: string;
  readonly mtu: number;
  readonly #most: number;
  #other: MemoryEnd | undefined;
  #waiting: Uint8Array[] = [];
  #onPackets: ((packets: readonly Uint8Array[]) => void) | undefined;
  #delivery: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(name: string, mtu: number, most: number) {
    this.name = name;
    this.mtu = mtu;
    this.#most = most;
  }

  connect(other: MemoryEnd): void {
    this.#other = other;
  }

  start(onPackets: (packets: readonly Uint8Array[]) => void): void {
    this.#onPackets = onPackets;
    this.#schedule();
  }

  write(packets: readonly Uint8Array[]): void {
    if (!this.#closed) this.#other?.receive(packets);
  }

  close(): void {
    this.#closed = true;
    this.#onPackets = undefined;
    this.#waiting = [];
    clearImmediate(this.#delivery);
    this.#delivery = undefined;
  }

  receive(packets: readonly Uint8Array[]): void {
    if (this.#closed) return;
    for (const packet of packets) {
      if (this.#waiting.length < this.#most) this.#waiting.push(new Uint8Array(packet));
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#onPackets === undefined || this.#waiting.length === 0) return;
    this.#delivery ??= setImmediate(() => {
      this.#delivery = undefined;
      const packets = this.#waiting;
      this.#waiting = [];
      this.#onPackets?.(packets);
    });
  }
}
