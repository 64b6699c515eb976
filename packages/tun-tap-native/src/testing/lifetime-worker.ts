/** A worker that ends, or is ended, with everything open. `workerData` says how. */
import { parentPort, workerData } from 'node:worker_threads';
import { bootTime, openBootTimer, openNetlink, openTun, openUdp } from '../index.ts';

const loopback = Uint8Array.of(127, 0, 0, 1);
const nothing = (): void => {};
const how: unknown = workerData;

const udp = openUdp({ family: 4, ip: loopback });
udp.start((datagrams) => {
  if (how === 'throw') throw new Error('thrown in a callback');
  if (how === 'exit-in-callback') process.exit(5);
  if (how === 'echo') {
    udp.send(datagrams.map(({ bytes, from }) => ({ bytes, to: from })));
  }
}, nothing);
const timer = openBootTimer(nothing);
timer.arm(bootTime() + 3_600_000);
openUdp({ family: 4, ip: loopback });
const tun = process.getuid?.() === 0 ? openTun() : undefined;
tun?.start(nothing, nothing);
const watch = openNetlink().watch(nothing);

if (how === 'exit') process.exit(5);
if (how === 'throw' || how === 'exit-in-callback') {
  udp.send([{ bytes: Uint8Array.of(1), to: { ip: loopback, port: udp.port, scope: 0 } }]);
}
if (how === 'return') {
  udp.stop();
  timer.disarm();
  tun?.stop();
  watch.close();
}
parentPort?.postMessage(udp.port);
