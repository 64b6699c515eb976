/** What configuration, questions and an end do to an engine that has a peer to talk to. */
import { describe, expect, it } from 'vitest';
import { Secret } from '../crypto/secret.ts';
import { fingerprint } from '../handshake/identity.ts';
import { instant } from '../types.ts';
import { at, never, nowhere, packet, pair, Side } from './pair.test.kit.ts';

describe.each([
  ['hybrid', true],
  ['classical', false],
])('a %s peer', (kind, hybrid) => {
  it('is shown with what it is, before and after it is connected', () => {
    const { left, right, toRight, toLeft, connect } = pair(hybrid);
    const known = {
      kind,
      publicKey: right.identity.dh.publicKey,
      suite: hybrid ? 1 : undefined,
      fingerprint: hybrid ? fingerprint(right.identity.id(1) ?? nowhere) : undefined,
      endpoint: right.home,
      profile: 'standard',
    };
    expect(left.tunnel.engine.status(instant(0), toRight)).toMatchObject({
      ...known,
      sessionAge: undefined,
      role: undefined,
      handshakesCompleted: 0,
      initiating: false,
    });
    connect();
    const later = instant(1500);
    expect(left.tunnel.engine.status(later, toRight)).toMatchObject({
      ...known,
      sessionAge: 1500,
      role: 'initiator',
      handshakesCompleted: 1,
      lastHandshakeAt: 0,
      initiating: false,
    });
    expect(left.tunnel.engine.peerCounters([toRight])).toMatchObject([
      { packetsSent: 1, packetsReceived: 0 },
    ]);
    expect(right.tunnel.engine.status(later, toLeft)).toMatchObject({
      kind,
      endpoint: left.home,
      role: 'responder',
      handshakesCompleted: 1,
    });
    expect(right.tunnel.engine.peerCounters([toLeft])).toMatchObject([
      { packetsSent: 0, packetsReceived: 1 },
    ]);
    expect([left.events(), right.events()]).toEqual([
      ['peer-established'],
      ['peer-established', 'peer-roamed'],
    ]);
  });

  it('that is removed leaves nothing, and what it still sends is the message of nobody', () => {
    const { left, right, toLeft, begin, connect, settle } = pair(hybrid);
    connect();
    right.tunnel.engine.removePeer(instant(0), toLeft);
    expect(right.tunnel.engine.sizes()).toEqual({ indices: 0, answered: 0, slots: 0, sources: 0 });
    expect(right.tunnel.plane.fingerprint()).toBe(new Side(2).tunnel.plane.fingerprint());
    left.tunnel.handlePacket(instant(1), packet);
    settle(instant(1));
    expect([right.delivered, right.tunnel.plane.drops.of('unknown-index')]).toEqual([[], 1]);
    left.tunnel.engine.resetTimestamp(left.peer ?? toLeft);
    begin(instant(6000));
    settle(instant(6000));
    const { drops } = right.tunnel.engine;
    expect([drops.of('unknown-peer'), drops.of('downgrade-refused')]).toEqual(hybrid ? [1, 0] : [0, 1]);
  });

  it('has an initiation that is told from all else, and a source that is known once it is connected', () => {
    const { left, right, begin, settle } = pair(hybrid);
    const { engine } = right.tunnel;
    begin();
    const sent = left.take();
    for (const { bytes } of sent) {
      expect(engine.initiationOf(left.home, bytes)).toBe('stranger');
      right.tunnel.handleDatagram(instant(0), left.home, undefined, bytes.slice());
    }
    for (const { bytes } of right.take()) {
      expect(engine.initiationOf(left.home, bytes)).toBeUndefined();
      left.tunnel.handleDatagram(instant(0), right.home, undefined, bytes);
    }
    settle(instant(0));
    for (const { bytes } of sent) {
      expect(engine.initiationOf(left.home, bytes)).toBe('peer');
      expect(engine.initiationOf(at(1, 9), bytes)).toBe('stranger');
      expect(engine.initiationOf(left.home, bytes.subarray(1))).toBeUndefined();
    }
    for (const bytes of [nowhere, new Uint8Array(64).fill(4, 0, 1), new Uint8Array(64).fill(3, 0, 1)])
      expect(engine.initiationOf(left.home, bytes)).toBeUndefined();
  });
});

it('a transport datagram that comes to the engine is of no session', () => {
  const { engine } = new Side(1).tunnel;
  engine.handleDatagram(instant(0), at(2), undefined, new Uint8Array(64).fill(4, 0, 1));
  expect(engine.drops.of('unknown-index')).toBe(1);
});

