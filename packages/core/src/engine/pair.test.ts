/** Two whole tunnels and nothing between them: what configuration and inputs do to an engine that has a peer to talk to. */
import { describe, expect, it } from 'vitest';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import { fingerprint, Identity } from '../handshake/identity.ts';
import { type Endpoint, endpoint, type Instant, instant, type PeerId, unixMillis } from '../types.ts';
import type { PeerOptions } from './engine.ts';
import { PortableTunnel } from './portable-tunnel.ts';

const crypto = nodeSuite();
const nowhere = new Uint8Array(0);
/** IPv4, 20 B, from and to anywhere. */
const packet = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);
const at = (host: number, port = 51820): Endpoint => endpoint(Uint8Array.of(192, 0, 2, host), port);

function never(): never {
  throw new Error('not there');
}

class Side {
  readonly identity = new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
  readonly tunnel: PortableTunnel;
  readonly home: Endpoint;
  readonly delivered: Uint8Array[] = [];
  peer: PeerId | undefined;

  constructor(host: number) {
    this.home = at(host);
    this.tunnel = new PortableTunnel(instant(0), {
      crypto,
      identity: this.identity,
      wallClock: () => unixMillis(1_767_225_600_000),
    });
  }

  add(other: Side, options: Partial<PeerOptions> = {}, hybrid = true): PeerId {
    const { dh } = other.identity;
    const kem = hybrid ? { kemPublicKey: other.identity.kem(1)?.publicKey ?? nowhere } : {};
    this.peer = this.tunnel.engine.addPeer(instant(0), { publicKey: dh.publicKey, ...kem, ...options });
    this.tunnel.plane.setRoutes([{ kind: 'add', peer: this.peer, prefix: new Uint8Array(4), bits: 0 }]);
    return this.peer;
  }

  /** Datagrams that want to leave. */
  take(): { to: Endpoint; bytes: Uint8Array }[] {
    const datagrams: { to: Endpoint; bytes: Uint8Array }[] = [];
    for (let output = this.tunnel.poll(); output !== undefined; output = this.tunnel.poll()) {
      if (output.kind === 'datagram') datagrams.push(output);
      else this.delivered.push(output.bytes.slice());
    }
    return datagrams;
  }

  events(): string[] {
    const kinds: string[] = [];
    for (let event = this.tunnel.pollEvent(); event !== undefined; event = this.tunnel.pollEvent())
      kinds.push(event.kind);
    return kinds;
  }
}

/** Two sides that know each other; the left one knows where the right one is. */
function pair(hybrid = true) {
  const [left, right] = [new Side(1), new Side(2)];
  const toRight = left.add(right, { endpoint: right.home }, hybrid);
  const toLeft = right.add(left, {}, hybrid);
  /** Hands datagrams over until nobody has one more; `lose` takes those of one side away. */
  const settle = (now: Instant, lose?: Side) => {
    for (let more = true; more; ) {
      more = false;
      for (const [from, to] of [
        [left, right],
        [right, left],
      ] as const) {
        for (const { bytes } of from.take()) {
          if (from === lose) continue;
          to.tunnel.handleDatagram(now, from.home, undefined, bytes);
          more = true;
        }
      }
    }
  };
  /** The left side begins at once. */
  const begin = (now = instant(0)) => {
    left.tunnel.engine.initiate(now, toRight);
    left.tunnel.handleTimeout(now);
  };
  const connect = (now = instant(0)) => {
    begin(now);
    settle(now);
  };
  return { left, right, toRight, toLeft, begin, settle, connect };
}

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
      packetsSent: 1,
    });
    expect(right.tunnel.engine.status(later, toLeft)).toMatchObject({
      kind,
      endpoint: left.home,
      role: 'responder',
      handshakesCompleted: 1,
      packetsReceived: 1,
    });
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

describe.each([
  ['hybrid', true],
  ['classical', false],
])('a %s initiation', (_kind, hybrid) => {
  it('under load draws one cookie reply, comes again at once with what the cookie proves, and passes (§6)', () => {
    const { left, right, toRight, begin, settle } = pair(hybrid);
    right.tunnel.engine.setLoopDelay(50);
    begin();
    settle(instant(0));
    const { drops } = right.tunnel.engine;
    expect(drops.of('under-load')).toBe(hybrid ? 2 : 1); // each fragment is refused, the first one is answered
    expect(right.tunnel.engine.cookieRepliesSent).toBe(1);
    expect(left.tunnel.engine.status(instant(0), toRight).handshakesCompleted).toBe(1);
  });

  it('whose answer comes when it is kept for copies no more leaves nothing of it once it is confirmed (C3)', () => {
    const { left, right, begin, settle } = pair(hybrid);
    begin();
    for (const { bytes } of left.take()) right.tunnel.handleDatagram(instant(0), left.home, undefined, bytes);
    const answer = right.take();
    expect(right.tunnel.engine.sizes().answered).toBe(1);
    right.tunnel.handleTimeout(instant(5001));
    for (const { bytes } of answer) left.tunnel.handleDatagram(instant(6000), right.home, undefined, bytes);
    settle(instant(6000));
    expect(right.events()).toContain('peer-established');
    expect(right.tunnel.engine.sizes().answered).toBe(0);
  });
});

