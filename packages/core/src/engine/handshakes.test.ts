/** What becomes of initiations and responses in an engine that takes them, refuses them or gets no answer. */
import { describe, expect, it } from 'vitest';
import { Secret } from '../crypto/secret.ts';
import { instant } from '../types.ts';
import { readU32le } from '../wire/layout.ts';
import { at, nowhere, packet, pair, type Side } from './pair.test.kit.ts';

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

  it('acts on one cookie reply, a right one, and on none once its sequence is over (§5.2 N3)', () => {
    const { left, right, toRight, begin } = pair(hybrid);
    right.tunnel.engine.setLoopDelay(50);
    begin();
    const sent = left.take();
    for (const { bytes } of sent)
      right.tunnel.handleDatagram(instant(0), left.home, undefined, bytes.slice());
    const [reply] = right.take();
    const cookie = reply?.bytes ?? nowhere;
    const spoiled = cookie.map((byte, i) => (i === 40 ? byte ^ 1 : byte));
    const resent = [spoiled, cookie, cookie].map((bytes) => {
      left.tunnel.handleDatagram(instant(1), right.home, undefined, bytes.slice());
      return left.take().length;
    });
    expect(resent).toEqual([0, sent.length, 0]);
    const { drops } = left.tunnel.engine;
    expect([drops.of('bad-cookie'), drops.of('unexpected-cookie')]).toEqual([1, 1]);
    left.tunnel.engine.removePeer(instant(2), toRight);
    left.tunnel.handleDatagram(instant(2), right.home, undefined, cookie);
    expect(drops.of('unexpected-cookie')).toBe(2);
  });

  it('is pending until it is confirmed, answered for copies 5 s long, and counted as load (C3, C4, §6)', () => {
    const { left, right, begin, settle } = pair(hybrid);
    const seen = (now: number) => {
      const { peers, strangers } = JSON.parse(right.tunnel.engine.fingerprint(instant(now)));
      const [{ pending, answered, sessions }] = peers;
      return [pending.length, answered.length, sessions.length, strangers.gate.load.handshakes.length];
    };
    begin();
    settle(instant(0), right); // the answer is lost
    expect(seen(0)).toEqual([1, 1, 1, 1]);
    right.tunnel.handleTimeout(instant(5000));
    expect(seen(5000)).toEqual([1, 1, 1, 0]);
    right.tunnel.handleTimeout(instant(5001));
    expect([...seen(5001), right.tunnel.engine.sizes().answered]).toEqual([1, 0, 1, 0, 1]);
    left.tunnel.handleTimeout(instant(6000));
    settle(instant(6000), right); // the next attempt, answered in vain as well, takes the first one's place
    expect(seen(6000).slice(0, 3)).toEqual([1, 1, 1]);
    left.tunnel.handleTimeout(instant(12_000));
    settle(instant(12_000));
    expect(seen(12_000).slice(0, 3)).toEqual([0, 1, 1]);
    right.tunnel.handleTimeout(instant(17_001));
    expect(seen(17_001).slice(0, 3)).toEqual([0, 0, 1]);
    expect(right.tunnel.engine.sizes().answered).toBe(0);
  });

  it('that nobody confirms is forgotten when its session would end (T6)', () => {
    const { right, begin, settle } = pair(hybrid);
    begin();
    settle(instant(0), right);
    for (const now of [5001, 180_000]) right.tunnel.handleTimeout(instant(now));
    const [{ pending, sessions }] = JSON.parse(right.tunnel.engine.fingerprint(instant(180_000))).peers;
    expect([pending, sessions]).toEqual([[], []]);
    expect(right.tunnel.engine.sizes()).toEqual({ indices: 0, answered: 0, slots: 0, sources: 0 });
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

describe.each([
  ['hybrid', true],
  ['classical', false],
])('a %s response', (_kind, hybrid) => {
  /** Up to the response, which is not yet handed over. */
  function asked() {
    const all = pair(hybrid);
    all.begin();
    for (const { bytes } of all.left.take())
      all.right.tunnel.handleDatagram(instant(0), all.left.home, undefined, bytes);
    const response = all.right.take().map(({ bytes }) => bytes);
    const give = (datagrams: readonly Uint8Array[]) => {
      for (const bytes of datagrams)
        all.left.tunnel.handleDatagram(instant(0), all.right.home, undefined, bytes.slice());
      return Object.entries(all.left.tunnel.engine.drops.snapshot()).filter(([, count]) => count > 0);
    };
    return { ...all, response, give };
  }
  const fragments = hybrid ? 2 : 1;

  it('to nobody who asked is unexpected, also to whoever has his session already', () => {
    const { left, toRight, response, give } = asked();
    give(response);
    expect(left.tunnel.engine.status(instant(0), toRight).handshakesCompleted).toBe(1);
    expect(give(response)).toEqual([['unexpected-response', fragments]]);
    left.tunnel.engine.removePeer(instant(0), toRight);
    const reason = hybrid ? 'unexpected-response' : 'classical-disabled';
    expect(give(response)).toContainEqual([reason, hybrid ? 4 : 1]);
  });

  it('with a wrong mac1 is refused, and the right one is still taken', () => {
    const { left, toRight, response, give } = asked();
    const bad = response.map((bytes) =>
      bytes.map((byte, at) => (at === bytes.length - 20 ? byte ^ 1 : byte)),
    );
    expect(give(bad)).toEqual([['bad-mac1', fragments]]);
    give(response);
    expect(left.tunnel.engine.status(instant(0), toRight).handshakesCompleted).toBe(1);
  });

  it('under load is taken if it is hybrid; a classical one draws a cookie, as WireGuard does', () => {
    const { left, right, toRight, response, give } = asked();
    left.tunnel.engine.setLoopDelay(50);
    const dropped = give(response);
    const done = left.tunnel.engine.status(instant(0), toRight).handshakesCompleted;
    if (hybrid) expect([dropped, done]).toEqual([[], 1]);
    else {
      expect([dropped, done, left.tunnel.engine.cookieRepliesSent]).toEqual([[['under-load', 1]], 0, 1]);
      const [cookie] = left.take();
      const { engine } = right.tunnel;
      const spoiled = cookie?.bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) ?? nowhere;
      for (const bytes of [spoiled, cookie?.bytes ?? nowhere, cookie?.bytes ?? nowhere])
        engine.handleDatagram(instant(0), left.home, undefined, bytes);
      expect([engine.drops.of('bad-cookie'), engine.drops.of('unexpected-cookie')]).toEqual([1, 1]);
    }
  });
});

it.each([
  ['hybrid', true],
  ['classical', false],
])(
  'N4: two %s parties that begin in the same moment end in one session, whoever has the smaller ID',
  (_kind, hybrid) => {
    const winners = new Set<string>(); // whose session it was
    for (let round = 0; round < 24 && (round < 4 || winners.size < 2); round++) {
      const { left, right, toLeft, begin, settle } = pair(hybrid);
      right.tunnel.engine.updatePeer(instant(0), toLeft, { endpoint: left.home });
      right.tunnel.engine.initiate(instant(0), toLeft);
      right.tunnel.handleTimeout(instant(0));
      begin();
      const crossing = [left.take(), right.take()] as const;
      for (const { bytes } of crossing[0])
        right.tunnel.handleDatagram(instant(0), left.home, undefined, bytes);
      for (const { bytes } of crossing[1])
        left.tunnel.handleDatagram(instant(0), right.home, undefined, bytes);
      settle(instant(0));
      const [here, there] = [left, right].map(
        ({ tunnel }) => JSON.parse(tunnel.plane.fingerprint()).peers[0].current,
      );
      expect([there.index, there.remoteIndex]).toEqual([here.remoteIndex, here.index]);
      const asked = crossing[0][0]?.bytes ?? nowhere; // its sender index is the index of the session that the left one began
      winners.add(readU32le(asked, 4) === here.index ? 'of the left one' : 'of the right one');
    }
    expect(winners).toEqual(new Set(['of the left one', 'of the right one']));
  },
);

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

it('an initiation that never becomes whole is given up after 3 s, and counted', () => {
  const { left, right, begin } = pair();
  const { engine } = right.tunnel;
  begin();
  const [first] = left.take();
  for (const now of [0, 2999, 3000])
    engine.handleDatagram(instant(now), left.home, undefined, first?.bytes.slice() ?? nowhere);
  expect([engine.drops.of('duplicate-fragment'), engine.drops.of('reassembly-expired')]).toEqual([1, 1]);
  expect(engine.sizes().slots).toBe(1);
});

it('an initiation under another pre-shared key is known by its timestamp that does not open, and leaves nothing', () => {
  const { right, toLeft, begin, settle } = pair();
  right.tunnel.engine.updatePeer(instant(0), toLeft, {
    presharedKey: new Secret(new Uint8Array(32).fill(1)),
  });
  begin();
  settle(instant(0));
  expect(right.tunnel.engine.drops.of('bad-timestamp')).toBe(1);
  expect(right.tunnel.engine.sizes()).toEqual({ indices: 0, answered: 0, slots: 0, sources: 0 });
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
    const events: string[] = [];
    const attempts = new Map<string, Set<number>>(); // lengths of datagrams, by sender index
    for (
      let due = left.tunnel.nextDeadline();
      due !== undefined && due.at <= 90_000;
      due = left.tunnel.nextDeadline()
    ) {
      left.tunnel.handleTimeout(due.at);
      for (const { bytes } of left.take()) {
        const index = bytes.subarray(4, 8).toString();
        attempts.set(index, (attempts.get(index) ?? new Set()).add(bytes.length));
      }
      events.push(...left.events());
      expect(left.tunnel.engine.sizes().indices).toBeLessThanOrEqual(1);
    }
    const largest = [...attempts.values()].map((lengths) => Math.max(...lengths));
    expect(largest.length).toBeGreaterThanOrEqual(6);
    expect(largest.map((length) => length > 508)).toEqual(largest.map((_, attempt) => attempt < 2));
    expect(events.filter((kind) => kind === 'path-stale')).toHaveLength(largest.length - 1);
    expect(events.filter((kind) => kind === 'handshake-gave-up')).toHaveLength(1);
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
