/** Run in a network namespace each, by tun.test.ts. The device is 10.9.0.1/24; 10.9.0.2 is whoever holds the descriptor. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openNetlink, openTun, openUdp, type Tun, type TunOptions, type Udp } from '../index.ts';
import { echoRequest, ipv4, udpPayload } from './packets.ts';
import { countDescriptors } from './scenario.ts';

const near = Uint8Array.of(10, 9, 0, 1);
const far = Uint8Array.of(10, 9, 0, 2);
const port = 9;
const netlink = openNetlink();
const fail = (error: Error): never => {
  throw error;
};

function openUp(options: TunOptions = {}, mtu = 1420): Tun {
  const tun = openTun(options);
  netlink.setLink(tun.name, { up: true, mtu });
  netlink.addAddress(tun.name, near, 24);
  return tun;
}

function sendToFar(udp: Udp, payloads: readonly Uint8Array[]): void {
  const failures = udp.send(payloads.map((bytes) => ({ bytes, to: { ip: far, port, scope: 0 } })));
  assert.deepEqual(failures, []);
}

const numbered = (index: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length).fill(index & 0xff);
  new DataView(bytes.buffer).setUint32(0, index);
  return bytes;
};
const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);

/** Resolves when `collect` has been fed `count` payloads to `port`, as copies in order, with the batch sizes. */
function collectPayloads(tun: Tun, count: number): Promise<{ payloads: Uint8Array[]; batches: number[] }> {
  return new Promise((resolve, reject) => {
    const payloads: Uint8Array[] = [];
    const batches: number[] = [];
    tun.start((packets) => {
      batches.push(packets.length);
      for (const packet of packets) {
        const payload = udpPayload(packet, port);
        if (payload !== undefined) payloads.push(payload.slice());
      }
      if (payloads.length >= count) resolve({ payloads, batches });
    }, reject);
  });
}

