/** Small acts done inside a namespace, each a process of its own: `helper.ts ACT [JSON …]`. Prints JSON, or `ready` and then JSON. */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { isIPv6 } from 'node:net';
import { createInterface } from 'node:readline';
import { bootTime, openNetlink } from 'tun-tap-native';
import { ip } from '../packets.ts';
import { watch } from './capture.ts';
import { payloadPiece, pieceSize } from './payload.ts';

type Act = (...args: never[]) => unknown;

const acts: Readonly<Record<string, Act>> = {
  loopback: () => openNetlink().setLink('lo', { up: true }),

  /** A veth pair from here to the namespace of `pid`. */
  veth: (name: string, peerName: string, pid: number) => openNetlink().createVeth(name, peerName, pid),

  /** Addresses like `192.0.2.1/24`, MTU, up. */
  configure: (name: string, addresses: string[], mtu: number) => {
    const netlink = openNetlink();
    netlink.setLink(name, { up: true, mtu });
    for (const address of addresses) netlink.addAddress(name, ...prefix(address));
  },

  addAddress: (name: string, address: string) => openNetlink().addAddress(name, ...prefix(address)),
  removeAddress: (name: string, address: string) => openNetlink().removeAddress(name, ...prefix(address)),
  setLink: (name: string, change: { up?: boolean; mtu?: number }) => openNetlink().setLink(name, change),
  deleteLink: (name: string) => openNetlink().deleteLink(name),
  addRoute: (destination: string, via: string) => {
    const [address, bits] = prefix(destination);
    openNetlink().addRoute({ destination: address, bits, gateway: ip(via) });
  },

  /** What teardown must leave nothing of. */
  inventory: () => {
    const netlink = openNetlink();
    const routes = [4, 6].flatMap((family) =>
      netlink.routes(family as 4 | 6).map((route) => JSON.stringify(route)),
    );
    const rules = [4, 6].flatMap((family) =>
      netlink.rules(family as 4 | 6).map((rule) => JSON.stringify(rule)),
    );
    return {
      links: netlink
        .links()
        .map(({ name }) => name)
        .sort(),
      routes: routes.sort(),
      rules: rules.sort(),
    };
  },

  /** Serves a file of `size` B at any path until told to stop. */
  serve: async (host: string, port: number, size: number) => {
    const server = createServer(async (_request, response) => {
      response.writeHead(200, { 'content-length': size });
      for (let at = 0; at < size && !response.destroyed; at += pieceSize) {
        if (!response.write(payloadPiece(at, pieceSize)))
          await once(response, 'drain').catch(() => undefined);
      }
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    await untilTold();
    server.closeAllConnections();
    server.close();
    return {};
  },

  /** Fetches it: bytes, SHA-256, milliseconds. */
  fetch: async (host: string, port: number) => {
    const begin = bootTime();
    const hash = createHash('sha256');
    let bytes = 0;
    await new Promise<void>((resolve, reject) => {
      const request = get({ host, port, path: '/', agent: false }, (response) => {
        response.on('data', (chunk: Buffer) => {
          hash.update(chunk);
          bytes += chunk.length;
        });
        response.on('end', resolve);
        response.on('error', reject);
      });
      request.on('error', reject);
      request.setTimeout(30_000, () => request.destroy(new Error('no data for 30 s')));
    });
    return { bytes, sha256: hash.digest('hex'), milliseconds: bootTime() - begin };
  },

  /** Answers every datagram until told to stop. */
  echo: async (host: string, port: number) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.on('message', (message, from) => socket.send(message, from.port, from.address));
    socket.bind(port, host);
    await once(socket, 'listening');
    await untilTold();
    socket.close();
    return {};
  },

  /** Sends `count` datagrams of `size` B to an echo, one every `interval` ms: round trips in ms of those that came back. */
  pings: async (host: string, port: number, count: number, size: number, interval: number) =>
    pings(host, port, count, size, interval),

  /** Pings every 50 ms until an answer comes; how long it took from the start, in ms, or `null` after `limit` ms. */
  untilEcho: async (host: string, port: number, limit: number) => {
    const begin = bootTime();
    while (bootTime() - begin < limit) {
      const { answered } = await pings(host, port, 1, 64, 50);
      if (answered > 0) return bootTime() - begin;
    }
    return null;
  },

  /** Watches an interface until told to stop. */
  capture: async (device: string, link: 'ethernet' | 'none', ports: number[]) => {
    const stop = watch(device, link, ports);
    await untilTold();
    return stop();
  },

  /** A NAT of one mapping: forwards between a side that knows us and `target`; `rebind` gives it a new outer port. */
  nat: async (listen: string, port: number, target: string, targetPort: number) => {
    const family = isIPv6(listen) ? 'udp6' : 'udp4';
    const inside = createSocket(family);
    let client: { address: string; port: number } | undefined;
    const openOutside = () => {
      const socket = createSocket(family);
      socket.on('message', (message) => client && inside.send(message, client.port, client.address));
      socket.on('error', () => undefined);
      return socket;
    };
    let outside = openOutside();
    inside.on('message', (message, from) => {
      client = from;
      outside.send(message, targetPort, target, () => undefined);
    });
    inside.bind(port, listen);
    await once(inside, 'listening');
    console.log('ready');
    for await (const line of createInterface({ input: process.stdin })) {
      if (line !== 'rebind') continue;
      outside.close();
      outside = openOutside();
      console.log('rebound');
    }
    inside.close();
    outside.close();
    return {};
  },
};

async function pings(host: string, port: number, count: number, size: number, interval: number) {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.on('error', () => undefined);
  const sentAt = new Map<number, number>();
  const roundTrips: number[] = [];
  socket.on('message', (message) => {
    const number = message.readUInt32BE(0);
    const at = sentAt.get(number);
    if (at === undefined) return;
    sentAt.delete(number);
    roundTrips.push(bootTime() - at);
  });
  for (let number = 0; number < count; number++) {
    const message = Buffer.alloc(Math.max(size, 4), number);
    message.writeUInt32BE(number);
    sentAt.set(number, bootTime());
    socket.send(message, port, host, () => undefined);
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
  for (let wait = 0; sentAt.size > 0 && wait < 20 && count > 1; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  socket.close();
  roundTrips.sort((a, b) => a - b);
  return {
    sent: count,
    answered: roundTrips.length,
    median: roundTrips[Math.floor(roundTrips.length / 2)],
    roundTrips,
  };
}

/** Says that we are ready, then waits until our input ends. */
async function untilTold(): Promise<void> {
  console.log('ready');
  process.stdin.resume();
  await once(process.stdin, 'end');
}

function prefix(text: string): [Uint8Array, number] {
  const [address = '', bits = ''] = text.split('/');
  return [ip(address), Number(bits)];
}

const [name = '', ...args] = process.argv.slice(2);
const act = acts[name];
if (act === undefined) throw new Error(`no act "${name}"`);
const result = await (act as (...given: unknown[]) => unknown)(
  ...args.map((arg) => JSON.parse(arg) as unknown),
); // callers are ours
if (result !== undefined) console.log(JSON.stringify(result));
process.exit(0);
