/**
 * Message 1 proves little (§8: whoever breaks X25519 can write one), so nothing but a confirmed session may change a thing.
 * protocol.md §5.1 C1, C3, C5; C4 is `pending.test.ts`'s.
 */
import { describe, expect, it, vi } from 'vitest';
import { Audit, gatewayAndHub, kindOf, paperSuite, sentSince } from '../kit/index.ts';
import { home, hubAt, respondedBy, stage } from '../kit/stage.ts';
import { at, Target, typesOf } from '../kit/target.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in virtual time; how fast the machine is must not matter

const second = 1000;
const suite = 1;
const response = 0x12;

const bytesOf = (datagrams: readonly Uint8Array[]) => datagrams.reduce((sum, { length }) => sum + length, 0);
const prefixes = ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4'].map((address) => at(address));

describe('C1: until a packet under the new keys verifies', () => {
  it('neither endpoint, nor timestamp, nor current session change; then all three do', () => {
    const all = stage();
    all.shake();
    all.pass(10 * second);
    const before = all.view();
    const elsewhere = at('203.0.113.9', 9);
    const outcome = all.hub.deliverAll(elsewhere, all.begin());
    const index = respondedBy(outcome);
    expect({ ...all.view(), nexts: [] }).toEqual({ ...before, nexts: [] });
    expect(all.view().nexts).toEqual([index]);
    all.pass(second);
    all.hub.deliverAll(elsewhere, all.answer(outcome));
    expect(all.view()).toMatchObject({ endpoint: elsewhere, handshakes: 2, current: index, nexts: [] });
    expect(all.view().stored).not.toEqual(before.stored);
  });

  it('an initiation that nobody confirms makes no later one stale, however large its timestamp', () => {
    const { hub, forge } = stage();
    respondedBy(hub.deliverAll(at('203.0.113.9', 9), forge(10_000).datagrams));
    respondedBy(hub.deliverAll(home, forge(1).datagrams));
    expect(hub.dropsOf('stale-timestamp')).toBe(0);
  });

  it('T6: a next that nobody confirms is erased at REJECT_AFTER_TIME, index and all', () => {
    const { hub, forge } = stage();
    respondedBy(hub.deliverAll(home, forge(1).datagrams));
    hub.pass(180 * second - 1);
    expect(hub.tunnel.engine.sizes()).toMatchObject({ indices: 1, answered: 1 });
    hub.pass(1);
    expect(hub.tunnel.engine.sizes()).toMatchObject({ indices: 0, answered: 0 });
  });

  it('the hub sends nothing under it: data waits, or leaves under the old session', () => {
    const { hub, begin, gateway, ...all } = stage();
    hub.deliverAll(home, begin());
    const packet = new Uint8Array([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    expect(hub.send(packet).sent).toEqual([]);
    hub.pass(20 * second);
    gateway.pass(20 * second);
    expect(hub.dropsOf('no-endpoint')).toBe(1);
    all.shake();
    const [old] = hub.send(packet).sent;
    gateway.pass(10 * second);
    hub.pass(10 * second);
    hub.deliverAll(home, begin());
    const [then] = hub.send(packet).sent;
    expect(then?.bytes.subarray(4, 8)).toEqual(old?.bytes.subarray(4, 8));
  });

  it.each([
    ['an answer (0x02)', 2],
    ['a path probe (0x03)', 3],
  ] as const)('%s on a next is dropped, confirms nothing and counts for nothing', (_what, kind) => {
    const { hub, gateway, atGateway, begin, answer, view } = stage();
    const [keepalive] = answer(hub.deliverAll(home, begin()));
    const payload = Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? kind : 0));
    const { sent } = gateway.act(({ plane }, now) => plane.transmit(now, atGateway, payload));
    const before = hub.state();
    expect(hub.deliver(home, sent[0]?.bytes ?? new Uint8Array(0)).drops).toEqual({ 'cannot-confirm': 1 });
    expect(hub.state()).toEqual(before);
    hub.deliver(home, keepalive ?? new Uint8Array(0));
    expect(view().handshakes).toBe(1);
    // It was not marked as seen either: under the current session it is what it is
    expect(hub.deliver(home, sent[0]?.bytes ?? new Uint8Array(0)).drops).toEqual({});
  });

  it.each([1, 5, 15, 0])(
    'a control message of kind 0x%s confirms like any packet, whatever comes of it',
    (kind) => {
      const { hub, gateway, atGateway, begin, answer, view } = stage();
      answer(hub.deliverAll(home, begin()));
      const payload = Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? kind : 0));
      const { sent } = gateway.act(({ plane }, now) => plane.transmit(now, atGateway, payload));
      hub.deliver(home, sent[0]?.bytes ?? new Uint8Array(0));
      expect(view().handshakes).toBe(1);
    },
  );

  it('holds for classical peers too', () => {
    const { world, gateway, hub } = gatewayAndHub(paperSuite(1), {
      gateway: { classical: true },
      hub: { classical: true },
    });
    const audit = new Audit(world);
    world.interceptor = (datagram) => (kindOf(datagram) === 'transport' ? [] : undefined);
    audit.send(gateway, hub);
    world.run(second);
    expect(sentSince(world, 0).map(kindOf)).toEqual(['initiation', 'response', 'transport']);
    const { endpoint, handshakesCompleted } = hub.tunnel.engine.status(world.now, hub.peer(gateway));
    expect([endpoint, handshakesCompleted]).toEqual([undefined, 0]);
    world.interceptor = undefined;
    audit.send(gateway, hub);
    world.runFor(second);
    expect(hub.tunnel.engine.status(world.now, hub.peer(gateway)).endpoint).toEqual(gateway.address);
  });
});

