/**
 * Initiations take turns. One costs a stranger a datagram and us the checking of a MAC, a cookie, or a key agreement, before we
 * know anybody; everything else that comes in is a record of a session or dies at a look-up. So in each turn of the loop only a
 * few initiations are handled, the rest waits here in copies, and what finds no room is lost as it would be in the socket's
 * buffer, but without taking sessions' records with it: a flood of initiations gets the time that data leaves.
 *
 * Whoever is the confirmed endpoint of a live session has a lane of his own, so that a flood of strangers does not delay a rekey;
 * and no source may fill a lane, so that one address, forged or not, keeps nobody else out. protocol.md §6 says the same of
 * reassembly slots.
 */
import { type Endpoint, endpointKey, prefixKey } from '@pqtun/core';
import type { IncomingDatagram } from './io.ts';

/** Handled in one turn, of each lane: at some 50 µs each well within a millisecond. */
export const initiationsPerTurn = 8;
export const laneRoom = { peer: 128, stranger: 512 } as const;
/** Waiting of one source at most: an endpoint in the peers' lane, a prefix among strangers. An initiation has up to 7 fragments. */
export const roomPerSource = { peer: 16, stranger: 64 } as const;

export type LaneName = keyof typeof laneRoom;

/** `now`: handle it at once. `waits`: a copy is kept, `next` gives it back. `full`: it is lost. */
export type Placement = 'now' | 'waits' | 'full';

export class InitiationQueue {
  readonly #lanes = { peer: new Lane('peer'), stranger: new Lane('stranger') };

  get isEmpty(): boolean {
    return this.#lanes.peer.isEmpty && this.#lanes.stranger.isEmpty;
  }

  /** Call when a turn begins: each lane may have `initiationsPerTurn` handled in it. */
  beginTurn(): void {
    this.#lanes.peer.left = initiationsPerTurn;
    this.#lanes.stranger.left = initiationsPerTurn;
  }

  place(lane: LaneName, datagram: IncomingDatagram): Placement {
    return this.#lanes[lane].place(datagram);
  }

  /** The next one to handle in this turn, peers first; `undefined` when the turn has had its share, or none waits. */
  next(): IncomingDatagram | undefined {
    return this.#lanes.peer.next() ?? this.#lanes.stranger.next();
  }

  clear(): void {
    this.#lanes.peer.clear();
    this.#lanes.stranger.clear();
  }
}

class Lane {
  left = 0;
  readonly #name: LaneName;
  /** First in, first out. */
  readonly #waiting: IncomingDatagram[] = [];
  readonly #bySource = new Map<string, number>();

  constructor(name: LaneName) {
    this.#name = name;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  place(datagram: IncomingDatagram): Placement {
    if (this.isEmpty && this.left > 0) {
      this.left -= 1;
      return 'now';
    }
    const source = this.#sourceOf(datagram.from);
    const ofSource = this.#bySource.get(source) ?? 0;
    if (this.#waiting.length >= laneRoom[this.#name] || ofSource >= roomPerSource[this.#name]) return 'full';
    this.#bySource.set(source, ofSource + 1);
    this.#waiting.push({ ...datagram, bytes: datagram.bytes.slice() });
    return 'waits';
  }

  next(): IncomingDatagram | undefined {
    if (this.left === 0) return undefined;
    const datagram = this.#waiting.shift();
    if (datagram === undefined) return undefined;
    this.left -= 1;
    const source = this.#sourceOf(datagram.from);
    const others = (this.#bySource.get(source) ?? 1) - 1;
    if (others > 0) this.#bySource.set(source, others);
    else this.#bySource.delete(source);
    return datagram;
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#bySource.clear();
  }

  #sourceOf(from: Endpoint): string {
    return this.#name === 'peer' ? endpointKey(from) : prefixKey(from.ip);
  }
}
