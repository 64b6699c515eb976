/** What the native plane has beside the port that all planes share: batches, trains, super-frames, and when to wake anybody. */
import { describe, expect, it } from 'vitest';
import { planeReportLayout } from './plane-reports.ts';
import { planeDropReasons } from './plane-types.ts';
import {
  type NativeOutput,
  type NativePlaneOptions,
  NativeTestPlane,
  nativeReportLayout,
} from './testing/plane-data-plane.ts';
import { packetOf, plainHeaders, segmentsOf, superFrame, tcpFlag } from './testing/segments.ts';

const now = 1_000_000;
const us = Uint8Array.of(10, 200, 0, 1);
const net = (peer: number) => Uint8Array.of(10, peer, 0, 1);
const place = (peer: number) => ({ ip: Uint8Array.of(192, 0, 2, peer), port: 51_820, scope: 0 });
const key = (n: number) => new Uint8Array(32).fill(n);
const timestamp = new Uint8Array(12);
const limits = {
  rekeyAfterTime: 120_000,
  rejectAfterTime: 180_000,
  rekeyOnReceiveAfter: 165_000,
  rekeyAfterMessages: 2 ** 52,
  rejectAfterMessages: 2 ** 52 + 1,
};

/** A plane with peers 1 … count, each with a session that it began; the other end of peer n has the same keys the other way round. */
function planeWith(
  count: number,
  options: Partial<NativePlaneOptions> = {},
  mirrored = false,
): NativeTestPlane {
  const plane = new NativeTestPlane({ engine: 'auto', ...options });
  for (let peer = 1; peer <= count; peer++) {
    plane.setPeer(peer, { endpoint: place(peer) });
    const prefix = mirrored ? us : net(peer).fill(0, 3);
    plane.setRoutes([{ kind: 'add', peer, prefix, bits: mirrored ? 32 : 24 }]);
    const [sendKey, receiveKey] = mirrored ? [key(100 + peer), key(peer)] : [key(peer), key(100 + peer)];
    plane.install(now, {
      peer,
      role: 'initiator',
      localIndex: mirrored ? 1000 + peer : peer,
      remoteIndex: mirrored ? peer : 1000 + peer,
      sendKey,
      receiveKey,
      timestamp,
      bornAt: now,
      limits,
      kind: 'hybrid',
      winsCrossing: false,
    });
  }
  plane.drain();
  plane.takeReports();
  return plane;
}

const udpTo = (peer: number, length: number) =>
  packetOf(
    { ...plainHeaders, protocol: 'udp', source: us, destination: net(peer) },
    new Uint8Array(length - 28),
  );
const tcpHeaders = { ...plainHeaders, source: us, destination: net(1) };
const bytesOf = (outputs: readonly NativeOutput[]) => outputs.map(({ bytes }) => bytes);

describe('the reports’ bytes', () => {
  it('are laid out as both languages say', () => {
    const { header, drop, activity, place, confirmation, retired, message } = planeReportLayout;
    expect(nativeReportLayout()).toEqual([
      ...[header, drop, activity, place, confirmation, retired, message],
      planeDropReasons.length,
    ]);
  });

  it('hand out so many messages of a lane, and say that more wait', () => {
    const plane = planeWith(1);
    for (let i = 0; i < 5; i++) plane.handleUdp(now, place(9), undefined, Uint8Array.of(0x12, i));
    const takes = [plane.takeReports(2), plane.takeReports(2), plane.takeReports(2)];
    expect(takes.map(({ messages, more }) => [messages.length, more])).toEqual([
      [2, true],
      [2, true],
      [1, false],
    ]);
    expect(plane.counts().pending).toBe(false);
  });
});