describe('C3: copies of an initiation', () => {
  it('get the same bytes, at most 4 times besides the first, each where that copy came from', () => {
    const { hub, begin } = stage();
    const datagrams = begin();
    const first = hub.deliverAll(home, datagrams);
    const bytes = first.sent.map((datagram) => datagram.bytes);
    expect(typesOf(first)).toEqual([response, response]);
    const before = hub.tunnel.engine.sizes().indices;
    for (const [i, from] of [home, ...prefixes].entries()) {
      const copy = hub.deliverAll(from, datagrams);
      if (i < 4) {
        expect(copy.sent.map((datagram) => datagram.bytes)).toEqual(bytes);
        expect(copy.sent.map(({ to }) => to)).toEqual([from, from]);
      } else {
        expect([copy.sent, copy.drops]).toEqual([[], { 'copy-refused': 1 }]);
      }
    }
    expect(hub.tunnel.engine.sizes().indices).toBe(before);
  });

  it.each([
    [-1, true],
    [0, true],
    [1, false],
  ] as const)('5 s and %i ms after the first: answered %s', (offset, answered) => {
    const { hub, begin } = stage();
    const datagrams = begin();
    hub.deliverAll(home, datagrams);
    hub.pass(5 * second + offset);
    expect(typesOf(hub.deliverAll(home, datagrams)).length > 0).toBe(answered);
  });

  it('are dropped as long as the session waits, and after that are what they are: old', () => {
    const { hub, begin, view } = stage();
    const datagrams = begin();
    hub.deliverAll(home, datagrams);
    hub.pass(179 * second);
    expect(hub.deliverAll(home, datagrams).drops).toEqual({ 'copy-refused': 1 });
    expect(view().nexts).toHaveLength(1);
    hub.pass(second);
    expect(view().nexts).toHaveLength(0);
    expect(typesOf(hub.deliverAll(home, datagrams))).toEqual([response, response]); // never confirmed: its TS is not stored
  });

  it('are answered after the confirm as well, within 5 s, and are stale afterwards', () => {
    const { hub, begin, answer } = stage();
    const datagrams = begin();
    const first = hub.deliverAll(home, datagrams);
    hub.deliverAll(home, answer(first));
    hub.pass(second);
    expect(hub.deliverAll(home, datagrams).sent.map(({ bytes }) => bytes)).toEqual(
      first.sent.map(({ bytes }) => bytes),
    );
    hub.pass(5 * second);
    expect(hub.deliverAll(home, datagrams).drops).toEqual({ 'stale-timestamp': 1 });
  });

  it('are answered only if they are at least as large as the answer', () => {
    const { hub, forge, forger, to } = stage();
    const { body, datagrams } = forge(0, 6);
    const first = hub.deliverAll(home, datagrams);
    const answered = bytesOf(first.sent.map(({ bytes }) => bytes));
    const index = new DataView((datagrams[0] ?? new Uint8Array(8)).buffer).getUint32(4, true);
    for (const count of [2, 3, 4, 5, 6]) {
      hub.pass(600); // for the source limiter's sake
      const copy = forger.cutInitiation(to, suite, index, body, count);
      expect([count, typesOf(hub.deliverAll(at('203.0.113.8'), copy)).length > 0]).toEqual([
        count,
        bytesOf(copy) >= answered,
      ]);
    }
    expect(answered).toBeGreaterThan(bytesOf(forger.cutInitiation(to, suite, index, body, 2)));
  });

  it.each([2, 3, 4, 5, 6])(
    'I12: an answer to %i fragments is never larger than what asked for it',
    (count) => {
      const { hub, forge } = stage();
      const { datagrams } = forge(0, count);
      expect(bytesOf(hub.deliverAll(home, datagrams).sent.map(({ bytes }) => bytes))).toBeLessThanOrEqual(
        bytesOf(datagrams),
      );
    },
  );
});