it('a fragment that comes twice is refused the second time, and the initiation is whole all the same', () => {
  const { left, right, begin } = pair();
  begin();
  const [first, ...rest] = left.take();
  const { engine } = right.tunnel;
  for (const each of [first, first, ...rest])
    engine.handleDatagram(instant(0), left.home, undefined, each?.bytes.slice() ?? nowhere);
  expect(engine.drops.of('duplicate-fragment')).toBe(1);
  expect(engine.sizes()).toEqual({ indices: 1, answered: 1, slots: 0, sources: 0 });
});

it('first fragments of more initiations than a prefix has slots are refused, and answered with a cookie (§6)', () => {
  const { left, right, toRight, begin } = pair();
  const { engine } = right.tunnel;
  begin();
  for (let nth = 0; nth < 6; nth++) {
    const [first] = left.take();
    engine.handleDatagram(instant(nth), left.home, undefined, first?.bytes ?? nowhere);
    left.tunnel.engine.updatePeer(instant(nth), toRight, { endpoint: at(2, 1000 + nth) });
    left.tunnel.handleTimeout(instant(nth));
  }
  expect([engine.sizes().slots, engine.drops.of('no-slot'), engine.cookieRepliesSent]).toEqual([4, 2, 2]);
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

describe('while a handshake runs', () => {
  const first = (side: Side) => side.take()[0];

  it('another endpoint begins it anew there, the same one changes nothing, none ends it', () => {
    const { left, right, toRight, begin } = pair();
    const { engine } = left.tunnel;
    begin();
    expect(first(left)?.to).toEqual(right.home);
    const before = [left.tunnel.nextDeadline(), engine.status(instant(10), toRight)];
    engine.updatePeer(instant(10), toRight, { endpoint: at(2) });
    expect([left.tunnel.nextDeadline(), engine.status(instant(10), toRight)]).toEqual(before);

    engine.updatePeer(instant(20), toRight, { endpoint: at(3) });
    left.tunnel.handleTimeout(instant(20));
    expect(first(left)?.to).toEqual(at(3));

    engine.updatePeer(instant(30), toRight, { endpoint: null });
    expect(engine.status(instant(30), toRight)).toMatchObject({ endpoint: undefined, initiating: false });
    left.tunnel.handleTimeout(instant(100_000));
    expect(left.take()).toEqual([]);
  });

  it('another pre-shared key ends what was made with the old one on both sides, and comes into its own at once', () => {
    const { left, right, toRight, toLeft, begin, settle } = pair();
    begin();
    settle(instant(0), right); // the answer is lost: pending there, outstanding here
    expect([left, right].map(({ tunnel }) => tunnel.engine.sizes().indices)).toEqual([1, 1]);
    const presharedKey = new Secret(new Uint8Array(32).fill(9));
    right.tunnel.engine.updatePeer(instant(10), toLeft, { presharedKey });
    left.tunnel.engine.updatePeer(instant(10), toRight, { presharedKey });
    expect([left, right].map(({ tunnel }) => tunnel.engine.sizes().indices)).toEqual([0, 0]);
    expect(right.tunnel.engine.sizes().answered).toBe(0);
    expect(JSON.parse(right.tunnel.plane.fingerprint()).peers).toMatchObject([{ nexts: [] }]);
    left.tunnel.handleTimeout(instant(10));
    settle(instant(10));
    expect(left.tunnel.engine.status(instant(10), toRight)).toMatchObject({ handshakesCompleted: 1 });
    left.tunnel.engine.updatePeer(instant(10), toRight, { presharedKey: null });
    expect(presharedKey.destroyed).toBe(false); // the caller's own
  });

  it('and nobody answers, it is given up 90 s after the last data, and what waited goes with it (N3)', () => {
    const { left, toRight } = pair();
    left.tunnel.handlePacket(instant(0), packet);
    const datagrams: number[] = [];
    const events: string[] = [];
    for (
      let due = left.tunnel.nextDeadline();
      due !== undefined && due.at <= 90_000;
      due = left.tunnel.nextDeadline()
    ) {
      left.tunnel.handleTimeout(due.at);
      datagrams.push(left.take().length);
      events.push(...left.events());
    }
    expect(datagrams.reduce((a, b) => a + b)).toBeGreaterThan(20);
    expect(events.filter((kind) => kind === 'handshake-gave-up')).toHaveLength(1);
    expect(events.filter((kind) => kind === 'path-stale').length).toBeGreaterThan(3);
    expect(left.tunnel.engine.status(instant(90_000), toRight).initiating).toBe(false);
    expect(left.tunnel.engine.sizes().indices).toBe(0);
    expect(JSON.parse(left.tunnel.plane.fingerprint()).peers).toMatchObject([{ staged: [0, 0] }]);
    expect(left.tunnel.nextDeadline()?.timer).toBe('erase');
  });

  it('a session confirmed by the other side ends it: the outstanding initiation goes when its time is over', () => {
    const { left, right, toLeft, begin, settle } = pair();
    begin();
    left.take(); // lost
    right.tunnel.engine.updatePeer(instant(10), toLeft, { endpoint: left.home });
    right.tunnel.engine.initiate(instant(10), toLeft);
    right.tunnel.handleTimeout(instant(10));
    settle(instant(10));
    expect(left.events()).toContain('peer-established');
    const initiating = () => left.tunnel.engine.status(instant(10), left.peer ?? toLeft).initiating;
    expect(initiating()).toBe(false);
    const before = left.tunnel.engine.sizes().indices;
    for (let now = 100; now < 91_000; now += 100) left.tunnel.handleTimeout(instant(now));
    expect(before - left.tunnel.engine.sizes().indices).toBe(1);
  });
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
