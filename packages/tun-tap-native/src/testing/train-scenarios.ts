/** How trains leave, and what becomes of those that cannot. Each runs in a namespace of its own. */
import assert from 'node:assert/strict';
import { openNetlink, openUdp } from '../index.ts';
import type { Udp } from '../types.ts';
import { planeEdge } from './plane-edge.ts';

interface Taken {
  readonly sends: number;
  readonly datagrams: number;
  readonly trains: number;
  readonly dropped: number;
  readonly failed: number;
  readonly waits: number;
  readonly full: boolean;
  readonly sourceLost: boolean;
  readonly segmentation: boolean;
  readonly reason: string;
  readonly failures: readonly { code: string; port: number; length: number; count: number }[];
}

const trains = planeEdge<{
  create(segmentation: boolean, sendBuffer: number): object;
  setOption(sender: object, family: 4 | 6, level: number, option: number, value: number): void;
  send(
    sender: object,
    ip: Uint8Array,
    port: number,
    source: Uint8Array,
    bytes: Uint8Array,
    segmentSize: number,
  ): void;
  beginTurn(sender: object): void;
  take(sender: object): Taken;
}>('trainSender');

const offloads = planeEdge<{
  create(allowed: number): object;
  act(offloads: object, verb: 'active' | 'reason', offload: number, reason: string): unknown;
  selfTest(offloads: object): void;
}>('offloads');

const loopback = { 4: Uint8Array.of(127, 0, 0, 1), 6: Uint8Array.of(...new Uint8Array(15), 1) } as const;
const none = new Uint8Array(0);
const netlink = openNetlink();
/** Of linux/socket.h: makes a socket send without checksums, with which the kernel segments nothing (udp_send_skb). */
const solSocket = 1;
const soNoCheck = 11;

