/**
 * The reference: takes the same datagrams as the hub by the same calls, objects and batches, and does nothing with them. Run in
 * the hub's namespace on the hub's CPU, on a port of its own, it costs the hub what *receiving* a flood costs a program in
 * JavaScript; what honest users lose beyond that, the protocol's work takes. `plain-sink.ts PORT`; ends with its input.
 */
import { once } from 'node:events';
import { openUdp } from 'tun-tap-native';

const port = Number(process.argv[2]);
const bufferSize = 8 * 1024 * 1024;
let received = 0;
for (const family of [4, 6] as const) {
  const socket = openUdp({ family, port, receiveBuffer: bufferSize, sendBuffer: bufferSize });
  socket.start(
    (datagrams) => {
      received += datagrams.length;
    },
    () => undefined,
  );
}
console.log('ready');
process.stdin.resume();
await once(process.stdin, 'end');
console.log(JSON.stringify({ received }));
process.exit(0);
