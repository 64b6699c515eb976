/** What goes up to the engine: state per peer, coalesced and never lost; messages, bounded; drops, counted. */
import { type Drop, DropCounters } from '../drop.ts';
import type { PeerActivity, PlaneMessage, PlaneReports } from './plane.ts';
import type { Remote } from './remote.ts';

/** Messages of each kind waiting for the engine at most: a flood of strangers' datagrams cannot crowd out control messages. */
export const maxQueuedMessages = 1024;

export class Reports {
  /** Drops since the plane was made. */
  readonly totals = new DropCounters();
  #drops = new Map<Drop, number>();
  #active: Remote[] = [];
  #messages: PlaneMessage[] = [];
  #queued = { handshake: 0, control: 0 };

  drop(reason: Drop, times = 1): void {
    this.totals.count(reason, times);
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + times);
  }

  /** The report under way for this peer, to be written into. */
  of(remote: Remote): PeerActivity {
    if (remote.activity !== undefined) return remote.activity;
    this.#active.push(remote);
    remote.activity = {
      peer: remote.id,
      wantsKey: false,
      confirmed: [],
      retired: [],
      dataSent: false,
      dataReceived: false,
      recordSent: false,
      anySent: false,
      anyReceived: false,
      roamed: undefined,
      limitNear: undefined,
      tooBig: undefined,
    };
    return remote.activity;
  }

  /** Drops what was to be reported of a peer that is no more. */
  forget(remote: Remote): void {
    remote.activity = undefined; // `take` passes over who has none
  }

  /** Messages waiting, by kind. */
  get queued(): Readonly<Record<PlaneMessage['kind'], number>> {
    return this.#queued;
  }

  hasRoom(kind: PlaneMessage['kind']): boolean {
    return this.#queued[kind] < maxQueuedMessages;
  }

  /** Queues a message, whose bytes must be its own by now. Ask `hasRoom` first. */
  push(message: PlaneMessage): void {
    this.#queued[message.kind]++;
    this.#messages.push(message);
  }

  take(): PlaneReports {
    const activity = this.#active.map((remote) => remote.activity).filter((each) => each !== undefined);
    const reports = { activity, messages: this.#messages, drops: this.#drops };
    for (const remote of this.#active) remote.activity = undefined;
    this.#active = [];
    this.#messages = [];
    this.#queued = { handshake: 0, control: 0 };
    this.#drops = new Map();
    return reports;
  }
}