describe('C3: recorded handshakes', () => {
  it('replayed later, from another place, draw nothing and change nothing', () => {
    const all = stage();
    const recorded = all.begin();
    const confirm = all.answer(all.hub.deliverAll(home, recorded));
    all.hub.deliverAll(home, confirm);
    for (const wait of [10 * second, 100 * second, 1000 * second]) {
      all.pass(wait);
      const before = all.hub.state();
      const outcome = all.hub.deliverAll(at('203.0.113.9'), [...recorded, ...confirm]);
      expect(outcome.sent).toEqual([]);
      expect(outcome.drops['stale-timestamp']).toBe(1);
      // The plane may have noticed on this occasion that a session is past its age; nothing else
      if (wait < 100 * second) expect(all.hub.state()).toEqual(before);
    }
  });

  it('an equal timestamp is not larger: refused as well', () => {
    const all = stage();
    all.shake();
    const stored = Uint8Array.from(all.view().stored ?? []);
    const same = all.forger.initiation({
      as: all.gateway.identity,
      to: all.to,
      suite,
      senderIndex: 7,
      timestamp: stored,
    });
    expect(all.hub.deliverAll(home, same.datagrams).drops).toEqual({ 'stale-timestamp': 1 });
    stored[11] = (stored[11] ?? 0) + 1; // "compared as bytes; a receiver does not validate the nanoseconds"
    const more = all.forger.initiation({
      as: all.gateway.identity,
      to: all.to,
      suite,
      senderIndex: 8,
      timestamp: stored,
    });
    expect(typesOf(all.hub.deliverAll(home, more.datagrams))).toEqual([response, response]);
  });

  it('replayed to a hub that restarted draw an answer, but confirm nothing and keep nobody out', () => {
    const all = stage();
    const recorded = all.begin();
    const confirm = all.answer(all.hub.deliverAll(home, recorded));
    const restarted = new Target(all.hub.crypto, { identity: all.hub.identity }, all.hub.now);
    const peer = restarted.addPeer(all.gateway.identity);
    const thief = at('203.0.113.9');
    expect(typesOf(restarted.deliverAll(thief, recorded))).toEqual([response, response]);
    expect(restarted.deliverAll(thief, confirm).drops).toEqual({ 'unknown-index': 1 });
    const status = restarted.tunnel.engine.status(restarted.now, peer);
    expect([status.endpoint, status.handshakesCompleted]).toEqual([undefined, 0]);
    const genuine = all.answer(restarted.deliverAll(home, all.begin()));
    restarted.deliverAll(home, genuine);
    expect(restarted.tunnel.engine.status(restarted.now, peer).endpoint).toEqual(home);
  });

  it('held back, not replayed: an older session confirmed late is erased, moves nothing and rolls nothing back', () => {
    const all = stage();
    const old = all.answer(all.hub.deliverAll(home, all.begin()));
    all.pass(6 * second);
    all.shake();
    const before = all.view();
    expect(before.nexts).toEqual([]); // C5: every next with a smaller TS is erased
    expect(all.hub.deliverAll(at('203.0.113.9'), old).drops).toEqual({ 'unknown-index': 1 });
    expect(all.view()).toEqual(before);
  });
});

