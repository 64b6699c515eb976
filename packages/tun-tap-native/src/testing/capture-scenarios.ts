/** Scenarios of capture.test.ts. `partner` is the other end, in a namespace of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Capture, openCapture, openNetlink } from '../index.ts';
import { ip4, prepareVeth } from './netlink-fixture.ts';
import { countDescriptors } from './scenario.ts';

const netlink = openNetlink();
const NEAR = '10.9.0.1';
const FAR = '10.9.0.2';
/** Nobody listens here. */
const CLOSED_PORT = 9;
const SINK_PORT = 7777;
const ETHERNET = 14;
const ICMP = 1;
const TCP = 6;
const UDP = 17;

interface SeenPacket {
  readonly outgoing: boolean;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** Header included. */
  readonly length: number;
}

/** The IPv4 packet in an Ethernet frame, if it holds one. */
function packetIn({ frame, outgoing }: { frame: Uint8Array; outgoing: boolean }): SeenPacket | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < ETHERNET + 20 || view.getUint16(12) !== 0x0800) return undefined;
  const address = (offset: number) => frame.subarray(ETHERNET + offset, ETHERNET + offset + 4).join('.');
  return {
    outgoing,
    protocol: view.getUint8(ETHERNET + 9),
    source: address(12),
    destination: address(16),
    length: frame.length - ETHERNET,
  };
}

/** Collects what the capture sees; `until` resolves when a predicate over all of it holds. */
function collect(capture: Capture) {
  const packets: SeenPacket[] = [];
  let check = () => {};
  capture.start((frames) => {
    for (const frame of frames) {
      const packet = packetIn(frame);
      if (packet !== undefined) packets.push(packet);
    }
    check();
  });
  return {
    packets,
    until: (holds: () => boolean) =>
      new Promise<void>((resolve) => {
        check = () => {
          if (holds()) resolve();
        };
        check();
      }),
  };
}

