/** show, set, reload, rekey, ping, down: what a running daemon is asked over its control socket. */
import fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { parseInteger } from '../address-text.ts';
import { call } from '../control/client.ts';
import { knownInterfaces, socketPath } from '../control/socket-path.ts';
import { type PeerStatus, type Status, status } from '../control/status.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { paint, wantsColours } from '../paint.ts';
import { formatStatus } from '../show.ts';
import {
  type CommandSpec,
  checkedInterface,
  flag,
  type Io,
  type Options,
  optionalText,
  runtimeOption,
  targetOf,
  textOption,
} from './command.ts';
import { parseSetWords, setWords } from './set-words.ts';

const stopTimeout = 120_000;

export const controlCommands: readonly CommandSpec[] = [
  {
    name: 'show',
    args: '[interface]',
    summary: 'show interfaces and peers',
    options: [['--json', 'print {"version":1,"interfaces":[…]}'], runtimeOption],
    examples: ['pqtun show', 'pqtun show pq0', 'pqtun show --json | jq ".interfaces[].peers[].pqState"'],
    async run(io, [name], options) {
      const statuses = await statusesOf(io, name, options);
      if (flag(options, 'json'))
        await io.out(`${JSON.stringify({ version: 1, interfaces: statuses }, null, 2)}\n`);
      else
        await io.out(
          statuses
            .map((one) => formatStatus(one, io.now(), paint(wantsColours(io.outIsTerminal, io.env))))
            .join('\n'),
        );
      return undefined;
    },
  },
  {
    name: 'set',
    args: '<interface> <words...>',
    summary: 'add, change and remove peers of a running interface',
    details: `Words, as \`wg set\` has them:\n  ${setWords}\nAll of it takes effect, or nothing. Other peers keep their sessions.`,
    options: [runtimeOption],
    examples: [
      'pqtun set pq0 peer <key> endpoint 192.0.2.7:51820 allowed-ips 10.88.0.7/32',
      'pqtun set pq0 peer <key> kem-public-key new.pub allowed-ips 10.88.0.8/32',
      'pqtun set pq0 peer <key> remove',
    ],
    async run(_io, [name = '', ...words], options) {
      const { request, secrets } = parseSetWords(words);
      try {
        await call(request, { ...socketOf(options, name), secrets, timeout: 30_000 });
      } finally {
        for (const secret of secrets) secret.destroy();
      }
      return undefined;
    },
  },
  {
    name: 'reload',
    args: '<interface>',
    summary: 'read the configuration file again: all of it, or nothing',
    options: [runtimeOption],
    examples: ['pqtun reload pq0'],
    async run(_io, [name = ''], options) {
      await call({ v: 1, op: 'reload' }, { ...socketOf(options, name), timeout: 30_000 });
      return undefined;
    },
  },
  {
    name: 'rekey',
    args: '<peer>',
    summary: 'begin a handshake with a peer now, however young the session is',
    details:
      'PEER is a public key, the beginning of one, or a friendly name. Traffic goes on under the old session meanwhile.',
    options: [['-i, --interface <name>', 'look for the peer there only'], runtimeOption],
    examples: ['pqtun rekey hub'],
    async run(io, [wanted = ''], options) {
      const { peer, interfaceName } = await findPeer(io, wanted, options);
      await call({ v: 1, op: 'rekey', publicKey: peer.publicKey }, socketOf(options, interfaceName));
      return undefined;
    },
  },
  {
    name: 'ping',
    args: '<peer>',
    summary: 'measure the round trip to a peer inside the tunnel',
    details: 'PEER is a public key, the beginning of one, or a friendly name.',
    options: [
      ['-i, --interface <name>', 'look for the peer there only'],
      ['-c, --count <n>', 'probes, one a second', '3'],
      ['-s, --size <bytes>', 'size of the probe, a multiple of 16'],
      ['-W, --timeout <ms>', 'wait for each answer', '5000'],
      runtimeOption,
    ],
    examples: ['pqtun ping hub', 'pqtun ping -c 10 -i pq0 8Jk2'],
    run: (io, [peer = ''], options) => ping(io, peer, options),
  },
  {
    name: 'down',
    args: '<interface>',
    summary: 'stop the daemon of an interface and wait until everything is undone',
    options: [runtimeOption],
    examples: ['pqtun down pq0', 'pqtun down ./pq0.conf'],
    async run(_io, [name = ''], options) {
      const at = socketOf(options, name);
      await call({ v: 1, op: 'stop' }, { ...at, timeout: stopTimeout });
      await until(() => !fs.existsSync(socketPath(at.runtimeDirectory, at.interfaceName)));
      return undefined;
    },
  },
];

