import { instant, millis, type PeerActivity, peerId, Secret, sessionIndex } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { NativePlane, type PlainReports, type PlaneVerbs } from './native-plane.ts';

const now = instant(1_000);
const at = { ip: Uint8Array.of(192, 0, 2, 1), port: 7, scope: 0 };
const quiet = {
  wantsKey: false,
  confirmed: [],
  retired: [],
  dataSent: false,
  dataReceived: false,
  recordSent: false,
  anySent: false,
  anyReceived: false,
  roamed: undefined,
  limitNear: undefined,
  tooBig: undefined,
} satisfies Omit<PeerActivity, 'peer'>;
const control = (peer: number, first: number): PlainReports['messages'][number] => ({
  kind: 'control',
  peer,
  from: at,
  localAddress: undefined,
  payload: Uint8Array.of(first),
});

/** Verbs that write down what they are called with, and report what they are given. */
function recorder(gate = true) {
  const log: unknown[][] = [];
  const reports: PlainReports[] = [];
  const note =
    (name: string) =>
    (...given: unknown[]) => {
      log.push([name, ...given]);
    };
  const verbs: PlaneVerbs = {
    install: (at, { sendKey, receiveKey, peer }) =>
      log.push(['install', at, peer, [...sendKey].slice(0, 2), [...receiveKey].slice(0, 2)]),
    retire: note('retire'),
    wipeKeys: note('wipeKeys'),
    removePeer: note('removePeer'),
    setPeer: note('setPeer'),
    resetTimestamp: note('resetTimestamp'),
    setRoutes: note('setRoutes'),
    transmit: (...given) => log.push(['transmit', ...given]) > 0,
    flushStaged: note('flushStaged'),
    purgeStaged: note('purgeStaged'),
    sendDatagrams: note('sendDatagrams'),
    takeReports: (most) => {
      log.push(['takeReports', most]);
      return reports.shift() ?? { activity: [], messages: [], drops: new Map(), more: false };
    },
    peerCounters: (peers) =>
      peers.map((peer) => ({ bytesReceived: peer, bytesSent: 0, packetsReceived: 0, packetsSent: 0 })),
    ...(gate ? { setGate: note('setGate') } : {}),
  };
  return { verbs, log, reports };
}

const session = (sendKey: Secret, receiveKey: Secret) => ({
  peer: peerId(1),
  role: 'initiator' as const,
  localIndex: sessionIndex(5),
  remoteIndex: sessionIndex(6),
  sendKey,
  receiveKey,
  timestamp: new Uint8Array(12),
  bornAt: now,
  limits: {
    rekeyAfterTime: millis(1),
    rejectAfterTime: millis(2),
    rekeyOnReceiveAfter: millis(3),
    rekeyAfterMessages: 4,
    rejectAfterMessages: 5,
  },
  kind: 'hybrid' as const,
  winsCrossing: true,
});

describe('the native plane', () => {
  test('lends keys for one call and destroys them, also when the addon throws', () => {
    const { verbs, log } = recorder();
    const keys = () =>
      [new Secret(new Uint8Array(32).fill(1)), new Secret(new Uint8Array(32).fill(2))] as const;
    const [send, receive] = keys();
    new NativePlane(verbs).install(now, session(send, receive));
    expect(log).toEqual([['install', 1_000, 1, [1, 1], [2, 2]]]);
    expect([send.destroyed, receive.destroyed]).toEqual([true, true]);
    const [otherSend, otherReceive] = keys();
    const refusing = {
      ...verbs,
      install: () => {
        throw new RangeError('closed');
      },
    };
    expect(() => new NativePlane(refusing).install(now, session(otherSend, otherReceive))).toThrow('closed');
    expect([otherSend.destroyed, otherReceive.destroyed]).toEqual([true, true]);
  });

  test('has a gate where the addon has one, and none where it has none', () => {
    expect(new NativePlane(recorder(false).verbs).setGate).toBeUndefined();
    expect(new NativePlane(recorder().verbs).setGate).toBeTypeOf('function');
  });

  test('gives the peers of a second engine numbers of their own, in every verb', () => {
    const { verbs, log } = recorder();
    const first = new NativePlane(verbs);
    for (const peer of [1, 2, 3]) first.setPeer(peerId(peer), {});
    const second = new NativePlane(verbs, first);
    log.length = 0;
    const one = peerId(1);
    second.setPeer(one, { pathMtu: 1400 });
    second.wipeKeys(now, one);
    second.resetTimestamp(one);
    second.setRoutes([{ kind: 'clear', peer: one }]);
    second.transmit(now, one, new Uint8Array(0), { endpoint: at, localAddress: undefined });
    second.flushStaged(now, one);
    second.purgeStaged(one);
    second.removePeer(now, one);
    expect(log).toEqual([
      ['setPeer', 4, { pathMtu: 1400 }],
      ['wipeKeys', 1_000, 4],
      ['resetTimestamp', 4],
      ['setRoutes', [{ kind: 'clear', peer: 4 }]],
      ['transmit', 1_000, 4, new Uint8Array(0), { endpoint: at, localAddress: undefined }],
      ['flushStaged', 1_000, 4],
      ['purgeStaged', 4],
      ['removePeer', 1_000, 4],
    ]);
    expect(second.peerCounters([peerId(2), one]).map(({ bytesReceived }) => bytesReceived)).toEqual([5, 4]);
    second.setPeer(peerId(2), {});
    new NativePlane(verbs, second).setPeer(one, {});
    expect(log.at(-1)).toEqual(['setPeer', 6, {}]);
  });

  test('tells an engine nothing of the peers of the one before', () => {
    const { verbs, reports } = recorder();
    const first = new NativePlane(verbs);
    first.setPeer(peerId(2), {});
    const second = new NativePlane(verbs, first);
    reports.push({
      activity: [
        { peer: 1, ...quiet },
        { peer: 3, ...quiet, anySent: true },
      ],
      messages: [control(2, 1), control(3, 2)],
      drops: new Map([['no-route', 2]]),
      cookieReplies: 3,
      more: false,
    });
    second.beginTurn();
    expect(second.takeReports()).toEqual({
      activity: [{ peer: 1, ...quiet, anySent: true }],
      messages: [{ ...control(1, 2) }],
      drops: new Map([['no-route', 2]]),
      cookieReplies: 3,
    });
  });

  test('asks for messages once a turn, and says whether others wait', () => {
    const { verbs, log, reports } = recorder();
    const plane = new NativePlane(verbs);
    const none = { activity: [], messages: [], drops: new Map(), more: false };
    reports.push(none, { ...none, messages: [control(1, 1)], more: true }, { ...none, more: true });
    plane.beginTurn();
    expect(plane.takeReports().messages).toEqual([]);
    expect(plane.takeReports().messages).toHaveLength(1);
    expect(plane.takeReports().messages).toEqual([]);
    expect(plane.hasMore).toBe(true);
    plane.beginTurn();
    expect(plane.takeReports().messages).toEqual([]);
    expect(plane.hasMore).toBe(false);
    expect(log).toEqual([8, 8, 0, 8].map((most) => ['takeReports', most]));
  });
});
