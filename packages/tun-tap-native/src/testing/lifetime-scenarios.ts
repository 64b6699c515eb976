/** What becomes of descriptors, handles and callbacks when their owner, their thread or their process ends. Run by lifetime.test.ts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { bootTime, openBootTimer, openTun, openUdp, type Udp } from '../index.ts';
import { countDescriptors } from './scenario.ts';

const loopback = Uint8Array.of(127, 0, 0, 1);
const nothing = (): void => {};
const workerUrl = new URL('lifetime-worker.ts', import.meta.url);

const openLocal = (): Udp => openUdp({ family: 4, ip: loopback });
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

/** Resolves when `condition` holds, looking once a turn; the timeout of the process bounds it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turns(1);
}

function collectGarbage(): void {
  assert.ok(globalThis.gc !== undefined, 'needs --expose-gc');
  globalThis.gc();
}

export const scenarios = {
  async manyRounds() {
    const round = (): void => {
      const udp = openLocal();
      udp.start(nothing, nothing);
      const timer = openBootTimer(nothing);
      timer.arm(bootTime() + 60_000);
      udp.close();
      timer.close();
    };
    round();
    await turns(1);
    const before = countDescriptors();
    for (let i = 0; i < 1000; i++) {
      round();
      if (i % 100 === 0) await turns(1);
    }
    assert.equal(countDescriptors(), before);
  },

  /** --expose-gc */
  async collected() {
    const before = countDescriptors();
    (() => {
      for (let i = 0; i < 20; i++) {
        openLocal();
        openBootTimer(nothing);
        const stopped = openLocal();
        stopped.start(nothing, nothing);
        stopped.stop();
        const disarmed = openBootTimer(nothing);
        disarmed.arm(bootTime() + 60_000);
        disarmed.disarm();
        if (process.getuid?.() === 0 && i < 3) openTun();
      }
    })();
    assert.ok(countDescriptors() >= before + 80);
    await until(() => {
      collectGarbage();
      return countDescriptors() === before;
    });
  },

  /** --expose-gc: a view keeps the memory although its socket is collected. */
  async viewOutlivesSocket() {
    const before = countDescriptors();
    const view = await (async () => {
      const udp = openLocal();
      const received = new Promise<Uint8Array>((resolve) => {
        udp.start((datagrams) => {
          udp.close();
          const [datagram] = datagrams;
          if (datagram !== undefined) resolve(datagram.bytes);
        }, nothing);
      });
      udp.send([{ bytes: Uint8Array.of(1, 2, 3), to: { ip: loopback, port: udp.port, scope: 0 } }]);
      return received;
    })();
    for (let i = 0; i < 10; i++) {
      collectGarbage();
      await turns(2);
    }
    assert.equal(countDescriptors(), before);
    assert.deepEqual(view, Uint8Array.of(1, 2, 3));
    view.fill(9);
    assert.throws(() => structuredClone(view.buffer, { transfer: [view.buffer] }));
  },

  /** --expose-gc: a started socket is in use, whoever holds it. */
  async startedIsKept() {
    const port = await new Promise<number>((resolve) => {
      const sender = openLocal();
      (() => {
        const udp = openLocal();
        udp.start(() => {
          udp.close();
          sender.close();
          resolve(udp.port);
        }, nothing);
        setImmediate(async (target: number) => {
          for (let i = 0; i < 5; i++) {
            collectGarbage();
            await turns(2);
          }
          sender.send([{ bytes: Uint8Array.of(1), to: { ip: loopback, port: target, scope: 0 } }]);
        }, udp.port);
      })();
    });
    assert.ok(port > 0);
  },

  async workerTerminated() {
    const rounds = 5;
    let before = 0;
    for (let i = 0; i <= rounds; i++) {
      const worker = new Worker(workerUrl, { workerData: 'wait', execArgv: process.execArgv });
      await once(worker, 'message');
      await worker.terminate();
      if (i === 0) {
        // The first worker leaves what the process opens once for all workers.
        before = countDescriptors();
      }
    }
    await until(() => countDescriptors() <= before);
  },

  async workerExits() {
    for (const how of ['exit', 'return', 'exit-in-callback']) {
      const worker = new Worker(workerUrl, { workerData: how, execArgv: process.execArgv });
      const [code] = await once(worker, 'exit');
      assert.equal(code, how === 'return' ? 0 : 5, how);
    }
  },

  async workerThrows() {
    const worker = new Worker(workerUrl, { workerData: 'throw', execArgv: process.execArgv });
    const [error] = await once(worker, 'error');
    assert.match(String(error), /thrown in a callback/);
  },

  /** Both at once, on loops of their own. */
  async workerBesideMain() {
    const worker = new Worker(workerUrl, { workerData: 'echo', execArgv: process.execArgv });
    const [port] = await once(worker, 'message');
    const udp = openLocal();
    let received = 0;
    await new Promise<void>((resolve) => {
      const send = () =>
        udp.send([{ bytes: Uint8Array.of(received), to: { ip: loopback, port: Number(port), scope: 0 } }]);
      udp.start((datagrams) => {
        received += datagrams.length;
        if (received < 100) send();
        else resolve();
      }, nothing);
      send();
    });
    udp.close();
    await worker.terminate();
  },

  /** Exits with 3 and everything open: the test looks at the status. */
  async exitWithOpenHandles() {
    const udp = openLocal();
    udp.start(nothing, nothing);
    openBootTimer(nothing).arm(bootTime() + 60_000);
    if (process.getuid?.() === 0) openTun().start(nothing, nothing);
    await turns(2);
    process.exit(3);
  },

  async thrownAndCaught() {
    const udp = openLocal();
    const messages: string[] = [];
    process.on('uncaughtException', (error) => messages.push(error.message));
    let calls = 0;
    const send = () =>
      udp.send([{ bytes: Uint8Array.of(1), to: { ip: loopback, port: udp.port, scope: 0 } }]);
    await new Promise<void>((resolve) => {
      udp.start(() => {
        calls += 1;
        if (calls === 3) return resolve();
        // Reading goes on after the exception.
        send();
        throw new Error(`call ${calls}`);
      }, nothing);
      send();
    });
    assert.deepEqual(messages, ['call 1', 'call 2']);
    udp.close();
  },

  /** Ends the process: the test looks at status and text. */
  async thrown() {
    const timer = openBootTimer(() => {
      throw new Error('thrown in a callback');
    });
    timer.arm(0);
    await new Promise(nothing);
  },

  async microtasksRunAfterEachCallback() {
    const udp = openUdp({ family: 4, ip: loopback, batch: 1 });
    const events: string[] = [];
    await new Promise<void>((resolve) => {
      udp.start(() => {
        events.push('call');
        Promise.resolve().then(() => events.push('microtask'));
        process.nextTick(() => events.push('tick'));
        if (events.length > 3) setImmediate(resolve);
      }, nothing);
      const datagram = { bytes: Uint8Array.of(1), to: { ip: loopback, port: udp.port, scope: 0 } };
      udp.send([datagram, datagram]);
    });
    assert.deepEqual(events, ['call', 'tick', 'microtask', 'call', 'tick', 'microtask']);
    udp.close();
  },

  /** Returns with idle handles open, which must not keep the process: the timeout of the test tells. */
  idleHandlesDoNotHold() {
    openLocal();
    openBootTimer(nothing);
    const timer = openBootTimer(nothing);
    timer.arm(bootTime() + 3_600_000);
    timer.disarm();
    const udp = openLocal();
    udp.start(nothing, nothing);
    udp.stop();
  },
};
