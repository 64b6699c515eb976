/**
 * The engine's state as text, for tests. Holds no key, no cookie and no secret; where one is held, its age stands. Times are
 * milliseconds from or until `now`, so that two states which differ only in when they came about read alike.
 *
 * Left out: statistics, drop counters, and the last timestamp sent, whose only effect is that the next is larger (C6).
 */
import type { Peer, SessionRecord } from '../peer/peer.ts';
import type { PendingEntry } from '../peer/pending.ts';
import { timerNames } from '../peer/timers.ts';
import { elapsed, type Instant } from '../types.ts';
import type { EngineContext } from './context.ts';
import type { Gate } from './gate.ts';
import type { ReassemblyPools } from './reassembly.ts';

export function fingerprint(
  now: Instant,
  context: EngineContext,
  gate: Gate,
  pools: ReassemblyPools,
): string {
  const peers = context.peers.all().map((peer) => ({
    ...describePeer(now, peer),
    probing: context.probing.get(peer.id)?.describe(now),
  }));
  return JSON.stringify({
    peers,
    indices: context.indices.size,
    answered: context.answered.size,
    liveSources: context.peers.liveSources,
    strangers: { gate: gate.describe(now), slots: pools.describe(now) },
  });
}

function describePeer(now: Instant, peer: Peer): object {
  const { outstanding, classicalAnswer, endpoint, localAddress } = peer;
  return {
    id: peer.id,
    endpoint: endpoint && { ...endpoint, ip: [...endpoint.ip] },
    localAddress: localAddress && { ...localAddress, ip: [...localAddress.ip] },
    profile: peer.profile,
    persistentKeepalive: peer.persistentKeepalive,
    failedAttempts: peer.failedAttempts,
    storedTimestamp: peer.storedTimestamp && [...peer.storedTimestamp],
    liveSource: peer.liveSource !== undefined,
    outstanding: outstanding && {
      index: outstanding.index,
      fragments: outstanding.datagrams.length,
      port: outstanding.to.port,
      timestamp: [...outstanding.timestamp],
      age: elapsed(outstanding.sentAt, now),
      actedOnCookie: outstanding.actedOnCookie,
      reassemblies: [...outstanding.reassemblies].map(([key, reassembly]) => [
        key,
        Array.from({ length: reassembly.count }, (_, i) => reassembly.has(i)),
      ]),
    },
    classicalAnswer: classicalAnswer?.index,
    sessions: [...peer.sessions.values()].map((session) => describeSession(now, session)),
    pending: peer.pending.map((entry) => describeEntry(now, entry)),
    answered: peer.answered.map((entry) => describeEntry(now, entry)),
    cookies: peer.cookies.describe(now),
    sequence: peer.sequence.describe(now),
    timers: timerNames.flatMap((name) => {
      const at = peer.timers.at(name);
      return at === undefined ? [] : [[name, elapsed(now, at)]];
    }),
  };
}

function describeSession(now: Instant, { index, role, bornAt, confirmedAt }: SessionRecord): object {
  const confirmed = confirmedAt === undefined ? undefined : elapsed(confirmedAt, now); // 0 is a time
  return { index, role, age: elapsed(bornAt, now), confirmed };
}

function describeEntry(now: Instant, entry: PendingEntry): object {
  return {
    index: entry.session,
    proven: entry.proven,
    age: elapsed(entry.createdAt, now),
    copiesAnswered: entry.copiesAnswered,
    kept: entry.response.length,
  };
}
