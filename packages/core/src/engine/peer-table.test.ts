import { describe, expect, it } from 'vitest';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import { macKeys } from '../handshake/cookie.ts';
import { Identity, type PeerKeys, peerKeys } from '../handshake/identity.ts';
import { Peer } from '../peer/peer.ts';
import { endpoint, instant, sessionIndex } from '../types.ts';
import { PeerTable } from './peer-table.ts';

const crypto = nodeSuite();
const newIdentity = () => new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
const own = newIdentity();
const here = endpoint(Uint8Array.of(192, 0, 2, 1), 1000);
const there = endpoint(Uint8Array.of(192, 0, 2, 2), 1000);

function classicalKeys(): PeerKeys {
  return peerKeys(crypto, own, newIdentity().dh.publicKey);
}

function hybridKeys(): PeerKeys {
  const other = newIdentity();
  return peerKeys(crypto, own, other.dh.publicKey, other.kem(1)?.publicKey);
}

function added(table: PeerTable, keys: PeerKeys = classicalKeys()): Peer {
  const settings = { presharedKey: undefined, profile: 'standard' } as const;
  const peer = new Peer(table.newId(), keys, macKeys(crypto, keys.id, new Uint8Array(0)), () => 0, settings);
  table.add(peer);
  return peer;
}

/** In session, confirmed at `at`. */
function live(table: PeerTable, at = here): Peer {
  const peer = added(table);
  peer.endpoint = at;
  const session = { index: sessionIndex(1), role: 'initiator', bornAt: instant(0) } as const;
  peer.sessions.set(session.index, { ...session, expiresAt: instant(180_000), confirmedAt: instant(0) });
  table.touch(peer);
  return peer;
}

describe('a table of peers', () => {
  it('finds a hybrid peer by its ID and by its public key, a classical one by the latter as both', () => {
    const table = new PeerTable();
    const hybrid = added(table, hybridKeys());
    const classical = added(table);
    expect(table.byIdentity(hybrid.keys.id)).toBe(hybrid);
    expect(table.byPublicKey(hybrid.keys.dhPublic)).toBe(hybrid);
    expect(table.byIdentity(hybrid.keys.dhPublic)).toBeUndefined();
    expect(table.byIdentity(classical.keys.dhPublic)).toBe(classical);
    expect(table.byPublicKey(classical.keys.dhPublic)).toBe(classical);
    expect(table.find(hybrid.id)).toBe(hybrid);
    expect(table.all()).toEqual([hybrid, classical]);
  });

  it('forgets one that is removed, and never gives its id again', () => {
    const table = new PeerTable();
    const gone = live(table);
    gone.timers.set('attempt', instant(5));
    table.touch(gone);
    table.remove(gone);
    expect(table.find(gone.id)).toBeUndefined();
    expect(table.byIdentity(gone.keys.id)).toBeUndefined();
    expect(table.byPublicKey(gone.keys.dhPublic)).toBeUndefined();
    expect(table.nextDue()).toBeUndefined();
    expect(table.liveSources).toBe(0);
    table.touch(gone); // from a path that held it still
    expect(table.nextDue()).toBeUndefined();
    expect(table.liveSources).toBe(0);
    expect(added(table).id).not.toBe(gone.id);
    expect(() => table.get(gone.id)).toThrow('a peer that was never added, or is gone');
  });

  it('knows whether there are classical peers', () => {
    const table = new PeerTable();
    added(table, hybridKeys());
    expect(table.hasClassical).toBe(false);
    const [one, two] = [added(table), added(table)];
    table.remove(one);
    expect(table.hasClassical).toBe(true);
    table.remove(two);
    expect(table.hasClassical).toBe(false);
  });

  it('counts a source while any peer in session is confirmed there', () => {
    const table = new PeerTable();
    const [one, two] = [live(table), live(table)];
    expect([table.isLiveSource(here), table.isLiveSource(there), table.liveSources]).toEqual([
      true,
      false,
      1,
    ]);
    one.endpoint = there;
    table.touch(one);
    expect([table.isLiveSource(here), table.isLiveSource(there)]).toEqual([true, true]);
    two.sessions.clear();
    table.touch(two);
    expect([table.isLiveSource(here), table.isLiveSource(there)]).toEqual([false, true]);
  });

  it('names the peer whose timer is first', () => {
    const table = new PeerTable();
    const [one, two] = [added(table), added(table)];
    one.timers.set('attempt', instant(9));
    two.timers.set('attempt', instant(4));
    for (const peer of [one, two]) table.touch(peer);
    expect(table.nextDue()).toEqual({ at: instant(4), peer: two });
    two.timers.set('attempt', instant(20));
    table.touch(two);
    expect(table.nextDue()).toEqual({ at: instant(9), peer: one });
  });
});
