/** TAI64N timestamps of initiations: coarse, and never smaller than one already sent. protocol.md §1 TS, §5.1 C6. */
import { timestampBlock, timestampGrain, timestampSize } from '../limits.ts';
import { compareBytes, type Millis, type UnixMillis } from '../types.ts';

const nanosPerSecond = 1_000_000_000;
const tai64Epoch = 2n ** 62n + 10n;

/** TAI64N of a wall-clock time, 12 B, nanoseconds rounded down to a multiple of 2^24. */
export function timestampOf(wall: UnixMillis): Uint8Array {
  const seconds = Math.floor(wall / 1000);
  return encode(tai64Epoch + BigInt(seconds), Math.floor((wall - seconds * 1000) * 1e6));
}

/** The timestamp one grain (2^24 ns) after `timestamp`: carries at 10^9, and rounds down again. */
export function nextTimestamp(timestamp: Uint8Array): Uint8Array {
  const { seconds, nanos } = decode(timestamp);
  const sum = nanos + timestampGrain;
  return sum >= nanosPerSecond ? encode(seconds + 1n, sum - nanosPerSecond) : encode(seconds, sum);
}

function shifted(timestamp: Uint8Array, by: Millis): Uint8Array {
  const { seconds, nanos } = decode(timestamp);
  return encode(seconds + BigInt(Math.floor(by / 1000)), nanos);
}

function encode(seconds: bigint, nanos: number): Uint8Array {
  const bytes = new Uint8Array(timestampSize);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt.asUintN(64, seconds));
  view.setUint32(8, Math.floor(nanos / timestampGrain) * timestampGrain);
  return bytes;
}

function decode(timestamp: Uint8Array): { seconds: bigint; nanos: number } {
  const view = new DataView(timestamp.buffer, timestamp.byteOffset, timestampSize);
  return { seconds: view.getBigUint64(0), nanos: view.getUint32(8) };
}

/**
 * The initiator's timestamps of one identity (C6): max(TAI64N(now), last sent + 2^24 ns).
 *
 * A ceiling, kept outside by `save`, runs up to a block ahead of what was sent and is renewed half a block ahead, so that
 * a killed program never repeats itself whatever its clock says after the restart. `save` returns `false` when the ceiling
 * could not be kept: the clock goes on in memory, tries again at the next timestamp, and `onAlarm` is called.
 */
export class TimestampClock {
  #last: Uint8Array | undefined;
  #ceiling: Uint8Array | undefined;
  readonly #save: (ceiling: Uint8Array) => boolean;
  readonly #onAlarm: () => void;

  /** `floor`: the ceiling found at start (12 B), taken for the last timestamp sent; `undefined` on a first start. */
  constructor(floor: Uint8Array | undefined, save: (ceiling: Uint8Array) => boolean, onAlarm: () => void) {
    this.#last = floor;
    this.#save = save;
    this.#onAlarm = onAlarm;
  }

  /** The timestamp to send now, 12 B; the ceiling above it is kept before this returns. */
  next(wall: UnixMillis): Uint8Array {
    let timestamp = timestampOf(wall);
    if (this.#last !== undefined) {
      const least = nextTimestamp(this.#last);
      if (compareBytes(timestamp, least) < 0) timestamp = least;
    }
    this.#keepCeilingAbove(timestamp);
    this.#last = timestamp;
    return timestamp;
  }

  /** Orderly stop: keeps the exact last timestamp, so that nothing of a block is skipped. */
  stop(): void {
    if (this.#last !== undefined && !this.#save(this.#last)) this.#onAlarm();
  }

  #keepCeilingAbove(timestamp: Uint8Array): void {
    const half = (timestampBlock / 2) as Millis; // half of a span is a span
    if (this.#ceiling !== undefined && compareBytes(shifted(timestamp, half), this.#ceiling) <= 0) return;
    const ceiling = shifted(timestamp, timestampBlock);
    if (this.#save(ceiling)) this.#ceiling = ceiling;
    else this.#onAlarm();
  }
}