describe('a batch', () => {
  it('leaves as one train for each peer, sealed together, in the order of the packets', () => {
    const plane = planeWith(2);
    const before = plane.counts();
    for (let i = 0; i < 10; i++) for (const peer of [1, 2]) plane.handlePacket(now, udpTo(peer, 500), 'more');
    expect(plane.drain()).toEqual([]);
    plane.flush(now);
    const { trains, records } = plane.counts();
    expect([trains - before.trains, records - before.records]).toEqual([2, 20]);
    const counters = plane.drain().map(({ bytes }) => [bytes[4], bytes[8]]);
    expect(counters).toEqual(
      [1, 2].flatMap((peer) => Array.from({ length: 10 }, (_, i) => [232 + peer, i + 1])),
    );
  });

  it.each([
    ['a longer record begins another train', [100, 100, 200, 200], [2, 2]],
    ['a shorter one ends its train', [200, 200, 100, 200, 100], [3, 2]],
    ['64 records are the most', Array.from({ length: 70 }, () => 100), [64, 6]],
    ['65,507 bytes are the most', Array.from({ length: 50 }, () => 1420), [45, 5]],
  ])('%s', (_, lengths, expected) => {
    const plane = planeWith(1);
    for (const length of lengths) plane.handlePacket(now, udpTo(1, length), 'more');
    const before = plane.counts();
    plane.flush(now);
    const sent = plane.drain();
    expect(sent).toHaveLength(lengths.length);
    // All of a train share one place, so trains show by it.
    const places = sent.map((output) => output.kind === 'datagram' && output.to);
    expect([...new Set(places)].map((at) => places.filter((other) => other === at).length)).toEqual(expected);
    expect(plane.counts().trains).toBeGreaterThan(before.trains);
  });

  it('with trains off sends each record alone, still in order', () => {
    const plane = planeWith(1);
    plane.allow({ trains: false });
    const before = plane.counts();
    for (const length of [100, 1400, 60]) plane.handlePacket(now, udpTo(1, length), 'more');
    plane.flush(now);
    expect(plane.counts().trains - before.trains).toBe(3);
    expect(plane.drain().map(({ bytes }) => bytes[8])).toEqual([1, 2, 3]);
  });

  it('of more peers than there are trains loses nothing', () => {
    const plane = planeWith(40);
    for (let round = 0; round < 3; round++)
      for (let peer = 1; peer <= 40; peer++) plane.handlePacket(now, udpTo(peer, 100), 'more');
    plane.flush(now);
    const counters = new Map<number, number[]>();
    for (const { bytes } of plane.drain()) {
      const index = (bytes[4] ?? 0) + 256 * (bytes[5] ?? 0);
      counters.set(index, [...(counters.get(index) ?? []), bytes[8] ?? 0]);
    }
    expect([...counters.values()]).toEqual(Array.from({ length: 40 }, () => [1, 2, 3]));
  });

  it('seals what waits before its session goes', () => {
    const plane = planeWith(1);
    plane.handlePacket(now, udpTo(1, 100), 'more');
    plane.wipeKeys(now, 1);
    expect(plane.drain()).toHaveLength(1);
  });

  it('does not send a record that could not be sealed, counts it, and uses its counter no more', () => {
    const plane = planeWith(1);
    plane.failSeals(2);
    for (let i = 0; i < 5; i++) plane.handlePacket(now, udpTo(1, 100), 'more');
    plane.flush(now);
    expect(plane.drain().map(({ bytes }) => bytes[8])).toEqual([3, 4, 5]);
    expect([...plane.takeReports().drops]).toEqual([['send-failed', 2]]);
    plane.handlePacket(now, udpTo(1, 100));
    expect(plane.drain().map(({ bytes }) => bytes[8])).toEqual([6]);
  });

  it('says that data came last when it did, and that data was sent last when it was (T2)', () => {
    const [near, far] = [planeWith(1), planeWith(1, {}, true)];
    far.handlePacket(now, packetOf({ ...tcpHeaders, source: net(1), destination: us }, new Uint8Array(9)));
    const [record] = bytesOf(far.drain());
    if (record === undefined) throw new Error('nothing was sent');
    near.handleUdp(now, place(1), undefined, record, 'more');
    near.handlePacket(now, udpTo(1, 100), 'more');
    near.flush(now);
    expect(near.takeReports().activity).toMatchObject([{ dataReceived: false, dataSent: true }]);
  });
});

