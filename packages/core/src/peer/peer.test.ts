import { describe, expect, it } from 'vitest';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import { macKeys } from '../handshake/cookie.ts';
import { Identity, peerKeys } from '../handshake/identity.ts';
import { Transcript } from '../handshake/transcript.ts';
import { endpoint, type Instant, instant, peerId, sessionIndex } from '../types.ts';
import { Peer } from './peer.ts';

const crypto = nodeSuite();
const self = new Identity(crypto, new Secret(crypto.random(32)));
const keys = peerKeys(crypto, self, crypto.dhPrivate().publicKey);

function peer(presharedKey?: Secret): Peer {
  return new Peer(peerId(1), keys, macKeys(crypto, keys.id, new Uint8Array(0)), () => 0, {
    presharedKey,
    profile: 'standard',
  });
}

/** Adds a session born at `bornAt`, confirmed or a `next`. */
function addSession(
  to: Peer,
  index: number,
  bornAt: number,
  confirmedAt?: number,
  expiresAt = bornAt + 180_000,
) {
  to.sessions.set(sessionIndex(index), {
    index: sessionIndex(index),
    role: 'initiator',
    bornAt: instant(bornAt),
    expiresAt: instant(expiresAt),
    confirmedAt: confirmedAt === undefined ? undefined : instant(confirmedAt),
  });
}

describe('of its sessions', () => {
  it('the newest is the one confirmed last, of equals the one added last; a next is none', () => {
    const one = peer();
    expect([one.newestSession, one.hasSession]).toEqual([undefined, false]);
    addSession(one, 1, 900);
    expect([one.newestSession, one.hasSession]).toEqual([undefined, false]);
    addSession(one, 2, 100, 500);
    addSession(one, 3, 200, 400);
    expect([one.newestSession?.index, one.hasSession]).toEqual([2, true]);
    addSession(one, 4, 50, 500);
    addSession(one, 5, 1000);
    expect(one.newestSession?.index).toBe(4);
  });

  it('the youngest next is the one made last, whenever it was added (T5)', () => {
    const one = peer();
    addSession(one, 1, 900, 901);
    expect(one.youngestNextAt).toBeUndefined();
    for (const [index, bornAt] of [
      [2, 300],
      [3, 500],
      [4, 400],
    ] as const)
      addSession(one, index, bornAt);
    expect(one.youngestNextAt).toBe(500);
  });

  it('the first to end sets the timer, and none clears it (T6)', () => {
    const one = peer();
    const expiry = (): Instant | undefined => one.timers.at('expire-session');
    one.armExpiry();
    expect(expiry()).toBeUndefined();
    for (const [index, end] of [
      [1, 700],
      [2, 600],
      [3, 800],
    ] as const)
      addSession(one, index, 0, 0, end);
    one.armExpiry();
    expect(expiry()).toBe(600);
    one.sessions.delete(sessionIndex(2));
    one.armExpiry();
    expect(expiry()).toBe(700);
    one.sessions.clear();
    one.armExpiry();
    expect(expiry()).toBeUndefined();
  });
});

it('datagrams are cut to 508 B from the second failed attempt over IPv4 on, and never over IPv6 (§3.1)', () => {
  const one = peer();
  const [v4, v6] = [endpoint(Uint8Array.of(192, 0, 2, 1), 1), endpoint(new Uint8Array(16).fill(0xfd), 1)];
  const sizes = (at: typeof v4 | undefined) =>
    [0, 1, 2, 3].map((failedAttempts) => {
      Object.assign(one, { endpoint: at, failedAttempts });
      return one.maxDatagram(1232);
    });
  expect(sizes(v4)).toEqual([1232, 1232, 508, 508]);
  expect(sizes(v6)).toEqual([1232, 1232, 1232, 1232]);
  expect(sizes(undefined)).toEqual([1232, 1232, 1232, 1232]);
});

it('a handshake that is dropped is wiped, and its timers with it, but not the next attempt', () => {
  const one = peer();
  let destroyed = 0;
  one.outstanding = {
    index: sessionIndex(1),
    state: {
      kind: 'classical-awaiting-response',
      senderIndex: sessionIndex(1),
      ephemeral: crypto.dhPrivate(),
      presharedKey: new Secret(new Uint8Array(32)),
      transcript: Transcript.begin(crypto, new Uint8Array(0), new Uint8Array(0)),
      destroy: () => void destroyed++,
    },
    datagrams: [],
    mac1: new Uint8Array(16),
    to: endpoint(Uint8Array.of(192, 0, 2, 1), 1),
    localAddress: undefined,
    timestamp: new Uint8Array(12),
    sentAt: instant(0),
    actedOnCookie: false,
    reassemblies: new Map(),
  };
  for (const name of ['copy', 'expire-initiation', 'attempt', 'give-up'] as const)
    one.timers.set(name, instant(1));
  one.dropOutstanding();
  expect([destroyed, one.outstanding]).toEqual([1, undefined]);
  expect(
    (['copy', 'expire-initiation', 'attempt', 'give-up'] as const).map((name) => one.timers.at(name)),
  ).toEqual([undefined, undefined, 1, 1]);
  one.dropOutstanding();
  expect(destroyed).toBe(1);
});

it('without a pre-shared key it has one of zeros, as the protocol says (§2)', () => {
  expect(peer().presharedKey.borrow()).toEqual(new Uint8Array(32));
  const own = new Secret(new Uint8Array(32).fill(7));
  expect(peer(own).presharedKey).toBe(own);
});
