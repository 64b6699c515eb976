/**
 * What an agent can be asked to do in its network namespace. Arguments and results go through a pipe as JSON. IPv4 alone: what is
 * measured is a tunnel, not a family.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openNetlink } from 'tun-tap-native';
import { parseIp, parsePrefix } from './address.ts';
import { Crowd, type CrowdMeeting } from './crowd.ts';
import { Daemon, type DaemonStart } from './daemon.ts';
import { Echo, Pings } from './echo.ts';
import { type FloodPath, FloodSink, FloodSource } from './flood.ts';
import type { Running } from './running.ts';
import { StreamSink, StreamSource } from './stream.ts';

/** Where an end of a measurement listens or sends to. */
export interface Target {
  readonly address: string;
  readonly port: number;
}

type Handle = number;

export interface Started {
  readonly pid: number;
  /** Milliseconds from the start of the process to a ready interface. */
  readonly readyAfter: number;
}

const daemons = new Map<string, Daemon>();
const running = new Map<Handle, Running<unknown>>();
let crowd: Crowd | undefined;
let handles = 0;

export const acts = {
  loopback: (): void => openNetlink().setLink('lo', { up: true }),

  /** A veth pair from here to the namespace of `pid`. */
  veth: (name: string, peerName: string, pid: number): void => openNetlink().createVeth(name, peerName, pid),

  /** An address like `192.0.2.1/24`; on `lo` the whole prefix is ours. */
  address: (name: string, prefix: string): void => openNetlink().addAddress(name, ...parsePrefix(prefix)),

  up: (name: string, mtu: number): void => openNetlink().setLink(name, { up: true, mtu }),

  route: (prefix: string, gateway: string): void => {
    const [destination, bits] = parsePrefix(prefix);
    openNetlink().addRoute({ destination, bits, gateway: parseIp(gateway) });
  },

  startDaemon: async (name: string, start: DaemonStart): Promise<Started> => {
    const [daemon, readyAfter] = await Daemon.start(start, (each) => daemons.set(name, each));
    return { pid: daemon.pid, readyAfter };
  },

  stopDaemon: async (name: string): Promise<number | null> => {
    const daemon = daemons.get(name);
    daemons.delete(name);
    return daemon === undefined ? null : daemon.stop();
  },

  /** The last it has said. */
  daemonLog: (name: string): string => daemons.get(name)?.log ?? '',

  /** Any command of `command`, run to its end: what it printed. */
  ask: async (command: string, words: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(command, words, {
      timeout: 30_000,
      maxBuffer: 64 * 1024 ** 2,
    });
    return stdout;
  },

  streamSource: async ({ address, port }: Target): Promise<Handle> =>
    keep(await StreamSource.listen(address, port)),
  streamSink: async ({ address, port }: Target): Promise<Handle> =>
    keep(await StreamSink.connect(address, port)),
  floodSource: (path: FloodPath, size: number): Handle => keep(new FloodSource(path, size)),
  floodSink: (path: FloodPath, size: number): Handle => keep(new FloodSink(path, size)),
  echo: ({ address, port }: Target): Handle => keep(new Echo(parseIp(address), port)),
  pings: ({ address, port }: Target, size: number, interval: number): Handle =>
    keep(new Pings(parseIp(address), port, size, interval)),

  /** What it has counted since it began, or since the last report. */
  report: async (handle: Handle): Promise<unknown> => running.get(handle)?.report(),

  /** Ends it; the last report. */
  finish: async (handle: Handle): Promise<unknown> => {
    const one = running.get(handle);
    running.delete(handle);
    return one?.finish();
  },

  /** Pings every 2 ms until one is answered: milliseconds since the daemon `name` was started. */
  firstAnswer: async (name: string, { address, port }: Target, patience: number): Promise<number> => {
    const daemon = daemons.get(name);
    if (daemon === undefined) throw new Error(`no daemon ${name}`);
    const pings = new Pings(parseIp(address), port, 64, 2);
    try {
      return (await pings.answered(patience)) - daemon.startedAt;
    } finally {
      pings.close();
    }
  },

  /** Makes the keys of so many peers; their public keys, X25519 and ML-KEM-768, in base64. */
  makeCrowd: (count: number): (readonly [string, string])[] => {
    crowd?.close();
    crowd = new Crowd(count);
    return crowd.publicKeys();
  },

  /** Lets the first `meeting.count` of them begin sessions with a hub; resolves with how many have one, at the latest after `patience` ms. */
  meet: async (meeting: CrowdMeeting, patience: number): Promise<number> => {
    if (crowd === undefined) throw new Error('there is no crowd');
    return crowd.meet(meeting, patience);
  },

  /** Ends all its sessions, without a word to the hub. */
  dismiss: (): void => crowd?.dismiss(),
};

/** Ends every daemon at once: the agent ends. */
export function killDaemons(): void {
  for (const daemon of daemons.values()) daemon.kill();
}

function keep(one: Running<unknown>): Handle {
  handles += 1;
  running.set(handles, one);
  return handles;
}

export type Acts = typeof acts;
