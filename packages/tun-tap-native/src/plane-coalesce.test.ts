import { describe, expect, it } from 'vitest';
import { planeEdge } from './testing/plane-edge.ts';
import { Random } from './testing/random.ts';
import {
  gsoType,
  type Headers,
  joined,
  needsChecksum,
  packetOf,
  plainHeaders,
  plainHeaders6,
  superFrame,
  tcpFlag,
  virtioHeader,
} from './testing/segments.ts';
import { slowFrames } from './testing/slow-coalesce.ts';

const edge = planeEdge<{
  create(capacity: number): object;
  run(coalescer: object, packets: Uint8Array, allowed: number, separated: boolean): Uint8Array;
}>('coalesce');
const split = planeEdge<{ split(frame: Uint8Array, way: 0): Uint8Array[] }>('gsoSplit').split;

interface Frame {
  readonly bytes: Uint8Array;
  readonly packetCount: number;
}
const both = { tcp: true, udp: true };
const shared = edge.create(1024);

/** One batch through a coalescer. */
function coalesce(
  packets: readonly Uint8Array[],
  { allowed = both, separated = false, coalescer = shared } = {},
): { taken: number; frames: Frame[] } {
  const lengths = packets.map(({ length }) => Uint8Array.of(0, 0, length >> 8, length & 255));
  const packed = joined(...packets.flatMap((packet, i) => [lengths[i] ?? new Uint8Array(0), packet]));
  const out = edge.run(coalescer, packed, (allowed.tcp ? 1 : 0) + (allowed.udp ? 2 : 0), separated);
  const view = new DataView(out.buffer);
  const frames: Frame[] = [];
  for (let at = 4; at < out.length; ) {
    const length = view.getUint32(at);
    frames.push({
      packetCount: view.getUint32(at + 4),
      bytes: out.subarray(at + 8, at + 8 + length),
    });
    at += 8 + length;
  }
  return { taken: view.getUint32(0), frames };
}

const counts = (packets: readonly Uint8Array[], options = {}) =>
  coalesce(packets, options).frames.map(({ packetCount }) => packetCount);

const ramp = (length: number, start = 0) => Uint8Array.from({ length }, (_, i) => (start + i * 3) % 251);

/** `count` packets of a flow, each with `size` B of payload but the last, which has `last`. */
function run(headers: Headers, count: number, size: number, last = size): Uint8Array[] {
  return Array.from({ length: count }, (_, i) =>
    packetOf(
      {
        ...headers,
        identification: (headers.identification + i) % 0x10000,
        sequence: (headers.sequence + i * size) % 2 ** 32,
      },
      ramp(i === count - 1 ? last : size, i),
    ),
  );
}

const udp4: Headers = { ...plainHeaders, protocol: 'udp' };
const udp6: Headers = { ...plainHeaders6, protocol: 'udp' };
const kinds: readonly [string, Headers][] = [
  ['TCP on IPv4', plainHeaders],
  ['TCP on IPv6', plainHeaders6],
  ['UDP on IPv4', udp4],
  ['UDP on IPv6', udp6],
];
const isTcp = (headers: Headers) => headers.protocol === 'tcp';