describe('C5: at confirm', () => {
  it('the old current becomes the one previous, an older previous is erased', () => {
    const all = stage();
    const indices: (number | undefined)[] = [];
    for (let i = 0; i < 3; i++) {
      all.shake();
      indices.push(all.view().current);
      all.pass(10 * second);
    }
    const { current, previous } = all.view();
    expect([current, previous]).toEqual([indices[2], indices[1]]);
    expect(all.hub.tunnel.engine.sizes().indices).toBe(2);
  });

  it('of two nexts, confirming the newer erases the older; confirming the older leaves the newer', () => {
    for (const order of ['newer', 'older'] as const) {
      const all = stage();
      const older = all.answer(all.hub.deliverAll(home, all.begin()));
      const elsewhere = at('203.0.113.9');
      const newer = all.answer(all.hub.deliverAll(elsewhere, all.begin()));
      expect(all.view().nexts).toHaveLength(2);
      const [first, then] = order === 'newer' ? [newer, older] : [older, newer];
      all.hub.deliverAll(home, first);
      expect(all.view().nexts).toHaveLength(order === 'newer' ? 0 : 1);
      const outcome = all.hub.deliverAll(elsewhere, then);
      expect(outcome.drops).toEqual(order === 'newer' ? { 'unknown-index': 1 } : {});
      expect(all.view()).toMatchObject({
        handshakes: order === 'newer' ? 1 : 2,
        endpoint: order === 'newer' ? home : elsewhere,
      });
    }
  });

  it('a next whose TS equals the stored one is erased, its packet dropped', () => {
    // Two programs with the gateway's keys and one clock: the only way to two sessions of one timestamp
    const all = stage();
    const twin = new Target(all.hub.crypto, { identity: all.gateway.identity });
    twin.addPeer(all.hub.identity, { endpoint: hubAt });
    const elsewhere = at('203.0.113.9');
    const confirm = all.answer(all.hub.deliverAll(home, all.begin()));
    const [peer] = twin.tunnel.engine.peerIds();
    if (peer === undefined) throw new Error('no peer');
    twin.act(({ engine }, now) => engine.initiate(now, peer));
    const started = twin.pass(0).sent.map(({ bytes }) => bytes);
    const answered = all.hub.deliverAll(elsewhere, started);
    const other = twin
      .deliverAll(
        hubAt,
        answered.sent.map(({ bytes }) => bytes),
      )
      .sent.map(({ bytes }) => bytes);
    all.hub.deliverAll(home, confirm);
    expect(all.view().nexts).toHaveLength(1);
    const before = all.view();
    expect(all.hub.deliverAll(elsewhere, other).drops).toEqual({ 'stale-confirm': 1 });
    expect(all.view()).toEqual({ ...before, nexts: [] });
  });

  it('is told once: a confirmation repeated is a replay', () => {
    const all = stage();
    const confirm = all.answer(all.hub.deliverAll(home, all.begin()));
    all.hub.deliverAll(home, confirm);
    for (let i = 0; i < 3; i++) expect(all.hub.deliverAll(home, confirm).drops).toEqual({ replayed: 1 });
    expect(all.view().handshakes).toBe(1);
  });
});
