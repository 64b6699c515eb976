/** The service in a process: signals, readiness, watchdog, metrics, the clock of the control socket, an orderly end. */
import type { OpenOptions, Tunnel, TunnelConfig } from '@pqtun/tunnel';
import { hardenProcess, sdNotify, socketPeerCredentials } from 'tun-tap-native';
import type { Io } from './commands/command.ts';
import { loadConfig, loadKemSeed } from './config/load.ts';
import { type DaemonConfig, emptyConfig, type PlaneChoice, type UapiPeers } from './config/model.ts';
import { type PublicKeyCheck, publicKeyCheck } from './config/public-key-check.ts';
import type { EventLog } from './events.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts';
import { runHook } from './link/hooks.ts';
import { realSystem } from './link/system.ts';
import { eventLog } from './log.ts';
import type { LogLevel } from './log-level.ts';
import type { MetricsAddress } from './metrics-address.ts';
import type { MetricsServer } from './metrics-server.ts';
import { wantsColours } from './paint.ts';
import type { Report } from './ready-report.ts';
import { Service } from './service.ts';
import type { UapiChoice } from './service-world.ts';
import { version } from './version.ts';

export interface DaemonOptions {
  readonly interfaceName: string;
  readonly source: ConfigSource;
  readonly stateDirectory: string;
  readonly runtimeDirectory: string;
  readonly uapi: UapiChoice;
  readonly tunFd?: number;
  readonly crypto: 'node' | 'noble';
  readonly plane?: PlaneChoice | undefined;
  readonly logLevel: LogLevel;
  readonly metrics: MetricsAddress | undefined;
  readonly report: Report;
  readonly io: Io;
}

export type ConfigSource =
  | { readonly kind: 'file'; readonly file: string; readonly allowHooks: boolean }
  /** Empty at first, and `wg`'s to fill. */
  | { readonly kind: 'wg'; readonly uapiPeers: UapiPeers; readonly kemSeedFile: string | undefined };

/** Runs until asked to stop; the exit code says whether that was in order. Throws what kept it from starting. */
export async function runDaemon(options: DaemonOptions): Promise<ExitCode> {
  process.umask(0o077);
  process.chdir('/'); // all paths are absolute by now; a daemon must not keep a file system from being unmounted
  hardenProcess({ dumpable: false, coreDumps: false }); // keys are in memory from here on
  const log = logOf(options);
  const service = serviceOf(options, log);
  const release = attend(service, options, log);
  let metrics: MetricsServer | undefined;
  try {
    metrics = await serve(service, options, log);
    await service.start();
    options.report({ ready: true });
    return (await service.finished) ? exitCodes.ok : exitCodes.failure;
  } catch (error) {
    options.report({
      why: error instanceof Error ? error.message : String(error),
      exitCode: exitCodeOf(error),
    });
    throw error;
  } finally {
    await metrics?.close();
    await service.closeControl();
    release();
  }
}

function serviceOf(options: DaemonOptions, log: EventLog): Service {
  const keys = publicKeyCheck();
  const { interfaceName, source, runtimeDirectory, stateDirectory, crypto, plane, uapi, tunFd, io } = options;
  return new Service(
    {
      interfaceName,
      ...(source.kind === 'file' && { configFile: source.file }),
      runtimeDirectory,
      stateDirectory,
      crypto,
      ...(plane !== undefined && { plane }),
      version,
      uapi,
      ...(tunFd !== undefined && { tunFd }),
    },
    {
      openTunnel: openTunnelLate,
      system: realSystem(),
      keys,
      readConfig: () => readConfig(source, io, keys),
      runHook,
      credentials: socketPeerCredentials,
      notify: notifyQuietly,
      log,
      now: () => performance.now(),
      wallClock: () => Date.now(),
    },
  );
}

function readConfig(source: ConfigSource, { env }: Io, keys: PublicKeyCheck): DaemonConfig {
  const credentials = env['CREDENTIALS_DIRECTORY'];
  if (source.kind === 'file') {
    const { file, allowHooks } = source;
    return loadConfig(file, { allowHooks, credentials, keys });
  }
  const { uapiPeers, kemSeedFile } = source;
  return emptyConfig(
    uapiPeers,
    kemSeedFile === undefined ? undefined : loadKemSeed(kemSeedFile, credentials),
  );
}

/** Signals, crashes, watchdog and the control socket's clock, from before the start to the end; returns what lets go of them. */
function attend(service: Service, { io }: DaemonOptions, log: EventLog): () => void {
  let asked = false;
  const stop = () => {
    if (asked) process.exit(exitCodes.failure); // asked twice: at once; the journal tells the next one what is left
    asked = true;
    void service.stop();
  };
  const reload = () => void service.reload().catch(() => {}); // logged
  const crash = (error: unknown) => {
    log('crashed', { why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    void service.stop(false);
  };
  const listeners = [
    ['SIGTERM', stop],
    ['SIGINT', stop],
    ['SIGHUP', reload],
    ['uncaughtException', crash],
    ['unhandledRejection', crash],
  ] as const;
  for (const [event, listener] of listeners) process.on(event, listener);
  const second = setInterval(() => service.sweep(), 1000);
  const watchdog = watchdogTimer(io.env);
  return () => {
    clearInterval(second);
    clearInterval(watchdog);
    for (const [event, listener] of listeners) process.off(event, listener);
  };
}

/**
 * Before the start, so that a port in use is an error of the start. What serves them takes as much memory as the tunnel itself, so it
 * is loaded here.
 */
async function serve(
  service: Service,
  { interfaceName, metrics: at }: DaemonOptions,
  log: EventLog,
): Promise<MetricsServer | undefined> {
  if (at === undefined) return undefined;
  const { Metrics } = await import('./metrics.ts');
  const { serveMetrics } = await import('./metrics-server.ts');
  const metrics = new Metrics(interfaceName, () => (service.isUp ? service.status() : undefined));
  service.onTunnelEvent((event) => metrics.onEvent(event));
  const server = await serveMetrics(metrics, at);
  log('metrics-listening', { host: at.host, port: server.port });
  if (!at.loopback) log('metrics-not-loopback', { host: at.host });
  return server;
}

/** systemd kills a service that does not say "alive" within WATCHDOG_USEC; half of that leaves room for a busy moment. */
function watchdogTimer(env: Io['env']): NodeJS.Timeout | undefined {
  const microseconds = Number(env['WATCHDOG_USEC'] ?? 0);
  const forUs = env['WATCHDOG_PID'] === undefined || env['WATCHDOG_PID'] === String(process.pid);
  if (!Number.isSafeInteger(microseconds) || microseconds < 1000 || !forUs) return undefined;
  return setInterval(() => notifyQuietly('WATCHDOG=1'), microseconds / 2000);
}

function notifyQuietly(state: string): void {
  try {
    sdNotify(state);
  } catch {
    // the service manager is gone; it will ask again by other means
  }
}

function logOf({ interfaceName, logLevel, io }: DaemonOptions): EventLog {
  const readable = io.outIsTerminal;
  return eventLog({ interfaceName, level: logLevel, readable, colours: wantsColours(readable, io.env) });
}

/** Loaded when it is needed: commands that only touch keys start faster without it. */
async function openTunnelLate(config: TunnelConfig, options: OpenOptions): Promise<Tunnel> {
  const { openTunnel } = await import('@pqtun/tunnel');
  return openTunnel(config, options);
}