describe.each(kinds)('packets of a flow, %s', (_, headers) => {
  it('become the super-frame that the kernel would have made', () => {
    const packets = run(headers, 5, 100, 40);
    const [frame, ...others] = coalesce(packets).frames;
    expect(others).toEqual([]);
    const payload = joined(...[0, 1, 2, 3, 4].map((i) => ramp(i === 4 ? 40 : 100, i)));
    expect(frame?.bytes).toEqual(superFrame(headers, payload, 100));
    expect(frame && split(frame.bytes, 0)).toEqual(packets);
  });

  it('alone pass untouched, with a header that asks for nothing', () => {
    const [packet = new Uint8Array(0)] = run(headers, 1, 100);
    expect(coalesce([packet]).frames).toEqual([{ packetCount: 1, bytes: joined(virtioHeader({}), packet) }]);
  });

  it('end with a shorter one, and a longer one begins anew', () => {
    const shorter = [
      ...run(headers, 3, 100, 99),
      ...run({ ...headers, sequence: 1299, identification: 10 }, 2, 100),
    ];
    expect(counts(shorter)).toEqual([3, 2]);
    expect(counts(run(headers, 3, 100, 101))).toEqual([2, 1]);
    expect(counts(run(headers, 3, 100, 100))).toEqual([3]);
  });

  it('fill at most 65,535 B, and have a bounded number in a frame', () => {
    const size = 1400;
    const header = headers.version === 4 ? 20 : 40;
    const most = Math.floor((65_535 - header - (isTcp(headers) ? 20 : 8)) / size);
    expect(counts(run(headers, most, size))).toEqual([most]);
    expect(counts(run(headers, most + 1, size))).toEqual([most, 1]);
    const bound = isTcp(headers) ? 128 : 64;
    expect(counts(run(headers, bound, 10))).toEqual([bound]);
    expect(counts(run(headers, bound + 1, 10))).toEqual([bound, 1]);
  });

  it('that fill 65,535 B to the last are one frame, and with one more they are not', () => {
    const room = 65_535 - (headers.version === 4 ? 20 : 40) - (isTcp(headers) ? 20 : 8);
    const size = Math.ceil(room / 40);
    const last = room - 39 * size;
    expect(last).toBeLessThan(size);
    const packets = run(headers, 40, size, last);
    const [frame] = coalesce(packets).frames;
    expect(frame?.bytes).toHaveLength(65_545);
    expect(frame && split(frame.bytes, 0)).toEqual(packets);
    expect(counts(run(headers, 40, size, last + 1))).toEqual([39, 1]);
  });

  it('are not joined where a header says something else', () => {
    const own = { ...headers };
    const others: Partial<Headers>[] = [
      { trafficClass: 4 },
      { timeToLive: 63 },
      { ports: [40_001, 443] },
      { ports: [40_000, 444] },
      { source: headers.source.map((byte, i) => (i === 3 ? byte ^ 1 : byte)) },
      { destination: headers.destination.map((byte, i) => (i === 3 ? byte ^ 1 : byte)) },
      ...(headers.version === 4
        ? [{ ipFlags: 0 }, { ipOptions: new Uint8Array(4).fill(1) }]
        : [{ flowLabel: 1 }]),
      ...(isTcp(headers)
        ? [
            { acknowledgement: 2001 },
            { window: 501 },
            { urgent: 1 },
            { flags: tcpFlag.ack | tcpFlag.ece },
            { flags: tcpFlag.ack | tcpFlag.cwr },
            { flags: tcpFlag.ack | tcpFlag.urg },
            { flags: tcpFlag.ack | tcpFlag.syn },
            { flags: tcpFlag.ack | tcpFlag.rst },
            { flags: 0 },
            { tcpOptions: Uint8Array.of(1, 1, 1, 1) },
          ]
        : []),
    ];
    for (const other of others) {
      const next = { ...own, identification: 8, sequence: 1100 };
      const changed = packetOf({ ...next, ...other }, ramp(100));
      const [first = new Uint8Array(0)] = run(own, 1, 100);
      expect(counts([first, packetOf(next, ramp(100))])).toEqual([2]);
      const frames = coalesce([first, changed]).frames;
      expect(frames.map(({ bytes }) => bytes.subarray(10))).toEqual([first, changed]);
    }
  });

  it('with a wrong checksum pass alone and stay wrong, wherever in the run they are', () => {
    for (let broken = 0; broken < 5; broken++) {
      const packets = run(headers, 5, 100);
      const bytes = packets[broken];
      if (bytes) bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 0x40;
      const { frames } = coalesce(packets);
      expect(frames.flatMap(({ bytes }) => split(bytes, 0))).toEqual(packets);
      const alone = frames.find(
        ({ bytes: frame }) => bytes && Buffer.compare(frame.subarray(10), bytes) === 0,
      );
      expect(alone?.bytes.subarray(0, 10)).toEqual(virtioHeader({}));
    }
  });

  it('that the kernel refused as a frame are again what they were', () => {
    const packets = run(headers, 7, 100, 50);
    const { frames } = coalesce(packets, { separated: true });
    expect(frames.map(({ bytes }) => bytes)).toEqual(
      packets.map((packet) => joined(virtioHeader({}), packet)),
    );
  });

  it('are left alone where the TUN does not take such frames', () => {
    const allowed = { tcp: !isTcp(headers), udp: isTcp(headers) };
    expect(counts(run(headers, 3, 100), { allowed })).toEqual([1, 1, 1]);
  });

  it('in more flows than are kept pass, and none is lost', () => {
    const packets = Array.from({ length: 500 }, (_, i) =>
      run({ ...headers, ports: [1000 + i, 443] }, 2, 50),
    ).flat();
    const { taken, frames } = coalesce(packets);
    expect(taken).toBe(1000);
    const many = frames.filter(({ packetCount }) => packetCount === 2).length;
    expect(many).toBeGreaterThan(100);
    expect(many).toBeLessThanOrEqual(128);
    expect(frames.flatMap(({ bytes }) => split(bytes, 0))).toEqual(packets);
  });
});

