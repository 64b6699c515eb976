import { checkFunction, invalidType, outOfRange } from './arguments.ts';
import { type BootTimerHandle, loadBinding } from './binding.ts';
import type { BootTimer } from './types.ts';

/** Milliseconds since boot, with fraction; goes on in suspend (CLOCK_BOOTTIME) and never back. */
export function bootTime(): number {
  return loadBinding().bootTime();
}

/** A timer that calls `onExpire` once for each time it is armed and not disarmed. Keeps the process alive while it is armed. */
export function openBootTimer(onExpire: () => void): BootTimer {
  checkFunction('onExpire', onExpire);
  return new NativeBootTimer(loadBinding().openBootTimer(), onExpire);
}

class NativeBootTimer implements BootTimer {
  readonly #handle: BootTimerHandle;
  readonly #onExpire: () => void;

  constructor(handle: BootTimerHandle, onExpire: () => void) {
    this.#handle = handle;
    this.#onExpire = onExpire;
  }

  arm(deadline: number): void {
    if (typeof deadline !== 'number') throw invalidType('deadline', 'a number', deadline);
    if (!Number.isFinite(deadline)) throw outOfRange('deadline', 'finite', deadline);
    loadBinding().bootTimerArm(this.#handle, deadline, this.#onExpire);
  }

  disarm(): void {
    loadBinding().bootTimerDisarm(this.#handle);
  }

  close(): void {
    loadBinding().bootTimerClose(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
