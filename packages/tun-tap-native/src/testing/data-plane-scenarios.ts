/** Two data planes, each in its own namespace, joined by a veth. Run by data-plane.test.ts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  bootTime,
  type OffloadName,
  offloadNames,
  openDataPlane,
  openNetlink,
  openTun,
  openUdp,
  testOffloads,
} from '../index.ts';
import {
  digestOf,
  End,
  type EndOptions,
  echoPort,
  type Family,
  FarEnd,
  inner,
  newKeys,
  outer,
  peer,
  text,
} from './data-plane-end.ts';
import { planeEdge } from './plane-edge.ts';
import { countDescriptors } from './scenario.ts';

const netlink = openNetlink();
const megabyte = 1024 * 1024;

interface Pair {
  readonly near: End;
  readonly far: FarEnd;
  close(): Promise<void>;
}

type Options = Partial<Omit<EndOptions, 'side' | 'underlay'>>;

async function openPair(
  options: Options = {},
  farOptions: Options = options,
  family: Family = 4,
): Promise<Pair> {
  const far = await FarEnd.start();
  netlink.createVeth('near', 'far', far.pid);
  const near = new End({ side: 1, underlay: 'near', ...options });
  await far.open({ side: 2, underlay: 'far', ...farOptions });
  const keys = newKeys();
  await far.connect(keys, { ip: outer(family, 1), port: near.plane.port, scope: 0 });
  near.connect(keys, { ip: outer(family, 2), port: await far.port(), scope: 0 });
  return {
    near,
    far,
    async close() {
      near.plane.close();
      await far.close();
    },
  };
}

/** Sends `length` B through the tunnel and back, and holds what comes against what went. */
async function stream(family: Family, length: number): Promise<void> {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i += 4) bytes.writeUInt32LE(Math.imul(i, 0x9e3779b1) >>> 0, i);
  const socket = connect({ host: text(inner(family, 2)), port: echoPort });
  const got: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => got.push(chunk));
  socket.end(bytes);
  await once(socket, 'end');
  assert.equal(digestOf(Buffer.concat(got)), digestOf(bytes));
}

/** Sends datagrams of these lengths and waits for each to come back. */
async function datagrams(family: Family, lengths: readonly number[]): Promise<void> {
  using udp = openUdp({ family, pathMtuDiscovery: 'dont' });
  const to = { ip: inner(family, 2), port: echoPort, scope: 0 };
  const sent = lengths.map((length, index) =>
    Uint8Array.from({ length }, (_, at) => (at * 31 + index) & 0xff),
  );
  const got = new Set<string>();
  await new Promise<void>((resolve, reject) => {
    udp.start((received) => {
      for (const { bytes } of received) got.add(digestOf(bytes));
      if (got.size === sent.length) resolve();
    }, reject);
    udp.send(sent.map((bytes) => ({ bytes, to })));
  });
  assert.deepEqual(got, new Set(sent.map(digestOf)));
}

/** One datagram there and back, sent again until it comes; how often it was sent. */
async function untilAnswered(family: Family = 4): Promise<number> {
  using udp = openUdp({ family });
  const bytes = Uint8Array.of(1, 2, 3);
  const answer = new Promise<void>((resolve, reject) => udp.start(() => resolve(), reject));
  let answered = false;
  void answer.then(() => {
    answered = true;
  });
  for (let tries = 1; ; tries++) {
    udp.send([{ bytes, to: { ip: inner(family, 2), port: echoPort, scope: 0 } }]);
    await Promise.race([answer, sleep(50)]);
    if (answered) return tries;
  }
}

const threads = (): number => readdirSync('/proc/self/task').length;
const threadsAtRest = threads();

