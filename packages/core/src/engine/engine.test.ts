/** Configuration of the engine: what it refuses, and that it is then as before. Its behaviour stands in test/scenario. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import { Identity } from '../handshake/identity.ts';
import { compareBytes, endpoint, instant, millis, unixMillis } from '../types.ts';
import type { EngineOptions, PeerOptions } from './options.ts';
import { PortableTunnel } from './portable-tunnel.ts';

const crypto = nodeSuite();
const now = instant(0);
const fresh = (): Identity =>
  new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
const other = fresh();
const kem = (identity: Identity, suite: 1 | 2 = 1): Uint8Array =>
  identity.kem(suite)?.publicKey ?? new Uint8Array(0);
const hybrid: PeerOptions = { publicKey: other.dh.publicKey, kemPublicKey: kem(other) };
const classical: PeerOptions = { publicKey: other.dh.publicKey };
const here = endpoint(Uint8Array.of(192, 0, 2, 1), 1);

function tunnel(options: Partial<EngineOptions> = {}): PortableTunnel {
  return new PortableTunnel(now, {
    crypto,
    identity: fresh(),
    wallClock: () => unixMillis(1_767_225_600_000),
    ...options,
  });
}
const secret = (length: number): Secret => new Secret(crypto.random(length));
const badConfig = expect.objectContaining({ code: 'PQTUN_BAD_CONFIG' });
const badKey = expect.objectContaining({ code: 'PQTUN_BAD_KEY' });

describe('options out of range are refused', () => {
  it.each([
    ['M of 507 B', { policy: { maxDatagram: 507 } }, badConfig],
    ['M of 1453 B', { policy: { maxDatagram: 1453 } }, badConfig],
    ['M that is no number', { policy: { maxDatagram: Number.NaN } }, badConfig],
    ['a ceiling of 11 B', { timestampFloor: new Uint8Array(11) }, badConfig],
    ['no deployment key at all', { deploymentKeys: [] }, badKey],
    ['nine deployment keys', { deploymentKeys: Array.from({ length: 9 }, () => crypto.random(32)) }, badKey],
    ['a deployment key of 31 B', { deploymentKeys: [new Uint8Array(31)] }, badKey],
    ['one such among others', { deploymentKeys: [crypto.random(32), new Uint8Array(31)] }, badKey],
  ] as const)('%s', (_name, options, error) => {
    expect(() => tunnel(options)).toThrow(error);
  });

  it.each([508, 1452])('M of %i B is taken', (maxDatagram) => {
    expect(() => tunnel({ policy: { maxDatagram } })).not.toThrow();
  });
});

it('eight deployment keys are taken, the empty one among them', () => {
  const deploymentKeys = [new Uint8Array(0), ...Array.from({ length: 7 }, () => crypto.random(32))];
  expect(() => tunnel({ deploymentKeys })).not.toThrow();
});

it('a ceiling given at start is copied: all timestamps are above it, whatever becomes of its bytes (C6)', () => {
  const timestampFloor = new Uint8Array(12).fill(0x7f);
  const floor = timestampFloor.slice();
  const kept: Uint8Array[] = [];
  const made = tunnel({ timestampFloor, saveTimestampCeiling: (ceiling) => kept.push(ceiling) > 0 });
  timestampFloor.fill(0);
  made.engine.initiate(now, made.engine.addPeer(now, { ...hybrid, endpoint: here }));
  made.handleTimeout(now);
  expect(kept.map((ceiling) => compareBytes(ceiling, floor) > 0)).toEqual([true]);
});

it('a peer is found by its X25519 key, and nobody by another', () => {
  const made = tunnel();
  const peer = made.engine.addPeer(now, hybrid);
  expect(made.engine.peerByPublicKey(other.dh.publicKey)).toBe(peer);
  expect(made.engine.peerByPublicKey(fresh().dh.publicKey)).toBeUndefined();
});

describe('a peer that is refused leaves nothing behind', () => {
  const own = fresh();
  it.each<[string, PeerOptions, unknown]>([
    ['a pre-shared key of 31 B', { ...hybrid, presharedKey: secret(31) }, badKey],
    ['a deployment key of 16 B', { ...hybrid, deploymentKey: secret(16) }, badKey],
    ['our own key', { publicKey: own.dh.publicKey, kemPublicKey: kem(own) }, badConfig],
    ['metered and classical', { ...classical, profile: 'metered' }, badConfig],
    ['a deployment key and classical', { ...classical, deploymentKey: secret(32) }, badConfig],
    ['a keepalive of nothing', { ...hybrid, persistentKeepalive: millis(0) }, badConfig],
    ['a keepalive below a second', { ...hybrid, persistentKeepalive: millis(999) }, badConfig],
    ['a keepalive that is no number', { ...hybrid, persistentKeepalive: millis(Number.NaN) }, badConfig],
    [
      'a keepalive without end',
      { ...hybrid, persistentKeepalive: millis(Number.POSITIVE_INFINITY) },
      badConfig,
    ],
  ])('%s', (_name, options, error) => {
    const made = tunnel({ identity: own });
    expect(() => made.engine.addPeer(now, options)).toThrow(error);
    expect(made.engine.peerIds()).toEqual([]);
    expect(made.plane.fingerprint()).toBe(tunnel().plane.fingerprint());
    expect(made.nextDeadline()).toBeUndefined();
    made.engine.addPeer(now, hybrid); // and does not stand in the way of a right one
    expect(made.engine.peerIds()).toHaveLength(1);
  });

  it('the same key twice, hybrid or classical', () => {
    const made = tunnel();
    made.engine.addPeer(now, hybrid);
    for (const again of [hybrid, classical, { ...hybrid, kemPublicKey: kem(other, 2) }])
      expect(() => made.engine.addPeer(now, again)).toThrow(badConfig);
    expect(made.engine.peerIds()).toHaveLength(1);
  });

  it('of a suite switched off, or without a KEM seed of our own', () => {
    expect(() => tunnel({ policy: { suites: [2] } }).engine.addPeer(now, hybrid)).toThrow(badConfig);
    const identity = new Identity(crypto, secret(32));
    expect(() => tunnel({ identity }).engine.addPeer(now, hybrid)).toThrow(badConfig);
    expect(() => tunnel({ identity }).engine.addPeer(now, classical)).not.toThrow();
  });
});

describe('an update', () => {
  it.each([
    ['a pre-shared key of 33 B', { presharedKey: secret(33) }],
    ['a deployment key of 1 B', { deploymentKey: secret(1) }],
    ['a keepalive of nothing', { persistentKeepalive: millis(0) }],
    ['a negative keepalive', { persistentKeepalive: millis(-5) }],
  ])('with %s is refused whole', (_name, bad) => {
    const made = tunnel();
    const peer = made.engine.addPeer(now, { ...hybrid, endpoint: here, persistentKeepalive: millis(25_000) });
    const before = [made.engine.status(now, peer), made.nextDeadline(), made.plane.fingerprint()];
    const elsewhere = endpoint(Uint8Array.of(192, 0, 2, 2), 1);
    expect(() =>
      made.engine.updatePeer(now, peer, { profile: 'metered', endpoint: elsewhere, ...bad }),
    ).toThrow();
    expect([made.engine.status(now, peer), made.nextDeadline(), made.plane.fingerprint()]).toEqual(before);
  });

  it('makes nothing classical metered, nor gives it a deployment key', () => {
    const made = tunnel();
    const peer = made.engine.addPeer(now, classical);
    expect(() => made.engine.updatePeer(now, peer, { profile: 'metered' })).toThrow(badConfig);
    expect(() => made.engine.updatePeer(now, peer, { deploymentKey: secret(32) })).toThrow(badConfig);
  });

  it('changes all else of a classical peer', () => {
    const made = tunnel();
    const peer = made.engine.addPeer(now, classical);
    made.engine.updatePeer(now, peer, {
      profile: 'standard',
      deploymentKey: null,
      endpoint: here,
      persistentKeepalive: millis(25_000),
    });
    expect(made.engine.status(now, peer)).toMatchObject({ endpoint: here, persistentKeepalive: 25_000 });
    expect(made.nextDeadline()).toMatchObject({ at: now, peer, timer: 'persistent-keepalive' });
    made.engine.updatePeer(now, peer, { persistentKeepalive: null });
    expect(made.engine.status(now, peer).persistentKeepalive).toBeUndefined();
    expect(made.nextDeadline()?.timer).not.toBe('persistent-keepalive');
  });

  it('of a deployment key begins a running handshake anew, under the new one', () => {
    const made = tunnel();
    const peer = made.engine.addPeer(now, { ...hybrid, endpoint: here });
    made.engine.initiate(now, peer);
    made.handleTimeout(now);
    const first = made.poll();
    while (made.poll() !== undefined);
    made.engine.updatePeer(instant(100), peer, { deploymentKey: secret(32) });
    made.handleTimeout(instant(100));
    const second = made.poll();
    expect([first?.bytes[0], second?.bytes[0]]).toEqual([0x11, 0x11]);
    expect(second?.bytes.subarray(4, 8)).not.toEqual(first?.bytes.subarray(4, 8));
  });
});

it('a peer that is removed in the middle of a handshake leaves no index, timer or answer behind', () => {
  const made = tunnel();
  for (let round = 0; round < 20; round++) {
    const peer = made.engine.addPeer(now, { ...hybrid, endpoint: here, persistentKeepalive: millis(1000) });
    made.handleTimeout(now);
    expect(made.engine.sizes().indices).toBe(1);
    made.engine.removePeer(now, peer);
    made.engine.removePeer(now, peer);
    while (made.poll() !== undefined);
    expect(made.engine.sizes()).toEqual({ indices: 0, answered: 0, slots: 0, sources: 0 });
    expect(made.nextDeadline()).toBeUndefined();
  }
});

it('wipes its copy of a pre-shared key when it gets another, and when the peer goes', () => {
  const made = tunnel();
  const copyOf = vi.spyOn(Secret, 'copyOf');
  onTestFinished(() => copyOf.mockRestore());
  const held = (): boolean[] =>
    copyOf.mock.results.map(({ value }) => value instanceof Secret && !value.destroyed);
  const peer = made.engine.addPeer(now, { ...hybrid, presharedKey: secret(32) });
  expect(held()).toEqual([true]);
  made.engine.updatePeer(now, peer, { presharedKey: secret(32) });
  expect(held()).toEqual([false, true]);
  made.engine.removePeer(now, peer);
  expect(held()).toEqual([false, false]);
});