describe('super-frames', () => {
  const payload = Uint8Array.from({ length: 20_000 }, (_, i) => i);

  it('leave as the packets they stand for, and come out of the other end joined', () => {
    const [near, far] = [planeWith(1), planeWith(1, {}, true)];
    near.handleFrame(now, superFrame(tcpHeaders, payload, 1380));
    const sent = near.drain();
    expect(sent).toHaveLength(15);
    const frames = far.counts().frames;
    for (const { bytes } of sent) far.handleUdp(now, place(1), undefined, bytes, 'more');
    far.flush(now);
    // The far plane owns only our address, so what comes from there is allowed.
    expect(far.counts().frames - frames).toBe(1);
    expect(bytesOf(far.drain())).toEqual(segmentsOf(tcpHeaders, payload, 1380));
  });

  it('that the TUN refuses are written packet by packet', () => {
    const [near, far] = [planeWith(1), planeWith(1, {}, true)];
    far.allow({ refuseSuperFrames: true });
    near.handleFrame(now, superFrame(tcpHeaders, payload, 1380));
    for (const { bytes } of near.drain()) far.handleUdp(now, place(1), undefined, bytes, 'more');
    far.flush(now);
    expect(far.counts().frames).toBe(15);
    expect(bytesOf(far.drain())).toEqual(segmentsOf(tcpHeaders, payload, 1380));
  });

  it('whose packets do not fit the path are too big, each of them, and answered once', () => {
    const plane = planeWith(1);
    plane.setPeer(1, { pathMtu: 1300 });
    plane.handleFrame(now, superFrame({ ...tcpHeaders, ports: [1, 2] }, payload, 1380));
    const outputs = plane.drain();
    // 14 segments of 1420 B, and the rest, which fits
    expect(outputs.map(({ kind }) => kind)).toEqual(['packet', 'datagram']);
    const { drops, activity } = plane.takeReports();
    expect([[...drops], activity[0]?.tooBig]).toEqual([[['too-big', 14]], 1420]);
  });

  it('wait for a session as packets', () => {
    const plane = planeWith(1);
    plane.wipeKeys(now, 1);
    plane.handleFrame(now, superFrame(tcpHeaders, payload, 1380));
    expect(plane.drain()).toEqual([]);
    expect(JSON.parse(plane.fingerprint()).peers[0].staged[0]).toBe(15);
  });

  it.each([
    ['truncated', new Uint8Array(9), 'bad-inner-packet'],
    ['of an unknown kind', superFrame(tcpHeaders, payload, 1380).fill(3, 1, 2), 'bad-inner-packet'],
    ['of segments of no size', superFrame(tcpHeaders, payload, 1380).fill(0, 4, 6), 'bad-inner-packet'],
    ['shorter than it says', superFrame(tcpHeaders, payload, 1380).slice(0, 5000), 'bad-inner-length'],
  ] as const)('%s are dropped', (_, frame, reason) => {
    const plane = planeWith(1);
    plane.handleFrame(now, frame);
    expect([plane.drain(), [...plane.takeReports().drops]]).toEqual([[], [[reason, 1]]]);
  });
});

describe('a read of the socket that was cut off', () => {
  it('gives its whole datagrams, and counts the rest', () => {
    const [near, far] = [planeWith(1), planeWith(1, {}, true)];
    for (let i = 0; i < 3; i++) near.handlePacket(now, udpTo(1, 100));
    const whole = Uint8Array.from(Buffer.concat(bytesOf(near.drain())));
    const segmentSize = whole.length / 3;
    far.handleUdp(now, place(1), undefined, whole.slice(0, -1), 'flush', { segmentSize, truncated: true });
    expect(far.drain()).toHaveLength(2);
    expect([...far.takeReports().drops]).toEqual([['bad-length', 1]]);
  });
});

