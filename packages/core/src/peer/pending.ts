/**
 * What a responder has answered and nobody has confirmed yet. protocol.md §5.1 C3, C4. One list a peer, at most four
 * entries, one a source prefix; who displaces whom is decided here, and done only after the response has been made.
 */
import { maxCopiesAnswered, maxPendingPerPeer, pendingFresh } from '../limits.ts';
import { compareBytes, elapsed, type Instant, type SessionIndex } from '../types.ts';

export interface PendingEntry {
  /** HASH(hdr1 ‖ body1), as a map key. */
  readonly key: string;
  /** Map key of the source's /32 or /64. */
  readonly prefix: string;
  /** A valid mac2 stood on every fragment. C4. */
  readonly proven: boolean;
  readonly timestamp: Uint8Array;
  readonly createdAt: Instant;
  /** The `next` session. */
  readonly session: SessionIndex;
  /** The response as sent, for copies within 5 s; empty afterwards. */
  response: readonly Uint8Array[];
  copiesAnswered: number;
}

export interface Contender {
  readonly prefix: string;
  readonly proven: boolean;
  readonly timestamp: Uint8Array;
}

/** Whether an acceptable initiation gets in, and whose place it takes. */
export type Placement =
  | { readonly kind: 'accepted'; readonly displaces: PendingEntry | undefined }
  | { readonly kind: 'lost' };

/** C4, in the order of its sentences. */
export function place(now: Instant, entries: readonly PendingEntry[], contender: Contender): Placement {
  const { prefix, proven, timestamp } = contender;
  const isOld = (entry: PendingEntry): boolean => elapsed(entry.createdAt, now) > pendingFresh;
  const isLater = (entry: PendingEntry): boolean => compareBytes(timestamp, entry.timestamp) > 0;

  const own = entries.find((entry) => entry.prefix === prefix);
  if (own !== undefined) {
    const wins = isOld(own) || (proven && !own.proven) || (proven === own.proven && isLater(own));
    return wins ? { kind: 'accepted', displaces: own } : { kind: 'lost' };
  }
  if (entries.length < maxPendingPerPeer) return { kind: 'accepted', displaces: undefined };
  if (!proven) return { kind: 'lost' };
  const oldestUnproven = oldest(entries.filter((entry) => !entry.proven));
  if (oldestUnproven !== undefined) return { kind: 'accepted', displaces: oldestUnproven };
  const oldestOfAll = oldest(entries);
  if (oldestOfAll !== undefined && isOld(oldestOfAll)) return { kind: 'accepted', displaces: oldestOfAll };
  const smallest = entries.reduce((a, b) => (compareBytes(b.timestamp, a.timestamp) < 0 ? b : a));
  return isLater(smallest) ? { kind: 'accepted', displaces: smallest } : { kind: 'lost' };
}

/**
 * C3: the response to give to a copy of an initiation already answered, or `undefined` when it gets none: later than 5 s,
 * more often than 4 times, or smaller than the answer, which would let a forger of addresses amplify.
 */
export function answerCopy(
  now: Instant,
  entry: PendingEntry,
  receivedBytes: number,
): readonly Uint8Array[] | undefined {
  if (elapsed(entry.createdAt, now) > pendingFresh || entry.copiesAnswered >= maxCopiesAnswered)
    return undefined;
  const responseBytes = entry.response.reduce((sum, datagram) => sum + datagram.length, 0);
  if (entry.response.length === 0 || receivedBytes < responseBytes) return undefined;
  entry.copiesAnswered += 1;
  return entry.response.map((datagram) => datagram.slice()); // the plane owns what it is given to send
}

function oldest(entries: readonly PendingEntry[]): PendingEntry | undefined {
  return entries.reduce<PendingEntry | undefined>(
    (a, b) => (a === undefined || b.createdAt < a.createdAt ? b : a),
    undefined,
  );
}
