/** `flood.ts HOST PORT HEX COUNT`: sends one datagram many times, as fast as it can. A process of its own, to run in a namespace. */
import { createSocket } from 'node:dgram';

const [host = '', port = '', text = '', times = ''] = process.argv.slice(2);
const datagram = Buffer.from(text, 'hex');
const socket = createSocket('udp4');
const burst = 64;
for (let sent = 0; sent < Number(times); sent += burst) {
  const burstSent = Array.from(
    { length: burst },
    () => new Promise((resolve) => socket.send(datagram, Number(port), host, resolve)),
  );
  await Promise.all(burstSent);
}
socket.close();
