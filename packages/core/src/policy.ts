/** Every choice an operator has about the protocol, with its safe default. Nowhere else stands an `if` on a preference. */
import { defaultMaxDatagram, loadHandshakesPerSecond, loadLoopDelay, type SuiteId } from './limits.ts';
import type { Millis } from './types.ts';

export interface Policy {
  /** Suites this party serves as responder. §1. */
  readonly suites: readonly SuiteId[];
  /** M, the largest handshake datagram, 508 … 1452 B. §3.1. */
  readonly maxDatagram: number;
  /** §6: completed handshakes per second and event-loop delay from which we are under load. */
  readonly loadHandshakesPerSecond: number;
  readonly loadLoopDelay: Millis;
}

export const defaultPolicy: Policy = Object.freeze({
  suites: [1, 2] as const,
  maxDatagram: defaultMaxDatagram,
  loadHandshakesPerSecond,
  loadLoopDelay,
});
