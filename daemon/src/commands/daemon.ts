/** daemon: wireguard-go's command line, for `wg-quick` and whatever else starts a userspace WireGuard. Installed as `pqtun-daemon`. */
import path from 'node:path';
import { parseInteger } from '../address-text.ts';
import { parseUapiPeers } from '../config/interface-fields.ts';
import type { UapiPeers } from '../config/model.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import type { LogLevel } from '../log-level.ts';
import { reportTo } from '../ready-report.ts';
import type { UapiChoice } from '../service-world.ts';
import { startInBackground } from './background.ts';
import {
  type CommandSpec,
  checkedInterface,
  flag,
  type Io,
  type Options,
  optionalText,
  planeOf,
  planeOption,
  runtimeOption,
  stateDirOption,
  textOption,
  uapiDirOption,
} from './command.ts';
import { readyFd } from './run.ts';

export const daemonCommand: CommandSpec = {
  name: 'daemon',
  args: '<interface>',
  summary: 'make an interface without configuration, for `wg` to fill, as wireguard-go does',
  details: [
    'Also installed as pqtun-daemon: WG_QUICK_USERSPACE_IMPLEMENTATION=pqtun-daemon. Returns when device and UAPI socket are there; ' +
      'ends when one of them is removed.',
    'Peers that `wg` adds have no KEM key and would be classical, which is not post-quantum: they are refused unless ' +
      '--uapi-classical is given, or PQTUN_UAPI_PEERS=classical. `pqtun set` adds hybrid ones, which takes --kem-seed.',
    'Environment, as wireguard-go has it: WG_TUN_FD and WG_UAPI_FD, descriptors of a device and of a listening socket; ' +
      'WG_PROCESS_FOREGROUND=1, as -f; LOG_LEVEL, verbose, error (default) or silent. In the background nothing is logged ' +
      'unless LOG_LEVEL is set.',
  ].join('\n\n'),
  options: [
    ['-f, --foreground', 'stay in the foreground'],
    ['--uapi-classical', 'let `wg` add peers without a KEM key'],
    [
      '--kem-seed <file>',
      'a file of `pqtun genkey`, whose KemSeed hybrid peers need; default PQTUN_KEM_SEED',
    ],
    planeOption,
    uapiDirOption,
    stateDirOption,
    runtimeOption,
  ],
  hiddenOptions: ['--ready-fd <fd>'],
  examples: [
    'pqtun daemon wg0',
    'pqtun daemon -f --uapi-classical wg0',
    'pqtun-daemon --kem-seed /etc/pqtun/wg0.key wg0',
  ],
  run(io, [name = ''], options) {
    const interfaceName = checkedInterface(name);
    const foreground = flag(options, 'foreground') || io.env['WG_PROCESS_FOREGROUND'] === '1';
    return foreground ? inForeground(io, interfaceName, options) : inBackground(io, interfaceName, options);
  },
};

async function inForeground(io: Io, interfaceName: string, options: Options): Promise<ExitCode> {
  const tunFd = descriptor(io, 'WG_TUN_FD');
  const kemSeed = optionalText(options, 'kemSeed') ?? io.env['PQTUN_KEM_SEED'];
  const { runDaemon } = await import('../run-daemon.ts'); // pino, prom-client and the tunnel, which no other command needs
  return runDaemon({
    interfaceName,
    source: {
      kind: 'wg',
      uapiPeers: uapiPeers(io, options),
      kemSeedFile: kemSeed === undefined ? undefined : path.resolve(kemSeed),
    },
    stateDirectory: path.resolve(textOption(options, 'stateDir')),
    runtimeDirectory: path.resolve(textOption(options, 'runtimeDir')),
    uapi: uapiOf(io, options),
    ...(tunFd !== undefined && { tunFd }),
    crypto: 'node',
    plane: planeOf(options),
    logLevel: logLevel(io),
    metrics: undefined,
    report: reportTo(readyFd(options)),
    io,
  });
}

/** The descriptors are handed on under numbers of their own. */
async function inBackground(io: Io, interfaceName: string, options: Options): Promise<ExitCode> {
  const handed = (['WG_TUN_FD', 'WG_UAPI_FD'] as const).flatMap((name) => {
    const fd = descriptor(io, name);
    return fd === undefined ? [] : [{ name, fd }];
  });
  const level = io.env['LOG_LEVEL'];
  const output = level === undefined || level === 'silent' ? 'ignore' : 'inherit';
  const kemSeed = optionalText(options, 'kemSeed');
  const plane = planeOf(options);
  const words = [
    ...['daemon', '--foreground', interfaceName],
    ...(flag(options, 'uapiClassical') ? ['--uapi-classical'] : []),
    ...(kemSeed === undefined ? [] : ['--kem-seed', kemSeed]),
    ...(plane === undefined ? [] : ['--plane', plane]),
    ...['--uapi-dir', textOption(options, 'uapiDir')],
    ...['--state-dir', textOption(options, 'stateDir')],
    ...['--runtime-dir', textOption(options, 'runtimeDir')],
  ];
  const report = await startInBackground(words, {
    output: [output, output],
    descriptors: handed.map(({ fd }) => fd),
    env: Object.fromEntries(handed.map(({ name }, at) => [name, String(firstDescriptor + at)])),
  });
  if (report.kind === 'ready') return exitCodes.ok;
  throw new CommandError(report.exitCode, `${interfaceName}: ${report.why}`);
}

const firstDescriptor = 4;

function uapiOf(io: Io, options: Options): UapiChoice {
  const fd = descriptor(io, 'WG_UAPI_FD');
  if (fd !== undefined) return { kind: 'descriptor', fd };
  const directory = path.resolve(textOption(options, 'uapiDir'));
  return { kind: 'directory', directory, required: true, stopWithSocket: true };
}

function uapiPeers(io: Io, options: Options): UapiPeers {
  if (flag(options, 'uapiClassical')) return 'classical';
  const text = io.env['PQTUN_UAPI_PEERS'] ?? 'refuse';
  const found = parseUapiPeers(text);
  if (found === undefined)
    throw new CommandError(exitCodes.usage, 'PQTUN_UAPI_PEERS: expected refuse or classical');
  return found;
}

/** wireguard-go's words; anything else is its default. */
function logLevel({ env }: Io): LogLevel {
  const level = env['LOG_LEVEL'];
  if (level === 'verbose' || level === 'debug') return 'debug';
  return level === 'silent' ? 'silent' : 'error';
}

function descriptor({ env }: Io, name: 'WG_TUN_FD' | 'WG_UAPI_FD'): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const fd = parseInteger(text, 3, 0xffff);
  if (fd === undefined)
    throw new CommandError(exitCodes.usage, `${name}: expected the number of a descriptor`);
  return fd;
}