/** Microseconds of CPU of the whole process while `act` runs. */
async function cpuOf(act: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

const offloadEvents = (end: End): { name: OffloadName; active: boolean; reason: string | undefined }[] =>
  end.heard.events.flatMap((event) =>
    event.kind === 'offload-changed'
      ? [{ name: event.name, active: event.active, reason: event.reason }]
      : [],
  );

const descriptors = planeEdge<{
  setOption(fd: number, level: number, option: number, value: number): void;
  duplicate(fd: number): number;
}>('descriptors');

/** The descriptors of this process that are UDP sockets on `port`. */
function socketsOn(port: number): number[] {
  const inodes = new Set<string>();
  for (const table of ['udp', 'udp6']) {
    for (const line of readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (Number.parseInt(fields[1]?.split(':')[1] ?? '', 16) === port) inodes.add(fields[9] ?? '');
    }
  }
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => {
      try {
        return inodes.has(/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? '');
      } catch {
        return false; // readdir's own, closed by now
      }
    });
}

export const scenarios = {
  async carriesOverIpv4() {
    await carries(4);
  },

  async carriesOverIpv6() {
    await carries(6);
  },

  /** Each offload wanting in turn, on both ends. */
  async withoutEach() {
    const pairs: (readonly [string, Options['offloads']])[] = [
      ...offloadNames.map((name) => [name, { [name]: false }] as const),
      ['all', Object.fromEntries(offloadNames.map((name) => [name, false]))],
    ];
    for (const [name, offloads] of pairs) {
      const pair = await openPair(offloads === undefined ? {} : { offloads });
      const { offloads: found } = pair.near.plane.status();
      for (const { name: one, active, reason } of found) {
        if (offloads?.[one] === false)
          assert.deepEqual({ active, reason }, { active: false, reason: 'switched off by configuration' });
      }
      await stream(4, megabyte);
      await stream(6, megabyte);
      await datagrams(4, [1, 1000, 1400, 5000]);
      const counters = pair.near.plane.counters();
      const off = (one: OffloadName): boolean =>
        found.some((offload) => offload.name === one && !offload.active);
      if (off('udp-gso')) assert.equal(counters.udpTrainsSent, 0, name);
      if (off('udp-gro')) assert.equal(counters.udpReads, counters.udpDatagramsReceived, name);
      if (off('tso')) assert.equal(counters.tunSuperFramesWritten + counters.tunSuperFramesRead, 0, name);
      if (name === 'uso') assert.ok(counters.tunSuperFramesRead > 0 && counters.tunSuperFramesWritten > 0);
      if (name === 'tso') assert.ok(counters.udpTrainsSent > 0);
      await pair.close();
    }
  },

  /** The far end is in order: what happens to one plane leaves the other as it is. */
  async deletedWhileBusy() {
    const pair = await openPair();
    const { near } = pair;
    await untilAnswered();
    const socket = connect({ host: text(inner(4, 2)), port: echoPort });
    socket.on('error', () => {});
    socket.resume();
    await once(socket, 'connect');
    const pump = (): void => {
      while (socket.writable && socket.write(Buffer.alloc(65_536))) {}
    };
    socket.on('drain', pump);
    pump();
    await once(socket, 'data');
    netlink.deleteLink(near.plane.name);
    await near.until(({ lost }) => lost.length > 0);
    assert.match(near.heard.lost.join(), /^EBADFD, (read|write)$/);
    socket.destroy();
    // Nothing spins, and verbs still work.
    const cpu = await cpuOf(async () => {
      await sleep(300);
    });
    assert.ok(cpu < 150_000, `${cpu} µs of CPU in 300 ms`);
    assert.equal(near.plane.transmit(bootTime(), peer, new Uint8Array(0)), true);
    assert.equal(near.heard.lost.length, 1);
    const before = threads();
    near.plane.close();
    assert.equal(threads(), before - 1);
    assert.throws(() => near.plane.transmit(bootTime(), peer, new Uint8Array(0)), { code: 'EBADF' });
    assert.throws(() => near.plane.status(), { code: 'EBADF' });
    near.plane.close();
    await pair.far.close();
  },

  async linkDownAndUp() {
    const pair = await openPair();
    const { near } = pair;
    await stream(4, megabyte);
    netlink.setLink(near.plane.name, { up: false });
    const { tunFramesDropped } = near.plane.counters();
    // What comes for it meanwhile is lost and counted.
    const cpu = await cpuOf(async () => {
      using udp = openUdp({ family: 4 });
      udp.send([{ bytes: Uint8Array.of(0), to: { ip: outer(4, 2), port: echoPort, scope: 0 } }]);
      await sleep(300);
    });
    assert.ok(cpu < 150_000, `${cpu} µs of CPU in 300 ms`);
    netlink.setLink(near.plane.name, { up: true });
    netlink.addAddress(near.plane.name, inner(6, 1), 64);
    await untilAnswered();
    await stream(4, megabyte);
    await stream(6, megabyte);
    assert.deepEqual(near.heard.lost, []);
    assert.ok(near.plane.counters().tunFramesDropped >= tunFramesDropped);
    assert.deepEqual(offloadEvents(near), []);
    await pair.close();
  },

  /** The way between is down for a while. */
  async underlayDownAndUp() {
    const pair = await openPair();
    await untilAnswered();
    netlink.setLink('near', { up: false });
    using udp = openUdp({ family: 4 });
    const to = { ip: inner(4, 2), port: echoPort, scope: 0 };
    udp.send(Array.from({ length: 10 }, () => ({ bytes: new Uint8Array(200), to })));
    await pair.near.until(({ events }) => events.some((event) => event.kind === 'send-failed'));
    const failed = pair.near.heard.events.find((event) => event.kind === 'send-failed');
    assert.ok(failed?.kind === 'send-failed');
    assert.equal(failed.code, 'ENETUNREACH');
    assert.deepEqual(failed.to.ip, outer(4, 2));
    assert.equal(failed.isTransport, true);
    netlink.setLink('near', { up: true });
    await untilAnswered();
    assert.deepEqual(offloadEvents(pair.near), []);
    await pair.close();
  },

  async pathTooSmall() {
    // What the far end sends must pass in any case: a veth takes nothing longer than the MTU of the side it comes out of.
    const pair = await openPair({}, { mtu: 1280 });
    const { near } = pair;
    await untilAnswered();
    netlink.setLink('near', { mtu: 1400 });
    using udp = openUdp({ family: 4, pathMtuDiscovery: 'dont' });
    const to = { ip: inner(4, 2), port: echoPort, scope: 0 };
    const send = (): unknown => udp.send([{ bytes: new Uint8Array(1380), to }]);
    const refused = ({ events }: End['heard']) =>
      events.flatMap((event) => (event.kind === 'send-failed' && event.code === 'EMSGSIZE' ? [event] : []));
    send();
    await near.until((heard) => refused(heard).length > 0);
    const [first] = refused(near.heard);
    assert.ok(first !== undefined && first.length > 1400 - 28 && first.length <= 1420 + 32);
    assert.deepEqual([first.count, first.isTransport, first.to.ip], [1, true, outer(4, 2)]);
    // As a tunnel answers it: from here on the plane says it to who sends, and nothing is refused any more.
    near.plane.setPeer(peer, { pathMtu: 1400 - 28 });
    send();
    await near.until(({ activity }) => activity.some(({ tooBig }) => tooBig === 1408));
    await stream(4, megabyte);
    assert.equal(refused(near.heard).length, 1);
    assert.deepEqual(offloadEvents(near), []);
    await pair.close();
  },

  async sourceAddressLost() {
    const pair = await openPair();
    await untilAnswered();
    pair.near.plane.setPeer(peer, { localAddress: { ip: Uint8Array.of(192, 0, 2, 9), interfaceIndex: 0 } });
    await stream(4, megabyte);
    await pair.near.until(({ events }) => events.some(({ kind }) => kind === 'source-lost'));
    assert.deepEqual(offloadEvents(pair.near), []);
    await pair.close();
  },

  async segmentationRefused() {
    const pair = await openPair();
    const { near } = pair;
    await stream(4, megabyte);
    const before = near.plane.counters();
    assert.ok(before.udpTrainsSent > 0);
    const sockets = socketsOn(near.plane.port);
    assert.equal(sockets.length, 2);
    // Without checksums the kernel segments nothing (udp_send_skb), as if there were a broken driver.
    for (const fd of sockets) descriptors.setOption(fd, 1, 11, 1);
    await stream(4, megabyte);
    await stream(6, megabyte);
    await near.until(() => offloadEvents(near).length > 0);
    assert.deepEqual(offloadEvents(near), [
      {
        name: 'udp-gso',
        active: false,
        reason: 'the kernel refused a train whose datagrams it takes: Invalid argument',
      },
    ]);
    assert.equal(near.plane.counters().udpTrainsSent, before.udpTrainsSent);
    assert.deepEqual(
      near.heard.events.filter(({ kind }) => kind === 'send-failed'),
      [],
    );
    await pair.close();
  },

  async fullSocket() {
    const pair = await openPair({ sendBuffer: 1 }, {});
    const { near } = pair;
    await untilAnswered();
    // Charged to the socket until the neighbour's address is known, which it never is.
    near.plane.setPeer(peer, { endpoint: { ip: Uint8Array.of(10, 8, 0, 99), port: 9, scope: 0 } });
    using udp = openUdp({ family: 4 });
    const to = { ip: inner(4, 2), port: echoPort, scope: 0 };
    const flood = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        udp.send(Array.from({ length: 64 }, () => ({ bytes: new Uint8Array(1200), to })));
        await sleep(10);
      }
    };
    const cpu = await cpuOf(flood);
    assert.ok(cpu < 1_000_000, `${cpu} µs`);
    await near.until(({ events }) => events.some((event) => event.kind === 'send-failed'));
    const { udpDatagramsDropped, udpWaits, turns } = near.plane.counters();
    assert.ok(udpDatagramsDropped > 0);
    assert.ok(udpWaits > 0 && udpWaits <= turns);
    near.plane.setPeer(peer, { endpoint: { ip: outer(4, 2), port: await pair.far.port(), scope: 0 } });
    await untilAnswered();
    await stream(4, megabyte);
    assert.equal(
      near.plane.status().offloads.every(({ active }) => active),
      true,
    );
    await pair.close();
  },

  /** The far end follows, since what comes is sealed. */
  async otherPort() {
    const pair = await openPair();
    const { near } = pair;
    await untilAnswered();
    const before = near.plane.port;
    const open = countDescriptors();
    near.plane.rebind({ port: 0 });
    assert.notEqual(near.plane.port, before);
    assert.equal(countDescriptors(), open);
    assert.deepEqual(socketsOn(before), []);
    await untilAnswered();
    await stream(4, megabyte);
    const { activity } = await pair.far.heard();
    assert.equal(
      activity.findLast(({ roamed }) => roamed !== undefined)?.roamed?.endpoint.port,
      near.plane.port,
    );
    // A port in use: the old sockets stay.
    using taken = openUdp({ family: 4 });
    const { port } = near.plane;
    assert.throws(() => near.plane.rebind({ port: taken.port }), { code: 'EADDRINUSE', syscall: 'bind' });
    assert.equal(near.plane.port, port);
    await stream(6, megabyte);
    await pair.close();
  },

  async mark() {
    const pair = await openPair();
    await untilAnswered();
    // What carries the mark has no way.
    netlink.addRoute({ destination: new Uint8Array(4), bits: 0, device: 'lo', table: 100 });
    netlink.addRule({ family: 4, mark: 7, table: 100, priority: 10 });
    pair.near.plane.setMark(7);
    const { udpDatagramsReceived } = await pair.far.counters();
    pair.near.plane.transmit(bootTime(), peer, new Uint8Array(0));
    pair.near.plane.setMark(0);
    assert.equal((await pair.far.counters()).udpDatagramsReceived, udpDatagramsReceived);
    await untilAnswered();
    await pair.close();
  },

  /** A device somebody else has opened, without virtio header, in a process that knows the descriptor alone. */
  async adoptedWithoutHeader() {
    using tun = openTun({ name: 'pt1' });
    const pair = await openPair({ fd: descriptors.duplicate(tun.fd) }, {});
    const { offloads } = pair.near.plane.status();
    const byName = new Map(offloads.map(({ name, active, reason }) => [name, { active, reason }]));
    assert.deepEqual(byName.get('vnet-header'), {
      active: false,
      reason: 'the adopted device was opened without a virtio header',
    });
    assert.deepEqual(byName.get('tso'), { active: false, reason: 'needs checksum' });
    assert.equal(byName.get('udp-gso')?.active, true);
    assert.equal(pair.near.plane.name, 'pt1');
    assert.equal(pair.near.plane.mtu, 1500);
    await stream(4, megabyte);
    await stream(6, megabyte);
    await pair.close();
  },

  /** Plain traffic wakes JavaScript some forty times a second, however much there is. */
  async wakesLazily() {
    const pair = await openPair();
    await untilAnswered();
    const before = pair.near.plane.counters();
    const began = bootTime();
    await stream(4, 20 * megabyte);
    const lasted = bootTime() - began;
    const after = pair.near.plane.counters();
    const packets = after.udpDatagramsSent - before.udpDatagramsSent;
    const calls = after.wakeUps - before.wakeUps;
    assert.ok(packets > 10_000);
    assert.ok(calls >= 1 && calls <= lasted / 25 + 3, `${calls} calls in ${lasted} ms`);
    // None is owed: the last word is heard without anything else happening.
    const heardBefore = pair.near.heard.activity.length;
    pair.near.plane.transmit(bootTime(), peer, new Uint8Array(0));
    await pair.near.until(({ activity }) => activity.length > heardBefore);
    await pair.close();
  },

  /** --expose-gc */
  async collected() {
    const before = { open: countDescriptors(), threads: threads() };
    (() => {
      for (let i = 0; i < 5; i++) openDataPlane();
    })();
    assert.ok(countDescriptors() >= before.open + 5 * 6);
    while (countDescriptors() > before.open) {
      globalThis.gc?.();
      await sleep(1);
    }
    assert.equal(threads(), before.threads);
  },

  async idleDoesNotHold() {
    const script = `
      import { openDataPlane } from ${JSON.stringify(new URL('../index.ts', import.meta.url).href)};
      globalThis.plane = openDataPlane();
    `;
    const child = spawn(
      process.execPath,
      ['--conditions=pqtun-source', '--input-type=module', '-e', script],
      {
        stdio: 'inherit',
      },
    );
    const [status] = await once(child, 'exit');
    assert.equal(status, 0);
  },

  async closedInCallback() {
    const plane = openDataPlane();
    await new Promise<void>((resolve, reject) => {
      plane.start({
        onReports() {
          plane.close();
          assert.throws(() => plane.takeReports(), { code: 'EBADF' });
          assert.equal(plane.closed, true);
          resolve();
        },
        onLost: reject,
      });
      assert.throws(() => plane.start({ onReports() {}, onLost: reject }), { code: 'EALREADY' });
      // To nobody: a key is wanted.
      plane.setRoutes([{ kind: 'add', peer, prefix: new Uint8Array(4), bits: 0 }]);
      plane.setPeer(peer, { endpoint: { ip: outer(4, 2), port: 9, scope: 0 } });
      netlink.addAddress(plane.name, inner(4, 1), 24);
      netlink.setLink(plane.name, { up: true });
      using udp = openUdp({ family: 4 });
      udp.send([{ bytes: new Uint8Array(9), to: { ip: inner(4, 2), port: 9, scope: 0 } }]);
    });
    const busy = openDataPlane();
    const { name } = busy;
    await new Promise<void>((resolve) => {
      busy.start({
        onReports() {},
        onLost() {
          busy.close();
          resolve();
        },
      });
      netlink.deleteLink(name);
    });
    assert.equal(threads(), threadsAtRest);
  },

  async workerTerminated() {
    netlink.createVeth('near', 'far');
    const before = { open: 0, threads: 0 };
    for (let i = 0; i < 4; i++) {
      const worker = new Worker(new URL('data-plane-worker.ts', import.meta.url));
      const [name] = (await once(worker, 'message')) as [string]; // what data-plane-worker.ts posts
      using udp = openUdp({ family: 4 });
      udp.send(
        Array.from({ length: 50 }, () => ({
          bytes: new Uint8Array(900),
          to: { ip: inner(4, 2), port: 9, scope: 0 },
        })),
      );
      await worker.terminate();
      assert.equal(netlink.link(name), undefined);
      for (const family of [4, 6] as const)
        netlink.removeAddress('near', outer(family, 1), family === 4 ? 24 : 64);
      // Node keeps some things of the first worker for the next.
      if (i === 1) Object.assign(before, { open: countDescriptors(), threads: threads() });
      if (i > 1) assert.deepEqual({ open: countDescriptors(), threads: threads() }, before);
    }
  },

  async exitWhileBusy() {
    await openPair();
    await untilAnswered();
    process.exit(3);
  },

  nameTaken() {
    using plane = openDataPlane({ tun: { name: 'pt1' } });
    const open = countDescriptors();
    assert.throws(() => openDataPlane({ tun: { name: 'pt1' } }), { code: 'EBUSY', syscall: 'TUNSETIFF' });
    assert.throws(() => openDataPlane({ udp: { port: plane.port } }), {
      code: 'EADDRINUSE',
      syscall: 'bind',
    });
    assert.throws(() => openDataPlane({ udp: { bind: [Uint8Array.of(192, 0, 2, 1)] } }), {
      code: 'EADDRNOTAVAIL',
    });
    const fd = openSync('/dev/null', 'r');
    assert.throws(
      () => openDataPlane({ tun: { fd } }),
      (error: NodeJS.ErrnoException) => error.syscall === 'TUNGETIFF',
    );
    // Still the caller's.
    closeSync(fd);
    assert.equal(countDescriptors(), open);
  },

  testedWithoutDevice() {
    const before = netlink.links().length;
    assert.deepEqual(
      testOffloads(),
      offloadNames.map((name) => ({ name, active: true, reason: undefined })),
    );
    assert.deepEqual(
      testOffloads({ tso: false, 'udp-gro': false }).filter(({ active }) => !active),
      (['tso', 'udp-gro'] as const).map((name) => ({
        name,
        active: false,
        reason: 'switched off by configuration',
      })),
    );
    assert.equal(netlink.links().length, before);
  },

  manyRounds() {
    const round = (start: boolean): void => {
      const end = new End({ side: 1, underlay: 'near' });
      if (start) end.connect(newKeys(), { ip: outer(4, 2), port: 9, scope: 0 });
      end.plane.close();
      for (const family of [4, 6] as const)
        netlink.removeAddress('near', outer(family, 1), family === 4 ? 24 : 64);
    };
    netlink.createVeth('near', 'far');
    round(true);
    const before = { descriptors: countDescriptors(), threads: threads() };
    for (let i = 0; i < 250; i++) round(i % 2 === 0);
    assert.deepEqual({ descriptors: countDescriptors(), threads: threads() }, before);
    assert.equal(netlink.link('pt1'), undefined);
  },
};

async function carries(family: Family): Promise<void> {
  const pair = await openPair({}, {}, family);
  const { near, far } = pair;
  for (const innerFamily of [4, 6] as const) {
    // Pieces of what is longer than the MTU come as fragments.
    await datagrams(innerFamily, [0, 1, 15, 16, 56, 84, 1200, 1372, 1400, 3000, 9000]);
    await stream(innerFamily, 10 * megabyte);
  }
  assert.ok(near.plane.status().offloads.every(({ active }) => active));
  for (const counters of [near.plane.counters(), await far.counters()]) {
    assert.ok(counters.tunSuperFramesRead > 0);
    assert.ok(counters.tunSuperFramesWritten > 0);
    assert.ok(counters.udpTrainsSent > 0);
    assert.ok(counters.udpDatagramsReceived > counters.udpReads);
    assert.equal(counters.udpDatagramsFailed, 0);
    assert.equal(counters.tunFramesRefused, 0);
  }
  const [{ bytesSent, bytesReceived } = { bytesSent: 0, bytesReceived: 0 }] = near.plane.peerCounters([peer]);
  assert.ok(bytesSent > 20 * megabyte && bytesReceived > 20 * megabyte);
  assert.deepEqual(near.heard.lost, []);
  await pair.close();
}
