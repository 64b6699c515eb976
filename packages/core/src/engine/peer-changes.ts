/** What changes about a peer while its sessions go on, and what that ends all the same. */
import { Secret } from '../crypto/secret.ts';
import type { Suite } from '../crypto/suite.ts';
import { type MacKeys, macKeys } from '../handshake/cookie.ts';
import type { PeerKeys } from '../handshake/identity.ts';
import { keySize } from '../limits.ts';
import type { Peer } from '../peer/peer.ts';
import { type Endpoint, type Instant, type Millis, sameEndpoint } from '../types.ts';
import type { EngineContext } from './context.ts';
import { endOutstanding } from './initiating.ts';
import type { PeerUpdate } from './options.ts';
import { forgetSession } from './responding.ts';

/** Does what `update` says, which was checked. */
export function changePeer(context: EngineContext, now: Instant, peer: Peer, update: PeerUpdate): void {
  if (update.presharedKey !== undefined) changePresharedKey(context, now, peer, update.presharedKey);
  if (update.deploymentKey !== undefined) {
    peer.macKeys = macKeysFor(context.crypto, peer.keys, update.deploymentKey ?? undefined);
    peer.cookies.clear();
    peer.sequence.restart(now); // nobody reads what went out under the old one
  }
  if (update.endpoint !== undefined) changeEndpoint(context, now, peer, update.endpoint ?? undefined);
  if (update.profile !== undefined) peer.profile = update.profile;
  if (update.persistentKeepalive !== undefined)
    setPersistentKeepalive(now, peer, update.persistentKeepalive ?? undefined);
}

export function setPersistentKeepalive(now: Instant, peer: Peer, interval: Millis | undefined): void {
  peer.persistentKeepalive = interval;
  if (interval === undefined) peer.timers.clear('persistent-keepalive');
  else peer.timers.set('persistent-keepalive', now); // the first at once: what it is for may be gone already
}

/** A running sequence begins anew at the new address: nobody may be listening at the old one. */
function changeEndpoint(context: EngineContext, now: Instant, peer: Peer, at: Endpoint | undefined): void {
  const same = at !== undefined && peer.endpoint !== undefined && sameEndpoint(at, peer.endpoint);
  if (same) return;
  peer.endpoint = at;
  peer.localAddress = undefined;
  context.plane.setPeer(peer.id, { endpoint: at ?? null, localAddress: null });
  if (at === undefined) peer.sequence.end();
  else peer.sequence.restart(now);
}

function changePresharedKey(
  context: EngineContext,
  now: Instant,
  peer: Peer,
  presharedKey: Secret | null,
): void {
  peer.presharedKey.destroy();
  peer.presharedKey =
    presharedKey === null ? new Secret(new Uint8Array(keySize)) : Secret.copyOf(presharedKey.borrow());
  for (const entry of [...peer.pending]) {
    context.plane.retire(now, entry.session);
    forgetSession(context, peer, entry.session);
  }
  endOutstanding(context, peer);
  peer.sequence.restart(now);
}

/** mac1 and cookie keys towards a peer. protocol.md §3.1, §3.3. */
export function macKeysFor(crypto: Suite, keys: PeerKeys, deploymentKey: Secret | undefined): MacKeys {
  return macKeys(crypto, keys.id, deploymentKey?.borrow() ?? new Uint8Array(0));
}
