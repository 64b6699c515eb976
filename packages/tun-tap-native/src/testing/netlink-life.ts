/** Scenarios of netlink.test.ts about what stays open: watches, descriptors, environments. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { openNetlink } from '../netlink.ts';
import { ip4, prepareVeth } from './netlink-fixture.ts';
import { countDescriptors } from './scenario.ts';

const netlink = openNetlink();

export const scenarios = {
  async watch() {
    prepareVeth();
    // Whatever follows from `prepareVeth` later (carrier, router solicitations) changes no route or address below 10.0.0.0.
    const told: string[][] = [];
    let wake = () => {};
    const watch = netlink.watch((changes) => {
      told.push([...changes].sort());
      wake();
    });
    const next = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });

    for (let i = 1; i <= 50; i++) netlink.addAddress('va', ip4(`10.9.1.${i}`), 32);
    await next();
    assert.equal(told.length, 1);
    assert.deepEqual(
      told[0]?.filter((change) => change !== 'link'),
      ['address', 'route'],
    );

    netlink.createVeth('vc', 'vd');
    await next();
    assert.equal(told.length, 2);
    assert(told[1]?.includes('link'));

    watch.close();
    watch.close();
    // Another watch proves that the notice went round, and the closed one stayed silent.
    const other = netlink.watch(() => wake());
    netlink.deleteLink('vc');
    await next();
    other.close();
    assert.equal(told.length, 2);
  },

  async overrun() {
    netlink.setLink('lo', { up: true });
    let wake: (changes: ReadonlySet<string>) => void = () => {};
    const watch = netlink.watch((changes) => wake(changes));
    const next = () =>
      new Promise<ReadonlySet<string>>((resolve) => {
        wake = resolve;
      });
    for (let i = 0; i < 1500; i++) {
      netlink.addAddress('lo', ip4('10.9.1.1'), 32);
      netlink.removeAddress('lo', ip4('10.9.1.1'), 32);
    }
    // No link changed: only the lost notices can say so.
    assert.deepEqual([...(await next())].sort(), ['address', 'link', 'route']);
    // The watch goes on.
    netlink.addAddress('lo', ip4('10.9.1.2'), 32);
    assert.deepEqual([...(await next())].sort(), ['address', 'route']);
    watch.close();
  },

  async changesMeanwhile() {
    netlink.setLink('lo', { up: true });
    // Several datagrams of 32 KiB, so that a change falls between two of a dump and the dump is begun anew.
    const lasting = Array.from({ length: 2000 }, (_, i) => `10.9.${i >> 8}.${i & 255}`);
    for (const address of lasting) netlink.addAddress('lo', ip4(address), 32);
    // Comes and goes behind them. Not before them: between taking an address out and saying so the kernel leaves a gap of
    // microseconds in which a dump loses one unnoticed, and no reader can help that.
    const source = `
      const { openNetlink } = await import(${JSON.stringify(import.meta.resolve('../netlink.ts'))});
      const { parentPort } = await import('node:worker_threads');
      const netlink = openNetlink();
      parentPort.postMessage('begun');
      for (let i = 0; ; i = (i + 1) % 200) {
        netlink.addAddress('lo', Uint8Array.of(10, 8, 0, i), 32);
        netlink.removeAddress('lo', Uint8Array.of(10, 8, 0, i), 32);
        if (i % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
    await once(worker, 'message');
    let whole = 0;
    for (let i = 0; i < 200; i++) {
      try {
        const found = netlink.addresses('lo').map(({ ip }) => ip.join('.'));
        // Each once: an interrupted attempt leaves nothing behind.
        assert.deepEqual(
          found.filter((address) => address.startsWith('10.9.')),
          lasting,
        );
        whole++;
      } catch (error) {
        // Said rather than half a table given.
        if (!(error instanceof Error && 'code' in error && error.code === 'EINTR')) throw error;
      }
    }
    assert(whole > 0);
    await worker.terminate();
  },

  descriptors() {
    prepareVeth();
    const round = () => {
      netlink.links();
      netlink.rules(4);
      netlink.addAddress('va', ip4('10.9.1.1'), 32);
      assert.throws(() => netlink.addAddress('va', ip4('10.9.1.1'), 32));
      netlink.removeAddress('va', ip4('10.9.1.1'), 32);
      netlink.watch(() => {}).close();
    };
    round();
    const before = countDescriptors();
    for (let i = 0; i < 1000; i++) round();
    assert.equal(countDescriptors(), before);
  },

  async environments() {
    const before = countDescriptors();
    const source = `
      const { openNetlink } = await import(${JSON.stringify(import.meta.resolve('../netlink.ts'))});
      const { parentPort } = await import('node:worker_threads');
      const netlink = openNetlink();
      netlink.watch(() => {});
      netlink.watch(() => {});
      parentPort.postMessage(netlink.links().length);
    `;
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    for (let i = 0; i < 10; i++) {
      const workers = [new Worker(url), new Worker(url)];
      const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
      assert.deepEqual(answers, [[1], [1]]);
      // Torn down with the watches open.
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    assert.equal(countDescriptors(), before);
    // This process, too, ends with one open.
    netlink.watch(() => {});
    process.once('beforeExit', () => assert.fail('a watch keeps the process alive'));
    setImmediate(() => process.exit(0));
  },

  async keepsWatchingWithoutAReference() {
    netlink.setLink('lo', { up: true });
    let wake = () => {};
    netlink.watch(() => wake());
    for (let i = 0; i < 10; i++) {
      assert(globalThis.gc);
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const told = new Promise<void>((resolve) => {
      wake = resolve;
    });
    netlink.addAddress('lo', ip4('10.9.1.1'), 32);
    await told;
    setImmediate(() => process.exit(0));
  },
};
