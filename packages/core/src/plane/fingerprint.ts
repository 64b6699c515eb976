/** The plane's state as text, for tests: a packet that is refused leaves it as it was. Holds no key. */
import { replayWindowReach } from '../limits.ts';
import type { Keypair } from './keypairs.ts';
import type { PlaneState } from './plane-state.ts';
import type { Remote } from './remote.ts';
import type { ReplayWindow } from './replay-window.ts';

/** Drop counters are left out, and routes, which no packet can reach; everything else that a packet could change is in it. */
export function fingerprint(state: PlaneState): string {
  const peers = [...state.remotes.values()].map(describeRemote);
  const { sessions, staging, outputs, reports } = state;
  const queued = reports.queued;
  return JSON.stringify({
    peers,
    sessions: sessions.size,
    erasedByAge: sessions.agedSize,
    stagedBytes: staging.bytes,
    outputs: outputs.length,
    handshakes: queued.handshake,
    controls: queued.control,
  });
}

function describeRemote(remote: Remote) {
  const { keypairs, staged, activity } = remote;
  return {
    id: remote.id,
    endpoint: remote.endpoint && { ...remote.endpoint, ip: [...remote.endpoint.ip] },
    localAddress: remote.localAddress && { ...remote.localAddress, ip: [...remote.localAddress.ip] },
    pathMtu: remote.pathMtu,
    kind: remote.kind,
    current: keypairs.current && describeKeypair(keypairs.current),
    previous: keypairs.previous && describeKeypair(keypairs.previous),
    nexts: keypairs.nexts.map(describeKeypair),
    storedTimestamp: keypairs.storedTimestamp && [...keypairs.storedTimestamp],
    staged: [staged.size, staged.bytes],
    counters: { ...remote.counters },
    activity,
  };
}

function describeKeypair(keypair: Keypair) {
  return {
    index: keypair.localIndex,
    remoteIndex: keypair.remoteIndex,
    confirmedAt: keypair.confirmedAt,
    nextToSend: keypair.sendCounter.next,
    highest: keypair.window.highest,
    seen: seenBelowHighest(keypair.window),
  };
}

/** Distances below the highest counter that have been seen, as ranges. */
function seenBelowHighest(window: ReplayWindow): string {
  const ranges: string[] = [];
  let first = -1;
  const end = Math.min(replayWindowReach, window.highest) + 1; // below counter 0 there is nothing to look at
  for (let distance = 0; distance <= end; distance++) {
    const seen = distance < end && !window.check(window.highest - distance);
    if (seen && first < 0) first = distance;
    if (!seen && first >= 0) {
      ranges.push(`${first}-${distance - 1}`);
      first = -1;
    }
  }
  return ranges.join(' ');
}
