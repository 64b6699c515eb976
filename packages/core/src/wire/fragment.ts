/**
 * Cuts a handshake body into datagrams and puts it together again. protocol.md §3.1. All counts and lengths follow from
 * suite and count, so nothing a stranger sends decides how much is allocated.
 */
import { invariant } from '../errors.ts';
import { maxMaxDatagram, minMaxDatagram, type SuiteId, suites } from '../limits.ts';
import type { SessionIndex } from '../types.ts';
import {
  initiationBody,
  initiationFragmentHeader,
  initiationFragmentOverhead,
  macTrailer,
  responseBody,
  responseFragmentHeader,
  responseFragmentOverhead,
} from './messages.ts';

/* The one legal geometry: for a given type, suite and count there is exactly one. */

export function isLegalCount(suite: SuiteId, count: number): boolean {
  return count >= suites[suite].minFragments && count <= suites[suite].maxFragments;
}

/** L: bytes of every slice but the last. */
export function fullSliceLength(bodyLength: number, count: number): number {
  return Math.ceil(bodyLength / count);
}

/** Bytes of slice `index` of `count`. The last takes what is left; a legal count leaves it at least one byte. */
export function sliceLength(bodyLength: number, count: number, index: number): number {
  const full = fullSliceLength(bodyLength, count);
  return index < count - 1 ? full : bodyLength - full * (count - 1);
}

/** Whether index, count and slice length, all as a stranger claims them, fit together. */
export function isLegalSlice(
  suite: SuiteId,
  bodyLength: number,
  count: number,
  index: number,
  length: number,
): boolean {
  return isLegalCount(suite, count) && index < count && length === sliceLength(bodyLength, count, index);
}

/* How many fragments a sender makes. */

/** Fragments of an initiation whose datagrams have at most `maxDatagram` B (M: 508 … 1452). */
export function initiationCount(suite: SuiteId, maxDatagram: number): number {
  invariant(maxDatagram >= minMaxDatagram && maxDatagram <= maxMaxDatagram, 'largest datagram out of range');
  const needed = Math.ceil(initiationBody[suite].size / (maxDatagram - initiationFragmentOverhead));
  return Math.max(suites[suite].minFragments, needed);
}

/**
 * Fragments of the response to an initiation that came in `initiationFragments` datagrams, the largest of
 * `largestReceived` B. Never more than the initiation had, even where that overrules our own M: a response is never
 * larger, in sum, than what it answers.
 */
export function responseCount(
  suite: SuiteId,
  ownMaxDatagram: number,
  largestReceived: number,
  initiationFragments: number,
): number {
  invariant(
    isLegalCount(suite, initiationFragments),
    'an initiation with an illegal number of fragments was answered',
  );
  const largest = Math.min(ownMaxDatagram, largestReceived) - responseFragmentOverhead;
  invariant(largest > 0, 'no room for a slice in the response');
  const needed = Math.max(suites[suite].minFragments, Math.ceil(responseBody[suite].size / largest));
  return Math.min(needed, initiationFragments);
}

export interface InitiationCut {
  readonly suite: SuiteId;
  readonly senderIndex: SessionIndex;
  /** body1, of the suite's length. Copied. */
  readonly body: Uint8Array;
  readonly count: number;
}

export interface ResponseCut extends InitiationCut {
  readonly receiverIndex: SessionIndex;
}

/** The datagrams of an initiation, fresh and the caller's, mac1 and mac2 zero: fill them with `setMac1`, `setMac2`. */
export function cutInitiation({ suite, senderIndex, body, count }: InitiationCut): Uint8Array[] {
  invariant(body.length === initiationBody[suite].size, 'an initiation body has another length');
  return cut(suite, body, count, initiationFragmentHeader.size, (datagram, index) =>
    initiationFragmentHeader.write({ suite, index, count, senderIndex }, datagram),
  );
}

/** The datagrams of a response, fresh and the caller's, mac1 and mac2 zero; mac2 stays so (§3.1). */
export function cutResponse({ suite, senderIndex, receiverIndex, body, count }: ResponseCut): Uint8Array[] {
  invariant(body.length === responseBody[suite].size, 'a response body has another length');
  return cut(suite, body, count, responseFragmentHeader.size, (datagram, index) =>
    responseFragmentHeader.write({ suite, index, count, senderIndex, receiverIndex }, datagram),
  );
}

function cut(
  suite: SuiteId,
  body: Uint8Array,
  count: number,
  headerSize: number,
  writeHeader: (datagram: Uint8Array, index: number) => void,
): Uint8Array[] {
  invariant(isLegalCount(suite, count), 'a body was to be cut into an illegal number of fragments');
  const full = fullSliceLength(body.length, count);
  return Array.from({ length: count }, (_, index) => {
    const length = sliceLength(body.length, count, index);
    const datagram = new Uint8Array(headerSize + length + macTrailer.size);
    writeHeader(datagram, index);
    datagram.set(body.subarray(full * index, full * index + length), headerSize);
    return datagram;
  });
}

/** `hdr1` of §4, 8 B: the initiation's fragment header with index and count zeroed, as the transcript takes it. */
export function hdr1(suite: SuiteId, senderI: SessionIndex): Uint8Array {
  return initiationFragmentHeader.write({ suite, index: 0, count: 0, senderIndex: senderI });
}

/** `hdr2` of §4, 12 B: `sender_r` is the responder's index, `sender_i` the initiator's. */
export function hdr2(suite: SuiteId, senderR: SessionIndex, senderI: SessionIndex): Uint8Array {
  return responseFragmentHeader.write({
    suite,
    index: 0,
    count: 0,
    senderIndex: senderR,
    receiverIndex: senderI,
  });
}

/**
 * One body being put together: a buffer of its exact length and a bitmap, made at the first fragment, never grown.
 * Slices come from `classify`, which has held each to the geometry of (suite, count); keep one `Reassembly` for one such
 * pair. Slices are copied.
 */
export class Reassembly {
  readonly count: number;
  readonly #body: Uint8Array;
  #have = 0;

  /** `bodyLength` is that of the suite's body1 or body2. */
  constructor(bodyLength: number, count: number) {
    this.count = count;
    this.#body = new Uint8Array(bodyLength);
  }

  static initiation(suite: SuiteId, count: number): Reassembly {
    return new Reassembly(initiationBody[suite].size, count);
  }

  static response(suite: SuiteId, count: number): Reassembly {
    return new Reassembly(responseBody[suite].size, count);
  }

  /** Takes one slice. The first of each index counts, a second copy is ignored whatever it holds (§6). */
  add(index: number, slice: Uint8Array): 'added' | 'duplicate' | 'complete' {
    invariant(index >= 0 && index < this.count, 'a slice of another count was added');
    invariant(
      slice.length === sliceLength(this.#body.length, this.count, index),
      'a slice has another length',
    );
    const bit = 1 << index;
    if ((this.#have & bit) !== 0) return 'duplicate';
    this.#have |= bit;
    this.#body.set(slice, fullSliceLength(this.#body.length, this.count) * index);
    return this.complete ? 'complete' : 'added';
  }

  has(index: number): boolean {
    return (this.#have & (1 << index)) !== 0;
  }

  get complete(): boolean {
    return this.#have === (1 << this.count) - 1;
  }

  /** The whole body, not a copy. Only when complete: a body with gaps is nobody's message. */
  get body(): Uint8Array {
    invariant(this.complete, 'a body was taken before it was complete');
    return this.#body;
  }
}
