/**
 * Tells a plane's gate what ours knows. Whoever changed something calls `sync` when its input has been dealt with: what is as it was
 * is not told again. protocol.md §6.
 */
import type { GateSettings, OutgoingDatagram } from '../plane/plane.ts';
import type { Instant } from '../types.ts';
import type { Gate } from './gate.ts';
import type { IndexTable } from './index-table.ts';

export interface GateSource {
  readonly gate: Gate;
  readonly indices: IndexTable;
  hasClassicalPeers(): boolean;
}

export class GateSync {
  readonly #source: GateSource;
  readonly #setGate: (settings: GateSettings) => void;
  readonly #send: (datagrams: readonly OutgoingDatagram[]) => void;
  #held: OutgoingDatagram[] = [];
  #now: Instant;
  /** As of the last settings told. */
  #told: { readonly version: string; readonly loadedUntil: Instant } | undefined;

  constructor(
    now: Instant,
    source: GateSource,
    setGate: (settings: GateSettings) => void,
    send: (datagrams: readonly OutgoingDatagram[]) => void,
  ) {
    this.#now = now;
    this.#source = source;
    this.#setGate = setGate;
    this.#send = send;
  }

  /** Sends them with the next `sync`, when the gate expects an answer. */
  hold(datagrams: readonly OutgoingDatagram[]): void {
    this.#held.push(...datagrams);
  }

  /** Call when an input has been dealt with. Without `now`, no time has gone by that we know of. */
  sync(now: Instant = this.#now): void {
    this.#now = now;
    this.#tell(now);
    if (this.#held.length === 0) return;
    const datagrams = this.#held;
    this.#held = [];
    this.#send(datagrams);
  }

  #tell(now: Instant): void {
    const { gate, indices } = this.#source;
    const hasClassicalPeers = this.#source.hasClassicalPeers();
    const version = `${gate.keyChanges}/${gate.cookieSecretSince(now)}/${indices.expectations}/${hasClassicalPeers}`;
    const loadedUntil = gate.load.until;
    const told = this.#told;
    if (told?.version === version && sameFrom(now, told.loadedUntil, loadedUntil)) return;
    this.#told = { version, loadedUntil };
    this.#setGate({ ...gate.settings(now), hasClassicalPeers, expectedIndices: indices.expected });
  }
}

/** Whether two ends of load say the same of all that comes: one that is over needs no telling, the gate sees that by itself. */
function sameFrom(now: Instant, a: Instant, b: Instant): boolean {
  return a === b || (a <= now && b <= now);
}