async function statusesOf(io: Io, name: string | undefined, options: Options): Promise<Status[]> {
  const runtimeDirectory = textOption(options, 'runtimeDir');
  if (name !== undefined) return [await statusOf(runtimeDirectory, checkedInterface(name))];
  const found: Status[] = [];
  for (const interfaceName of knownInterfaces(runtimeDirectory)) {
    try {
      found.push(await statusOf(runtimeDirectory, interfaceName));
    } catch (error) {
      io.error(`pqtun show: ${error instanceof Error ? error.message : String(error)}\n`); // one that is stopping does not hide the others
    }
  }
  return found;
}

async function statusOf(runtimeDirectory: string, interfaceName: string): Promise<Status> {
  return status.parse(await call({ v: 1, op: 'status' }, { runtimeDirectory, interfaceName }));
}

async function ping(io: Io, wanted: string, options: Options): Promise<1 | undefined> {
  const count = numberOption(options, 'count', 1, 100_000) ?? 3;
  const timeout = numberOption(options, 'timeout', 1, 60_000) ?? 5_000;
  const size = numberOption(options, 'size', 16, 1500);
  const { peer, interfaceName } = await findPeer(io, wanted, options);
  let answered = 0;
  for (let n = 1; n <= count; n++) {
    if (n > 1) await wait(1000);
    try {
      const at = { ...socketOf(options, interfaceName), timeout: timeout + 5_000 };
      const result = await call(
        { v: 1, op: 'ping-peer', publicKey: peer.publicKey, timeout, ...(size !== undefined && { size }) },
        at,
      );
      const { roundTrip } = z.object({ roundTrip: z.number() }).parse(result);
      answered++;
      await io.out(`${n}: ${roundTrip.toFixed(2)} ms\n`);
    } catch (error) {
      if (error instanceof CommandError && error.exitCode === exitCodes.notRunning) throw error;
      await io.out(`${n}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  await io.out(`${answered} of ${count} answered\n`);
  return answered === 0 ? exitCodes.failure : undefined;
}

async function findPeer(
  io: Io,
  wanted: string,
  options: Options,
): Promise<{ peer: PeerStatus; interfaceName: string }> {
  const statuses = await statusesOf(io, optionalText(options, 'interface'), options);
  const all = statuses.flatMap((one) => one.peers.map((peer) => ({ peer, interfaceName: one.interface })));
  const exact = all.filter(({ peer }) => peer.publicKey === wanted || peer.friendlyName === wanted);
  const found =
    exact.length > 0
      ? exact
      : all.filter(({ peer }) => wanted.length >= 4 && peer.publicKey.startsWith(wanted));
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new CommandError(
      exitCodes.failure,
      found.length > 1
        ? `${found.length} peers match; give the whole key or --interface`
        : 'no peer of a running interface matches',
    );
  }
  return only;
}

function numberOption(options: Options, name: string, least: number, most: number): number | undefined {
  const text = optionalText(options, name);
  if (text === undefined) return undefined;
  const value = parseInteger(text, least, most);
  if (value === undefined)
    throw new CommandError(exitCodes.usage, `--${name}: expected a number from ${least} to ${most}`);
  return value;
}

function socketOf(options: Options, name: string): { runtimeDirectory: string; interfaceName: string } {
  return { runtimeDirectory: textOption(options, 'runtimeDir'), interfaceName: targetOf(name).interfaceName };
}

async function until(done: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !done(); tries++) await wait(25);
}