describe('the maximum segment size of TCP', () => {
  const syn = {
    ...tcpHeaders,
    flags: tcpFlag.syn,
    tcpOptions: Uint8Array.of(2, 4, 1460 >>> 8, 1460 & 255),
  };
  const mssOf = (packet: Uint8Array | undefined) => (packet?.[42] ?? 0) * 256 + (packet?.[43] ?? 0);

  it.each([
    [true, 1380],
    [false, 1460],
  ])('is lowered to what fits, in both directions, if it is to be: %s', (clampMss, expected) => {
    const [near, far] = [planeWith(1, { clampMss }), planeWith(1, {}, true)];
    near.handlePacket(now, packetOf(syn, new Uint8Array(0)));
    for (const { bytes } of near.drain()) far.handleUdp(now, place(1), undefined, bytes);
    expect(far.drain().map(({ bytes }) => mssOf(bytes))).toEqual([expected]);
    far.handlePacket(now, packetOf({ ...syn, source: net(1), destination: us }, new Uint8Array(0)));
    for (const { bytes } of far.drain()) near.handleUdp(now, place(1), undefined, bytes);
    expect(near.drain().map(({ bytes }) => mssOf(bytes))).toEqual([expected]);
  });

  it('of those who will send to us is lowered to what the path there takes', () => {
    const [near, far] = [planeWith(1, { clampMss: true }), planeWith(1, {}, true)];
    near.setPeer(1, { pathMtu: 1232 });
    far.handlePacket(now, packetOf({ ...syn, source: net(1), destination: us }, new Uint8Array(0)));
    for (const { bytes } of far.drain()) near.handleUdp(now, place(1), undefined, bytes);
    expect(near.drain().map(({ bytes }) => mssOf(bytes))).toEqual([1232 - 32 - 40]);
  });
});

describe('who is woken when', () => {
  const flags = (plane: NativeTestPlane) => {
    const { pending, urgent } = plane.counts();
    return { pending, urgent };
  };

  it('traffic can wait, news cannot', () => {
    const [near, far] = [planeWith(1), planeWith(1, {}, true)];
    expect(flags(near)).toEqual({ pending: false, urgent: false });
    near.handlePacket(now, udpTo(1, 100));
    expect(flags(near)).toEqual({ pending: true, urgent: false });
    const [record] = bytesOf(near.drain());
    if (record === undefined) throw new Error('nothing was sent');
    far.handleUdp(now, place(1), undefined, record.slice());
    expect(flags(far)).toEqual({ pending: true, urgent: false });
    near.takeReports();
    expect(flags(near)).toEqual({ pending: false, urgent: false });
    far.handleUdp(now, place(7), undefined, record); // seen already
    expect(flags(far).urgent).toBe(false);
    near.handlePacket(now, udpTo(1, 100));
    for (const { bytes } of near.drain()) far.handleUdp(now, place(7), undefined, bytes); // it roams
    expect(flags(far).urgent).toBe(true);
  });

  it('a key is wanted at once when the first packet waits; those behind it can wait', () => {
    const plane = planeWith(1);
    plane.wipeKeys(now, 1);
    plane.handlePacket(now, udpTo(1, 100));
    expect(flags(plane)).toEqual({ pending: true, urgent: true });
    plane.takeReports();
    plane.handlePacket(now, udpTo(1, 100));
    expect(flags(plane)).toEqual({ pending: true, urgent: false });
    expect(plane.takeReports().activity).toMatchObject([{ wantsKey: true }]);
  });

  it('a limit that is near is told at once, once', () => {
    const plane = planeWith(1);
    plane.advanceSendCounter(1, 2 ** 52);
    plane.handlePacket(now, udpTo(1, 100));
    expect(flags(plane).urgent).toBe(true);
    expect(plane.takeReports().activity).toMatchObject([{ limitNear: 1 }]);
  });
});

describe('the verbs', () => {
  it('throw for what is ill-formed, and for a plane that has closed', () => {
    const plane = planeWith(1);
    expect(() => plane.setPeer(1, { pathMtu: 32 })).toThrow(RangeError);
    expect(() => plane.setPeer(1, { endpoint: { ...place(1), ip: new Uint8Array(5) } })).toThrow(RangeError);
    expect(() => plane.setRoutes([{ kind: 'add', peer: 1, prefix: net(1), bits: 24 }])).toThrow(RangeError);
    expect(() => plane.transmit(now, 1, Uint8Array.of(0x45))).toThrow(RangeError);
    plane.close();
    expect(() => plane.takeReports()).toThrow(/EBADF/);
    expect(() => plane.setMtu(1280)).toThrow(/EBADF/);
  });
});
