/** Everything there is to show of a tunnel, joined from where the numbers are born. */
import type { Instant, PeerCounters, PeerStatus } from '@pqtun/core';
import type { PeerStats, TunnelStats } from './api.ts';
import type { Protocol } from './data-path.ts';
import type { DropTally } from './drop-tally.ts';
import type { BookedPeer } from './peer-book.ts';
import type { PeerPaths } from './peer-paths.ts';

type Fixed = Omit<TunnelStats, 'underLoad' | 'peers' | 'drops' | 'cookieRepliesSent' | 'downgradesRefused'>;

export interface StatsSources {
  readonly protocol: Protocol;
  readonly peers: readonly BookedPeer[];
  /** Wall clock of each peer's last handshake, by key. */
  readonly lastHandshakes: ReadonlyMap<string, number>;
  readonly paths: Pick<PeerPaths, 'of'>;
  readonly drops: DropTally;
  readonly cookiesBefore: number;
  readonly fixed: Fixed;
}

export function tunnelStats(now: Instant, sources: StatsSources): TunnelStats {
  const { engine } = sources.protocol;
  const drops = sources.drops.snapshot();
  const counters = engine.peerCounters(sources.peers.map(({ id }) => id));
  return {
    ...sources.fixed,
    underLoad: engine.isUnderLoad(now),
    peers: sources.peers.flatMap((peer, i) => {
      const counted = counters[i];
      return counted === undefined ? [] : [peerStats(engine.status(now, peer.id), counted, peer, sources)];
    }),
    drops,
    cookieRepliesSent: sources.cookiesBefore + engine.cookieRepliesSent,
    downgradesRefused: drops['downgrade-refused'] + drops['classical-disabled'],
  };
}

function peerStats(
  status: PeerStatus,
  counters: PeerCounters,
  { key, id, config }: BookedPeer,
  sources: StatsSources,
): PeerStats {
  return {
    publicKey: config.publicKey,
    mode: config.mode,
    suite: status.suite,
    fingerprint: status.fingerprint,
    endpoint: status.endpoint,
    allowedIps: config.allowedIps,
    persistentKeepalive: config.persistentKeepalive,
    rekeyProfile: status.profile,
    hasPresharedKey: config.presharedKey !== undefined,
    pqState: status.sessionAge === undefined ? 'none' : status.kind,
    sessionAge: status.sessionAge,
    role: status.role,
    lastHandshake: sources.lastHandshakes.get(key),
    handshakeDuration: status.handshakeDuration,
    handshakesCompleted: status.handshakesCompleted,
    ...counters,
    roundTrip: status.roundTrip,
    pathMtu: sources.paths.of(id),
  };
}