export const scenarios = {
  async bothWays() {
    using tun = openUp();
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const reply = new Promise<Uint8Array>((resolve) => {
      tun.start((packets) => {
        // IPv4, ICMP, echo reply.
        const found = packets.find((packet) => packet[0] === 0x45 && packet[9] === 1 && packet[20] === 0);
        if (found !== undefined) resolve(found.slice());
      }, fail);
    });
    assert.equal(tun.write([ipv4(far, near, 1, echoRequest(0x1234, data))]), 1);
    const packet = await reply;
    assert.deepEqual(packet.subarray(12, 16), near);
    assert.deepEqual(packet.subarray(16, 20), far);
    assert.deepEqual(packet.subarray(24, 26), Uint8Array.of(0x12, 0x34));
    assert.deepEqual(packet.subarray(28), data);
    assert.ok(tun.counters().packetsRead >= 1);
    assert.equal(tun.counters().packetsWritten, 1);
  },

  async rooms() {
    const headroom = 16;
    const tailroom = 31;
    using tun = openUp({ headroom, tailroom });
    using udp = openUdp({ family: 4 });
    const lengths = [4, 1, 63, 1392, 8, 700].map((length) => Math.max(length, 4));
    sendToFar(
      udp,
      lengths.map((length, index) => numbered(index, length)),
    );
    const seen = await new Promise<number[]>((resolve) => {
      const received: number[] = [];
      tun.start((packets) => {
        const before = packets.map((packet) => packet.slice());
        for (const packet of packets) {
          // Throws when the room is not inside the buffer.
          new Uint8Array(packet.buffer, packet.byteOffset - headroom, headroom).fill(0xaa);
          new Uint8Array(packet.buffer, packet.byteOffset + packet.length, tailroom).fill(0x55);
        }
        // Writing to the rooms of one packet reached no other.
        assert.deepEqual(packets, before);
        for (const packet of packets)
          received.push(...(udpPayload(packet, port) === undefined ? [] : [packet.length - 28]));
        if (received.length === lengths.length) resolve(received);
      }, fail);
    });
    assert.deepEqual(seen, lengths);
  },

  async manyBatches() {
    using tun = openUp();
    using udp = openUdp({ family: 4 });
    const count = 300;
    sendToFar(
      udp,
      Array.from({ length: count }, (_, index) => numbered(index, 64)),
    );
    let turns = 0;
    const tick = (): void => {
      turns += 1;
      immediate = setImmediate(tick);
    };
    let immediate = setImmediate(tick);
    const { payloads, batches } = await collectPayloads(tun, count);
    clearImmediate(immediate);
    assert.deepEqual(
      payloads.map(numberOf),
      Array.from({ length: count }, (_, index) => index),
    );
    assert.ok(
      batches.every((size) => size <= 64),
      `batches of ${batches}`,
    );
    assert.ok(batches.length >= 5);
    // The loop came round between the batches.
    assert.ok(turns >= batches.length - 1, `${turns} turns for ${batches.length} batches`);
  },

  async smallBatch() {
    using tun = openUp({ batch: 1 });
    using udp = openUdp({ family: 4 });
    sendToFar(udp, [numbered(0, 10), numbered(1, 10), numbered(2, 10)]);
    const { payloads, batches } = await collectPayloads(tun, 3);
    assert.deepEqual(payloads.map(numberOf), [0, 1, 2]);
    assert.ok(batches.every((size) => size === 1));
  },

  async raisedMtu() {
    using tun = openUp({ headroom: 256, tailroom: 256 });
    using udp = openUdp({ family: 4, sendBuffer: 4_000_000 });
    const count = 20;
    const collected = collectPayloads(tun, count);
    netlink.setLink(tun.name, { mtu: 65_535 });
    // Full-length ones among small ones.
    const sent = Array.from({ length: count }, (_, index) => numbered(index, index % 3 === 2 ? 20 : 65_507));
    sendToFar(udp, sent);
    const { payloads } = await collected;
    assert.deepEqual(
      payloads.map((payload) => payload.length),
      sent.map((payload) => payload.length),
    );
    assert.deepEqual(payloads, sent);
  },

  async refusedWrites() {
    using tun = openUp();
    const good = ipv4(far, near, 1, echoRequest(1, new Uint8Array(4)));
    assert.equal(tun.write([]), 0);
    // Not IP, empty, and too short for a header: refused one by one, the rest goes.
    assert.equal(tun.write([new Uint8Array(20), good, new Uint8Array(0), good]), 2);
    assert.equal(tun.counters().packetsRefused, 2);
    netlink.setLink(tun.name, { up: false });
    assert.equal(tun.write([good]), 0);
    // A view into a larger buffer is written as the view.
    netlink.setLink(tun.name, { up: true });
    const roomy = new Uint8Array(good.length + 40);
    roomy.set(good, 20);
    assert.equal(tun.write([roomy.subarray(20, 20 + good.length)]), 1);
  },

  async closeInCallback() {
    const tun = openUp();
    using udp = openUdp({ family: 4 });
    let calls = 0;
    const closed = new Promise<void>((resolve) => {
      tun.start((packets) => {
        calls += 1;
        const first = packets[0]?.slice();
        tun.close();
        tun.close();
        // Still readable: the memory belongs to the views.
        assert.deepEqual(packets[0], first);
        assert.equal(tun.closed, true);
        assert.equal(tun.fd, -1);
        resolve();
      }, fail);
    });
    sendToFar(
      udp,
      Array.from({ length: 200 }, (_, index) => numbered(index, 64)),
    );
    await closed;
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.equal(calls, 1);
    assert.equal(netlink.link(tun.name), undefined);
  },

  async closed() {
    const tun = openUp();
    tun.close();
    tun.close();
    tun.stop();
    assert.throws(() => tun.start(() => {}, fail), { code: 'EBADF' });
    assert.throws(() => tun.write([new Uint8Array(20)]), { code: 'EBADF' });
    assert.equal(netlink.link(tun.name), undefined);
  },

  async stopAndStart() {
    using tun = openUp();
    using udp = openUdp({ family: 4 });
    tun.start(() => fail(new Error('called after stop')), fail);
    tun.stop();
    sendToFar(udp, [numbered(7, 10)]);
    await new Promise(setImmediate);
    // Nothing is lost in between, and a second start replaces the callbacks.
    tun.start(() => fail(new Error('replaced')), fail);
    const { payloads } = await collectPayloads(tun, 1);
    assert.deepEqual(payloads.map(numberOf), [7]);
  },

  async deleted() {
    const tun = openUp();
    const errors: (string | undefined)[] = [];
    let after = 0;
    await new Promise<void>((resolve) => {
      tun.start(
        () => {
          if (errors.length > 0) after += 1;
        },
        (error) => {
          errors.push(error.code);
          assert.equal(error.syscall, 'read');
          resolve();
        },
      );
      netlink.deleteLink(tun.name);
    });
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    assert.deepEqual(errors, ['EBADFD']);
    assert.equal(after, 0);
    assert.equal(tun.closed, false);
    assert.equal(tun.write([ipv4(far, near, 1, echoRequest(1, new Uint8Array(4)))]), 0);
    // It says so again, once, to whoever starts it again.
    const again = await new Promise<NodeJS.ErrnoException>((resolve) => tun.start(() => {}, resolve));
    assert.equal(again.code, 'EBADFD');
    tun.close();
  },

  async tap() {
    using tap = openUp({ kind: 'tap', name: 'tp%d' });
    using udp = openUdp({ family: 4 });
    assert.equal(tap.kind, 'tap');
    assert.match(tap.name, /^tp\d+$/);
    const farMac = Uint8Array.of(2, 0, 0, 0, 0, 9);
    const payload = new Promise<Uint8Array>((resolve) => {
      tap.start((frames) => {
        for (const frame of frames) {
          const etherType = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
          // An ARP request for 10.9.0.2 is answered; then comes what waited for it.
          if (etherType === 0x0806 && frame[21] === 1) tap.write([arpReply(frame, farMac)]);
          const found = etherType === 0x0800 ? udpPayload(frame.subarray(14), port) : undefined;
          if (found !== undefined) resolve(found.slice());
        }
      }, fail);
    });
    sendToFar(udp, [numbered(3, 40)]);
    assert.deepEqual(await payload, numbered(3, 40));
  },

  async adopted() {
    using tun = openUp({ headroom: 3 });
    const seen = { name: tun.name, kind: 'tun', index: tun.interfaceIndex, closeOnExec: true };
    assert.deepEqual(await adoptBy(tun, []), seen);
    // In another namespace the name means nothing.
    assert.deepEqual(await adoptBy(tun, ['unshare', '--net']), { ...seen, index: 0 });
  },

  async adoptedRefused() {
    const fd = openSync('/dev/null', 'r');
    assert.throws(
      () => openTun({ fd }),
      (error: NodeJS.ErrnoException) => error.syscall === 'TUNGETIFF',
    );
    // Still the caller's.
    assert.ok(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').includes('flags'));
    assert.throws(() => openTun({ fd: 9999 }), { code: 'EBADF' });
  },

  async names() {
    using first = openTun({ name: 'vpn0' });
    assert.equal(first.name, 'vpn0');
    assert.equal(netlink.link('vpn0')?.index, first.interfaceIndex);
    assert.throws(() => openTun({ name: 'vpn0' }), { code: 'EBUSY', syscall: 'TUNSETIFF' });
    using second = openTun({ name: 'fifteen_letters' });
    assert.equal(second.name, 'fifteen_letters');
    using third = openTun();
    assert.equal(third.name, 'tun0');
    assert.equal(openFlags(third.fd).closeOnExec, true);
    assert.equal(openFlags(third.fd).nonBlocking, true);
  },

  async marks() {
    using first = openUp();
    using second = openTun();
    netlink.setLink(second.name, { up: true });
    const destination = Uint8Array.of(198, 51, 100, 0);
    netlink.addRoute({ destination, bits: 24, device: first.name });
    netlink.addRoute({ destination, bits: 24, device: second.name, table: 100 });
    netlink.addRule({ family: 4, mark: 7, table: 100 });
    const to = { ip: Uint8Array.of(198, 51, 100, 9), port, scope: 0 };
    using plain = openUdp({ family: 4 });
    using marked = openUdp({ family: 4, mark: 7 });
    for (const [udp, tun] of [
      [plain, first],
      [marked, second],
    ] as const) {
      const collected = collectPayloads(tun, 1);
      assert.deepEqual(udp.send([{ bytes: numbered(1, 8), to }]), []);
      await collected;
    }
    plain.setMark(7);
    marked.setMark(0);
    for (const [udp, tun] of [
      [plain, second],
      [marked, first],
    ] as const) {
      const collected = collectPayloads(tun, 1);
      assert.deepEqual(udp.send([{ bytes: numbered(2, 8), to }]), []);
      assert.deepEqual((await collected).payloads.map(numberOf), [2]);
    }
  },

  async pathMtu() {
    using tun = openUp({}, 1280);
    const dontFragment = 0x40;
    const moreFragments = 0x20;
    const to = { ip: far, port, scope: 0 };
    for (const pathMtuDiscovery of ['probe', 'do', 'dont'] as const) {
      using udp = openUdp({ family: 4, pathMtuDiscovery });
      const flags = new Promise<number[]>((resolve) => {
        const seen: number[] = [];
        tun.start((packets) => {
          for (const packet of packets) if (packet[0] === 0x45) seen.push((packet[6] ?? 0) & 0xe0);
          if (seen.length >= (pathMtuDiscovery === 'dont' ? 3 : 1)) resolve(seen);
        }, fail);
      });
      const sizes = [1253, 1252];
      const failures = udp.send(sizes.map((length) => ({ bytes: numbered(0, length), to })));
      if (pathMtuDiscovery === 'dont') {
        assert.deepEqual(failures, []);
        assert.deepEqual(await flags, [moreFragments, 0, 0]);
      } else {
        assert.deepEqual(failures, [{ position: 0, code: 'EMSGSIZE' }]);
        assert.deepEqual(await flags, [dontFragment]);
      }
    }
  },

  async linkLocalScope() {
    using first = openUp();
    using second = openTun();
    using udp = openUdp({ family: 6 });
    netlink.setLink(second.name, { up: true });
    const linkLocal = (last: number) =>
      Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last);
    for (const tun of [first, second]) netlink.addAddress(tun.name, linkLocal(1), 64);
    for (const tun of [second, first]) {
      const arrived = new Promise<Uint8Array>((resolve) => {
        tun.start((packets) => {
          const found = packets.find((packet) => packet[6] === 17);
          if (found !== undefined) resolve(found.slice());
        }, fail);
      });
      const to = { ip: linkLocal(2), port, scope: tun.interfaceIndex };
      assert.deepEqual(udp.send([{ bytes: Uint8Array.of(5), to, localIp: linkLocal(1) }]), []);
      const packet = await arrived;
      assert.deepEqual(packet.subarray(8, 24), linkLocal(1));
      assert.deepEqual(packet.subarray(24, 40), linkLocal(2));
    }
  },

  async manyRounds() {
    const round = (): void => {
      const tun = openTun();
      tun.start(() => {}, fail);
      tun.close();
    };
    round();
    await new Promise(setImmediate);
    const before = countDescriptors();
    for (let i = 0; i < 250; i++) {
      round();
      if (i % 50 === 0) await new Promise(setImmediate);
    }
    assert.equal(countDescriptors(), before);
    assert.deepEqual(
      netlink.links().filter((link) => link.name.startsWith('tun')),
      [],
    );
  },
};

/** What adopt-tun.ts, started by `prefix`, says of the device. */
async function adoptBy(tun: Tun, prefix: readonly string[]): Promise<unknown> {
  const script = fileURLToPath(new URL('adopt-tun.ts', import.meta.url));
  const [program = '', ...rest] = [...prefix, process.execPath, '--conditions=pqtun-source', script];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit', tun.fd] });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [status] = await once(child, 'close');
  assert.equal(status, 0);
  return JSON.parse(output);
}

function arpReply(request: Uint8Array, mac: Uint8Array): Uint8Array {
  const reply = request.slice();
  reply.set(request.subarray(6, 12), 0);
  reply.set(mac, 6);
  reply[21] = 2;
  reply.set(mac, 22);
  reply.set(request.subarray(38, 42), 28);
  reply.set(request.subarray(22, 32), 32);
  return reply;
}

function openFlags(fd: number): { closeOnExec: boolean; nonBlocking: boolean } {
  const flags = Number.parseInt(
    /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0',
    8,
  );
  return { closeOnExec: (flags & 0o2000000) !== 0, nonBlocking: (flags & 0o4000) !== 0 };
}