describe('packets of a TCP flow', () => {
  const { ack, cwr, ece, fin, psh } = tcpFlag;
  const withFlags = (...flags: number[]) =>
    run(plainHeaders, flags.length, 10).map((_, i) =>
      packetOf(
        { ...plainHeaders, flags: flags[i] ?? 0, sequence: 1000 + 10 * i, identification: 7 + i },
        ramp(10, i),
      ),
    );

  it('end with PSH or FIN', () => {
    expect(counts(withFlags(ack, ack | psh, ack, ack))).toEqual([2, 2]);
    expect(counts(withFlags(ack, ack | fin, ack, ack))).toEqual([2, 2]);
    expect(counts(withFlags(ack | psh, ack, ack))).toEqual([1, 2]);
    for (const flags of [psh, fin, psh | fin]) {
      const packets = withFlags(ack, ack, ack | flags);
      const [frame] = coalesce(packets).frames;
      expect(frame?.packetCount).toBe(3);
      expect(frame && split(frame.bytes, 0)).toEqual(packets);
    }
  });

  it('may begin with CWR, which the header then says, and have ECE on all', () => {
    const packets = withFlags(ack | cwr | ece, ack | ece, ack | ece);
    const [frame] = coalesce(packets).frames;
    expect(frame?.packetCount).toBe(3);
    expect(frame?.bytes.subarray(0, 2)).toEqual(Uint8Array.of(needsChecksum, gsoType.tcp4 | gsoType.ecn));
    expect(frame && split(frame.bytes, 0)).toEqual(packets);
    expect(counts(withFlags(ack, ack | cwr, ack))).toEqual([1, 2]);
  });

  it('are joined only in sequence, also past its end', () => {
    const around = run({ ...plainHeaders, sequence: 2 ** 32 - 15 }, 4, 10);
    expect(counts(around)).toEqual([4]);
    for (const gap of [-10, -1, 1, 10]) {
      const next = run({ ...plainHeaders, sequence: 1010 + gap, identification: 8 }, 1, 10);
      expect(counts([...run(plainHeaders, 1, 10), ...next])).toEqual([1, 1]);
    }
  });

  it('keep their order: what cannot be joined ends the frame', () => {
    const [one, two, three] = run(plainHeaders, 3, 10);
    const pureAck = packetOf({ ...plainHeaders, sequence: 1010, identification: 50 }, new Uint8Array(0));
    if (!one || !two || !three) throw new Error('three packets');
    expect(counts([one, pureAck, two, three])).toEqual([1, 1, 2]);
    const withOptions = packetOf({ ...plainHeaders, ipOptions: new Uint8Array(4).fill(1) }, ramp(10));
    expect(counts([one, withOptions, two, three])).toEqual([1, 1, 2]);
    const fragment = packetOf({ ...plainHeaders, ipFlags: 1 }, ramp(10));
    expect(counts([one, fragment, two, three])).toEqual([1, 1, 2]);
  });

  it('with timestamps are joined while these are equal', () => {
    const at = (time: number): Headers => ({
      ...plainHeaders,
      tcpOptions: Uint8Array.of(1, 1, 8, 10, 0, 0, 0, time, 0, 0, 0, 9),
    });
    const next = { sequence: 1010, identification: 8 };
    const [first = new Uint8Array(0)] = run(at(1), 1, 10);
    expect(counts([first, packetOf({ ...at(1), ...next }, ramp(10))])).toEqual([2]);
    expect(counts([first, packetOf({ ...at(2), ...next }, ramp(10))])).toEqual([1, 1]);
  });
});