it('packets wait for the handshake they begin, and arrive', () => {
  const { left, right, settle } = pair();
  left.tunnel.handlePacket(instant(0), packet);
  left.tunnel.handleTimeout(instant(0));
  settle(instant(0));
  expect(right.delivered).toEqual([packet]);
  right.tunnel.handlePacket(instant(1), packet);
  settle(instant(1));
  expect(left.delivered).toEqual([packet]);
});

it('without an endpoint nothing is begun', () => {
  const { right, toLeft } = pair();
  const before = right.tunnel.nextDeadline();
  right.tunnel.engine.initiate(instant(0), toLeft);
  expect(right.tunnel.nextDeadline()).toEqual(before);
  expect(right.tunnel.engine.status(instant(0), toLeft).initiating).toBe(false);
});

it('a deployment key given and taken back is that of the next initiation, and no cookie of before goes with it', () => {
  const { left, right, toRight, begin, settle } = pair();
  const { engine } = left.tunnel;
  const badMacs = () => right.tunnel.engine.drops.of('bad-mac1');
  right.tunnel.engine.setLoopDelay(50);
  begin();
  settle(instant(0)); // a cookie is had, and the session stands
  engine.updatePeer(instant(10), toRight, { deploymentKey: new Secret(new Uint8Array(32).fill(5)) });
  begin(instant(6000));
  const asked = left.take();
  for (const { bytes } of asked) {
    expect(bytes.subarray(-16)).toEqual(new Uint8Array(16)); // no mac2: the cookie was of another key
    right.tunnel.handleDatagram(instant(6000), left.home, undefined, bytes);
  }
  expect(badMacs()).toBe(2);
  right.tunnel.engine.setLoopDelay(0);
  engine.updatePeer(instant(6000), toRight, { deploymentKey: null });
  left.tunnel.handleTimeout(instant(6000));
  settle(instant(6000));
  expect([badMacs(), engine.status(instant(6000), toRight).handshakesCompleted]).toEqual([2, 2]);
});

it('two peers behind one address keep it known until the last of them is gone (§6 pool A)', () => {
  const [hub, one, two] = [new Side(9), new Side(1), new Side(1)];
  const ids = [one, two].map((side) => {
    side.add(hub, { endpoint: hub.home });
    return hub.add(side);
  });
  let initiation = nowhere;
  for (const side of [one, two]) {
    side.tunnel.engine.initiate(instant(0), side.peer ?? ids[0] ?? never());
    side.tunnel.handleTimeout(instant(0));
    for (let round = 0; round < 3; round++) {
      for (const { bytes } of side.take()) {
        if (bytes[0] === 0x11) initiation = bytes.slice();
        hub.tunnel.handleDatagram(instant(0), side.home, undefined, bytes);
      }
      for (const { bytes } of hub.take()) side.tunnel.handleDatagram(instant(0), hub.home, undefined, bytes);
    }
  }
  const { engine } = hub.tunnel;
  const known = () => [engine.sizes().sources, engine.initiationOf(one.home, initiation)];
  expect(known()).toEqual([1, 'peer']);
  engine.removePeer(instant(0), ids[0] ?? never());
  expect(known()).toEqual([1, 'peer']);
  engine.removePeer(instant(0), ids[1] ?? never());
  expect(known()).toEqual([0, 'stranger']);
});

describe('an update of a connected peer', () => {
  it('takes back a keepalive, and the profile counts from the next session on', () => {
    const { left, toRight, connect } = pair();
    const { engine } = left.tunnel;
    connect();
    engine.updatePeer(instant(0), toRight, { persistentKeepalive: null, profile: 'metered' });
    expect(engine.status(instant(0), toRight)).toMatchObject({
      persistentKeepalive: undefined,
      profile: 'metered',
    });
    expect(left.tunnel.nextDeadline()?.timer).not.toBe('persistent-keepalive');
  });

  it('is of a known peer: another number is a bug', () => {
    const { left, toRight } = pair();
    left.tunnel.engine.removePeer(instant(0), toRight);
    expect(() => left.tunnel.engine.updatePeer(instant(0), toRight, {})).toThrow(
      expect.objectContaining({ code: 'PQTUN_INVARIANT' }),
    );
  });
});

it('a stop ends every peer', () => {
  const { left, connect } = pair();
  connect();
  left.tunnel.engine.stop(instant(0));
  expect(left.tunnel.engine.peerIds()).toEqual([]);
  expect(left.tunnel.engine.sizes()).toEqual({ indices: 0, answered: 0, slots: 0, sources: 0 });
});
