import { loadBinding } from './binding.ts';
import type { Capture } from './types.ts';

type OnFrames = Parameters<Capture['start']>[0];

/** What the addon gives (native/capture.cc). */
export interface CaptureBinding {
  /** `table` holds a `FramePosition` (native/capture.h) for each frame of the batch; `frames` what they point into. */
  openCapture(device: string): { handle: unknown; frames: ArrayBuffer; table: ArrayBuffer };
  startCapture(handle: unknown, onFrames: (count: number) => void): void;
  droppedByCapture(handle: unknown): number;
  closeCapture(handle: unknown): void;
}

/** Words of a `FramePosition`: offset, length, outgoing. */
const POSITION_WORDS = 3;

/**
 * Captures every frame of an interface, both directions, from now on; the kernel keeps up to 32 MiB of them until `start` is
 * called. Needs CAP_NET_RAW.
 *
 * Frames begin with the link header the interface has (14 B for Ethernet and veth, none for TUN). They may be longer than the
 * MTU: segments that a device would split are seen unsplit, up to 65,535 B of IP, with checksums not yet filled in. On `lo` each
 * packet is seen twice. Capturing survives the interface going down and up; of a deleted one nothing more is seen.
 * Throws an Error with `code` (`ENODEV`, `EPERM`). An open capture that was started keeps the process alive.
 */
export function openCapture(device: string): Capture {
  const binding = loadBinding();
  return new PacketCapture(binding, binding.openCapture(device));
}

class PacketCapture implements Capture {
  readonly #binding: CaptureBinding;
  readonly #handle: unknown;
  readonly #frames: ArrayBuffer;
  readonly #table: Uint32Array;

  constructor(binding: CaptureBinding, opened: ReturnType<CaptureBinding['openCapture']>) {
    this.#binding = binding;
    this.#handle = opened.handle;
    this.#frames = opened.frames;
    this.#table = new Uint32Array(opened.table);
  }

  start(onFrames: OnFrames): void {
    if (typeof onFrames !== 'function') throw new TypeError('onFrames must be a function');
    // The addon keeps this function, and `this` with it, until the capture is closed.
    this.#binding.startCapture(this.#handle, (count) => onFrames(this.#views(count)));
  }

  dropped(): number {
    return this.#binding.droppedByCapture(this.#handle);
  }

  close(): void {
    this.#binding.closeCapture(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #views(count: number): { frame: Uint8Array; outgoing: boolean }[] {
    const views = [];
    for (let word = 0; word < count * POSITION_WORDS; word += POSITION_WORDS) {
      const [offset, length, outgoing] = this.#table.subarray(word, word + POSITION_WORDS);
      views.push({ frame: new Uint8Array(this.#frames, offset, length), outgoing: outgoing === 1 });
    }
    return views;
  }
}