describe('packets of a UDP flow', () => {
  it('without checksum pass alone', () => {
    const packets = run(udp4, 3, 10);
    for (const packet of packets) packet.fill(0, 26, 28);
    expect(counts(packets)).toEqual([1, 1, 1]);
  });

  it('whose length is not that of IP pass alone', () => {
    const packets = run(udp4, 3, 10);
    for (const packet of packets) packet[25] = 17;
    expect(counts(packets)).toEqual([1, 1, 1]);
  });
});

describe('IPv4 identification', () => {
  it('counts up where packets may be cut on their way', () => {
    const headers = { ...plainHeaders, ipFlags: 0, identification: 0xfffe };
    const packets = run(headers, 4, 10);
    const [frame] = coalesce(packets).frames;
    expect(frame?.packetCount).toBe(4);
    expect(frame && split(frame.bytes, 0)).toEqual(packets);
    const same = packets.map((_, i) => packetOf({ ...headers, sequence: 1000 + 10 * i }, ramp(10)));
    expect(counts(same)).toEqual([1, 1, 1, 1]);
  });

  it('means nothing with DF (RFC 6864 §4.1)', () => {
    const packets = [0, 1, 2].map((i) =>
      packetOf({ ...plainHeaders, identification: 0, sequence: 1000 + 10 * i }, ramp(10)),
    );
    expect(counts(packets)).toEqual([3]);
  });
});

describe('checksum fields that are right in the other form of zero', () => {
  it('pass alone, since they would come back as the usual one', () => {
    const headers = { ...plainHeaders, tcpOptions: new Uint8Array(4) };
    const zero = packetOf(headers, ramp(10));
    const rest = new DataView(zero.buffer).getUint16(36);
    // With its own checksum in two bytes that were zero, the sum of all else is zero.
    const first = packetOf({ ...headers, tcpOptions: Uint8Array.of(rest >> 8, rest & 255, 0, 0) }, ramp(10));
    expect([first[36], first[37]]).toEqual([0, 0]);
    const second = packetOf(
      { ...headers, tcpOptions: Uint8Array.of(rest >> 8, rest & 255, 0, 0), sequence: 1010 },
      ramp(10),
    );
    expect(counts([first, second])).toEqual([2]);
    first.fill(0xff, 36, 38);
    expect(counts([first, second])).toEqual([1, 1]);
  });
});

describe('a batch', () => {
  it('of as many packets as there is room for is taken, one more is not', () => {
    const coalescer = edge.create(8);
    const packets = run(plainHeaders, 9, 10);
    expect(coalesce(packets.slice(0, 8), { coalescer })).toMatchObject({ taken: 8 });
    expect(coalesce(packets, { coalescer })).toMatchObject({ taken: 8, frames: [{ packetCount: 8 }] });
    expect(coalesce([], { coalescer })).toEqual({ taken: 0, frames: [] });
  });

  it('of what is no IP, or not as long as it says, passes as it is', () => {
    const [packet = new Uint8Array(0)] = run(plainHeaders, 1, 10);
    const odd = [
      new Uint8Array(0),
      Uint8Array.of(0x45),
      packet.subarray(0, -1),
      joined(packet, packet),
      ramp(40),
    ];
    expect(coalesce(odd).frames.map(({ bytes }) => bytes)).toEqual(
      odd.map((one) => joined(virtioHeader({}), one)),
    );
  });

  it('at random, 100,000 packets and more: frames as by the slow twin, and cut again, what went in', () => {
    const random = new Random(41);
    let packetsSeen = 0;
    let framesSeen = 0;
    for (let i = 0; packetsSeen < 100_000; i++) {
      const packets = randomBatch(random);
      const allowed = random.chance(0.1) ? { tcp: random.chance(0.5), udp: random.chance(0.5) } : both;
      const { frames } = coalesce(packets, { allowed });
      const expected = slowFrames(packets, allowed);
      const found = frames.map(({ packetCount }) => packetCount);
      const wanted = expected.map(({ length }) => length);
      if (`${found}` !== `${wanted}`) expect.fail(`batch ${i} of seed 41: ${found}, not ${wanted}`);
      frames.forEach((frame, k) => {
        const originals = (expected[k] ?? []).map((number) => packets[number] ?? new Uint8Array(0));
        if (!comesBack(frame, originals)) expect.fail(`batch ${i} of seed 41, frame ${k}`);
      });
      packetsSeen += packets.length;
      framesSeen += frames.length;
    }
    // Neither all joined nor none.
    expect(packetsSeen / framesSeen).toBeGreaterThan(1.5);
    expect(packetsSeen / framesSeen).toBeLessThan(10);
  }, 120_000);
});

