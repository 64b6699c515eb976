/** One transport message: padding, the send counter, sealing and opening in place. protocol.md §3.4. */
import type { RecordKey } from '../crypto/suite.ts';
import { invariant } from '../errors.ts';
import {
  paddingUnit,
  portableRejectAfterMessages,
  portableRekeyAfterMessages,
  type SessionLimits,
  tagSize,
} from '../limits.ts';
import type { SessionIndex } from '../types.ts';
import { transportHeader, transportOverhead, writeTransportHeader } from '../wire/messages.ts';
import type { PacketBuffer } from './packet-buffer.ts';

/** What the next send under a session may do: go, go and ask for a rekey, or not go. */
export type SendAction = 'ok' | 'rekey' | 'refuse';

/**
 * The nonces of one sending key. INVARIANT: no value is given out twice; it only ever rises, and it rises before anything is
 * sealed with it, so that no failure in between can lead to a second use.
 */
export class SendCounter {
  #next = 0;
  readonly #rekeyAfter: number;
  readonly #rejectAfter: number;

  constructor(limits: Pick<SessionLimits, 'rekeyAfterMessages' | 'rejectAfterMessages'>) {
    this.#rekeyAfter = limits.rekeyAfterMessages;
    this.#rejectAfter = limits.rejectAfterMessages;
  }

  /** The counter that `take` would give. */
  get next(): number {
    return this.#next;
  }

  /** Asked before each send: counters from REKEY_AFTER_MESSAGES on ask for a rekey, from REJECT_AFTER_MESSAGES on none is sent. */
  get action(): SendAction {
    if (this.#next >= this.#rejectAfter) return 'refuse';
    return this.#next >= this.#rekeyAfter ? 'rekey' : 'ok';
  }

  take(): number {
    invariant(this.action !== 'refuse', 'a send counter was used beyond its limit');
    return this.#next++;
  }

  /** Skips to `next`, forward only. Tests reach the limits with it. */
  advanceTo(next: number): void {
    invariant(Number.isSafeInteger(next) && next >= this.#next, 'a send counter only moves forward');
    this.#next = next;
  }
}

/** The limits with counters that safe integers can hold (§5.3, portable TypeScript), whatever was asked for. */
export function boundedLimits(limits: SessionLimits): SessionLimits {
  return {
    ...limits,
    rekeyAfterMessages: Math.min(limits.rekeyAfterMessages, portableRekeyAfterMessages),
    rejectAfterMessages: Math.min(limits.rejectAfterMessages, portableRejectAfterMessages),
  };
}

/**
 * Length of a payload of `length` B after padding: the next multiple of 16, but padding goes beyond neither the tunnel MTU nor
 * `largest`, the most the path takes. A payload that is longer by itself is not cut; it only stays unpadded.
 */
export function paddedLength(length: number, mtu: number, largest: number): number {
  const padded = Math.ceil(length / paddingUnit) * paddingUnit;
  return Math.min(padded, Math.max(length, Math.min(mtu, largest)));
}

/** Largest payload of a transport datagram of `datagramLength` B. */
export function payloadWithin(datagramLength: number): number {
  return datagramLength - transportOverhead;
}

/**
 * Seals a packet where it lies and returns the datagram: a view of the packet's memory, from 16 B before it to the tag after
 * its padding. The packet is gone afterwards. `padded` comes from `paddedLength`; `counter` from `SendCounter.take`.
 */
export function sealRecord(
  key: RecordKey,
  receiver: SessionIndex,
  counter: number,
  packet: PacketBuffer,
  padded: number,
): Uint8Array {
  const { memory, offset, length } = packet;
  const end = offset + padded;
  memory.fill(0, offset + length, end);
  writeTransportHeader(memory, offset - transportHeader.size, receiver, counter);
  key.seal(counter, memory.subarray(offset, end), memory.subarray(offset, end + tagSize));
  return memory.subarray(offset - transportHeader.size, end + tagSize);
}

/**
 * Opens one transport datagram (at least 32 B) in place and returns its payload, a view of `datagram`, padding included;
 * `undefined` when the tag does not verify: the bytes behind the header are then undefined. `counter` is claimed until this
 * returns, so the replay window is asked only afterwards and no forged counter can move it. §5.4.
 */
export function openRecord(key: RecordKey, counter: number, datagram: Uint8Array): Uint8Array | undefined {
  const sealed = datagram.subarray(transportHeader.size);
  const payload = sealed.subarray(0, sealed.length - tagSize);
  return key.open(counter, sealed, payload) ? payload : undefined;
}
