/**
 * One end of a tunnel for data-plane-scenarios.ts: a plane with keys given by hand, and what answers behind it. Imported, it is the end
 * in the scenario's own namespace; run, it is the one in a namespace of its own, and does what its parent's messages say.
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  bootTime,
  type DataPlaneEvent,
  type DataPlaneOptions,
  type DataPlaneStatus,
  type LoopCounters,
  type NativeDataPlane,
  openDataPlane,
  openNetlink,
  openUdp,
  type PlaneEndpoint,
  type PlanePeerActivity,
} from '../index.ts';

export type Family = 4 | 6;

/** The two ends, by their last byte: 1 is the scenario's own. */
export type Side = 1 | 2;
export const peer = 7;
export const echoPort = 4000;

const netlink = openNetlink();

export const outer = (family: Family, side: Side): Uint8Array =>
  family === 4 ? Uint8Array.of(10, 8, 0, side) : Uint8Array.of(0xfd, 8, ...new Uint8Array(13), side);
export const inner = (family: Family, side: Side): Uint8Array =>
  family === 4 ? Uint8Array.of(10, 9, 0, side) : Uint8Array.of(0xfd, 9, ...new Uint8Array(13), side);
export const text = (ip: Uint8Array): string =>
  ip.length === 4
    ? ip.join('.')
    : (Buffer.from(ip).toString('hex').match(/..../g) ?? []).map((group) => group).join(':');

export interface EndOptions extends Omit<DataPlaneOptions, 'udp' | 'tun'> {
  readonly side: Side;
  /** Name of this end's half of the veth. */
  readonly underlay: string;
  readonly underlayMtu?: number;
  /** A TUN to adopt. */
  readonly fd?: number;
  readonly sendBuffer?: number;
}

export interface Keys {
  readonly toOne: Uint8Array;
  readonly toTwo: Uint8Array;
}

/** What an end has heard of since it was opened. */
export interface Heard {
  readonly activity: PlanePeerActivity[];
  readonly events: DataPlaneEvent[];
  readonly lost: string[];
}

export class End {
  readonly plane: NativeDataPlane;
  readonly heard: Heard = { activity: [], events: [], lost: [] };
  readonly #side: Side;
  readonly #listeners = new Set<() => void>();

  constructor(options: EndOptions) {
    const { side, underlay, underlayMtu = 1500, fd, sendBuffer, ...rest } = options;
    this.#side = side;
    netlink.setLink('lo', { up: true });
    for (const family of [4, 6] as const)
      netlink.addAddress(underlay, outer(family, side), family === 4 ? 24 : 64);
    netlink.setLink(underlay, { up: true, mtu: underlayMtu });
    this.plane = openDataPlane({
      ...rest,
      tun: fd === undefined ? { name: `pt${side}` } : { fd },
      udp: sendBuffer === undefined ? {} : { sendBuffer },
    });
    for (const family of [4, 6] as const)
      netlink.addAddress(this.plane.name, inner(family, side), family === 4 ? 24 : 64);
    netlink.setLink(this.plane.name, { up: true });
    this.plane.start({
      onReports: () => {
        this.heard.activity.push(...this.plane.takeReports().activity);
        this.heard.events.push(...this.plane.takeEvents());
        this.#tell();
      },
      onLost: (error) => {
        this.heard.lost.push(`${error.code}, ${error.syscall}`);
        this.#tell();
      },
    });
  }

  /** Makes the two ends peers. Side 1 is the initiator, whose first packet confirms. */
  connect({ toOne, toTwo }: Keys, endpoint: PlaneEndpoint): void {
    const { plane } = this;
    const one = this.#side === 1;
    const routes = ([4, 6] as const).map((family) => ({
      kind: 'add' as const,
      peer,
      prefix: inner(family, one ? 2 : 1),
      bits: family === 4 ? 32 : 128,
    }));
    plane.setPeer(peer, { endpoint, kind: 'hybrid' });
    plane.setRoutes(routes);
    plane.install(bootTime(), {
      peer,
      role: one ? 'initiator' : 'responder',
      localIndex: one ? 11 : 22,
      remoteIndex: one ? 22 : 11,
      sendKey: one ? toTwo : toOne,
      receiveKey: one ? toOne : toTwo,
      timestamp: new Uint8Array(12).fill(1),
      bornAt: bootTime(),
      limits: {
        rekeyAfterTime: 120_000,
        rejectAfterTime: 180_000,
        rekeyOnReceiveAfter: 165_000,
        rekeyAfterMessages: 2 ** 40,
        rejectAfterMessages: 2 ** 41,
      },
      kind: 'hybrid',
      winsCrossing: one,
    });
  }