function payload(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

async function receive(
  udp: Udp,
  count: number,
): Promise<{ bytes: Uint8Array; localIp: Uint8Array; from: Uint8Array }[]> {
  const got: { bytes: Uint8Array; localIp: Uint8Array; from: Uint8Array }[] = [];
  await new Promise<void>((resolve, reject) => {
    udp.start((datagrams) => {
      for (const { bytes, localIp, from } of datagrams)
        got.push({ bytes: bytes.slice(), localIp, from: from.ip });
      if (got.length >= count) resolve();
    }, reject);
  });
  udp.stop();
  return got;
}

/** A veth whose far end nobody answers from, but whose neighbour is known. */
function makeWay(mtu: number): void {
  netlink.createVeth('near', 'far');
  netlink.setLink('near', { up: true, mtu });
  netlink.setLink('far', { up: true, mtu });
  netlink.addAddress('near', Uint8Array.of(10, 8, 0, 1), 24);
}

const away = Uint8Array.of(10, 8, 0, 2);

export const scenarios = {
  async asOne() {
    for (const family of [4, 6] as const) {
      using udp = openUdp({ family, ip: loopback[family] });
      const sender = trains.create(true, 0);
      const bytes = payload(7 * 1200 + 345);
      trains.send(sender, loopback[family], udp.port, none, bytes, 1200);
      trains.send(sender, loopback[family], udp.port, loopback[family], bytes.subarray(0, 40), 1200);
      const got = await receive(udp, 9);
      assert.deepEqual(
        got.map((datagram) => datagram.bytes),
        [...cut(bytes, 1200), bytes.slice(0, 40)],
      );
      const { sends, datagrams, trains: whole, failures, segmentation } = trains.take(sender);
      assert.deepEqual(
        { sends, datagrams, whole, failures, segmentation },
        {
          sends: 2,
          datagrams: 9,
          whole: 1,
          failures: [],
          segmentation: true,
        },
      );
    }
  },

  async asList() {
    using udp = openUdp({ family: 6, ip: loopback[6] });
    const sender = trains.create(false, 0);
    const bytes = payload(64 * 1000 - 1);
    trains.send(sender, loopback[6], udp.port, loopback[6], bytes, 1000);
    const got = await receive(udp, 64);
    assert.deepEqual(
      got.map((datagram) => datagram.bytes),
      cut(bytes, 1000),
    );
    const { sends, datagrams, trains: whole } = trains.take(sender);
    assert.deepEqual({ sends, datagrams, whole }, { sends: 1, datagrams: 64, whole: 0 });
  },

  async refusedTrain() {
    using udp = openUdp({ family: 4, ip: loopback[4] });
    for (const source of [none, loopback[4]]) {
      const sender = trains.create(true, 0);
      trains.setOption(sender, 4, solSocket, soNoCheck, 1);
      const bytes = payload(3 * 900);
      trains.send(sender, loopback[4], udp.port, source, bytes, 900);
      assert.deepEqual(
        (await receive(udp, 3)).map((datagram) => datagram.bytes),
        cut(bytes, 900),
      );
      const first = trains.take(sender);
      assert.equal(first.segmentation, false);
      assert.match(first.reason, /^the kernel refused a train whose datagrams it takes: Invalid argument/);
      assert.deepEqual(first.failures, []);
      assert.equal(first.sourceLost, false);
      // From here on it is not tried again.
      trains.send(sender, loopback[4], udp.port, source, bytes, 900);
      assert.equal((await receive(udp, 3)).length, 3);
      assert.equal(trains.take(sender).sends, first.sends + 1);
    }
  },

  tooLong() {
    makeWay(1280);
    const sender = trains.create(true, 0);
    const longest = 1280 - 28;
    trains.send(sender, away, 9, none, payload(4 * (longest + 1)), longest + 1);
    const taken = trains.take(sender);
    assert.equal(taken.segmentation, true);
    assert.deepEqual(taken.failures, [{ code: 'EMSGSIZE', port: 9, length: longest + 1, count: 4 }]);
    assert.equal(taken.failed, 4);
    // The last, shorter one fits.
    trains.send(sender, away, 9, none, payload(longest + 6), longest + 5);
    assert.deepEqual(trains.take(sender).failures, [
      { code: 'EMSGSIZE', port: 9, length: longest + 5, count: 1 },
    ]);
    trains.send(sender, away, 9, none, payload(4 * longest), longest);
    const { failures, segmentation, trains: whole } = trains.take(sender);
    assert.deepEqual({ failures, segmentation, whole }, { failures: [], segmentation: true, whole: 1 });
  },

  async sourceLost() {
    for (const family of [4, 6] as const) {
      using udp = openUdp({ family, ip: loopback[family] });
      const strange =
        family === 4 ? Uint8Array.of(192, 0, 2, 7) : Uint8Array.of(0xfd, ...new Uint8Array(14), 7);
      for (const segmentation of [true, false]) {
        const sender = trains.create(segmentation, 0);
        for (const count of [1, 3]) {
          const bytes = payload(count * 500);
          trains.send(sender, loopback[family], udp.port, strange, bytes, 500);
          const got = await receive(udp, count);
          assert.deepEqual(
            got.map((datagram) => datagram.bytes),
            cut(bytes, 500),
          );
          assert.ok(got.every(({ from }) => Buffer.compare(from, loopback[family]) === 0));
          const taken = trains.take(sender);
          assert.equal(taken.sourceLost, true);
          assert.equal(taken.segmentation, segmentation);
          assert.deepEqual(taken.failures, []);
          assert.equal(trains.take(sender).sourceLost, false);
        }
        // An address of ours is asked for and is no loss.
        trains.send(sender, loopback[family], udp.port, loopback[family], payload(10), 500);
        await receive(udp, 1);
        assert.equal(trains.take(sender).sourceLost, false);
      }
    }
  },

  unreachable() {
    for (const segmentation of [true, false]) {
      const sender = trains.create(segmentation, 0);
      for (const source of [none, Uint8Array.of(192, 0, 2, 7)]) {
        trains.send(sender, Uint8Array.of(198, 51, 100, 1), 7, source, payload(2500), 1000);
        const { failures, sourceLost, segmentation: still } = trains.take(sender);
        assert.deepEqual(
          { failures, sourceLost, still },
          {
            failures: [{ code: 'ENETUNREACH', port: 7, length: segmentation ? 1000 : 500, count: 3 }],
            sourceLost: false,
            still: segmentation,
          },
        );
      }
    }
  },

  fullSocket() {
    makeWay(1500);
    // Nobody answers for the neighbour: what is sent stays charged to the socket until the kernel gives up on it.
    const sender = trains.create(true, 1);
    const before = process.cpuUsage();
    const turns = 10;
    const perTurn = 50;
    for (let turn = 0; turn < turns; turn++) {
      trains.beginTurn(sender);
      for (let i = 0; i < perTurn; i++) trains.send(sender, away, 9, none, payload(3000), 1000);
    }
    const taken = trains.take(sender);
    assert.ok(taken.full);
    assert.ok(taken.waits >= 1 && taken.waits <= turns, `${taken.waits} waits`);
    assert.ok(taken.dropped > 0);
    assert.equal(taken.datagrams + taken.dropped, turns * perTurn * 3);
    assert.equal(taken.segmentation, true);
    assert.ok(taken.failures.every(({ code }) => code === 'EAGAIN' || code === 'ENOBUFS'));
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 1_000_000, `${user + system} µs`);
  },

  boundedFailures() {
    const sender = trains.create(true, 0);
    for (let port = 1; port <= 200; port++) {
      trains.send(sender, Uint8Array.of(198, 51, 100, 1), port, none, payload(10), 1000);
    }
    const { failures, failed } = trains.take(sender);
    assert.equal(failures.length, 64);
    assert.equal(failed, 200);
    assert.deepEqual(trains.take(sender).failures, []);
  },

  selfTest() {
    const tested = offloads.create(0x3f);
    offloads.selfTest(tested);
    for (const udp of [4, 5]) {
      assert.equal(offloads.act(tested, 'active', udp, ''), true);
      assert.equal(offloads.act(tested, 'reason', udp, ''), '');
    }
  },

  selfTestWithoutLoopback() {
    netlink.setLink('lo', { up: false });
    const tested = offloads.create(0x3f);
    offloads.selfTest(tested);
    for (const udp of [4, 5]) {
      assert.equal(offloads.act(tested, 'active', udp, ''), true);
      assert.match(String(offloads.act(tested, 'reason', udp, '')), /^not tested/);
    }
  },

  selfTestOfNothing() {
    const tested = offloads.create(0);
    offloads.selfTest(tested);
    for (const udp of [4, 5]) {
      assert.equal(offloads.act(tested, 'active', udp, ''), false);
      assert.equal(offloads.act(tested, 'reason', udp, ''), 'switched off by configuration');
    }
  },
};
