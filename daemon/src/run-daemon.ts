/** The service in a process: signals, readiness, watchdog, metrics, the clock of the control socket, an orderly end. */
import type { OpenOptions, Tunnel, TunnelConfig } from '@pqtun/tunnel';
import { hardenProcess, sdNotify, socketPeerCredentials } from 'tun-tap-native';
import type { Io } from './commands/command.ts';
import { ConfigError } from './config/config-error.ts';
import { loadConfig } from './config/load.ts';
import { publicKeyCheck } from './config/public-key-check.ts';
import type { EventLog } from './events.ts';
import { CommandError, type ExitCode, exitCodes } from './exit-codes.ts';
import { runHook } from './link/hooks.ts';
import { realSystem } from './link/system.ts';
import { eventLog } from './log.ts';
import type { LogLevel } from './log-level.ts';
import { Metrics } from './metrics.ts';
import { type MetricsAddress, serveMetrics } from './metrics-server.ts';
import { wantsColours } from './paint.ts';
import type { Report } from './ready-report.ts';
import { Service } from './service.ts';
import { version } from './version.ts';

export interface DaemonOptions {
  readonly interfaceName: string;
  readonly file: string;
  readonly stateDirectory: string;
  readonly runtimeDirectory: string;
  readonly allowHooks: boolean;
  readonly crypto: 'node' | 'noble';
  readonly logLevel: LogLevel;
  readonly metrics: MetricsAddress | undefined;
  readonly report: Report;
  readonly io: Io;
}

/** Runs until asked to stop; the exit code says whether that was in order. Throws what kept it from starting. */
export async function runDaemon(options: DaemonOptions): Promise<ExitCode> {
  process.umask(0o077);
  const log = logOf(options);
  try {
    const service = await startService(options, log);
    return await untilFinished(service, options, log);
  } catch (error) {
    options.report({
      why: error instanceof Error ? error.message : String(error),
      exitCode: exitCodeOf(error),
    });
    throw error;
  }
}

async function startService(options: DaemonOptions, log: EventLog): Promise<Service> {
  hardenProcess({ dumpable: false, coreDumps: false }); // keys are in memory from here on
  const keys = publicKeyCheck();
  const { interfaceName, file, runtimeDirectory, stateDirectory, crypto, allowHooks, io } = options;
  const service = new Service(
    { interfaceName, configFile: file, runtimeDirectory, stateDirectory, crypto, version },
    {
      openTunnel: openTunnelLate,
      system: realSystem(),
      keys,
      readConfig: () => loadConfig(file, { allowHooks, credentials: io.env['CREDENTIALS_DIRECTORY'], keys }),
      runHook,
      credentials: socketPeerCredentials,
      notify: notifyQuietly,
      log,
      now: () => performance.now(),
      wallClock: () => Date.now(),
    },
  );
  await service.start();
  return service;
}

async function untilFinished(service: Service, options: DaemonOptions, log: EventLog): Promise<ExitCode> {
  const stop = () => void service.stop();
  const reload = () => void service.reload().catch(() => {}); // logged
  const crash = (error: unknown) => {
    log('crashed', { why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    void service.stop(false);
  };
  process
    .on('SIGTERM', stop)
    .on('SIGINT', stop)
    .on('SIGHUP', reload)
    .on('uncaughtException', crash)
    .on('unhandledRejection', crash);
  const second = setInterval(() => service.sweep(), 1000);
  const watchdog = watchdogTimer(options.io.env);
  let metrics: Awaited<ReturnType<typeof serve>> | undefined;
  try {
    metrics = await serve(service, options, log);
    options.report({ ready: true });
    return (await service.finished) ? exitCodes.ok : exitCodes.failure;
  } catch (error) {
    await service.stop(false);
    throw error;
  } finally {
    clearInterval(second);
    clearInterval(watchdog);
    await metrics?.close();
    await service.closeControl();
    process
      .off('SIGTERM', stop)
      .off('SIGINT', stop)
      .off('SIGHUP', reload)
      .off('uncaughtException', crash)
      .off('unhandledRejection', crash);
  }
}

async function serve(service: Service, { metrics: at }: DaemonOptions, log: EventLog) {
  if (at === undefined) return undefined;
  const metrics = new Metrics(() => service.status());
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

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode;
  return error instanceof ConfigError ? exitCodes.badConfig : exitCodes.failure;
}