  /** Resolves when `condition` holds of what has been heard. */
  async until(condition: (heard: Heard) => boolean): Promise<void> {
    while (!condition(this.heard)) await new Promise<void>((resolve) => this.#listeners.add(resolve));
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}

/** Sends back what it gets: streams over TCP, datagrams over UDP. */
export async function serveEcho(side: Side): Promise<{ close(): void }> {
  const sockets = ([4, 6] as const).map((family) => {
    const udp = openUdp({ family, ip: inner(family, side), port: echoPort, pathMtuDiscovery: 'dont' });
    udp.start(
      (datagrams) => udp.send(datagrams.map(({ bytes, from }) => ({ bytes, to: from }))),
      (error) => {
        throw error;
      },
    );
    return udp;
  });
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(echoPort, '::');
  await once(server, 'listening');
  return {
    close() {
      for (const udp of sockets) udp.close();
      for (const socket of connections) socket.destroy();
      server.close();
    },
  };
}

/* the end in another process */

type Request =
  | { readonly call: 'open'; readonly options: EndOptions }
  | { readonly call: 'connect'; readonly keys: Keys; readonly endpoint: PlaneEndpoint }
  | { readonly call: 'status' | 'counters' | 'heard' | 'port' };

/** What the parent sees of it. */
export class FarEnd {
  readonly #child: ReturnType<typeof spawn>;
  #answers: ((answer: unknown) => void)[] = [];

  private constructor(child: ReturnType<typeof spawn>) {
    this.#child = child;
    child.on('message', (message) => this.#answers.shift()?.(message));
  }

  static async start(): Promise<FarEnd> {
    const script = fileURLToPath(import.meta.url);
    const child = spawn('unshare', ['--net', process.execPath, '--conditions=pqtun-source', script], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    const end = new FarEnd(child);
    await end.#answer(); // that it is there
    return end;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async open(options: EndOptions): Promise<void> {
    await this.#call({ call: 'open', options });
  }

  async connect(keys: Keys, endpoint: PlaneEndpoint): Promise<void> {
    await this.#call({ call: 'connect', keys, endpoint });
  }

  // What comes back is what serve() below sends for each of these.
  port = (): Promise<number> => this.#call({ call: 'port' }) as Promise<number>;
  status = (): Promise<DataPlaneStatus> => this.#call({ call: 'status' }) as Promise<DataPlaneStatus>;
  counters = (): Promise<LoopCounters> => this.#call({ call: 'counters' }) as Promise<LoopCounters>;
  heard = (): Promise<Heard> => this.#call({ call: 'heard' }) as Promise<Heard>;

  /** Ends it by a message, and so as a process ends that has closed all. */
  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    const [status] = await ended;
    if (status !== 0) throw new Error(`the far end has ended with ${status}`);
  }

  #call(request: Request): Promise<unknown> {
    const answer = this.#answer();
    this.#child.send(request);
    return answer;
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#answers.push(resolve);
      this.#child.once('exit', () => reject(new Error('the far end has ended')));
    });
  }
}

function serve(): void {
  let end: End | undefined;
  let echo: { close(): void } | undefined;
  const act = async (request: Request): Promise<unknown> => {
    if (request.call === 'open') {
      end = new End(request.options);
      echo = await serveEcho(request.options.side);
      return end.plane.port;
    }
    if (end === undefined) throw new Error('not open');
    switch (request.call) {
      case 'connect':
        return end.connect(request.keys, request.endpoint);
      case 'status':
        return end.plane.status();
      case 'counters':
        return end.plane.counters();
      case 'heard':
        return end.heard;
      case 'port':
        return end.plane.port;
      default:
        return request satisfies never;
    }
  };
  // The cast holds: the parent is FarEnd.
  process.on('message', async (message) => process.send?.((await act(message as Request)) ?? null));
  process.on('disconnect', () => {
    echo?.close();
    end?.plane.close();
  });
  process.send?.('ready');
}

export const newKeys = (): Keys => ({ toOne: randomBytes(32), toTwo: randomBytes(32) });
export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

if (process.argv[1] === fileURLToPath(import.meta.url)) serve();
