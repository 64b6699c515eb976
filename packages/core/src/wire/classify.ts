/** Tells the messages of protocol.md §3 apart: datagram → one typed view, or the reason it is none of ours. */
import type { Drop } from '../drop.ts';
import { type SuiteId, suiteIds } from '../limits.ts';
import { type SessionIndex, sessionIndex } from '../types.ts';
import { isLegalSlice } from './fragment.ts';
import { readU32le, readU64le, type ValuesOf } from './layout.ts';
import {
  classicalInitiation,
  classicalResponse,
  cookieReply,
  initiationBody,
  initiationFragmentHeader,
  initiationFragmentOverhead,
  type Macs,
  macsOf,
  messageType,
  responseBody,
  responseFragmentHeader,
  responseFragmentOverhead,
  transportHeader,
  transportOverhead,
} from './messages.ts';

/* Views into the datagram, nothing authenticated yet. */

interface Fragment extends Macs {
  readonly suite: SuiteId;
  readonly index: number;
  readonly count: number;
  readonly senderIndex: SessionIndex;
  readonly slice: Uint8Array;
}
export interface InitiationFragment extends Fragment {
  readonly kind: 'initiation-fragment';
}
export interface ResponseFragment extends Fragment {
  readonly kind: 'response-fragment';
  readonly receiverIndex: SessionIndex;
}
export interface CookieReply {
  readonly kind: 'cookie-reply';
  readonly receiverIndex: SessionIndex;
  /** 24 B. */
  readonly nonce: Uint8Array;
  /** XAEAD(cookie): 32 B. */
  readonly sealed: Uint8Array;
}
/** The AEAD ciphertext begins at `transportHeader.size`; no view is made of it, this runs per packet. */
export interface Transport {
  readonly kind: 'transport';
  readonly receiverIndex: SessionIndex;
  /** Claimed until the tag verifies. At most 2^53 − 1. */
  readonly counter: number;
}
export interface ClassicalInitiation extends ValuesOf<typeof classicalInitiation>, Macs {
  readonly kind: 'classical-initiation';
}
export interface ClassicalResponse extends ValuesOf<typeof classicalResponse>, Macs {
  readonly kind: 'classical-response';
}
export type Classified =
  | InitiationFragment
  | ResponseFragment
  | CookieReply
  | Transport
  | ClassicalInitiation
  | ClassicalResponse;

/**
 * Says what a datagram is, by type *and* exact length, or why it is none of ours. Whatever it returns is only well-formed:
 * every value in it is the sender's claim. Views point into `datagram`, which stays the caller's and must not change
 * while they are in use. Allocates no more than the result; never throws. protocol.md §3, §3.1, §3.4.
 */
export function classify(datagram: Uint8Array): Classified | Drop {
  switch (datagram[0]) {
    case messageType.transport:
      return classifyTransport(datagram);
    case messageType.initiationFragment:
      return classifyInitiationFragment(datagram);
    case messageType.responseFragment:
      return classifyResponseFragment(datagram);
    case messageType.cookieReply:
      return classifyCookieReply(datagram);
    case messageType.classicalInitiation:
      return (
        refuseFixed(datagram, classicalInitiation.size) ?? {
          kind: 'classical-initiation',
          ...classicalInitiation.read(datagram),
          ...macsOf(datagram),
        }
      );
    case messageType.classicalResponse:
      return (
        refuseFixed(datagram, classicalResponse.size) ?? {
          kind: 'classical-response',
          ...classicalResponse.read(datagram),
          ...macsOf(datagram),
        }
      );
    case undefined:
      return 'bad-length';
    default:
      return 'unknown-type';
  }
}

/**
 * The payload is a multiple of 16 B except where the tunnel MTU cut its padding short (§3.4), so no length from 32 B up
 * is wrong. A counter above 2^53 − 1 cannot be held here; it lies above every portable REJECT_AFTER_MESSAGES (§5.3).
 */
function classifyTransport(datagram: Uint8Array): Transport | Drop {
  if (datagram.length < transportOverhead) return 'bad-length';
  if (!reservedIsZero(datagram)) return 'reserved-bytes';
  const counter = readU64le(datagram, transportHeader.offset.counter);
  if (counter > Number.MAX_SAFE_INTEGER) return 'counter-limit';
  return {
    kind: 'transport',
    receiverIndex: sessionIndex(readU32le(datagram, transportHeader.offset.receiverIndex)),
    counter,
  };
}

function classifyInitiationFragment(datagram: Uint8Array): InitiationFragment | Drop {
  if (datagram.length < initiationFragmentOverhead) return 'bad-length';
  const head = initiationFragmentHeader.read(datagram);
  const suite = suiteOf(head.suite);
  if (suite === undefined) return 'suite-disabled';
  const length = datagram.length - initiationFragmentOverhead;
  if (!isLegalSlice(suite, initiationBody[suite].size, head.count, head.index, length)) return 'bad-geometry';
  const slice = datagram.subarray(initiationFragmentHeader.size, initiationFragmentHeader.size + length);
  return { kind: 'initiation-fragment', ...head, suite, slice, ...macsOf(datagram) };
}

function classifyResponseFragment(datagram: Uint8Array): ResponseFragment | Drop {
  if (datagram.length < responseFragmentOverhead) return 'bad-length';
  const head = responseFragmentHeader.read(datagram);
  const suite = suiteOf(head.suite);
  if (suite === undefined) return 'suite-disabled';
  const length = datagram.length - responseFragmentOverhead;
  if (!isLegalSlice(suite, responseBody[suite].size, head.count, head.index, length)) return 'bad-geometry';
  const slice = datagram.subarray(responseFragmentHeader.size, responseFragmentHeader.size + length);
  return { kind: 'response-fragment', ...head, suite, slice, ...macsOf(datagram) };
}

function classifyCookieReply(datagram: Uint8Array): CookieReply | Drop {
  const refusal = refuseFixed(datagram, cookieReply.size);
  if (refusal !== undefined) return refusal;
  const { receiverIndex, nonce, encryptedCookie } = cookieReply.read(datagram);
  return { kind: 'cookie-reply', receiverIndex, nonce, sealed: encryptedCookie };
}

/** Exact length and zero bytes 1–3, as all of types 1–3 must have. */
function refuseFixed(datagram: Uint8Array, size: number): Drop | undefined {
  if (datagram.length !== size) return 'bad-length';
  return reservedIsZero(datagram) ? undefined : 'reserved-bytes';
}

function reservedIsZero(datagram: Uint8Array): boolean {
  return readU32le(datagram, 0) >>> 8 === 0;
}

function suiteOf(byte: number): SuiteId | undefined {
  return suiteIds.find((suite) => suite === byte);
}
