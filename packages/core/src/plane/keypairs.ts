/**
 * The keypairs of one peer, and when each becomes which: one current, one previous, up to four `next`s. Here stand C1's
 * rotation, C5's order by timestamp and N4's crossing rule; no I/O, no report. protocol.md §5.1, §5.2.
 *
 * Every change returns the keypairs that fell out. The caller takes them from its table and destroys them.
 */
import type { RecordKey, Suite } from '../crypto/suite.ts';
import { maxPendingPerPeer, rekeyTimeout, type SessionLimits } from '../limits.ts';
import {
  compareBytes,
  elapsed,
  type Instant,
  type PeerId,
  type Role,
  type SessionIndex,
  type SessionKind,
} from '../types.ts';
import type { SessionInstall } from './plane.ts';
import { boundedLimits, SendCounter } from './record.ts';
import { ReplayWindow } from './replay-window.ts';

/** All the plane needs of cryptography. */
export type RecordKeys = Pick<Suite, 'recordKey'>;

/** `next`s of one peer: as many as it may have pending entries (C4). */
export const maxNexts = maxPendingPerPeer;

/** One session's keys and what bounds their use. */
export class Keypair {
  readonly peer: PeerId;
  readonly role: Role;
  readonly kind: SessionKind;
  readonly localIndex: SessionIndex;
  readonly remoteIndex: SessionIndex;
  /** TS of the initiation, 12 B, own copy. */
  readonly timestamp: Uint8Array;
  readonly bornAt: Instant;
  readonly limits: SessionLimits;
  readonly winsCrossing: boolean;
  readonly sendKey: RecordKey;
  readonly receiveKey: RecordKey;
  readonly sendCounter: SendCounter;
  readonly window = new ReplayWindow();
  /** When it was confirmed: S1 as initiator, the first verified packet as responder. `undefined` while it is a `next`. */
  confirmedAt: Instant | undefined;

  /** Makes record keys of the session's secrets and destroys the secrets. */
  constructor(suite: RecordKeys, session: SessionInstall) {
    this.peer = session.peer;
    this.role = session.role;
    this.kind = session.kind;
    this.localIndex = session.localIndex;
    this.remoteIndex = session.remoteIndex;
    this.timestamp = session.timestamp.slice();
    this.bornAt = session.bornAt;
    this.limits = boundedLimits(session.limits);
    this.winsCrossing = session.winsCrossing;
    this.sendCounter = new SendCounter(this.limits);
    try {
      this.sendKey = suite.recordKey(session.sendKey.borrow());
      this.receiveKey = suite.recordKey(session.receiveKey.borrow());
    } finally {
      session.sendKey.destroy();
      session.receiveKey.destroy();
    }
  }

  age(now: Instant): number {
    return elapsed(this.bornAt, now);
  }

  /** T6: from REJECT_AFTER_TIME on it neither sends nor receives. */
  expired(now: Instant): boolean {
    return this.age(now) >= this.limits.rejectAfterTime;
  }

  destroy(): void {
    this.sendKey.destroy();
    this.receiveKey.destroy();
  }
}

/** What a confirm did: where the session went, and which keypairs fell out. */
export interface Rotation {
  readonly became: 'current' | 'previous';
  readonly erased: Keypair[];
}

export class Keypairs {
  #current: Keypair | undefined;
  #previous: Keypair | undefined;
  #nexts: Keypair[] = [];
  #storedTimestamp: Uint8Array | undefined;

  /** Sends and receives. */
  get current(): Keypair | undefined {
    return this.#current;
  }

  /** Only receives. */
  get previous(): Keypair | undefined {
    return this.#previous;
  }

  /** Confirmed by nothing yet (C1): oldest installation first. */
  get nexts(): readonly Keypair[] {
    return this.#nexts;
  }

  /** The timestamp of the last session confirmed as responder (C5), 12 B. */
  get storedTimestamp(): Uint8Array | undefined {
    return this.#storedTimestamp;
  }

  forgetTimestamp(): void {
    this.#storedTimestamp = undefined;
  }

  /** Every keypair there is, in a fresh array. */
  all(): Keypair[] {
    return [this.#current, this.#previous, ...this.#nexts].filter((keypair) => keypair !== undefined);
  }

  /**
   * Adds an unconfirmed session (C1). The engine keeps to four (C4); should a fifth come all the same, the one of those there
   * with the smallest TS gives way, for the new one's response is about to leave.
   */
  addNext(next: Keypair): Keypair[] {
    const erased = this.#nexts.length < maxNexts ? [] : [this.#nexts.reduce(smallerTimestamp)];
    this.#nexts = this.#nexts.filter((other) => !erased.includes(other));
    this.#nexts.push(next);
    return erased;
  }

  /** S1 as initiator: confirmed at once. The TS rules are for a `next` only, so no `next` is touched. C5, N4. */
  addInitiated(now: Instant, keypair: Keypair): Rotation {
    return this.#rotate(now, keypair);
  }

  isNext(keypair: Keypair): boolean {
    return keypair.confirmedAt === undefined;
  }

  /** C5: whether this `next` comes too late, its TS not being above the stored one. */
  isStale(next: Keypair): boolean {
    return this.#storedTimestamp !== undefined && compareBytes(next.timestamp, this.#storedTimestamp) <= 0;
  }

  /** C5: the first packet under this `next` has verified, and it is not stale. */
  confirm(now: Instant, next: Keypair): Rotation {
    const outrun = this.#nexts.filter((other) => compareBytes(other.timestamp, next.timestamp) < 0);
    this.#nexts = this.#nexts.filter((other) => other !== next && !outrun.includes(other));
    this.#storedTimestamp = next.timestamp;
    const rotation = this.#rotate(now, next);
    rotation.erased.push(...outrun);
    return rotation;
  }

  /** Takes one keypair out, whichever it is. */
  remove(keypair: Keypair): void {
    if (this.#current === keypair) this.#current = undefined;
    if (this.#previous === keypair) this.#previous = undefined;
    this.#nexts = this.#nexts.filter((other) => other !== keypair);
  }

  /** Makes a confirmed session current and the old one previous, or, where N4 says so, leaves the old one in its place. */
  #rotate(now: Instant, keypair: Keypair): Rotation {
    const old = this.#current;
    const loses = old !== undefined && crosses(now, old, keypair) && !keypair.winsCrossing;
    const second = loses ? keypair : old;
    const erased = second !== undefined && this.#previous !== undefined ? [this.#previous] : [];
    if (second !== undefined) this.#previous = second;
    if (!loses) this.#current = keypair;
    keypair.confirmedAt = now;
    return { became: loses ? 'previous' : 'current', erased };
  }
}

/** N4: confirmed as the opposite role within REKEY_TIMEOUT. Of two that cross exactly one has `winsCrossing`. */
function crosses(now: Instant, current: Keypair, confirmed: Keypair): boolean {
  if (current.role === confirmed.role || current.confirmedAt === undefined) return false;
  return elapsed(current.confirmedAt, now) <= rekeyTimeout;
}

function smallerTimestamp(a: Keypair, b: Keypair): Keypair {
  return compareBytes(b.timestamp, a.timestamp) < 0 ? b : a;
}