/** Whether a frame is its packets: alone untouched, joined the same after splitting but for an identification that means nothing. */
function comesBack(frame: Frame, originals: readonly Uint8Array[]): boolean {
  const [only] = originals;
  if (originals.length === 1 && only) return equal(frame.bytes, joined(virtioHeader({}), only));
  const packets = split(frame.bytes, 0);
  return (
    packets.length === originals.length &&
    packets.every((packet, i) => {
      const original = originals[i];
      return original !== undefined && equal(withoutAtomicId(packet), withoutAtomicId(original));
    })
  );
}

const equal = (left: Uint8Array, right: Uint8Array) => Buffer.compare(left, right) === 0;

function withoutAtomicId(packet: Uint8Array): Uint8Array {
  if ((packet[0] ?? 0) >> 4 !== 4 || ((packet[6] ?? 0) & 0x40) === 0) return packet;
  const copy = packet.slice();
  copy.fill(0, 4, 6).fill(0, 10, 12);
  return copy;
}

/** Some flows, mixed; most packets carry their flow on, and some have something wrong with them. */
function randomBatch(random: Random): Uint8Array[] {
  const flows = Array.from({ length: 1 + random.below(4) }, (_, i) => ({
    headers: {
      ...random.pick([plainHeaders, plainHeaders6, udp4, udp6]),
      ports: [40_000 + i, 443],
      ipFlags: random.pick([0, 2, 2]),
      identification: random.below(65_536),
      sequence: random.chance(0.1) ? 2 ** 32 - random.below(100) : random.word(),
      flags: random.pick([tcpFlag.ack, tcpFlag.ack, tcpFlag.ack | tcpFlag.ece]),
    } as Headers,
    size: 1 + random.below(60),
  }));
  return Array.from({ length: 1 + random.below(30) }, () => {
    const flow = random.pick(flows);
    const length = random.chance(0.1) ? random.below(70) : flow.size;
    const odd = random.chance(0.15) ? oddity(random) : {};
    const packet = packetOf({ ...flow.headers, ...odd }, random.bytes(length));
    flow.headers = {
      ...flow.headers,
      identification: (flow.headers.identification + 1) % 0x10000,
      sequence: (flow.headers.sequence + length) % 2 ** 32,
    };
    if (random.chance(0.05)) packet[random.below(packet.length)] = random.word() & 0xff;
    return packet;
  });
}

function oddity(random: Random): Partial<Headers> {
  const { ack, cwr, fin, psh } = tcpFlag;
  return random.pick<Partial<Headers>>([
    { flags: ack | psh },
    { flags: ack | fin },
    { flags: ack | cwr },
    { flags: random.below(256) },
    { timeToLive: 1 },
    { trafficClass: 3 },
    { sequence: random.word() },
    { identification: random.below(65_536) },
    { window: random.below(65_536) },
    { acknowledgement: random.word() },
    { urgent: 1 },
    { ipFlags: random.below(8) },
    { ipOptions: new Uint8Array(4).fill(1) },
    { tcpOptions: new Uint8Array(4).fill(1) },
    { flowLabel: 7 },
    { extensions: { first: 60, bytes: Uint8Array.of(random.pick([6, 17]), 0, 1, 4, 0, 0, 0, 0) } },
    { extensions: { first: 44, bytes: Uint8Array.of(17, 0, 0, random.pick([0, 1, 8, 9]), 0, 0, 0, 5) } },
  ]);
}