/** Starts the other end and joins it with a veth: `near` here is 10.9.0.1/24, 10.9.0.2 over there. */
async function startPartner() {
  const words = [
    process.execPath,
    fileURLToPath(new URL('run.ts', import.meta.url)),
    'capture-scenarios.ts',
    'partner',
  ];
  const child = spawn('unshare', ['--net', ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const say = async (word: string) => {
    child.stdin.write(`${word}\n`);
    assert.equal((await lines.next()).value, word);
  };
  await say('here');
  netlink.createVeth('near', 'far', child.pid);
  netlink.setLink('near', { up: true });
  netlink.addAddress('near', ip4(NEAR), 24);
  await say('configure');
  return {
    sendDatagram: () => say('send'),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

function sendDatagram(to: string, bytes = 4): Promise<void> {
  const socket = dgram.createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.send(new Uint8Array(bytes), CLOSED_PORT, to, (error) => {
      socket.close();
      if (error) reject(error);
      else resolve();
    });
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

export const scenarios = {
  /** Echoes each word it reads, once it has done what the word says. */
  async partner() {
    const sink = net.createServer((socket) => socket.resume());
    for await (const word of createInterface({ input: process.stdin })) {
      if (word === 'configure') {
        netlink.setLink('far', { up: true });
        netlink.addAddress('far', ip4(FAR), 24);
        sink.listen(SINK_PORT, FAR);
        await once(sink, 'listening');
      }
      if (word === 'send') await sendDatagram(NEAR);
      console.log(word);
    }
    sink.close();
  },

  async bothDirections() {
    await using partner = await startPartner();
    using capture = openCapture('near');
    const seen = collect(capture);
    const has = (outgoing: boolean, protocol: number) =>
      seen.packets.some((packet) => packet.outgoing === outgoing && packet.protocol === protocol);
    // Each is answered with ICMP "port unreachable" by whom it reaches.
    await sendDatagram(FAR);
    await seen.until(() => has(true, UDP) && has(false, ICMP));
    assert(!has(true, ICMP) && !has(false, UDP));
    await partner.sendDatagram();
    await seen.until(() => has(false, UDP) && has(true, ICMP));
    for (const packet of seen.packets) assert.equal(packet.source, packet.outgoing ? NEAR : FAR);
    assert.equal(capture.dropped(), 0);
  },

  async unsplitSegments() {
    await using _partner = await startPartner();
    using capture = openCapture('near');
    const seen = collect(capture);
    const total = 4 * 1024 * 1024;
    const socket = net.connect(SINK_PORT, FAR);
    socket.end(new Uint8Array(total));
    await once(socket, 'close');
    const outgoing = () => seen.packets.filter((packet) => packet.outgoing && packet.protocol === TCP);
    const bytes = () => outgoing().reduce((sum, packet) => sum + packet.length, 0);
    await seen.until(() => bytes() >= total);
    // Longer than the MTU by far, and none is cut.
    assert(outgoing().some((packet) => packet.length > 30_000));
    assert.equal(capture.dropped(), 0);
  },

  async keepsFramesUntilStart() {
    netlink.setLink('lo', { up: true });
    using capture = openCapture('lo');
    for (let i = 0; i < 200; i++) await sendDatagram('127.0.0.1', i);
    const seen = collect(capture);
    const datagrams = () => seen.packets.filter((packet) => packet.protocol === UDP);
    // More than a batch, in order, each once going out and once coming in.
    await seen.until(() => datagrams().length === 400);
    assert.deepEqual(
      datagrams().map(({ outgoing, length }) => [outgoing, length - 28]),
      Array.from({ length: 400 }, (_, i) => [i % 2 === 0, Math.floor(i / 2)]),
    );
  },

  async fullBuffer() {
    netlink.setLink('lo', { up: true });
    using capture = openCapture('lo');
    assert.equal(capture.dropped(), 0);
    // Each is captured twice; the kernel's buffer is 64 MiB by its own reckoning.
    const length = 65_507;
    for (let i = 0; i < 1000; i++) await sendDatagram('127.0.0.1', length);
    assert(capture.dropped() > 0);
    assert.equal(capture.dropped(), 0);
    const seen = collect(capture);
    await seen.until(() => seen.packets.some((packet) => packet.protocol === UDP));
    for (const packet of seen.packets) if (packet.protocol === UDP) assert.equal(packet.length, length + 28);
  },

  async downAndUp() {
    prepareVeth();
    using capture = openCapture('va');
    let frames = 0;
    let wake = () => {};
    capture.start((batch) => {
      frames += batch.length;
      wake();
    });
    const more = async (to: string) => {
      frames = 0;
      const seen = new Promise<void>((resolve) => {
        wake = resolve;
      });
      // Nobody has the address: what is seen is the question for it.
      await sendDatagram(to);
      await seen;
      assert(frames > 0);
    };
    await more('10.9.0.3');
    for (let i = 4; i < 8; i++) {
      netlink.setLink('va', { up: false });
      await turn();
      await turn();
      netlink.setLink('va', { up: true });
      await more(`10.9.0.${i}`);
    }
  },

  async closeInCallback() {
    netlink.setLink('lo', { up: true });
    const capture = openCapture('lo');
    await sendDatagram('127.0.0.1', 100);
    const frames = await new Promise<readonly { frame: Uint8Array }[]>((resolve) => {
      capture.start((batch) => {
        capture.close();
        resolve(batch);
      });
    });
    // Old bytes, but never freed memory.
    assert(frames.every(({ frame }) => frame.length >= ETHERNET && frame.every((byte) => byte <= 255)));
    capture.close();
    capture[Symbol.dispose]();
    assert.throws(() => capture.start(() => {}), { code: 'EBADF' });
    assert.throws(() => capture.dropped(), { code: 'EBADF' });
  },

  async callbackThrows() {
    netlink.setLink('lo', { up: true });
    using capture = openCapture('lo');
    await sendDatagram('127.0.0.1');
    capture.start(() => {
      throw new Error('from onFrames');
    });
    const [error] = await once(process, 'uncaughtException');
    assert.equal(error.message, 'from onFrames');
  },

  refusals() {
    assert.throws(() => openCapture('absent'), {
      code: 'ENODEV',
      errno: -19,
      syscall: 'if_nametoindex',
      message: 'cannot capture on absent: ENODEV (No such device)',
    });
    const open = (device: unknown): unknown => Reflect.apply(openCapture, undefined, [device]);
    assert.throws(() => open(undefined), { name: 'TypeError', message: /^device must be a string/ });
    assert.throws(() => open('sixteen-bytes-16'), { name: 'RangeError', message: /^device must be/ });
    using capture = openCapture('lo');
    const start = (callback: unknown): unknown => Reflect.apply(capture.start, capture, [callback]);
    assert.throws(() => start(7), { name: 'TypeError', message: /^onFrames must be a function/ });

    assert(process.seteuid);
    process.seteuid(65534);
    assert.throws(() => openCapture('lo'), { code: 'EPERM', syscall: 'socket' });
    process.seteuid(0);
  },

  async descriptors() {
    const before = countDescriptors();
    // A hundred, not a thousand: the kernel takes some 15 ms to let go of each.
    for (let i = 0; i < 100; i++) {
      using capture = openCapture('lo');
      capture.start(() => {});
      assert.throws(() => openCapture('absent'), { code: 'ENODEV' });
    }
    assert.equal(countDescriptors(), before);

    // Left to the collector, which does not know how dear a descriptor is.
    for (let i = 0; i < 20; i++) openCapture('lo');
    assert(globalThis.gc);
    while (countDescriptors() > before) {
      globalThis.gc();
      await turn();
    }
  },

  async environments() {
    const before = countDescriptors();
    const source = `
      const { openCapture } = await import(${JSON.stringify(import.meta.resolve('../capture.ts'))});
      const { parentPort } = await import('node:worker_threads');
      openCapture('lo').start(() => {});
      openCapture('lo');
      parentPort.postMessage('open');
    `;
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    for (let i = 0; i < 5; i++) {
      const workers = [new Worker(url), new Worker(url)];
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    assert.equal(countDescriptors(), before);
    openCapture('lo').start(() => {});
    setImmediate(() => process.exit(0));
  },
};
