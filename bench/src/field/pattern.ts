/** Bytes that both ends of a measurement know, so that every byte that arrives is compared. */

/** Prime, so that no packet, no read and no buffer is in step with it. */
const period = 65_521;
const periods = 16;
/** A TCP stream is read in pieces of at most this many bytes. */
export const longestPiece = 4 * period;

/** Whole periods of the stream, about 1 MiB: written again and again they are the stream. */
export function streamBlock(): Buffer {
  return repeated(periods);
}

/** Compares a stream as it arrives, piece by piece. */
export class StreamCheck {
  readonly #expected = repeated(1 + longestPiece / period);
  #at = 0;
  #wrong = 0;

  /** Bytes so far. */
  get bytes(): number {
    return this.#at;
  }

  /** Pieces that were not what was sent at their place. */
  get wrong(): number {
    return this.#wrong;
  }

  /** At most `longestPiece` bytes. */
  take(piece: Uint8Array): void {
    const phase = this.#at % period;
    if (Buffer.compare(piece, this.#expected.subarray(phase, phase + piece.length)) !== 0) this.#wrong += 1;
    this.#at += piece.length;
  }
}

/** A datagram of `size` B (at least 4): its number, little-endian, and the pattern. */
export function numberedDatagram(size: number, number: number): Buffer {
  const datagram = Buffer.from(repeated(1).subarray(0, size));
  datagram.writeUInt32LE(number);
  return datagram;
}

/** Numbers that can be told apart, as a bit each: 2 MiB. */
const mostNumbers = 2 ** 24;

/** Counts datagrams by their numbers, and compares the rest of their bytes. */
export class DatagramCheck {
  readonly #size: number;
  readonly #rest: Uint8Array;
  readonly #seen = new Uint8Array(mostNumbers / 8);
  packets = 0;
  /** One more than the largest number seen. */
  next = 0;
  /** Datagrams that were never sent so. */
  wrong = 0;
  /** Datagrams that came twice. */
  repeated = 0;

  constructor(size: number) {
    this.#size = size;
    this.#rest = numberedDatagram(size, 0).subarray(4);
  }

  take(datagram: Uint8Array): void {
    const [a = 0, b = 0, c = 0, d = 0] = datagram;
    const number = a + (b << 8) + (c << 16) + d * 2 ** 24;
    if (
      datagram.length !== this.#size ||
      number >= mostNumbers ||
      Buffer.compare(datagram.subarray(4), this.#rest) !== 0
    ) {
      this.wrong += 1;
      return;
    }
    const bit = 1 << (number & 7);
    const byte = this.#seen[number >> 3] ?? 0;
    if ((byte & bit) !== 0) this.repeated += 1;
    this.#seen[number >> 3] = byte | bit;
    if (number >= this.next) this.next = number + 1;
    this.packets += 1;
  }
}

/** xorshift32: incompressible, and the same in every process. */
const onePeriod: () => Buffer = (() => {
  let made: Buffer | undefined;
  return () => {
    if (made !== undefined) return made;
    made = Buffer.alloc(period);
    let state = 0x9e37_79b9;
    for (let i = 0; i < period; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      made[i] = state & 0xff;
    }
    return made;
  };
})();

function repeated(times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, onePeriod));
}
