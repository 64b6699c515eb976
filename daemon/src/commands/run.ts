/** run and up: the daemon in the foreground, and the same started in the background. */
import fs from 'node:fs';
import path from 'node:path';
import { parseInteger } from '../address-text.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { logLevels } from '../log-level.ts';
import { parseMetricsAddress } from '../metrics-address.ts';
import { ensurePrivateDirectory } from '../private-files.ts';
import { reportTo } from '../ready-report.ts';
import type { UapiChoice } from '../service-world.ts';
import { startInBackground } from './background.ts';
import {
  type CommandSpec,
  choice,
  flag,
  hooksOption,
  type Io,
  type Options,
  optionalText,
  planeOf,
  planeOption,
  runtimeOption,
  stateDirOption,
  targetOf,
  textOption,
  uapiDirOption,
} from './command.ts';

const daemonOptions = [
  stateDirOption,
  runtimeOption,
  hooksOption,
  ['--uapi <when>', 'serve the UAPI socket: auto (where it can be made), on, or off', 'auto'],
  uapiDirOption,
  planeOption,
  ['--crypto <kind>', 'node or noble', 'node'],
  ['--log-level <level>', logLevels.join(', '), 'info'],
  ['--metrics <address>', 'serve Prometheus metrics at ADDRESS:PORT'],
] as const;

export const runCommands: readonly CommandSpec[] = [
  {
    name: 'run',
    args: '<interface>',
    summary: 'bring an interface up and stay in the foreground: what systemd starts',
    details:
      'Takes IF (/etc/pqtun/IF.conf) or a file. SIGHUP reloads, SIGTERM and SIGINT stop in order. Logs go to stdout.',
    options: daemonOptions,
    hiddenOptions: ['--ready-fd <fd>'],
    examples: [
      'pqtun run pq0',
      'pqtun run ./pq0.conf --state-dir ./state --log-level debug',
      'pqtun run pq0 --metrics 127.0.0.1:9586',
    ],
    run: (io, [name = ''], options) => run(io, name, options),
  },
  {
    name: 'up',
    args: '<interface>',
    summary: 'bring an interface up in the background; returns when it is ready',
    options: [...daemonOptions, ['--log-file <file>', 'where the daemon logs; default RUNTIME-DIR/IF.log']],
    examples: ['pqtun up pq0', 'pqtun up ./pq0.conf --log-file /var/log/pqtun.log'],
    run: (_io, [name = ''], options) => up(name, options),
  },
];

async function run(io: Io, name: string, options: Options): Promise<ExitCode> {
  const { interfaceName, file } = targetOf(name);
  const metrics = optionalText(options, 'metrics');
  const plane = planeOf(options);
  const { runDaemon } = await import('../run-daemon.ts'); // pino, prom-client and the tunnel, which no other command needs
  return runDaemon({
    interfaceName,
    source: { kind: 'file', file: path.resolve(file), allowHooks: flag(options, 'allowHooks') },
    stateDirectory: path.resolve(textOption(options, 'stateDir')),
    runtimeDirectory: path.resolve(textOption(options, 'runtimeDir')),
    uapi: uapiOf(options),
    plane,
    crypto: choice(options, 'crypto', ['node', 'noble']),
    logLevel: choice(options, 'logLevel', logLevels),
    metrics: metrics === undefined ? undefined : parseMetricsAddress(metrics),
    report: reportTo(readyFd(options)),
    io,
  });
}

function uapiOf(options: Options): UapiChoice {
  const when = choice(options, 'uapi', ['auto', 'on', 'off']);
  if (when === 'off') return { kind: 'off' };
  const directory = path.resolve(textOption(options, 'uapiDir'));
  return { kind: 'directory', directory, required: when === 'on' };
}

/** Descriptor of `--ready-fd`, which `startInBackground` gives. */
export function readyFd(options: Options): number | undefined {
  const text = optionalText(options, 'readyFd');
  if (text === undefined) return undefined;
  const fd = parseInteger(text, 3, 9);
  if (fd === undefined) throw new CommandError(exitCodes.usage, '--ready-fd: expected a number from 3 to 9');
  return fd;
}

/** Starts `run` as a process of its own and waits for its report, so that an error shows here and not in a log only. */
async function up(name: string, options: Options): Promise<ExitCode> {
  const { interfaceName } = targetOf(name);
  const runtimeDirectory = path.resolve(textOption(options, 'runtimeDir'));
  ensurePrivateDirectory(runtimeDirectory);
  const logFile = optionalText(options, 'logFile') ?? path.join(runtimeDirectory, `${interfaceName}.log`);
  const log = fs.openSync(
    logFile,
    fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_APPEND | fs.constants.O_NOFOLLOW,
    0o600,
  );
  try {
    const report = await startInBackground(['run', name, ...passedOn(options)], { output: [log, log] });
    if (report.kind === 'ready') return exitCodes.ok;
    throw new CommandError(
      report.exitCode,
      report.kind === 'died' ? `${interfaceName}: ${report.why}; see ${logFile}` : report.why,
    );
  } finally {
    fs.closeSync(log);
  }
}

function passedOn(options: Options): string[] {
  const args: string[] = [];
  for (const [flags] of daemonOptions) {
    const long = flags.split(' ')[0] ?? '';
    const value = options[long.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
    if (value === true) args.push(long);
    else if (typeof value === 'string') args.push(long, value);
  }
  return args;
}
