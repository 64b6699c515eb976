/** What a plane with a gate of its own is told, and when. */
import { describe, expect, it } from 'vitest';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import { Identity } from '../handshake/identity.ts';
import type { GateSettings, OutgoingDatagram } from '../plane/plane.ts';
import { PortablePlane } from '../plane/portable-plane.ts';
import {
  endpoint,
  type Instant,
  instant,
  type PeerId,
  type SessionIndex,
  sessionIndex,
  unixMillis,
} from '../types.ts';
import { readU32le } from '../wire/layout.ts';
import { Engine } from './engine.ts';

const crypto = nodeSuite();
const gk = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const here = endpoint(Uint8Array.of(192, 0, 2, 1), 51820);
const freshIdentity = () =>
  new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));

/** A plane that writes down what happens in its order. */
class GatedPlane extends PortablePlane {
  readonly told: (GateSettings & { readonly at: number })[] = [];
  readonly sent: { readonly index: SessionIndex; readonly expected: boolean }[] = [];
  readonly #replies: number[] = [];

  setGate(settings: GateSettings): void {
    this.told.push({ ...settings, expectedIndices: new Set(settings.expectedIndices), at: this.told.length });
  }

  override sendDatagrams(datagrams: readonly OutgoingDatagram[]): void {
    for (const { bytes } of datagrams) {
      const index = sessionIndex(readU32le(bytes, 4));
      this.sent.push({ index, expected: this.told.at(-1)?.expectedIndices.has(index) ?? false });
    }
  }

  answerStrangers(times: number): void {
    this.#replies.push(times);
  }

  override takeReports() {
    const reports = super.takeReports();
    const cookieReplies = this.#replies.shift();
    return cookieReplies === undefined ? reports : { ...reports, cookieReplies };
  }
}

function gated() {
  const plane = new GatedPlane({ suite: crypto });
  const identity = freshIdentity();
  const engine = new Engine(instant(0), {
    crypto,
    plane,
    identity,
    wallClock: () => unixMillis(1_767_225_600_000),
  });
  const addPeer = (hybrid = true) => {
    const other = freshIdentity();
    const kem = hybrid ? { kemPublicKey: other.kem(1)?.publicKey ?? gk(0) } : {};
    return engine.addPeer(instant(0), { publicKey: other.dh.publicKey, endpoint: here, ...kem });
  };
  /** How often the gate was told something by `act`. */
  const tellings = (act: () => void): number => {
    const before = plane.told.length;
    act();
    return plane.told.length - before;
  };
  return { plane, identity, engine, addPeer, tellings, told: () => plane.told.at(-1) };
}

describe('a gate in the plane is told', () => {
  it('all of it when the engine is made', () => {
    const { told, tellings, engine } = gated();
    expect(told()).toMatchObject({
      hasClassicalPeers: false,
      cookieSecrets: { since: 0, previous: undefined },
      underLoadUntil: Number.NEGATIVE_INFINITY,
      expectedIndices: new Set(),
    });
    expect([...(told()?.suites.keys() ?? [])]).toEqual([1, 2]);
    expect([1, 2].map((suite) => told()?.suites.get(suite === 1 ? 1 : 2)?.length)).toEqual([1, 1]);
    expect(tellings(() => engine.handleTimeout(instant(1)))).toBe(0);
  });

  it('of deployment keys, at once', () => {
    const { told, tellings, engine } = gated();
    const before = told()?.suites.get(1)?.[0]?.mac1;
    expect(tellings(() => engine.setDeploymentKeys([gk(1), gk(2)]))).toBe(1);
    expect(told()?.suites.get(1)).toHaveLength(2);
    expect(told()?.suites.get(1)?.[0]?.mac1).not.toEqual(before);
  });

  it('whether there are classical peers: of the first, and when the last is gone', () => {
    const { told, tellings, engine, addPeer } = gated();
    expect(tellings(() => addPeer(true))).toBe(0);
    const peers: PeerId[] = [];
    const added = [0, 1].map(() => tellings(() => peers.push(addPeer(false))));
    expect(added).toEqual([1, 0]);
    expect(told()?.hasClassicalPeers).toBe(true);
    const gone = peers.map((peer) => tellings(() => engine.removePeer(instant(1), peer)));
    expect(gone).toEqual([0, 1]);
    expect(told()?.hasClassicalPeers).toBe(false);
  });

  it('of load when it begins and when it ends before its time, and not that its time is over', () => {
    const { told, tellings, engine } = gated();
    expect(tellings(() => engine.setLoopDelay(21))).toBe(1);
    expect(told()?.underLoadUntil).toBe(Number.POSITIVE_INFINITY);
    expect(tellings(() => engine.setLoopDelay(50))).toBe(0);
    expect(tellings(() => engine.setLoopDelay(20))).toBe(1);
    expect(told()?.underLoadUntil).toBe(Number.NEGATIVE_INFINITY);
    expect(tellings(() => engine.handleTimeout(instant(5000)))).toBe(0);
  });

  it('of R when it has been replaced, with the one before and the one to come', () => {
    const { told, tellings, engine } = gated();
    const first = told()?.cookieSecrets;
    expect(tellings(() => engine.handleReports(instant(119_999)))).toBe(0);
    expect(tellings(() => engine.handleReports(instant(120_000)))).toBe(1);
    expect(told()?.cookieSecrets).toMatchObject({
      since: 120_000,
      previous: first?.current,
      current: first?.next,
    });
  });

  it('once for all initiations that fall due at once, and before the first of them leaves', () => {
    const { plane, tellings, engine, addPeer } = gated();
    const now: Instant = instant(10);
    const peers = Array.from({ length: 20 }, () => addPeer());
    for (const peer of peers) engine.initiate(now, peer);
    expect(tellings(() => engine.handleTimeout(now))).toBe(1);
    expect(plane.told.at(-1)?.expectedIndices.size).toBe(20);
    expect(plane.sent.length).toBe(40);
    expect(plane.sent.every(({ expected }) => expected)).toBe(true);
    expect(new Set(plane.sent.map(({ index }) => index)).size).toBe(20);
    expect(tellings(() => engine.stop(instant(11)))).toBeGreaterThan(0);
    expect(plane.told.at(-1)?.expectedIndices.size).toBe(0);
  });

  it('of a copy nothing: the answer is expected already', () => {
    const { plane, tellings, engine, addPeer } = gated();
    engine.initiate(instant(0), addPeer());
    engine.handleTimeout(instant(0));
    expect(tellings(() => engine.handleTimeout(instant(1000)))).toBe(0);
    expect(plane.sent.map(({ expected }) => expected)).toEqual([true, true, true, true]);
  });
});

it('cookie replies that the plane sent are counted with our own', () => {
  const { plane, engine } = gated();
  plane.answerStrangers(3);
  engine.handleReports(instant(0));
  plane.answerStrangers(4);
  engine.handleReports(instant(0));
  expect(engine.cookieRepliesSent).toBe(7);
});
